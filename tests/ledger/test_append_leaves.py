"""Appending under the head lock, on the real tables as the app role."""

from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.db.utils import DataError
from pytest_django import DjangoAssertNumQueries

from ledger import actions, queries
from ledger.merkle import EMPTY_ROOT, root_of, verify_consistency, verify_inclusion
from ledger.models import Batch, Checkpoint, Head, PartialTile, Refusal, Tile
from ledger.notes import NoteError
from tests.ledger.conftest import a_batch, leaves, set_scope

pytestmark = pytest.mark.django_db


def test_a_new_log_is_empty(log_id: UUID) -> None:
    head = queries.head(log_id)
    assert (head.size, head.root, head.epoch, head.origin) == (0, EMPTY_ROOT, 1, f"tests/t/{log_id}/1")
    assert queries.latest_checkpoint(log_id) is None


def test_batches_lie_next_to_each_other(log_id: UUID) -> None:
    everything = leaves(1000)
    first, second = a_batch(everything[:300]), a_batch(everything[300:301])
    assert actions.append(log_id=log_id, batches=[first, second]) == [0, 300]
    third = a_batch(everything[301:])
    assert actions.append(log_id=log_id, batches=[third]) == [301]
    head = queries.head(log_id)
    assert (head.size, head.root) == (1000, root_of(everything))
    place = queries.batch(log_id, third.id)
    assert (place.first_index, place.n, place.received_at) == (301, 699, third.received_at)
    assert queries.batch_at(log_id, 300).id == second.id
    assert queries.batch_at(log_id, 999).id == third.id
    assert [queries.leaf(log_id, index) for index in (0, 299, 300, 999)] == [everything[i] for i in (0, 299, 300, 999)]


def test_proofs_from_the_tables_hold(log_id: UUID) -> None:
    everything = leaves(700)
    actions.append(log_id=log_id, batches=[a_batch(everything[:500])])
    actions.append(log_id=log_id, batches=[a_batch(everything[500:])])
    for index, size in [(0, 1), (0, 700), (255, 256), (256, 500), (499, 700), (699, 700)]:
        path = queries.inclusion_proof(log_id, index, size)
        verify_inclusion(everything[index], index, size, path, root_of(everything[:size]))
    for old, new in [(0, 700), (1, 700), (255, 257), (500, 700), (512, 700), (700, 700)]:
        roots = {"old_root": root_of(everything[:old]), "new_root": root_of(everything[:new])}
        verify_consistency(old, new, queries.consistency_proof(log_id, old, new), **roots)
    with pytest.raises(ValueError, match="not in a tree"):
        queries.inclusion_proof(log_id, 700, 700)
    with pytest.raises(ValueError, match="has 700"):
        queries.inclusion_proof(log_id, 0, 701)


def test_a_proof_takes_two_statements(log_id: UUID, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    everything = leaves(70_000)
    actions.append(log_id=log_id, batches=[a_batch(everything)])
    for index in (0, 300, 65_536, 69_999):
        size = 70_000 if index == 69_999 else 69_000
        with django_assert_num_queries(2):
            path = queries.inclusion_proof(log_id, index, size)
        verify_inclusion(everything[index], index, size, path, root_of(everything[:size]))


def test_a_roll_back_leaves_no_gap(log_id: UUID) -> None:
    with transaction.atomic():
        actions.append(log_id=log_id, batches=[a_batch(leaves(300))])
        assert queries.head(log_id).size == 300
        transaction.set_rollback(True)
    assert queries.head(log_id).size == 0
    assert actions.append(log_id=log_id, batches=[a_batch(leaves(2))]) == [0]


def test_deferred_keys_are_checked_before_the_lock(log_id: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE parents (id int PRIMARY KEY)")
        cursor.execute(
            "CREATE TEMPORARY TABLE children (id int REFERENCES parents DEFERRABLE INITIALLY DEFERRED) ON COMMIT DROP"
        )
        cursor.execute("INSERT INTO children VALUES (1)")
    with pytest.raises(IntegrityError, match="children"), transaction.atomic():
        actions.append(log_id=log_id, batches=[a_batch(leaves(1))])
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM children")
    assert queries.head(log_id).size == 0


def test_a_batch_enters_once(log_id: UUID) -> None:
    batch = a_batch(leaves(3))
    actions.append(log_id=log_id, batches=[batch])
    with pytest.raises(IntegrityError), transaction.atomic():
        actions.append(log_id=log_id, batches=[batch])
    assert queries.head(log_id).size == 3


def test_it_refuses_what_is_no_append(log_id: UUID) -> None:
    for batches in ([], [a_batch([])], [a_batch(leaves(1)), a_batch([])]):
        with pytest.raises(ValueError, match="at least one"):
            actions.append(log_id=log_id, batches=batches)
    with pytest.raises(ValueError, match="32 bytes"):
        actions.append(log_id=log_id, batches=[a_batch([b"short"])])
    with pytest.raises(NoteError):
        actions.open_log(log_id=uuid4(), origin="a b")


def test_a_log_that_was_not_opened_is_refused(db: None) -> None:
    stranger = uuid4()
    set_scope(stranger)
    with pytest.raises(actions.LogNotOpenError), transaction.atomic():
        actions.append(log_id=stranger, batches=[a_batch(leaves(1))])
    with pytest.raises(queries.UnknownLogError):
        queries.head(stranger)


@pytest.mark.parametrize("model", [Head, Batch, Tile, PartialTile, Checkpoint, Refusal])
def test_another_log_is_never_seen(log_id: UUID, model: type[Head]) -> None:
    actions.append(log_id=log_id, batches=[a_batch(leaves(300))])
    set_scope(uuid4())
    assert not model.objects.exists()
    with pytest.raises(actions.LogNotOpenError):
        actions.append(log_id=log_id, batches=[a_batch(leaves(1))])


@pytest.mark.parametrize("table", ["head", "batch", "tile", "partialtile", "checkpoint", "refusal"])
def test_without_a_scope_the_database_refuses_even_an_empty_table(db: None, table: str) -> None:
    """Both loud forms: never set in this session, and empty after an earlier scope ended."""
    for _ in range(2):
        with (
            pytest.raises((ProgrammingError, DataError), match=r"app\.log|invalid input syntax for type uuid"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"TABLE ledger_{table}")
        set_scope(None)


APPEND_ONLY = ["ledger_log", "ledger_batch", "ledger_tile", "ledger_checkpoint", "ledger_refusal"]


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("statement", ["UPDATE {} SET log_id = log_id", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_app_role_cannot_change_what_is_append_only(log_id: UUID, table: str, statement: str) -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table))


@pytest.mark.parametrize("table", ["ledger_head", "ledger_partialtile"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {}"])
def test_the_app_role_cannot_remove_a_head(log_id: UUID, table: str, statement: str) -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table))


def test_a_tile_of_a_wrong_length_is_refused_by_the_database(log_id: UUID) -> None:
    with pytest.raises(IntegrityError, match="tile_is_full"), transaction.atomic():
        Tile.objects.create(log_id=log_id, epoch=1, level=0, n=0, hashes=bytes(8160))
