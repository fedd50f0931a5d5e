"""Reads the roles and rights of a PostgreSQL server over a connection, in a transaction that cannot write."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from identities.csvtable import MAX_BYTES, BadFile
from identities.kinds import ListFormat
from identities.readers.postgres import COPY, COUNT, QUERY

WAIT_SECONDS: Final = 15
LONGEST: Final = "SET LOCAL statement_timeout = '5min'"


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """Holds what a server answered: the file, its own total, when, as whom it was asked, and by which query."""

    body: bytes
    rows: int
    captured_at: datetime
    asked_as: str
    form: ListFormat = ListFormat.POSTGRES
    file_name: str = "roles.csv"
    query: str = QUERY
    filters: str = ""


def ask_server(dsn: str) -> ServerAnswer:
    """Returns the roles and rights of a server, its own count of them, and its clock, all of one moment.

    Raises:
        BadFile: where the server cannot be reached or does not answer; the sentence holds no password.
    """
    try:
        place = conninfo_to_dict(dsn, connect_timeout=WAIT_SECONDS, application_name="countersign read_grants")
        with psycopg.connect(**place) as connection:  # type: ignore[arg-type]  # conninfo's values are open
            connection.read_only = True
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.execute(LONGEST)
            told = connection.execute("SELECT now(), session_user || ' on ' || current_database()").fetchone()
            counted = connection.execute(COUNT).fetchone()
            parts: list[bytes] = []
            size = 0
            with connection.cursor().copy(COPY) as copied:
                for part in copied:
                    parts.append(bytes(part))
                    size += len(part)
                    if size > MAX_BYTES:
                        raise BadFile(f"The server answers more than {MAX_BYTES:,} bytes, which is not read.")
    except (psycopg.Error, UnicodeError) as error:
        reason = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
        raise BadFile(f"The server cannot be read: {reason.rstrip('.')}.") from error
    if told is None or counted is None:
        raise BadFile("The server cannot be read: it gave no answer.")
    return ServerAnswer(b"".join(parts), int(counted[0]), told[0], str(told[1]))
