"""Tenants, the people who log in, what they may do where, and what they did."""

from datetime import datetime, time, timedelta
from secrets import token_bytes
from typing import Any, ClassVar, Self
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from guardian.models import UserObjectPermissionBase

from tenants.kinds import Columns, Role, TenantKind, WorkState
from tenants.scope import AppTenant, TenantManager, TenantOwned


def _business_start() -> time:
    return time(8, 0)


def _business_end() -> time:
    return time(18, 0)


def new_salt() -> bytes:
    """Return 32 random bytes."""
    return token_bytes(32)


def _working_days() -> list[int]:
    return [1, 2, 3, 4, 5]


class Tenant(models.Model):
    """The BPO or one of its clients; its ledger is named by ``uuid``."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    slug = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=TenantKind.choices)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="clients")
    time_zone = models.CharField(max_length=64, default="UTC", help_text="IANA name, such as Europe/Madrid.")
    business_start = models.TimeField(default=_business_start, help_text="Local time.")
    business_end = models.TimeField(default=_business_end, help_text="Local time.")
    working_days = models.JSONField(default=_working_days, help_text="ISO weekdays, Monday is 1.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        """A client belongs to a BPO, a BPO to nobody."""

        ordering = ("slug",)
        constraints = (
            models.CheckConstraint(
                condition=Q(kind=TenantKind.BPO, parent=None) | Q(kind=TenantKind.CLIENT, parent__isnull=False),
                name="tenant_client_belongs_to_a_bpo",
            ),
            # So that another table can hold, by a foreign key, that somebody is the operator of a tenant.
            models.UniqueConstraint(fields=("id", "parent"), name="tenant_and_its_parent"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        """The tenant's time zone."""
        return ZoneInfo(self.time_zone)


