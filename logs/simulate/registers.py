"""The lists that go with the logs: people (HR), each system's grants with its own total, and the roster."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from logs.simulate.cases import planted
from logs.simulate.duties import Roster
from logs.simulate.sources import BPO, DIRECTORY
from logs.simulate.world import BREAK_GLASS, HOME_ZONE, SERVICES, Person, World, home_hours

PEOPLE_COLUMNS = (
    "external_id", "name", "email", "kind", "manager", "site", "programme", "shift_start", "shift_end",
    "time_zone", "employed_from", "employed_until",
)  # fmt: skip
GRANT_COLUMNS = (
    "account", "entitlement", "person", "kind", "enabled", "privileged", "title", "meaning", "granted_by", "granted_at",
    "approved_by", "approved_at", "origin", "inherited_via",
)  # fmt: skip

_TITLES: dict[str, tuple[str, str]] = {
    "user": ("User", "may sign in and open assigned applications"),
    "super_admin": ("Super administrator", "may change every account and policy"),
    "shell": ("Shell", "may log in to the jump hosts"),
    "sudo": ("Root by sudo", "may run any command as root"),
    "remote_access": ("Remote access", "may open a tunnel"),
    "vpn_admin": ("VPN administrator", "may change the gateway"),
    "PowerUserAccess": ("Power user", "may use every service but not change identities"),
    "AdministratorAccess": ("Administrator", "may do everything in the account"),
    "staff": ("Staff", "may read mail and the intranet"),
    "file_share": ("Files of the department", "may read and write the department's files"),
    "domain_admin": ("Directory administrator", "may change every account of the directory"),
    "reporting_read": ("Reporting", "may read the reporting tables"),
    "etl_write": ("Loading", "may write the staging tables"),
    "dba": ("Database administrator", "owns all tables"),
    "crm_agent": ("Agent", "may search, view and change customer records"),
    "crm_lead": ("Team lead", "may also export customer records"),
    "crm_admin": ("CRM administrator", "may change users and rules"),
    "customer_read": ("Customer data, reading", "may read the customer tables"),
    "customer_dba": ("Customer data, owner", "owns the customer tables"),
}
_PRIVILEGED = frozenset(
    {"domain_admin", "super_admin", "sudo", "vpn_admin", "AdministratorAccess", "dba", "crm_admin", "customer_dba"}
)
_CREEP = 33
"""Every so many agents one has kept the entitlement of a programme that they left."""


@dataclass(frozen=True, slots=True)
class GrantSheet:
    """A system's own list of grants as CSV, with the total that the system itself shows, and when it was made."""

    system_key: str
    csv: bytes
    total: int
    captured_at: datetime


def _table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue().encode()


