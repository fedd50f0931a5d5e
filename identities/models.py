"""Stores who holds what: systems, people, accounts, entitlements, grants and sealed snapshots."""

from typing import ClassVar, Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import BigIntegerRangeField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Coalesce

import identities.listmodels  # Django looks for a room's models in this module
import identities.scim.models  # noqa: F401 -- as above
from identities.kinds import AccountKind, Criticality, DataClass, IdentityKind, ListFormat
from tenants.models import User
from tenants.scope import TenantManager, TenantOwned


def _point(name: str) -> Func:
    """Returns a range that holds one integer: equality for an exclusion constraint without the extension btree_gist."""
    return Func(F(name), F(name), Value("[]"), function="int8range", output_field=BigIntegerRangeField())


class Identity(TenantOwned):
    """Stores a person, service, vendor or client's person whose access is watched (not a user of the portal)."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    kind = models.CharField(max_length=10, choices=IdentityKind.choices, default=IdentityKind.HUMAN)
    external_id = models.CharField(max_length=100)
    name = models.CharField(max_length=200)
    email = models.CharField(max_length=254, blank=True)
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="identities")
    manager = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="reports")
    site = models.CharField(max_length=100, blank=True)
    programme = models.CharField(max_length=100, blank=True)
    department = models.CharField(max_length=100, blank=True, default="")
    shift_start = models.TimeField(null=True, blank=True)
    shift_end = models.TimeField(null=True, blank=True)
    time_zone = models.CharField(
        max_length=64,
        blank=True,
        default="",
        help_text="Zone of the shift; empty is the tenant's own.",
    )
    employed_from = models.DateField(null=True, blank=True)
    employed_until = models.DateField(null=True, blank=True)
    last_feed = models.ForeignKey("PeopleFeed", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        """Holds the rules of an identity."""

        verbose_name_plural = "identities"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "external_id"], name="identity_external_id_is_unique"),
            models.UniqueConstraint(fields=["tenant", "user"], name="identity_user_is_one_person"),
            models.CheckConstraint(condition=~Q(external_id=""), name="identity_has_an_external_id"),
            models.CheckConstraint(condition=~Q(manager=F("id")), name="identity_does_not_manage_itself"),
            models.CheckConstraint(
                condition=Q(employed_until__isnull=True)
                | Q(employed_from__isnull=True)
                | Q(employed_until__gte=F("employed_from")),
                name="identity_leaves_after_joining",
            ),
            models.CheckConstraint(
                condition=Q(shift_start__isnull=True, shift_end__isnull=True)
                | Q(shift_start__isnull=False, shift_end__isnull=False),
                name="identity_shift_has_both_ends",
            ),
            models.CheckConstraint(
                condition=~Q(kind=IdentityKind.CONTRACTOR) | Q(employed_until__isnull=False),
                name="contractor_has_an_end_date",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class System(TenantOwned):
    """Stores a system that grants access and is reviewed."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    name = models.CharField(max_length=120)
    key = models.SlugField(max_length=60)
    owner = models.ForeignKey(Identity, on_delete=models.PROTECT, null=True, blank=True, related_name="owned_systems")
    criticality = models.CharField(max_length=8, choices=Criticality.choices, default=Criticality.STANDARD)
    privileged_rule = models.TextField(
        help_text="Patterns of entitlements that count as privileged, one a line, such as admin* or *_dba. "
        "Write 'none: ' and a reason where no entitlement is privileged."
    )
    data_class = models.CharField(max_length=10, choices=DataClass.choices, default=DataClass.PERSONAL)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Holds the rules of a system."""

        constraints = [
            models.UniqueConstraint(fields=["tenant", "key"], name="system_key_is_unique"),
            models.UniqueConstraint(fields=["tenant", "name"], name="system_name_is_unique"),
            models.CheckConstraint(condition=~Q(privileged_rule=""), name="system_has_a_privileged_rule"),
        ]

    def __str__(self) -> str:
        return self.name


class Account(TenantOwned):
    """Stores a log-in on a system under its native name; without an identity it is ownerless.

    `name_key` is the name in lower case, as log lines are matched. `ref` is SHA-256 over `salt` and the name: evidence
    names the account by it, so the name can be erased later and the evidence still verifies.
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="accounts")
    name = models.CharField(max_length=200)
    name_key = models.CharField(max_length=200)
    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, null=True, blank=True, related_name="accounts")
    kind = models.CharField(max_length=11, choices=AccountKind.choices, default=AccountKind.HUMAN)
    enabled = models.BooleanField(default=True)
    disabled_at = models.DateTimeField(null=True, blank=True)
    salt = models.BinaryField(max_length=16)
    ref = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Holds the rules of an account."""

        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "system", "name_key"], name="account_name_is_unique_in_its_system"
            ),
            models.UniqueConstraint(fields=["tenant", "ref"], name="account_ref_is_unique"),
            models.CheckConstraint(condition=~Q(name_key=""), name="account_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name


class Entitlement(TenantOwned):
    """Stores a right that a system can grant: a role, group or permission under its native key."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="entitlements")
    key = models.CharField(max_length=200)
    title = models.CharField(max_length=200, blank=True)
    meaning = models.TextField(blank=True)
    privileged = models.BooleanField(default=False)
    privileged_why = models.CharField(max_length=300, blank=True)

    class Meta:
        """Holds the rules of an entitlement."""

        constraints = [
            models.UniqueConstraint(fields=["tenant", "system", "key"], name="entitlement_key_is_unique_in_its_system"),
            models.CheckConstraint(
                condition=Q(privileged=False) | ~Q(privileged_why=""), name="privileged_entitlement_says_why"
            ),
        ]

    def __str__(self) -> str:
        return self.title or self.key


