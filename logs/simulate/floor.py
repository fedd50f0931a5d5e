"""What the floor does: single sign-on (Okta), VPN (CSV) and the clients' applications (JSON)."""

import random
from collections.abc import Iterator

from logs.simulate.duties import Duty
from logs.simulate.feeds import Made, Surroundings, ends, starts, times, uid, within
from logs.simulate.native import compact, iso, okta
from logs.simulate.world import Person

_VERIFIES_A_DUTY = 11
_SIGN_ONS_A_DUTY = 25
_CONTACTS_A_DUTY = 80
_ADMIN_DEEDS_AN_HOUR = 9.0
_FORGETS = 0.04
"""Share of log-ins that are refused once before they succeed."""
_APPS = ("Mail", "Wiki", "Roster", "Tickets")
_DEEDS = (
    "group.user_membership.add",
    "group.user_membership.remove",
    "user.account.reset_password",
    "user.account.unlock",
)
_ACTIONS = ("search", "view", "view", "note", "update")

VPN_HEADER = b"Time,User,Event,Result,Client IP,Assigned IP,Seconds,Bytes in,Bytes out,Gateway,Session"


def okta_id(person: Person) -> str:
    """Give the person's id at Okta."""
    return f"00u{person.number:08x}"


class SignOn:
    """Writes the Okta System Log: log-ins with a second factor, applications opened, accounts changed."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    def hour(self, since: int) -> Iterator[Made]:
        """Give the hour's events."""
        roll = self._around.roll("okta", since)
        for duty in self._around.on_duty(since):
            yield from self._session(roll, duty, since)
            if duty.person.role == "admin":
                for at in times(roll, _ADMIN_DEEDS_AN_HOUR * self._around.activity, *within(duty, since)):
                    yield self._deed(roll, at, duty)

    def _session(self, roll: random.Random, duty: Duty, since: int) -> Iterator[Made]:
        person, address = duty.person, duty.address
        key = f"102{person.number:x}{duty.since:x}"
        if starts(duty, since):
            if roll.random() < _FORGETS:
                yield refused(duty.since - 20.0, uid(roll), person, address)
            yield self._event(roll, duty.since, "user.session.start", duty, key)
            yield self._event(roll, duty.since + 9.0, "user.authentication.auth_via_mfa", duty, key)
        if ends(duty, since):
            yield self._event(roll, duty.until, "user.session.end", duty, key)
        for at in times(roll, _VERIFIES_A_DUTY / 9, *within(duty, since)):
            yield self._event(roll, at, "user.authentication.verify", duty, key)
        for at in times(roll, _SIGN_ONS_A_DUTY / 9, *within(duty, since)):
            app = f"{person.programme.upper()} CRM" if person.programme and roll.random() < 0.6 else roll.choice(_APPS)
            target = [{"id": f"0oa{app[:3]}", "type": "AppInstance", "alternateId": app, "displayName": app}]
            yield self._event(roll, at, "user.authentication.sso", duty, key, target)

    def _event(
        self,
        roll: random.Random,
        at: float,
        kind: str,
        duty: Duty,
        key: str,
        target: list[dict[str, str]] | None = None,
    ) -> Made:
        who = (duty.person.email, okta_id(duty.person))
        line = okta(at, uid(roll), kind, who, address=duty.address, session=key, target=target or [])
        return Made(at, line)

    def _deed(self, roll: random.Random, at: float, duty: Duty) -> Made:
        other = roll.choice(self._around.world.agents)
        target = [
            {"id": okta_id(other), "type": "User", "alternateId": other.email, "displayName": other.name},
            {
                "id": "00g1",
                "type": "UserGroup",
                "alternateId": "unknown",
                "displayName": f"Programme {other.programme}",
            },
        ]
        who = (duty.person.email, okta_id(duty.person))
        return Made(at, okta(at, uid(roll), roll.choice(_DEEDS), who, address=duty.address, target=target))


def refused(at: float, number: str, person: Person, address: str) -> Made:
    """Write a log-in at Okta that was refused for its password."""
    outcome = {"result": "FAILURE", "reason": "INVALID_CREDENTIALS"}
    who = (person.email, okta_id(person))
    return Made(at, okta(at, number, "user.session.start", who, address=address, outcome=outcome, severity="WARN"))


class Vpn:
    """Writes the VPN gateway's CSV: log-in, tunnel, renewals and end of everybody who works from home."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    def hour(self, since: int) -> Iterator[Made]:
        """Give the hour's rows."""
        roll = self._around.roll("vpn", since)
        for duty in self._around.on_duty(since):
            if not duty.remote:
                continue
            if starts(duty, since):
                if roll.random() < _FORGETS:
                    yield vpn_row(duty.since - 90.0, duty, "auth", "bad-password")
                yield vpn_row(duty.since - 60.0, duty, "auth", "ok")
                yield vpn_row(duty.since - 59.0, duty, "connect", "ok")
            for at in times(roll, 5 / 9, *within(duty, since)):
                yield vpn_row(at, duty, "renew", "ok")
            if ends(duty, since):
                yield vpn_row(
                    duty.until, duty, "disconnect", "ok", (duty.until - duty.since + 59, roll.randrange(10**8))
                )


def vpn_row(at: float, duty: Duty, event: str, result: str, used: tuple[int, int] | None = None) -> Made:
    """Write one row; `used` is seconds and bytes of a tunnel that ends."""
    person = duty.person
    inner = f"10.99.{person.number // 250 % 250}.{person.number % 250 + 2}"
    seconds, out = used or ("", "")
    taken = out // 7 if isinstance(out, int) else ""
    key = f"T{person.number:x}{duty.since:x}"
    return Made(
        at,
        f"{iso(at)},{person.login},{event},{result},{duty.address},{inner},{seconds},{taken},{out},gw-1,{key}".encode(),
    )


class Crm:
    """Writes the access log of one client's CRM: sessions and every customer record that is touched."""

    def __init__(self, around: Surroundings, client: str) -> None:
        self._around, self._client = around, client

    def hour(self, since: int) -> Iterator[Made]:
        """Give the hour's records."""
        roll = self._around.roll(f"{self._client}-crm", since)
        contacts = _CONTACTS_A_DUTY / 9 * self._around.activity
        for duty in self._around.on_duty(since):
            if duty.person.programme != self._client:
                continue
            if starts(duty, since):
                yield crm_row(duty.since + 120.0, self._client, duty, "login", uid(roll))
            if ends(duty, since):
                yield crm_row(duty.until - 30.0, self._client, duty, "logout", uid(roll))
            for at in times(roll, contacts, *within(duty, since)):
                customer = f"customer/{roll.randrange(10**6)}"
                for step, verb in enumerate(_ACTIONS):
                    yield crm_row(at + step * roll.uniform(5, 40), self._client, duty, verb, uid(roll), customer)


def crm_row(  # noqa: PLR0913 -- one argument for each part of the record
    at: float, client: str, duty: Duty, verb: str, number: str, thing: str = "", *, rows: int | None = None
) -> Made:
    """Write one request of a CRM as its own JSON."""
    row: dict[str, object] = {
        "time": iso(at),
        "request_id": number,
        "app": f"{client}-crm",
        "kind": "access" if verb in {"login", "logout"} else "activity",
        "verb": verb,
        "user": {"email": duty.person.email, "badge": duty.person.external_id},
        "ip": duty.address,
        "session": f"{client}-{duty.person.number:x}-{duty.since:x}",
        "object": thing,
        "result": "ok",
    }
    if rows is not None:
        row["rows"] = rows
    return Made(at, compact(row))
