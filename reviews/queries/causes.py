"""Answers what is wrong with access now: use that nobody granted, leavers who still can, accounts of nobody."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, Max, OuterRef

from identities.models import Account, Grant, Snapshot
from logs.queries import use_of_accounts
from reviews.kinds import DORMANT_DAYS, FindingKind

CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Cause:
    """Holds why there is a finding; `key` names the cause so that it is written once.

    `seen_at` is when it was last seen, for causes that are events: who resolved it after then has explained it.
    """

    kind: FindingKind
    key: str
    sentence: str
    system_id: int | None = None
    account_id: int | None = None
    subject_id: int | None = None
    seen_at: datetime | None = None


def ghost_use(now: datetime) -> Iterator[Cause]:
    """Yields accounts whose successful use was seen in the last 90 days at a time when they held no grant.

    Only systems with a complete snapshot count: without one, nobody knows what was granted.
    """
    open_grant = Grant.objects.filter(account=OuterRef("pk"), until__isnull=True)
    known = Snapshot.objects.filter(system=OuterRef("system"), complete=True)
    accounts = (
        Account.objects.filter(~Exists(open_grant), Exists(known))
        .annotate(ended_at=Max("grants__until"))
        .select_related("system")
    )
    bare = {account.pk: account for account in accounts}
    ids = sorted(bare)
    since = now - timedelta(days=DORMANT_DAYS)
    for start in range(0, len(ids), CHUNK):
        for pk, use in use_of_accounts(ids[start : start + CHUNK], since=since, until=now).items():
            account, last = bare[pk], use.last_used_at
            ended_at: datetime | None = getattr(account, "ended_at", None)
            if last is None or last < since or (ended_at is not None and last <= ended_at):
                continue
            yield Cause(
                FindingKind.GHOST_USE,
                f"account {pk}",
                f"'{account.name}' used {account.system.name} on {last:%-d %B %Y} and held no entitlement there.",
                system_id=account.system_id,
                account_id=pk,
                subject_id=account.identity_id,
                seen_at=last,
            )


def leavers_active(now: datetime) -> Iterator[Cause]:
    """Yields enabled accounts that still hold something though their person's employment is over."""
    held = Grant.objects.filter(account=OuterRef("pk"), until__isnull=True)
    accounts = Account.objects.filter(Exists(held), enabled=True, identity__employed_until__lt=now.date())
    for account in accounts.select_related("identity", "system").order_by("pk"):
        person = account.identity
        if person is not None and person.employed_until is not None:
            yield Cause(
                FindingKind.LEAVER_ACTIVE,
                f"account {account.pk}",
                f"{person.name} left on {person.employed_until:%-d %B %Y}; the account '{account.name}' "
                f"on {account.system.name} is still enabled.",
                system_id=account.system_id,
                account_id=account.pk,
                subject_id=person.pk,
            )


def ownerless_accounts() -> Iterator[Cause]:
    """Yields enabled accounts that hold something and belong to nobody."""
    held = Grant.objects.filter(account=OuterRef("pk"), until__isnull=True)
    accounts = Account.objects.filter(Exists(held), enabled=True, identity__isnull=True)
    for account in accounts.select_related("system").order_by("pk"):
        yield Cause(
            FindingKind.OWNERLESS,
            f"account {account.pk}",
            f"The account '{account.name}' on {account.system.name} ({account.get_kind_display()}) belongs to nobody.",
            system_id=account.system_id,
            account_id=account.pk,
        )
