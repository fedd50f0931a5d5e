"""Signed notes and checkpoints: known signatures, strict reading, trust in known keys only."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import notes
from ledger.kinds import CheckpointBody, ProofBundle
from ledger.merkle import ProofError, inclusion_path, leaf_hash, nodes_of, root_of
from ledger.proofs import format_proof, parse_proof, verify_proof

ORIGIN = "countersign.example/t/6f1d0c1e-7d3a-4b5f-9a5e-000000000001/1"
ALICE = notes.Signer(ORIGIN, bytes(range(32)))
BOB = notes.Signer("witness.example", bytes(range(1, 33)))

GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_NOTE = (
    GO_TEXT
    + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
"""The published example of golang.org/x/mod/sumdb/note, from which C2SP signed-note comes."""

RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
            "d25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "r",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
            "387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
]
"""Tests 1 and 2 of RFC 8032 section 7.1: seed, public key, message (0x72 is "r"), signature."""


@pytest.mark.parametrize(("seed", "public", "message", "signature"), RFC_8032)
def test_it_signs_the_vectors_of_rfc_8032(seed: str, public: str, message: str, signature: str) -> None:
    signer = notes.Signer("k", bytes.fromhex(seed))
    assert signer.verifier.public.hex() == public
    assert signer.sign(message).hex() == signature
    assert signer.verifier.accepts(message, bytes.fromhex(signature))
    assert not signer.verifier.accepts(message + "x", bytes.fromhex(signature))


def test_it_refuses_a_signature_whose_s_is_not_reduced() -> None:
    """RFC 8032 5.1.7: S + L verifies in sloppy implementations and would make signatures malleable."""
    seed, _public, message, signature = RFC_8032[0]
    raw = bytes.fromhex(signature)
    order = 2**252 + 27742317777372353535851937790883648493
    bent = raw[:32] + (int.from_bytes(raw[32:], "little") + order).to_bytes(32, "little")
    assert not notes.Signer("k", bytes.fromhex(seed)).verifier.accepts(message, bent)


def test_it_reads_the_published_example() -> None:
    verifier = notes.parse_vkey(GO_VKEY)
    assert verifier.vkey == GO_VKEY
    assert notes.open_note(GO_NOTE, [verifier]) == (GO_TEXT, [verifier])
    assert notes.open_note(GO_NOTE.encode(), [verifier])[0] == GO_TEXT


def test_it_reads_the_checkpoint_of_the_specification() -> None:
    """The example of C2SP tlog-checkpoint; its key is not published, so only its form is read."""
    note = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo"
        "+zyWE+xeMcTOAYQ8=\n"
    )
    parsed = notes.parse_note(note)
    body = notes.parse_checkpoint(parsed.text)
    assert (body.origin, body.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert notes.checkpoint_text(body) == parsed.text
    assert parsed.signatures[0].key_id.hex() == "033de0ae"


@given(st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_survives_signing_and_opening(size: int, root: bytes) -> None:
    body = CheckpointBody(ORIGIN, size, root)
    note = notes.sign_note(notes.checkpoint_text(body), [ALICE, BOB])
    assert notes.open_checkpoint(note, [ALICE.verifier]) == body
    assert notes.open_note(note, [BOB.verifier, ALICE.verifier])[1] == [ALICE.verifier, BOB.verifier]
    assert note == notes.sign_note(notes.checkpoint_text(body), [ALICE, BOB]), "Ed25519 is deterministic"


def test_any_changed_byte_of_a_checkpoint_is_refused() -> None:
    note = notes.sign_note(notes.checkpoint_text(CheckpointBody(ORIGIN, 7, bytes(32))), [ALICE]).encode()
    for at in range(len(note)):
        with pytest.raises(notes.NoteError):
            notes.open_checkpoint(note[:at] + bytes([note[at] ^ 1]) + note[at + 1 :], [ALICE.verifier])


def test_only_known_keys_count() -> None:
    text = notes.checkpoint_text(CheckpointBody(ORIGIN, 7, bytes(32)))
    with pytest.raises(notes.SignatureError, match="No known key"):
        notes.open_note(notes.sign_note(text, [BOB]), [ALICE.verifier])
    with pytest.raises(notes.SignatureError, match="not signed by the log"):
        notes.open_checkpoint(notes.sign_note(text, [BOB]), [ALICE.verifier, BOB.verifier])
    impostor = notes.Signer(ORIGIN, bytes(32))
    both = notes.sign_note(text, [impostor, ALICE])
    assert notes.open_note(both, [ALICE.verifier])[1] == [ALICE.verifier], "an unknown key is ignored"
    forged = notes.sign_note(text, [ALICE]).replace("\n7\n", "\n8\n")
    with pytest.raises(notes.SignatureError, match="is wrong"):
        notes.open_note(forged, [ALICE.verifier])


LINE = notes.sign_note("t\n", [ALICE]).removeprefix("t\n\n")


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"\xff\n\n" + LINE.encode(),
        "t\n" + LINE,
        "t\n\n",
        "t\n\n" + LINE[:-1],
        "t\r\n\n" + LINE,
        "t\x00\n\n" + LINE,
        "t\n\n" + LINE.replace("—", "-"),
        "t\n\n" + LINE.replace(ORIGIN, "a b"),
        "t\n\n" + LINE.replace(ORIGIN, "a+b"),
        "t\n\n" + LINE.replace(ORIGIN + " ", ""),
        "t\n\n— k AAAA\n",
        "t\n\n— k AAAAAAB=\n",
        "t\n\n— k %%%%\n",
        "t\n\n" + LINE + "stray\n",
        "t\n\n" + LINE * 101,
        b"t\n\n" + b"x" * 1_000_001,
    ],
)
def test_it_refuses_malformed_notes(note: str | bytes) -> None:
    with pytest.raises(notes.NoteError):
        notes.open_note(note, [ALICE.verifier])


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n7\n",
        f"{ORIGIN}\n07\n{'A' * 43}=\n",
        f"{ORIGIN}\n-7\n{'A' * 43}=\n",
        f"{ORIGIN}\n\u0667\n{'A' * 43}=\n",
        f"{ORIGIN}\n\n{'A' * 43}=\n",
        f"{ORIGIN}\n{2**63}\n{'A' * 43}=\n",
        f"{ORIGIN}\n7\n{'A' * 40}\n",
        f"{ORIGIN}\n7\n{'A' * 42}B=\n",
        f"\n7\n{'A' * 43}=\n",
        f"{ORIGIN}\n7\n{'A' * 43}=\nextension\n",
        f"{ORIGIN}\n7\n{'A' * 43}=",
    ],
)
def test_it_refuses_malformed_checkpoints(text: str) -> None:
    with pytest.raises(notes.NoteError):
        notes.parse_checkpoint(text)


@pytest.mark.parametrize(
    "vkey", ["", "k", "k+00000000", GO_VKEY.replace("c7", "c8"), GO_VKEY[:-4], "k+" + GO_VKEY.split("+", 1)[1]]
)
def test_it_refuses_malformed_keys(vkey: str) -> None:
    with pytest.raises(notes.NoteError):
        notes.parse_vkey(vkey)


def test_it_never_prints_a_seed() -> None:
    assert ALICE.seed.hex() not in repr(ALICE)
    assert repr(ALICE.seed) not in repr(ALICE)


def test_it_refuses_to_sign_what_no_reader_would_accept() -> None:
    for text, signers in [("no newline", [ALICE]), ("a\tb\n", [ALICE]), ("\ud800\n", [ALICE]), ("t\n", [])]:
        with pytest.raises(notes.NoteError):
            notes.sign_note(text, signers)
    for body in [CheckpointBody("a b", 1, bytes(32)), CheckpointBody("a", -1, bytes(32)), CheckpointBody("a", 1, b"")]:
        with pytest.raises(notes.NoteError):
            notes.checkpoint_text(body)


def test_a_proof_file_is_checked_with_the_key_alone() -> None:
    leaves = [leaf_hash(b"%d" % i) for i in range(11)]
    note = notes.sign_note(notes.checkpoint_text(CheckpointBody(ORIGIN, 11, root_of(leaves))), [ALICE])
    path = tuple(inclusion_path(6, 11, nodes_of(leaves)))
    text = format_proof(ProofBundle(6, 11, root_of(leaves), path, note))
    assert text.startswith("c2sp.org/tlog-proof@v1\nindex 6\n" + base64.b64encode(path[0]).decode() + "\n")
    proof = parse_proof(text)
    verify_proof(leaves[6], proof, [ALICE.verifier])
    assert parse_proof(text.replace("index", "extra eHg=\nindex")) == proof
    with pytest.raises(ProofError):
        verify_proof(leaves[7], proof, [ALICE.verifier])
    with pytest.raises(notes.SignatureError):
        verify_proof(leaves[6], proof, [BOB.verifier])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("v1\n", "v2\n"),
        ("index 6", "index 06"),
        ("index 6", "indx 6"),
        ("\n\n", "\n"),
        ("index 6\n", "index 6\nAAAA\n"),
    ],
)
def test_it_refuses_malformed_proof_files(old: str, new: str) -> None:
    note = notes.sign_note(notes.checkpoint_text(CheckpointBody(ORIGIN, 11, bytes(32))), [ALICE])
    text = format_proof(ProofBundle(6, 11, bytes(32), (bytes(32),), note))
    assert parse_proof(text).index == 6
    with pytest.raises(notes.NoteError):
        parse_proof(text.replace(old, new, 1))


def test_a_proof_needs_its_checkpoint() -> None:
    with pytest.raises(notes.NoteError, match="signed checkpoint"):
        format_proof(ProofBundle(0, 1, bytes(32)))
