"""Reads the credential report of AWS IAM: every IAM user and the root user with the credentials they can use. Pure.

Columns and words are those of the AWS IAM User Guide, "Getting credential reports for your AWS account". The report
says how each user can sign in; it says nothing about policies, so it is the population of credentials, not of rights.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from identities.csvtable import BadFile, read_table
from identities.kinds import AccountKind, GrantRow
from identities.readers.population import ACCOUNT, Holder, Population, population

ROOT = "<root_account>"
NOUN = "users"
PASSWORD = "password_enabled"  # noqa: S105 -- the name of a column
CREDENTIALS = {
    PASSWORD: ("console password", "Signs in to the AWS console with a password."),
    "access_key_1_active": ("access key 1", "Calls the AWS API with a long-lived access key."),
    "access_key_2_active": ("access key 2", "Calls the AWS API with a second long-lived access key."),
    "cert_1_active": ("signing certificate 1", "Signs requests with an X.509 certificate."),
    "cert_2_active": ("signing certificate 2", "Signs requests with a second X.509 certificate."),
}
BEGINS = {"access_key_1_active": "access_key_1_last_rotated", "access_key_2_active": "access_key_2_last_rotated"}
REQUIRED = ("user", "arn", "user_creation_time", *CREDENTIALS, *BEGINS.values())
YES = frozenset({"true"})
NO = frozenset({"false", "not_supported", "n/a", "not_applicable", "no_information", ""})


def read(body: bytes) -> Population:
    """Returns the credentials of a report: the CSV file, or the answer of `aws iam get-credential-report` as JSON.

    Raises:
        BadFile: with one sentence for the first thing that is wrong.
    """
    lines = read_table(_report(body), required=REQUIRED, known=REQUIRED, others=True).lines
    seen: dict[str, int] = {}
    for line, cells in lines:
        if (first := seen.setdefault(cells["user"].lower(), line)) != line:
            raise BadFile(f"Lines {first} and {line} both describe the user '{cells['user']}'.", line)
    if lines and ROOT not in seen:
        raise BadFile(f"The report lacks the line of {ROOT}, which AWS always writes. Download it again, unedited.")
    return population((row for line, cells in lines for row in _user(line, cells)), len(lines), NOUN)


def _report(body: bytes) -> bytes:
    """Returns the CSV file, taken out of the JSON answer of AWS's command line where it is one."""
    if not body.lstrip().startswith(b"{"):
        return body
    try:
        content = json.loads(body)["Content"]
        return base64.b64decode(content, validate=True)
    except (ValueError, KeyError, TypeError, binascii.Error, RecursionError) as error:
        raise BadFile(
            "The file is JSON without the report in its member 'Content'. "
            "Save the whole answer of 'aws iam get-credential-report', or the CSV file of the console."
        ) from error


def _user(line: int, cells: Mapping[str, str]) -> Iterator[GrantRow]:
    """Yields the rows of one user: one for each credential that works, else one that says the account exists."""
    if not cells["user"]:
        raise BadFile(f"Line {line}, column 'user' is empty.", line)
    root = cells["user"] == ROOT
    active = [column for column in CREDENTIALS if _flag(line, column, cells[column])]
    keys = [column for column in active if column != PASSWORD]
    kind = AccountKind.BREAK_GLASS if root else AccountKind.SERVICE if keys == active != [] else AccountKind.HUMAN
    holder = Holder(line, cells["user"], kind, enabled=bool(active) or root)
    for column in active:
        title, meaning = CREDENTIALS[column]
        row = holder.holds(title, privileged=root, meaning=meaning)
        yield replace(row, granted_at=_moment(line, cells, BEGINS.get(column, "user_creation_time")))
    if root:
        yield holder.holds("root user", privileged=True, meaning="May do everything in the AWS account.")
    elif not active:
        yield holder.holds(ACCOUNT, meaning="Exists in the AWS account without a credential that works.")


def _flag(line: int, column: str, text: str) -> bool:
    """Returns whether a credential works, in the words of the report."""
    word = text.lower()
    if word in YES or word in NO:
        return word in YES
    raise BadFile(f"Line {line}, column '{column}' is '{text}', which the report of AWS never says.", line)


def _moment(line: int, cells: Mapping[str, str], column: str) -> datetime | None:
    """Returns the time of a cell; the report writes ISO 8601 with an offset, or a word for none."""
    text = cells[column]
    if text.lower() in NO:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadFile(f"Line {line}, column '{column}' is '{text}', which is no time.", line) from error
    if moment.tzinfo is None:
        raise BadFile(f"Line {line}, column '{column}' is '{text}', a time without its offset from UTC.", line)
    return moment
