"""Reads what Okta exports: the report "Current Assignments" as CSV, and the API's lists as JSON. Pure.

- CSV: Reports > Application Access Audit > Current Assignments (help.okta.com, "Current Assignments report").
- JSON: `GET /api/v1/users` (people and their status), `GET /api/v1/apps/{id}/users` (who is assigned to an app, `scope`
  USER or GROUP) and `GET /api/v1/groups/{id}/users`, all pages one after the other.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from identities.csvtable import BadFile, read_table
from identities.kinds import GrantRow
from identities.readers.jsonlist import Object, is_json, records, text_at
from identities.readers.population import Holder, Population, population

NOUN = "assignments"
COLUMNS: Final = ("user", "login", "application name", "application instance", "application login", "assigned on")
GONE: Final = "unassigned on"
WORKS: Final = frozenset({"ACTIVE", "PROVISIONED", "RECOVERY", "PASSWORD_EXPIRED", "LOCKED_OUT"})
RESTS: Final = frozenset({"STAGED", "SUSPENDED", "DEPROVISIONED", "INACTIVE", "IMPORTED", "MATCHED", "UNASSIGNED"})
"""Status of users and app users (Okta API, "User status" and "AppUser status"); the others may sign in."""

APP_WORKS: Final = frozenset({"APPROVED", "REVOKED", "UNLOCKED", "IMPLICIT", "COMPLIANCE", "PENDING"})
EVERYBODY: Final = "Okta account"


def read(body: bytes) -> Population:
    """Returns the assignments of an Okta export.

    Raises:
        BadFile: with one sentence for the first thing that is wrong.
    """
    if not is_json(body):
        return _report(body)
    found = records(body)
    rows = [row for number, one in enumerate(found, start=1) for row in _record(number, one)]
    return population(rows, len(found), NOUN)


def _report(body: bytes) -> Population:
    """Returns the assignments of the report; one that ended is left out, and does not count as an assignment."""
    lines = read_table(body, required=COLUMNS, known=(*COLUMNS, GONE), others=True).lines
    held = [(line, cells) for line, cells in lines if not cells.get(GONE)]
    return population((_assigned(line, cells) for line, cells in held), len(held), NOUN)


def _assigned(line: int, cells: Mapping[str, str]) -> GrantRow:
    """Returns one line of the report as a grant."""
    if not cells["login"] or not cells["application instance"]:
        raise BadFile(f"Line {line} lacks the login or the application instance. Export the report again.", line)
    title = cells["application name"]
    login = cells["application login"]
    meaning = f"Signs in to {title} as {login}." if login else f"Signs in to {title}."
    return Holder(line, cells["login"]).holds(cells["application instance"], title=title, meaning=meaning)


def _record(number: int, one: Object) -> Iterator[GrantRow]:
    """Yields the row of a user or of an app's user."""
    app = text_at(one, "_links", "app", "href").rstrip("/").rpartition("/")[2]
    name = (text_at(one, "credentials", "userName") if app else "") or text_at(one, "profile", "login")
    name = name or text_at(one, "profile", "email")
    if not name:
        raise BadFile(f"Record {number} has no login ('profile.login' or 'credentials.userName'). Export it again.")
    holder = Holder(number, name, enabled=_works(number, text_at(one, "status")))
    if not app:
        yield holder.holds(EVERYBODY, meaning="Signs in to Okta and to what Okta gives to everybody.")
        return
    scope = text_at(one, "scope")
    if scope not in {"USER", "GROUP"}:
        raise BadFile(f"Record {number} has the scope '{scope}'; Okta writes USER or GROUP.")
    via = (text_at(one, "_links", "group", "name") or "a group") if scope == "GROUP" else ""
    yield holder.holds(f"app {app}", via=via)
    if role := text_at(one, "profile", "role"):
        yield holder.holds(f"app {app}: {role}", via=via, title=role)


def _works(number: int, status: str) -> bool:
    """Returns whether somebody of this status may sign in."""
    if status in WORKS or status in APP_WORKS:
        return True
    if status in RESTS:
        return False
    raise BadFile(f"Record {number} has the status '{status}', which is no status of Okta. Export it again.")
