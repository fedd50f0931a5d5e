"""Planted cases of access reviews: who holds what they should not, and the truth about it.

They are there in a world with a workforce (`World.workforce`), whose grants are enough for a whole campaign.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from logs.simulate.sources import BPO, DIRECTORY, SimSystem
from logs.simulate.world import Person, World

CONFLICTS: tuple[tuple[tuple[str, str], tuple[str, str], str], ...] = (
    (("warehouse", "reporting_read"), ("warehouse", "etl_write"), "Who reads the reports must not load their figures."),
    (("aws", "AdministratorAccess"), ("warehouse", "dba"), "Who runs the cloud account must not own the data in it."),
)
"""Entitlements that one person must not hold together: system and entitlement of each side, and why."""
ROOM = "meeting.room@harbour.example"
TEMP = "temp_reports"


@dataclass(frozen=True, slots=True)
class Planted:
    """One row that stands in a system's list beside the ordinary ones, until the day on which it was removed."""

    system_key: str
    account: str
    entitlement: str
    person: Person | None
    kind: str = "human"
    removed_on: date | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that is wrong, as the truth file tells it; `kind` is the kind of finding that it makes."""

    kind: str
    system: str
    account: str
    person: str
    says: str


def planted(world: World) -> tuple[Planted, ...]:
    """Give the rows that are planted in the lists; none without a workforce."""
    if not world.workforce:
        return ()
    admin, lead, other = world.admins[0], world.leads[0], world.leads[1]
    return (
        Planted("warehouse", TEMP, "reporting_read", None),
        Planted(DIRECTORY, ROOM, "staff", None),
        Planted("warehouse", lead.login, "etl_write", lead),
        Planted("warehouse", admin.login, "dba", admin),
        Planted("warehouse", f"{other.login}.old", "reporting_read", other, removed_on=removed_on(world)),
    )


def removed_on(world: World) -> date:
    """Give the day on which the account that is used afterwards was taken out of the warehouse."""
    return world.start + timedelta(days=world.days // 2)


def cases(
    world: World, systems: Iterable[SimSystem], rows: Callable[[str], Iterable[tuple[str, ...]]], on: date
) -> Iterator[Case]:
    """Tell every case of a world from its final lists; what the logs show is told by the incidents."""
    if not world.workforce:
        return
    people = {person.external_id: person for person in (*world.people, *world.workforce)}
    for system in systems:
        seen: set[str] = set()
        for account, _entitlement, number, kind, *_rest in sorted(rows(system.key)):
            person = people.get(number)
            if account not in seen and kind == "human":
                yield from _of_account(system, account, person, on)
            seen.add(account)
    yield from _conflicts(world)
    yield from _unused(world)


def _of_account(system: SimSystem, account: str, person: Person | None, on: date) -> Iterator[Case]:
    if person is None or _stranger(person, system):
        yield Case("ownerless", system.key, account, "", "A personal account of nobody in the tenant's list of people.")
        return
    if person.left_on is not None and person.left_on < on:
        says = f"Left on {person.left_on.isoformat()}; the account is still enabled."
        yield Case("leaver_active", system.key, account, person.external_id, says)
    if person.external_id == system.owner:
        says = "Owns the system and holds access to it: somebody else has to review it."
        yield Case("self_review", system.key, account, person.external_id, says)


def _stranger(person: Person, system: SimSystem) -> bool:
    """Tell whether a client, who knows its programme's people and the administrators, does not know the person."""
    return system.tenant_key not in {BPO, person.programme} and person.role not in {"admin", "dba"}


def _conflicts(world: World) -> Iterator[Case]:
    for person, (one, other, why) in zip((world.leads[0], world.admins[0]), CONFLICTS, strict=True):
        yield Case("conflict", one[0], person.login, person.external_id, f"{one[1]} and {other[1]}. {why}")


def _unused(world: World) -> Iterator[Case]:
    """Tell the privileged grants that nobody uses; they are found once the logs cover the time that is asked for."""
    admin = world.admins[0]
    says = "A privileged grant that is never used."
    yield Case("dormant_privileged", "warehouse", admin.login, admin.external_id, says)
    if not admin.remote:
        yield Case("dormant_privileged", "vpn", admin.login, admin.external_id, says)
    for client in world.clients:
        yield Case("dormant_privileged", f"{client.key}-crm", admin.email, admin.external_id, says)