class Snapshot(TenantOwned):
    """Stores the sealed header of a list of grants that a system reported at one time; it is never changed.

    `source_total` is what the system itself says, `row_total` the grants that were read. Where the total counts other
    records (accounts, users), `record_total` is how many of those were read. Complete is what agrees with the total.
    `digest` is SHA-256 in hex over the canonical rows (`identities.digest`).
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="snapshots")
    captured_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    recorded_by = models.CharField(max_length=200)
    delivered_by = models.CharField(max_length=200)
    source_total = models.PositiveIntegerField()
    row_total = models.PositiveIntegerField()
    complete = models.BooleanField()
    digest = models.CharField(max_length=64)
    raw_sha256 = models.CharField(max_length=64)
    raw_name = models.CharField(max_length=200, blank=True)
    filters = models.TextField(blank=True)
    query = models.TextField(blank=True)
    privileged_rule = models.TextField()
    list_format = models.CharField(max_length=10, choices=ListFormat.choices, default=ListFormat.TABLE)
    mapping = models.JSONField(null=True, blank=True)
    record_total = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        """Holds the rules of a snapshot."""

        constraints = [
            models.CheckConstraint(
                condition=Q(complete=True, source_total=Coalesce("record_total", "row_total"))
                | (Q(complete=False) & ~Q(source_total=Coalesce("record_total", "row_total"))),
                name="snapshot_is_complete_when_totals_agree",
            ),
            models.CheckConstraint(condition=~Q(delivered_by=""), name="snapshot_says_who_delivered_it"),
            models.CheckConstraint(
                condition=Q(captured_at__lte=F("recorded_at")), name="snapshot_is_captured_before_it_is_recorded"
            ),
            models.UniqueConstraint(
                fields=["tenant", "system", "captured_at", "raw_sha256"], name="snapshot_is_delivered_once"
            ),
        ]
        indexes = [models.Index(fields=["tenant", "system", "-captured_at"], name="snapshot_newest_of_system")]

    def __str__(self) -> str:
        return f"{self.row_total} grants captured {self.captured_at:%Y-%m-%d %H:%M} UTC"

    @property
    def difference(self) -> int:
        """Returns how many records are missing (positive) or too many (negative) against the system's own total."""
        return self.source_total - self.counted

    @property
    def counted(self) -> int:
        """Returns how many records were read of those that the system's own total counts."""
        return self.row_total if self.record_total is None else self.record_total


class SnapshotRow(TenantOwned):
    """Stores one sealed row of a snapshot; it is never changed and none can be added once the snapshot is full."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="rows")
    n = models.PositiveIntegerField()
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    entitlement = models.ForeignKey(Entitlement, on_delete=models.PROTECT, related_name="+")
    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, null=True, related_name="+")
    account_ref = models.CharField(max_length=64)
    account_kind = models.CharField(max_length=11, choices=AccountKind.choices)
    enabled = models.BooleanField()
    privileged = models.BooleanField()
    inherited_via = models.CharField(max_length=200, blank=True)
    origin = models.CharField(max_length=200, blank=True)

    class Meta:
        """Holds the rules of a snapshot's row."""

        constraints = [
            models.UniqueConstraint(fields=["tenant", "snapshot", "n"], name="snapshot_row_number_is_used_once"),
            models.UniqueConstraint(
                fields=["tenant", "snapshot", "account", "entitlement"], name="snapshot_lists_a_grant_once"
            ),
            models.UniqueConstraint(
                fields=["tenant", "id", "snapshot", "account", "entitlement"], name="row_is_referred_to_whole"
            ),
            models.CheckConstraint(condition=Q(n__gte=1), name="snapshot_rows_count_from_one"),
        ]

    def __str__(self) -> str:
        return f"row {self.n}"


