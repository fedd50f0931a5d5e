"""What the ledger's tests share: leaves, batches, an open log, and signer files in a directory of the test's own."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from ledger import actions
from ledger.kinds import LeafBatch
from ledger.signer import signer_files
from ledger.signerstate import SignerFiles


def leaves(n: int, first: int = 0) -> list[bytes]:
    """Leaf hashes of the texts "0", "1", ..."""
    return [hashlib.sha256(b"\x00%d" % i).digest() for i in range(first, first + n)]


def a_batch(hashes: Sequence[bytes]) -> LeafBatch:
    """A batch of these leaves."""
    return LeafBatch(id=uuid4(), leaves=hashes, received_at=timezone.now(), body_sha256=bytes(32))


def set_scope(log_id: UUID | None) -> None:
    """Name the log to row security for the open transaction."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL app.log = '{log_id or ''}'")


def commit_log(size: int) -> UUID:
    """Open a log with this many leaves and commit it."""
    log_id = uuid4()
    with transaction.atomic():
        set_scope(log_id)
        actions.open_log(log_id=log_id, origin=f"tests/t/{log_id}/1")
    commit_leaves(log_id, size)
    return log_id


def commit_leaves(log_id: UUID, n: int, first: int = 0) -> None:
    """Append leaves and commit them."""
    if n:
        with transaction.atomic():
            set_scope(log_id)
            actions.append(log_id=log_id, batches=[a_batch(leaves(n, first))])


@pytest.fixture
def log_id(db: None) -> Iterator[UUID]:
    """An open, empty log with its scope."""
    new = uuid4()
    set_scope(new)
    actions.open_log(log_id=new, origin=f"tests/t/{new}/1")
    yield new
    set_scope(None)


@pytest.fixture
def files(tmp_path: Path, settings: Settings) -> SignerFiles:
    """The signer's files, in a directory of the test's own."""
    settings.COUNTERSIGN_SIGNER = tmp_path / "signer"
    return signer_files()