class Registers:
    """Writes the lists of one world; an account is made on the day before its person's first."""

    def __init__(self, world: World, roster: Roster) -> None:
        self._world, self._roster = world, roster
        self.captured_at = datetime.combine(world.start + timedelta(days=world.days), time(), UTC)
        self.orphan = world.agents[0]
        self._planted = planted(world)

    def people(self, tenant_key: str = BPO) -> list[dict[str, str]]:
        """Give the HR list: everybody for the BPO, the programme's people and the administrators for a client."""
        world = self._world
        chosen: tuple[Person, ...] = world.people
        if tenant_key != BPO:
            chosen = (*world.admins, *world.dbas, *world.of_programme(tenant_key))
        else:
            chosen = (*chosen, *world.workforce)
        known = {person.external_id for person in chosen}
        rows = [self._person(person, known) for person in chosen]
        for number, name in enumerate(SERVICES, start=1):
            row = dict.fromkeys(PEOPLE_COLUMNS, "")
            rows.append(row | {"external_id": f"S{number:03d}", "name": name, "kind": "service"})
        return rows

    def people_csv(self, tenant_key: str = BPO) -> bytes:
        """Give the HR list as CSV."""
        return _table(PEOPLE_COLUMNS, (row.values() for row in self.people(tenant_key)))

    def _person(self, person: Person, known: set[str]) -> dict[str, str]:
        begin, end = home_hours(person, self._world.start)
        values = (
            person.external_id,
            person.name,
            person.email,
            "human",
            person.manager if person.manager in known else "",
            person.site.key,
            person.programme,
            f"{begin:%H:%M}",
            f"{end:%H:%M}",
            HOME_ZONE,
            person.joined_on.isoformat(),
            person.left_on.isoformat() if person.left_on else "",
        )
        return dict(zip(PEOPLE_COLUMNS, values, strict=True))

    def roster(self) -> Iterator[bytes]:
        """Give the roster as lines of CSV: who worked from when to when, in UTC."""
        yield b"external_id,since,until,site,remote\n"
        for number in range(self._world.days):
            for duty in self._roster.day(self._world.start + timedelta(days=number)):
                span = [datetime.fromtimestamp(at, UTC).isoformat() for at in (duty.since, duty.until)]
                where = "home" if duty.remote else duty.person.site.key
                yield f"{duty.person.external_id},{span[0]},{span[1]},{where},{str(duty.remote).lower()}\n".encode()

    def plan(self) -> Iterator[bytes]:
        """Give the roster as it was planned, in the same columns: also shifts that nobody worked."""
        yield b"external_id,since,until,site,remote\n"
        for number in range(self._world.days):
            for person, since, until in self._roster.planned(self._world.start + timedelta(days=number)):
                where = f"{'home' if person.remote else person.site.key},{str(person.remote).lower()}"
                yield f"{person.external_id},{since.isoformat()},{until.isoformat()},{where}\n".encode()

    def grants(self, system_key: str, on: date | None = None) -> GrantSheet:
        """Give a system's list of grants at the beginning of a UTC day (the end of the span where none is given).

        Raises KeyError for a system that does not exist.
        """
        at = datetime.combine(on, time(), UTC) if on else self.captured_at
        rows = sorted(self.rows(system_key, at.date()))
        return GrantSheet(system_key, _table(GRANT_COLUMNS, rows), len(rows), at)

    def rows(self, system_key: str, on: date) -> Iterator[tuple[str, ...]]:
        """Give the rows of a system's list on a day, with the cases that are planted in it."""
        yield from self._rows(system_key, on)
        for case in self._planted:
            if case.system_key == system_key and (case.removed_on is None or on < case.removed_on):
                yield self._row(case.account, case.entitlement, case.person, case.kind)

    def _here(self, on: date) -> list[Person]:
        """Give everybody of the floor who is employed on a day, and the leaver whose accounts were forgotten."""
        return [person for person in self._world.people if person.employed(on) or person is self.orphan]

    def _rows(self, system_key: str, on: date) -> Iterator[tuple[str, ...]]:
        client, _, part = system_key.rpartition("-")
        if client in {known.key for known in self._world.clients} and part in {"crm", "db"}:
            yield from self._crm(client, on) if part == "crm" else self._database(client)
            return
        rows: dict[str, Callable[[], Iterator[tuple[str, ...]]]] = {
            "sso": lambda: self._sso(on),
            "jump-hosts": self._hosts,
            "vpn": lambda: self._vpn(on),
            "aws": self._aws,
            "warehouse": self._warehouse,
            DIRECTORY: lambda: self._directory(on),
        }
        yield from rows[system_key]()

    def _row(self, account: str, entitlement: str, person: Person | None, kind: str = "human") -> tuple[str, ...]:
        title, meaning = _TITLES[entitlement]
        since = person.joined_on - timedelta(days=1) if person else self._world.start - timedelta(days=400)
        return (
            account,
            entitlement,
            person.external_id if person else "",
            kind,
            "yes",
            "yes" if entitlement in _PRIVILEGED else "no",
            title,
            meaning,
            self._world.admins[0].login,
            datetime.combine(since, time(9), UTC).isoformat(),
            next(admin.name for admin in self._world.admins[1:] if admin is not person) if person else "",
            datetime.combine(since - timedelta(days=1), time(15), UTC).isoformat() if person else "",
            "request" if person else "set-up",
            "",
        )

    def _directory(self, on: date) -> Iterator[tuple[str, ...]]:
        for person in (*self._here(on), *self._world.workforce):
            yield self._row(person.email, "staff", person)
            yield self._row(person.email, "file_share", person)
        yield self._row(self._world.admins[0].email, "domain_admin", self._world.admins[0])

    def _sso(self, on: date) -> Iterator[tuple[str, ...]]:
        for person in self._here(on):
            yield self._row(person.email, "user", person)
            if person.role == "admin":
                yield self._row(person.email, "super_admin", person)

    def _hosts(self) -> Iterator[tuple[str, ...]]:
        for person in (*self._world.admins, *self._world.dbas):
            yield self._row(person.login, "shell", person)
            yield self._row(person.login, "sudo", person)
        yield self._row(BREAK_GLASS, "sudo", None, "break_glass")

    def _vpn(self, on: date) -> Iterator[tuple[str, ...]]:
        for person in self._here(on):
            if person.remote or person is self.orphan:
                yield self._row(person.login, "remote_access", person)
        yield self._row(self._world.admins[0].login, "vpn_admin", self._world.admins[0])

    def _aws(self) -> Iterator[tuple[str, ...]]:
        for number, person in enumerate(self._world.admins):
            yield self._row(person.login, "PowerUserAccess" if number % 3 else "AdministratorAccess", person)
        yield self._row("svc_report", "PowerUserAccess", None, "service")

    def _warehouse(self) -> Iterator[tuple[str, ...]]:
        for person in self._world.dbas:
            yield self._row(person.login, "dba", person)
        for lead in self._world.leads:
            yield self._row(lead.login, "reporting_read", lead)  # asked for once, hardly ever used
        for service in SERVICES:
            yield self._row(service, "etl_write", None, "service")

    def _crm(self, client: str, on: date) -> Iterator[tuple[str, ...]]:
        for person in self._here(on):
            if person.programme == client:
                yield self._row(person.email, "crm_lead" if person.role == "lead" else "crm_agent", person)
            elif person.role == "agent" and person.number % _CREEP == 0:
                yield self._row(person.email, "crm_agent", person)  # kept from an earlier programme
        yield self._row(self._world.admins[0].email, "crm_admin", self._world.admins[0])

    def _database(self, client: str) -> Iterator[tuple[str, ...]]:
        del client  # the same people look after every client's database
        for number, person in enumerate(self._world.dbas):
            yield self._row(person.login, "customer_read" if number else "customer_dba", person)
        for service in SERVICES:
            yield self._row(service, "customer_read", None, "service")