class SnapshotFile(TenantOwned):
    """Stores a delivered file as it came, compressed; it can be erased when its time is over, its hash stays."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    sha256 = models.CharField(max_length=64)
    name = models.CharField(max_length=200, blank=True)
    packed = models.BinaryField()
    stored_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Holds the rules of a stored file."""

        constraints = [models.UniqueConstraint(fields=["tenant", "sha256"], name="snapshot_file_is_stored_once")]

    def __str__(self) -> str:
        return self.name or self.sha256[:12]


class Grant(TenantOwned):
    """Stores that an account holds an entitlement from `since` to before `until` (empty: still held).

    Who granted and who approved it, when and by which ticket, is what the first list that has it says.
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="grants")
    entitlement = models.ForeignKey(Entitlement, on_delete=models.PROTECT, related_name="grants")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)
    granted_by = models.CharField(max_length=200, blank=True)
    approved_by = models.CharField(max_length=200, blank=True, default="")
    approved_at = models.DateTimeField(null=True, blank=True)
    origin = models.CharField(max_length=200, blank=True)
    inherited_via = models.CharField(max_length=200, blank=True)
    first_snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="+")
    last_snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="+")

    class Meta:
        """Holds the rules of a grant."""

        constraints = [
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gt=F("since")), name="grant_ends_after_it_begins"
            ),
            ExclusionConstraint(
                name="grant_periods_do_not_overlap",
                expressions=[
                    (_point("account_id"), RangeOperators.EQUAL),
                    (_point("entitlement_id"), RangeOperators.EQUAL),
                    (
                        Func("since", "until", Value("[)"), function="tstzrange", output_field=DateTimeRangeField()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]
        indexes = [models.Index(fields=["tenant", "entitlement", "until"], name="grant_holders_of_entitlement")]

    def __str__(self) -> str:
        return f"{self.account_id} holds {self.entitlement_id}"


class PeopleFeed(TenantOwned):
    """Stores that a list of people was delivered: when, by whom, how many, and the hash of the file."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    delivered_at = models.DateTimeField()
    delivered_by = models.CharField(max_length=200)
    row_total = models.PositiveIntegerField()
    raw_sha256 = models.CharField(max_length=64)

    class Meta:
        """Orders feeds by time."""

        indexes = [models.Index(fields=["tenant", "-delivered_at"], name="people_feed_newest")]

    def __str__(self) -> str:
        return f"{self.row_total} people"


class RosterFeed(TenantOwned):
    """Stores that a roster was delivered: the local days it covers, by whom, how many shifts, and the file's hash."""

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    delivered_at = models.DateTimeField()
    delivered_by = models.CharField(max_length=200)
    first_on = models.DateField()
    last_on = models.DateField()
    row_total = models.PositiveIntegerField()
    raw_sha256 = models.CharField(max_length=64)

    class Meta:
        """Holds the rules of a delivered roster."""

        constraints = [models.CheckConstraint(condition=Q(last_on__gte=F("first_on")), name="roster_covers_days")]
        indexes = [models.Index(fields=["tenant", "-delivered_at"], name="roster_feed_newest")]

    def __str__(self) -> str:
        return f"{self.row_total} shifts"


class RosterShift(TenantOwned):
    """Stores a planned shift of a person as a roster said it; it is never changed.

    ``on`` is the day on which it begins by the clock of the person's zone. Of several rosters that name the person and
    cover the day the newest one counts.
    """

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    feed = models.ForeignKey(RosterFeed, on_delete=models.PROTECT, related_name="shifts")
    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="shifts")
    on = models.DateField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    site = models.CharField(max_length=100, blank=True)

    class Meta:
        """Holds the rules of a planned shift."""

        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="shift_ends_after_it_begins"),
            models.UniqueConstraint(
                fields=["tenant", "feed", "identity", "starts_at"], name="roster_names_a_shift_once"
            ),
        ]
        indexes = [models.Index(fields=["tenant", "identity", "on"], name="shift_of_person_by_day")]

    def __str__(self) -> str:
        return f"{self.identity_id} on {self.on}"
