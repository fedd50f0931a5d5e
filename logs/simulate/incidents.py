"""Planted incidents: what happened, who did it, when, and the records that show it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from itertools import chain
from zoneinfo import ZoneInfo

from logs.simulate.cases import removed_on
from logs.simulate.data import Database, conversation
from logs.simulate.duties import HOUR, Duty, Roster
from logs.simulate.feeds import Made, Surroundings, uid
from logs.simulate.floor import crm_row, okta_id, refused, vpn_row
from logs.simulate.native import okta, syslog
from logs.simulate.staff import HOSTS, Ssh, failed, session, sudo
from logs.simulate.world import BREAK_GLASS, HOME_ZONE, Person, World

BRUTE_FORCE_ATTEMPTS = 30
SPRAYED_USERS = 24
EXPORTS, ROWS_AN_EXPORT = 12, 5000
DENIED_PUSHES = 6


@dataclass(slots=True)
class Incident:
    """One planted incident; `since` and `until` are Unix seconds, `records` are by source name."""

    key: str
    says: str
    account: str
    person: str
    address: str
    since: float
    until: float = 0.0
    records: dict[str, list[Made]] = field(default_factory=dict)

    def add(self, source: str, made: Iterator[Made]) -> None:
        """Plant records in a source."""
        marked = [record._replace(incident=self.key) for record in made]
        self.records.setdefault(source, []).extend(marked)
        self.until = max([self.until, *(record.at for record in marked)])


class Planner:
    """Plants the incidents of one scenario; the same seed plants the same."""

    def __init__(self, around: Surroundings) -> None:
        self._around, self._world = around, around.world
        self._ssh = Ssh(around)
        self._roll = around.roll("incidents", 0)

    def plan(self) -> list[Incident]:
        """Give every incident that the span has room for."""
        world = self._world
        found = [self._brute_force(), self._spraying(), self._out_of_hours(), self._dormant(), self._fatigue()]
        if world.days > 1:
            found.append(self._leaver())
        if world.clients:
            found += [self._no_grant(), *self._export()]
        found.append(self._silence())
        if world.workforce:
            found += self._ghosts()
        return sorted(found, key=lambda incident: incident.since)

    def _at(self, share: float, hour: int, minute: int) -> float:
        """Give a moment: so far into the span, at this time of the head office."""
        day = self._world.start + timedelta(days=int(self._world.days * share))
        return datetime.combine(day, time(hour, minute), ZoneInfo(HOME_ZONE)).timestamp()

    def _duty(self, person: Person, at: float, address: str) -> Duty:
        return Duty(person, int(at), int(at) + HOUR, address, remote=True)

    def _pid(self) -> int:
        return 64100 + self._ssh.next_pid() % 1000

    def _brute_force(self) -> Incident:
        at, who, source = self._at(0.6, 10, 10), self._world.admins[1], "203.0.113.66"
        says = f"{BRUTE_FORCE_ATTEMPTS} wrong passwords in eight minutes, then the right one."
        incident = Incident("brute_force", says, who.login, who.external_id, source, at)
        for number in range(BRUTE_FORCE_ATTEMPTS):
            moment = at + 16 * number
            incident.add("jump-hosts", failed(moment, HOSTS[0], self._pid(), who.login, source, known=True))
        last = at + 16 * BRUTE_FORCE_ATTEMPTS
        good = f"Accepted password for {who.login} from {source} port 40022 ssh2"
        pid = self._pid()
        lines = (good, f"pam_unix(sshd:session): session opened for user {who.login}(uid=1000) by {who.login}(uid=0)")
        made = (
            Made(last + n / 100, syslog(last, HOSTS[0], f"sshd-session[{pid}]", line)) for n, line in enumerate(lines)
        )
        incident.add("jump-hosts", made)
        return incident

    def _spraying(self) -> Incident:
        at, source = self._at(0.3, 14, 5), "203.0.113.77"
        users = self._roll.sample(self._world.agents, min(SPRAYED_USERS, len(self._world.agents)))
        says = f"One address tries two passwords on each of {len(users)} accounts within ten minutes."
        incident = Incident("password_spraying", says, "", "", source, at)
        made = [refused(at + 11.0 * n, uid(self._roll), user, source) for n, user in enumerate([*users, *users])]
        incident.add("okta", iter(made))
        return incident

    def _out_of_hours(self) -> Incident:
        at, who = self._at(0.7, 2, 40), self._world.dbas[0]
        address = "192.0.2.201"
        says = "A database administrator of the day shift works as root and reads customer data at night."
        incident = Incident("out_of_hours", says, who.login, who.external_id, address, at)
        incident.add("jump-hosts", session(at, at + 1500, HOSTS[1], self._pid(), who.login, address))
        for number in range(6):
            moment = at + 60 + 90 * number
            incident.add("jump-hosts", sudo(moment, HOSTS[1], who.login, "/usr/bin/psql -d warehouse"))
        link = Database(self._around, "warehouse-db", 0).connection(at + 300, who.login, address)
        incident.add(
            "warehouse-db", conversation(at + 300, link, ["SELECT * FROM customer", "COPY customer TO STDOUT"])
        )
        return incident

    def _dormant(self) -> Incident:
        at, address = self._at(0.8, 15, 0), "192.0.2.202"
        says = "The break-glass account, unused before, logs in and runs commands as root."
        incident = Incident("dormant_privileged", says, BREAK_GLASS, "", address, at)
        incident.add("jump-hosts", session(at, at + 600, HOSTS[0], self._pid(), BREAK_GLASS, address))
        for number in range(2):
            incident.add("jump-hosts", sudo(at + 40 + 60 * number, HOSTS[0], BREAK_GLASS, "/usr/bin/passwd root"))
        return incident

    def _fatigue(self) -> Incident:
        at, who, address = self._at(0.45, 11, 30), self._world.agents[-1], "203.0.113.88"
        says = f"{DENIED_PUSHES} pushes are refused, then one is accepted."
        incident = Incident("mfa_fatigue", says, who.email, who.external_id, address, at)
        person = (who.email, okta_id(who))
        denied: dict[str, object] = {
            "outcome": {"result": "FAILURE", "reason": "User rejected Okta push verify"},
            "address": address,
        }
        made = []
        for number in range(DENIED_PUSHES + 1):
            moment, last = at + 45 * number, number == DENIED_PUSHES
            kind = "user.authentication.auth_via_mfa" if last else "user.mfa.okta_verify.deny_push"
            more: dict[str, object] = {"address": address} if last else denied
            made.append(Made(moment, okta(moment, uid(self._roll), kind, person, **more)))
        incident.add("okta", iter(made))
        return incident

    def _leaver(self) -> Incident:
        who, address = self._world.agents[0], "198.51.100.203"
        left = who.left_on or self._world.start
        day = min(left + timedelta(days=2), self._world.start + timedelta(days=self._world.days - 1))
        at = datetime.combine(day, time(18, 30), ZoneInfo(HOME_ZONE)).timestamp()
        says = f"Somebody who left on {left.isoformat()} opens the VPN; the account was never closed."
        incident = Incident("leaver_activity", says, who.login, who.external_id, address, at)
        duty = self._duty(who, at, address)
        steps = (("auth", 0.0), ("connect", 1.0), ("disconnect", 1800.0))
        incident.add("vpn", (vpn_row(at + later, duty, event, "ok") for event, later in steps))
        if who.programme:
            verbs = ("login", *["view"] * 5, "logout")
            rows = (
                crm_row(
                    at + 60 + 30 * n, who.programme, duty, verb, uid(self._roll), "customer/7" if verb == "view" else ""
                )
                for n, verb in enumerate(verbs)
            )
            incident.add(f"{who.programme}-crm", rows)
        return incident

    def _no_grant(self) -> Incident:
        at, who, address = self._at(0.35, 16, 20), self._world.leads[0], "10.20.4.9"
        client = self._world.clients[0].key
        says = f"A team lead reads the customer database of {client}, where no grant is listed for that account."
        incident = Incident("use_without_grant", says, who.login, who.external_id, address, at)
        link = Database(self._around, f"{client}-db", 0).connection(at, who.login, address)
        link_user = conversation(at, link, ["SELECT * FROM customer LIMIT 100", "SELECT * FROM customer_card"])
        incident.add(f"{client}-db", link_user)
        return incident

    def _ghosts(self) -> Iterator[Incident]:
        """Plant two uses of the warehouse that nobody granted: after a removal, and under a name of no list."""
        lead, agent = self._world.leads[1], self._world.agents[-2]
        removed, unlisted = f"{lead.login}.old", agent.login
        day = removed_on(self._world)
        told = (
            ("use_after_removal", removed, lead, 0.8, f"An account that was taken out of the list by {day} is used."),
            ("use_of_unlisted_name", unlisted, agent, 0.9, "A name that stands in no list of the warehouse is used."),
        )
        for key, account, person, share, says in told:
            at, address = self._at(share, 13, 15), "192.0.2.204"
            incident = Incident(key, says, account, person.external_id, address, at)
            link = Database(self._around, "warehouse-db", 0).connection(at, account, address)
            incident.add("warehouse-db", conversation(at, link, ["SELECT * FROM contact_daily"]))
            yield incident

    def _export(self) -> Iterator[Incident]:
        duty = _someone_on_duty(self._around.roster, self._world, int(self._world.days * 0.5))
        if duty is None:
            return
        client, at = duty.person.programme, duty.since + 2.0 * HOUR
        says = f"{EXPORTS} exports of {ROWS_AN_EXPORT} customer records each within forty minutes."
        person = duty.person
        incident = Incident("mass_export", says, person.email, person.external_id, duty.address, at)
        rows = (
            crm_row(at + 200.0 * n, client, duty, "export", uid(self._roll), "customer/*", rows=ROWS_AN_EXPORT)
            for n in range(EXPORTS)
        )
        incident.add(f"{client}-crm", rows)
        yield incident

    def _silence(self) -> Incident:
        at = self._at(0.4, 9, 0)
        says = "The VPN gateway sends nothing for five hours of the main shift."
        return Incident("silent_source", says, "", "", "", at, until=at + 5 * HOUR)


def _someone_on_duty(roster: Roster, world: World, day: int) -> Duty | None:
    """Give the first duty of an agent with a client programme on that day of the span, or on a later or earlier one."""
    for number in chain(range(day, world.days), range(day)):
        for duty in roster.day(world.start + timedelta(days=number)):
            if duty.person.role == "agent" and duty.person.programme:
                return duty
    return None