class UserManager(BaseUserManager["User"]):
    """Creates users by e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a person who logs in by e-mail address (stored in lower case)."""
        user = self.model(email=email.lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a person who may also use the operator's admin site."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class Theme(models.TextChoices):
    """How pages are coloured."""

    AUTO = "auto", "As the device"
    LIGHT = "light", "Light"
    DARK = "dark", "Dark"


class User(AbstractBaseUser, PermissionsMixin):
    """A person who logs in to the portal; not the Identity that is watched."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    theme = models.CharField(max_length=5, choices=Theme.choices, default=Theme.AUTO)
    review_keys = models.BooleanField(default=True, help_text="Single-letter keys on the review screen.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    objects: ClassVar[UserManager] = UserManager()

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        """Return the name as it is printed on signatures."""
        return self.name


class ProviderLink(models.Model):
    """Says who a person is at the identity provider; made at their first such log-in and never changed afterwards."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="provider_links")
    issuer = models.URLField(max_length=300)
    subject = models.CharField(max_length=255)
    linked_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        """One person here is one person there."""

        constraints = (
            models.UniqueConstraint(fields=("issuer", "subject"), name="provider_account_belongs_to_one_person"),
            models.UniqueConstraint(fields=("issuer", "user"), name="person_has_one_account_at_a_provider"),
            models.CheckConstraint(condition=~Q(issuer="") & ~Q(subject=""), name="provider_link_names_an_account"),
        )

    def __str__(self) -> str:
        return f"{self.subject} at {self.issuer}"


class Membership(models.Model):
    """A person's role in a tenant, with its term; read before a scope is open, so not under row security."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices)
    starts_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        """One row for each person, tenant and role."""

        constraints = (
            models.UniqueConstraint(fields=("tenant", "user", "role"), name="membership_once_per_role"),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at")), name="membership_ends_after_it_starts"
            ),
        )

    def __str__(self) -> str:
        return f"{self.user} is {self.get_role_display()} of {self.tenant}"

    def is_current(self, at: datetime) -> bool:
        """Whether the role holds at that moment."""
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)

    def days_left(self, at: datetime) -> int | None:
        """Return the whole days until the role ends; None for a role without an end."""
        return None if self.ends_at is None else max(0, -((at - self.ends_at) // timedelta(days=1)))


class ApiToken(TenantOwned):
    """A machine's key to one tenant: only its SHA-256 is stored."""

    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16)
    digest = models.BinaryField(max_length=32)
    scopes = models.JSONField(default=list)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """A token's digest is unique in its tenant."""

        constraints = (models.UniqueConstraint(fields=("tenant", "digest"), name="token_digest_once_per_tenant"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def is_usable(self, at: datetime) -> bool:
        """Whether the token still opens anything at that moment."""
        return self.revoked_at is None and at < self.expires_at


class AuditEntry(TenantOwned):
    """One deed: sealed bytes for the ledger and the columns that pages show; holds no foreign key but the tenant."""

    id = models.UUIDField(primary_key=True, editable=False)
    batch_id = models.UUIDField()
    ord = models.IntegerField()
    leaf_kind = models.SmallIntegerField()
    at = models.DateTimeField()
    verb = models.CharField(max_length=60)
    actor_name = models.CharField(max_length=320)
    actor_user_id = models.BigIntegerField(null=True)
    target = models.TextField(default="")
    detail = models.JSONField(default=dict)
    core = models.BinaryField()
    subj = models.BinaryField()
    salts = models.BinaryField(max_length=32)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """Append-only: the run-time roles may only insert and read."""

        constraints = (models.UniqueConstraint(fields=("tenant", "batch_id", "ord"), name="audit_one_leaf_per_place"),)
        indexes = (models.Index(fields=("tenant", "-at", "id"), name="audit_by_time"),)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor_name} {self.verb} {self.target}"


class PurposeList(TenantOwned):
    """The purposes for which logs are looked at in the tenant; append-only, the newest version holds."""

    version = models.PositiveIntegerField()
    names = models.JSONField()
    set_at = models.DateTimeField(db_default=Now(), editable=False)
    set_by = models.CharField(max_length=320)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """Versions count up in each tenant, and none is empty."""

        constraints = (
            models.UniqueConstraint(fields=("tenant", "version"), name="purpose_list_version_is_unique"),
            models.CheckConstraint(condition=~Q(names=[]), name="purpose_list_names_a_purpose"),
        )

    def __str__(self) -> str:
        return f"version {self.version}"


class Work(TenantOwned):
    """A piece of long work that a person asked for: what it does, how far it is, how it ended."""

    kind = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    job = models.CharField(max_length=120)
    arguments = models.JSONField(default=list)
    state = models.CharField(max_length=10, choices=WorkState.choices, default=WorkState.QUEUED)
    done = models.IntegerField(default=0)
    total = models.IntegerField(default=0)
    message = models.CharField(max_length=300, default="")
    cancel_requested = models.BooleanField(default=False)
    result = models.JSONField(default=dict)
    error = models.TextField(default="")
    asked_by = models.CharField(max_length=320)
    asked_by_user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """Newest first on pages."""

        indexes = (models.Index(fields=("tenant", "-id"), name="work_newest_first"),)

    def __str__(self) -> str:
        return f"{self.title}: {self.get_state_display()}"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in {WorkState.DONE, WorkState.FAILED, WorkState.CANCELLED}

    @property
    def percent(self) -> int:
        """The share done, 0 to 100; 0 while the total is unknown."""
        return min(100, self.done * 100 // self.total) if self.total else 0


class Engagement(TenantOwned):
    """An external auditor's engagement: whom it was given to, what it covers, from when to when.

    The invitation is part of it: `digest` is the SHA-256 of the newest mailed token, `email` the one address that may
    use it. `salt` makes the pseudonyms of a room with controlled columns, the same for the whole engagement.
    """

    email = models.EmailField()
    firm = models.CharField(max_length=200)
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    frameworks = models.JSONField()
    columns = models.CharField(max_length=10, choices=Columns.choices, default=Columns.CONTROLLED)
    salt = models.BinaryField(max_length=32, default=new_salt, editable=False)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    invited_at = models.DateTimeField()
    invited_by = models.CharField(max_length=320)
    open_until = models.DateTimeField(help_text="The invitation is used until then.")
    digest = models.BinaryField(max_length=32, null=True)
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    accepted_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=320, default="", blank=True)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        """What an engagement must hold; its scope is never changed (the run-time role has no right to)."""

        constraints = (
            models.UniqueConstraint(fields=("tenant", "digest"), name="invitation_digest_once_per_tenant"),
            models.UniqueConstraint(
                fields=("tenant", "email"), condition=Q(ended_at=None), name="one_open_engagement_for_an_address"
            ),
            models.CheckConstraint(
                condition=Q(period_end__gt=F("period_start"), ends_at__gt=F("starts_at")),
                name="engagement_and_its_period_have_a_length",
            ),
            models.CheckConstraint(
                condition=Q(user=None, accepted_at=None) | Q(user__isnull=False, accepted_at__isnull=False),
                name="accepted_engagement_has_person_and_time",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by="") | (Q(ended_at__isnull=False) & ~Q(ended_by="")),
                name="ended_engagement_has_person_and_time",
            ),
        )

    def __str__(self) -> str:
        return f"{self.firm} ({self.email})"

    @property
    def controlled(self) -> bool:
        """Whether people are shown by pseudonyms."""
        return self.columns == Columns.CONTROLLED

    @property
    def last_moment(self) -> datetime:
        """The last moment of the period, which ends before `period_end`."""
        return self.period_end - timedelta(microseconds=1)

    def is_in_force(self, at: datetime) -> bool:
        """Whether the room is open at that moment."""
        return self.accepted_at is not None and self.ended_at is None and self.starts_at <= at < self.ends_at

    def state(self, at: datetime) -> str:
        """Return in a word where the engagement stands: invited, lapsed, open, planned or ended."""
        if self.ended_at is not None or at >= self.ends_at:
            return "ended"
        if self.accepted_at is None:
            return "invited" if at < self.open_until else "lapsed"
        return "open" if at >= self.starts_at else "planned"


class ObjectShare(UserObjectPermissionBase):
    """One object shared with one person: the direct table that django-guardian writes.

    A room derives ``class CampaignShare(ObjectShare): content_object = ForeignKey(Campaign, ...)``. Guardian knows no
    tenant, so the database fills the column from the open scope.
    """

    tenant = models.ForeignKey(
        Tenant, on_delete=models.PROTECT, editable=False, db_default=AppTenant(), related_name="+"
    )

    class Meta(UserObjectPermissionBase.Meta):
        """Abstract: a concrete table for each shareable model."""

        abstract = True


SLUG_RULE = RegexValidator(r"^[a-z0-9][a-z0-9-]{1,48}$", "Use 2 to 49 lower-case letters, digits and hyphens.")
