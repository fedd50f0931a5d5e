"""Readers of populations: pure functions from the bytes that a system exports to the rows of a grant list.

`READERS[format].read(body)` gives the rows with the number of records of the system that they come from, or raises
`BadFile` with one sentence. What an operator does to get the file stands beside it and is shown on the page.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from identities.grantlist import read_grants
from identities.kinds import ListFormat
from identities.readers import aws_iam, entra, ldap, linux, okta, postgres
from identities.readers.mapped import read_mapped
from identities.readers.population import Population


@dataclass(frozen=True, slots=True)
class Reader:
    """Holds one format: how it is read, what its total counts, and how the operator gets it."""

    read: Callable[[bytes], Population]
    noun: str
    how: str
    command: str = ""


def _table(body: bytes) -> Population:
    """Returns the grants of a table in our own columns; each line is one."""
    rows = tuple(read_grants(body))
    return Population(rows, len(rows))


def _mapped(body: bytes) -> Population:
    """Returns the grants of a table in its own columns without a mapping: there is none to read it by."""
    return read_mapped(body, {})


READERS: Final[dict[str, Reader]] = {
    ListFormat.TABLE: Reader(
        _table, "grants", "A table with a header line; one line is one grant. The total counts grants."
    ),
    ListFormat.MAPPED: Reader(
        _mapped,
        "lines",
        "The system's own export, CSV or Excel. Say once which column is what; each later file is read by that, and a "
        "column that was renamed is told. The total counts the lines of the export without the header.",
    ),
    ListFormat.POSTGRES: Reader(
        postgres.read,
        postgres.NOUN,
        "Run this with psql in the database; any role may. The total is the number that psql says. "
        "'manage.py read_grants' does the same over a connection.",
        postgres.STATEMENT,
    ),
    ListFormat.LINUX: Reader(
        linux.read,
        linux.NOUN,
        "Pack passwd, group and sudoers of one machine. The total is the number of accounts.",
        linux.COMMAND,
    ),
    ListFormat.AWS_IAM: Reader(
        aws_iam.read,
        aws_iam.NOUN,
        "Download the credential report in the IAM console, or keep the command's whole answer. It lists how users "
        "sign in, not what policies allow. The total is the number of users that IAM shows, and one for root.",
        "aws iam generate-credential-report\naws iam get-credential-report > report.json",
    ),
    ListFormat.OKTA: Reader(
        okta.read,
        okta.NOUN,
        "Take the report Current Assignments as CSV (Reports, Application Access Audit), or all pages of an API list "
        "as JSON: /api/v1/users, or /api/v1/apps/(id)/users. The total is the number of assignments or users shown.",
    ),
    ListFormat.ENTRA: Reader(
        entra.read,
        entra.NOUN,
        "Take Download users, the export of Privileged Identity Management (Roles, Export), Download role assignments "
        "of a subscription (all CSV), or all pages of Microsoft Graph as JSON. The total is the number of lines shown.",
        "GET https://graph.microsoft.com/v1.0/roleManagement/directory/roleAssignments?$expand=principal",
    ),
    ListFormat.LDAP: Reader(
        ldap.read,
        ldap.NOUN,
        "Export users and groups as LDIF with paged results. The total is the number of accounts, without groups. "
        "'manage.py read_grants' does the same over a connection.",
        ldap.COMMAND,
    ),
}


def read_population(form: str, body: bytes, mapping: Mapping[str, Any] | None = None) -> Population:
    """Returns the population of a delivered file in the format that its deliverer named.

    Raises:
        BadFile: with one sentence for the first thing that is wrong.
    """
    return read_mapped(body, mapping or {}) if form == ListFormat.MAPPED else READERS[form].read(body)
