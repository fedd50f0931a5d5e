"""The role that removes: it may call three functions of the database, which check all again, and nothing else."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any, Final
from uuid import UUID

from django.db import connections, transaction

from tenants.models import Tenant

ROLE: Final = "retention"
"""The connection that logs in as the retention role."""
RUN_LOCK: Final = 4_311_702_021


class BusyError(RuntimeError):
    """Another program is removing at this moment."""


@contextmanager
def alone() -> Iterator[None]:
    """Hold the one lock of all who remove, for as long as the connection lives.

    Raises:
        BusyError: another program is removing.
    """
    with connections[ROLE].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [RUN_LOCK])
        if not cursor.fetchone()[0]:
            message = "Another program is removing what is past its term: wait until it has ended."
            raise BusyError(message)
        try:
            yield
        finally:
            _let_go()


def _let_go() -> None:
    """Give the lock back and close: a server takes a moment to see that a connection has gone, and the next is busy."""
    connection = connections[ROLE]
    if connection.is_usable():
        connection.cursor().execute("SELECT pg_advisory_unlock(%s)", [RUN_LOCK])
    connection.close()


def called(
    statement: str, values: Sequence[UUID | date], *, tenant: Tenant | None = None, lock_wait: str = "10s"
) -> Any:
    """Return what one of the functions answers, called as the retention role in a transaction of its own."""
    with transaction.atomic(using=ROLE), connections[ROLE].cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{lock_wait}'")
        if tenant is not None:
            cursor.execute(f"SET LOCAL app.tenant = '{int(tenant.pk)}'; SET LOCAL app.log = '{tenant.uuid}'")
        cursor.execute(statement, values)
        return cursor.fetchone()[0]
