"""A whole made-up BPO: its sources, their records hour by hour, its lists, and the truth about what was planted."""

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

from logs.simulate.cases import CONFLICTS, Case, cases
from logs.simulate.data import Database
from logs.simulate.duties import HOUR, Roster
from logs.simulate.feeds import Feed, Made, Surroundings
from logs.simulate.floor import VPN_HEADER, Crm, SignOn, Vpn
from logs.simulate.incidents import Incident, Planner
from logs.simulate.registers import GrantSheet, Registers
from logs.simulate.sources import BPO, SimSource, SimSystem, sources_of, systems_of
from logs.simulate.staff import Cloud, Ssh
from logs.simulate.world import HOME_ZONE, World

_WAREHOUSE_SHARE = 0.4
GHOSTS = frozenset({"use_without_grant", "use_after_removal", "use_of_unlisted_name"})
"""Incidents that are use without a grant, where a list of the system was made before them."""


class Scenario:
    """The same arguments give the same bytes, on every machine.

    `start` is the first UTC day and `days` how many follow; `clients` are the keys of the client programmes.
    `activity` scales what people do in a shift: 1.0 is the volume model of a real BPO (some 460 records for each agent
    and day), 0.05 is enough to look at. Records are made hour by hour, so any number of them fits in memory.
    """

    def __init__(  # noqa: PLR0913 -- one argument for each size of the BPO
        self,
        *,
        seed: int = 1,
        agents: int = 60,
        days: int = 14,
        start: date,
        clients: Sequence[str] = ("acme", "zenith"),
        activity: float = 1.0,
        workforce: int = 0,
    ) -> None:
        if workforce < 0:
            raise ValueError("A workforce has no fewer than 0 people.")
        if agents < 10 or days < 1 or not 0 < activity <= 10:
            raise ValueError("A scenario needs at least 10 agents, 1 day, and an activity above 0 and up to 10.")
        self.seed, self.days, self.start, self.activity = seed, days, start, activity
        self.world = World(seed, agents, start, days, clients, workforce)
        self._around = Surroundings(self.world, Roster(self.world), activity)
        self._registers = Registers(self.world, self._around.roster)
        self._incidents = Planner(self._around).plan()
        self._silent = next((item for item in self._incidents if item.key == "silent_source"), None)
        self._lines: dict[str, dict[str, list[int]]] = {}
        self._counts: dict[str, int] = {}

    def sources(self) -> list[SimSource]:
        """Give the log sources."""
        return sources_of(self.world.clients)

    def systems(self) -> list[SimSystem]:
        """Give the systems whose grants are listed."""
        owners = (self.world.admins[0].external_id, self.world.dbas[0].external_id)
        return systems_of(self.world.clients, owners, directory=bool(self.world.workforce))

    def lines(self, source: SimSource) -> Iterator[bytes]:
        """Give the lines of a source in the order of time, each with its line feed; a CSV begins with its header."""
        found: dict[str, list[int]] = {}
        number = 0
        if source.name == "vpn":
            number += 1
            yield VPN_HEADER + b"\n"
        for made in self._in_order(source):
            number += 1
            if made.incident:
                found.setdefault(made.incident, []).append(number)
            yield made.line + b"\n"
        self._lines[source.name] = found
        self._counts[source.name] = number

    def _in_order(self, source: SimSource) -> Iterator[Made]:
        """Merge the hours; a session that ends in a later hour waits for it. What ends after the span is left out."""
        feed = self._feed(source)
        first = int(datetime.combine(self.start, time(), UTC).timestamp())
        last = first + self.days * 24 * HOUR
        planted = [made for incident in self._incidents for made in incident.records.get(source.name, [])]
        waiting: list[tuple[float, int, Made]] = [(made.at, -1, made) for made in planted]
        heapq.heapify(waiting)
        order = 0
        for since in range(first, last, HOUR):
            for made in feed.hour(since):
                order += 1
                if made.at >= first and not self._is_silent(source, made.at):
                    heapq.heappush(waiting, (made.at, order, made))
            while waiting and waiting[0][0] < since + HOUR - 120:
                yield heapq.heappop(waiting)[2]
        while waiting and waiting[0][0] < last:
            yield heapq.heappop(waiting)[2]

    def _is_silent(self, source: SimSource, at: float) -> bool:
        gap = self._silent
        return source.name == "vpn" and gap is not None and gap.since <= at < gap.until

    def _feed(self, source: SimSource) -> Feed:
        around, clients = self._around, self.world.clients
        made: dict[str, Callable[[], Feed]] = {
            "jump-hosts": lambda: Ssh(around),
            "okta": lambda: SignOn(around),
            "vpn": lambda: Vpn(around),
            "aws": lambda: Cloud(around),
            "warehouse-db": lambda: Database(around, "warehouse-db", _WAREHOUSE_SHARE if clients else 1.0),
        }
        if source.tenant_key == BPO:
            return made[source.name]()
        if source.name.endswith("-crm"):
            return Crm(around, source.tenant_key)
        return Database(around, source.name, (1 - _WAREHOUSE_SHARE) / len(clients))

    def people(self, tenant_key: str = BPO) -> list[dict[str, str]]:
        """Give the HR list of a tenant, one mapping of column to cell for each person."""
        return self._registers.people(tenant_key)

    def people_csv(self, tenant_key: str = BPO) -> bytes:
        """Give the HR list of a tenant as CSV; shifts are in the zone of the head office."""
        return self._registers.people_csv(tenant_key)

    def grants(self, system_key: str, on: date | None = None) -> GrantSheet:
        """Give a system's list of grants at the beginning of a day, or at the end of the span, with its own total."""
        return self._registers.grants(system_key, on)

    def cases(self) -> list[Case]:
        """Give the planted cases of access reviews: those of the final lists, then those that the logs show."""
        last = self.start + timedelta(days=self.days)
        rows = partial(self._registers.rows, on=last)
        told = list(cases(self.world, self.systems(), rows, last))
        ghosts = [incident for incident in self._incidents if incident.key in GHOSTS and self.world.workforce]
        systems = {source.name: source.system_key for source in self.sources()}
        return told + [
            Case("ghost_use", systems[name], incident.account, incident.person, incident.says)
            for incident in ghosts
            for name in incident.records
        ]

    def conflicts(self) -> tuple[tuple[tuple[str, str], tuple[str, str], str], ...]:
        """Give which entitlements one person must not hold together: system and key of each, and why."""
        return CONFLICTS if self.world.workforce else ()

    def plan(self) -> Iterator[bytes]:
        """Give the roster as it was planned, as lines of CSV in UTC."""
        return self._registers.plan()

    def roster(self) -> Iterator[bytes]:
        """Give the roster as lines of CSV, in UTC."""
        return self._registers.roster()

    def truth(self) -> dict[str, object]:
        """Say what was planted: who, when, and in which lines.

        `lines` (from 1) are there for the sources whose lines were taken to the end; `records` always counts them.
        """
        return {
            "seed": self.seed,
            "agents": len(self.world.agents),
            "start": self.start.isoformat(),
            "until": (self.start + timedelta(days=self.days)).isoformat(),
            "zone": HOME_ZONE,
            "lines": dict(self._counts),
            "forgotten_accounts_of_leaver": self._registers.orphan.external_id,
            "grants": {system.key: self.grants(system.key).total for system in self.systems()},
            "conflicts": [
                {"first": list(one), "second": list(other), "why": why} for one, other, why in self.conflicts()
            ],
            "cases": [asdict(case) for case in self.cases()],
            "incidents": [self._told(incident) for incident in self._incidents],
        }

    def _told(self, incident: Incident) -> dict[str, object]:
        lines = {name: found[incident.key] for name, found in self._lines.items() if incident.key in found}
        return {
            "kind": incident.key,
            "says": incident.says,
            "account": incident.account,
            "person": incident.person,
            "address": incident.address,
            "since": datetime.fromtimestamp(incident.since, UTC).isoformat(),
            "until": datetime.fromtimestamp(incident.until, UTC).isoformat(),
            "sources": sorted(incident.records) or ["vpn"],
            "records": {name: len(made) for name, made in sorted(incident.records.items())},
            "lines": lines,
        }
