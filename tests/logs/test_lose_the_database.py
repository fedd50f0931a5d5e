"""A database that dies in the middle of a COPY is a database error like any other."""

from typing import Any, SupportsIndex

import pytest
from django.db import OperationalError, connection

from logs.actions import stage
from logs.copyrows import Rows
from tests.database import FreshDatabase


class CutOff(Rows):
    """Rows that end this session at the server when they are asked for."""

    def __init__(self, database: FreshDatabase, process: int) -> None:
        super().__init__(("ord",), b"", [b"a row that never arrives"])
        self.database, self.process = database, process

    def __getitem__(self, part: SupportsIndex | slice) -> Any:
        with self.database.connect() as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [self.process])
        return super().__getitem__(part)


def test_it_is_told_as_a_database_error_and_the_connection_is_given_up(fresh_database: FreshDatabase) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        rows = CutOff(fresh_database, cursor.fetchone()[0])
        stage.open_stage(cursor)
        with pytest.raises(OperationalError):
            stage.copy_rows(cursor, rows)
    assert connection.errors_occurred
    connection.close()
