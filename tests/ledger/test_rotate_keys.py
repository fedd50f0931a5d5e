"""Rotation: one checkpoint by both keys, the old key destroyed, and nothing lost when a process dies in between."""

import json
from uuid import UUID

import pytest

from ledger import actions, queries, signer
from ledger.kinds import Rotation
from ledger.models import Checkpoint, Head
from ledger.notes import open_checkpoint, open_note, parse_vkey
from ledger.signermemory import known_keys
from ledger.signerstate import KeyTerm, SignerFiles, SignerFilesError, term_at
from tests.ledger.conftest import a_batch, leaves

pytestmark = pytest.mark.django_db


def grow(log_id: UUID, n: int, first: int = 0) -> None:
    actions.append(log_id=log_id, batches=[a_batch(leaves(n, first))])


def rotate(log_id: UUID, at: int) -> Rotation:
    """Rotate a log of `at` leaves; the leaf that announces it is one like all others here."""
    return signer.rotate(log_id, lambda _old, _new: grow(log_id, 1, at))


def test_one_checkpoint_is_signed_by_both_and_the_next_by_the_new_key(log_id: UUID, files: SignerFiles) -> None:
    grow(log_id, 10)
    first = signer.sign_now(log_id)
    done = rotate(log_id, 10)
    both = queries.latest_checkpoint(log_id)
    assert both is not None
    old, new = parse_vkey(done.old), parse_vkey(done.new)
    assert open_note(both.note, [old, new])[1] == [old, new]
    assert (done.size, both.size, queries.verifier_key(log_id)) == (11, 11, done.new)
    grow(log_id, 5, 11)
    later = signer.sign_now(log_id)
    assert open_checkpoint(later.note, [new]).size == 16
    assert open_note(later.note, [old, new])[1] == [new]
    assert open_checkpoint(first.note, [old]).size == 10
    (link,) = queries.key_links(log_id)
    assert (link.old, link.new, link.size, link.note) == (done.old, done.new, 11, both.note)
    assert [term.since for term in known_keys(both.origin)] == [0, 11]


def test_a_second_rotation_goes_on_from_the_first(log_id: UUID, files: SignerFiles) -> None:
    grow(log_id, 3)
    one, two = rotate(log_id, 3), rotate(log_id, 4)
    assert (two.old, two.size) == (one.new, 5)
    assert [link.new for link in queries.key_links(log_id)] == [one.new, two.new]


def test_the_old_seed_is_destroyed_and_the_new_one_is_none_of_the_masters(log_id: UUID, files: SignerFiles) -> None:
    grow(log_id, 3)
    origin = signer.sign_now(log_id).origin
    derived = files.signer(origin)
    rotate(log_id, 3)
    second = files.signer(origin)
    rotate(log_id, 4)
    (ring,) = files.directory.glob("*.ring")
    stored = ring.read_text(encoding="utf-8")
    assert derived.seed.hex() not in stored
    assert second.seed.hex() not in stored
    assert ring.stat().st_mode & 0o777 == 0o600
    (files.directory / "master.key").write_bytes(bytes(32))
    grow(log_id, 1, 5)
    assert signer.sign_now(log_id).size == 6


def test_a_death_before_the_leaf_or_before_the_turn_loses_nothing(log_id: UUID, files: SignerFiles) -> None:
    grow(log_id, 3)
    origin = signer.sign_now(log_id).origin

    def die(_old: str, new: str) -> None:
        coming.append(new)
        raise KeyboardInterrupt

    coming: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        signer.rotate(log_id, die)
    grow(log_id, 2, 3)
    assert open_checkpoint(signer.sign_now(log_id).note, [files.terms(origin)[0].verifier]).size == 5
    assert rotate(log_id, 5).new == coming[0], "the announced key is the one that comes"


def test_a_log_that_would_be_refused_gets_no_new_key(log_id: UUID, files: SignerFiles) -> None:
    grow(log_id, 10)
    signer.sign_now(log_id)
    Head.objects.filter(log_id=log_id).update(root=bytes(32))
    with pytest.raises(signer.RefusedToSignError):
        rotate(log_id, 10)
    assert not list(files.directory.glob("*.ring"))
    assert len(queries.refusals(log_id)) == 1


def test_a_new_master_leaves_every_log_its_key(log_id: UUID, files: SignerFiles) -> None:
    grow(log_id, 3)
    origin = signer.sign_now(log_id).origin
    before, other = files.signer(origin), files.signer("another/1")
    files.renew_master()
    assert files.signer(origin) == before
    assert files.signer("another/1") != other
    grow(log_id, 3, 3)
    assert signer.sign_now(log_id).size == 6


def test_a_damaged_ring_is_refused(log_id: UUID, files: SignerFiles) -> None:
    grow(log_id, 3)
    rotate(log_id, 3)
    (ring,) = files.directory.glob("*.ring")
    stored = json.loads(ring.read_text(encoding="utf-8"))
    ring.write_text(json.dumps(stored | {"seed": "00" * 32}), encoding="utf-8")
    with pytest.raises(SignerFilesError, match="damaged"):
        signer.sign_now(log_id)
    with pytest.raises(SignerFilesError, match="No new key"):
        files.turn("nobody/1", 1)


def test_each_size_has_its_key(log_id: UUID, files: SignerFiles) -> None:
    one, two = (KeyTerm(files.signer(name).verifier, since) for name, since in (("a", 0), ("b", 7)))
    assert term_at([one, two], 6) == (one, None)
    assert term_at([one, two], 7) == (two, one)
    assert term_at([one, two], 8) == (two, None)
    assert term_at([], 8) == (None, None)
    assert not Checkpoint.objects.filter(log_id=log_id).exists()
