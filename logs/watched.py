"""Whom a log line is about: its actor's account, identity and hours, from the register."""

import hashlib
from collections.abc import Iterable
from typing import Final
from zoneinfo import ZoneInfo

from identities.kinds import AccountKind
from identities.models import Account
from identities.queries import match_accounts
from logs.copyrows import Who
from logs.hours import GRACE, Hours
from logs.intake import Watched
from logs.kinds import ActorType, Draft
from logs.models import LogSource
from tenants.models import Tenant

KEY_CHARS: Final = 200
"""Longest key of an actor; a longer name is cut and told apart by a hash (an index holds 2,700 bytes a row)."""

_PEOPLE: Final = frozenset({AccountKind.HUMAN, AccountKind.SHARED})


class Register:
    """Remembers, for one delivery, what the register says about the actors of its records."""

    def __init__(self, source: LogSource) -> None:
        self._system_id: int | None = source.system_id
        self._tenant: Tenant = source.tenant
        self._business = Hours(
            zone=self._tenant.zone,
            start=self._tenant.business_start,
            end=self._tenant.business_end,
            weekdays=frozenset(self._tenant.working_days),
        )
        self._names: dict[str, Watched | None] = {}
        self._found: dict[tuple[str, str, str], Watched] = {}

    def learn(self, drafts: Iterable[Draft]) -> None:
        """Look the names up that were not looked up before: two queries for a chunk."""
        names = {name for draft in drafts for name in (draft.actor_name, draft.actor_uid) if name}
        unknown = [name for name in names if name not in self._names]
        if not unknown:
            return
        matched = match_accounts(self._system_id, unknown) if self._system_id else {}
        accounts = self._watched(set(matched.values()))
        for name in unknown:
            self._names[name] = accounts.get(matched.get(name, 0))

    def find(self, draft: Draft) -> Watched:
        """Return the actor of a draft: by name, else by the source's own id, else by name without an account."""
        key = (draft.actor_name, draft.actor_uid, draft.actor_type)
        found = self._found.get(key)
        if found is None:
            by_name = self._names.get(draft.actor_name) or self._names.get(draft.actor_uid)
            found = self._found[key] = by_name or self._unmatched(*key)
        return found

    def _unmatched(self, name: str, uid: str, kind: str) -> Watched:
        person = kind in {ActorType.USER, ActorType.ADMIN, ActorType.UNKNOWN}
        return Watched(Who(actor_key(name or uid)), self._business if person and (name or uid) else None)

    def _watched(self, ids: set[int]) -> dict[int, Watched]:
        accounts = Account.objects.filter(pk__in=ids).select_related("identity")
        return {account.pk: self._of(account) for account in accounts}

    def _of(self, account: Account) -> Watched:
        who = Who(actor_key(account.name_key), account.pk, account.identity_id)
        person = account.identity
        if account.kind not in _PEOPLE:
            return Watched(who, None)
        if person and person.shift_start and person.shift_end:
            zone = ZoneInfo(person.time_zone) if person.time_zone else self._tenant.zone
            return Watched(who, Hours(zone, person.shift_start, person.shift_end, grace=GRACE))
        return Watched(who, self._business)


def actor_key(name: str) -> str:
    """Return the key that roll-ups and timelines know a name by: lower case, of bounded length."""
    key = name.strip().lower()
    if len(key) <= KEY_CHARS:
        return key
    return f"{key[: KEY_CHARS - 17]}#{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()[:16]}"
