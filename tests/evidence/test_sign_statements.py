"""What reviewers signed lies in the pack: its digest can be computed again, and it names decisions as they stand."""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.utils import timezone
from fido2.cose import ES256, RS256, CoseKey, EdDSA
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from evidence.building import build_pack
from evidence.bundle import build, record_files
from evidence.models import EvidencePack
from evidence.tables import from_rows
from evidence.verifier.check import Pack
from evidence.verifier.passkeys import es256_verifies
from evidence.verifier.tokens import proof_lines
from identities.actions import SystemFacts, save_system, upsert_identities
from identities.models import System
from reviews.actions import decide, extend_campaign, open_campaign, reassign_items
from reviews.manifest import canonical_text
from reviews.models import Campaign, Remediation, ScopeLine, SignOff, Waiver
from reviews.queries.standing import statement
from reviews.reauthentication import public_key
from tenants.kinds import Actor
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tenants.work import Silent
from tests import make
from tests.evidence.packing import SIGNER, parts, printed
from tests.evidence.test_build_pack import data_of, text
from tests.evidence.test_sign_packs import files_of
from tests.factors import Passkey
from tests.reviews.conftest import Cast, accept, item, person, ready, waive
from tests.reviews.test_pages import page
from tests.reviews.test_postpone import MOVED, later

STATEMENT = {"decisions": [{"decision": 7, "outcome": "revoke", "reason": "=Left in March."}]}


def faults(statement: bytes, *, outcome: str = "revoke", reason: str = "=Left in March.", digest: str = "") -> set[str]:
    """Return what the verifier says about a pack with one decision and one signature."""
    decisions = from_rows("decisions", "Decisions", ("decision", "outcome", "reason"), [[7, outcome, reason]])
    digest = digest or hashlib.sha256(statement).hexdigest()
    sign_offs = from_rows("sign_offs", "Sign-offs", ("sign_off", "digest"), [[3, digest]])
    made = replace(parts(), tables=[decisions, sign_offs], bindings={}, statements={3: statement})
    pack = Pack(build(made, record_files(made), printed(), SIGNER).data)
    return {f"{where}: {what}" for where, what in pack.check(SIGNER.verifier.vkey)}


def test_a_statement_agrees_with_its_digest_and_its_decisions() -> None:
    whole = json.dumps(STATEMENT).encode()
    assert faults(whole) == set()
    wrong = "tables/sign_offs.csv, row 1: its digest is not that of statements/3.json."
    assert faults(whole, digest="0" * 64) == {wrong}
    other = "tables/decisions.csv, decision 7: its outcome is not the one that statements/3.json signs."
    assert faults(whole, outcome="certify") == {other}
    assert "its reason is not" in faults(whole, reason="Stays.").pop()


KINDS = {ES256: "ES256", EdDSA: "Ed25519", RS256: "RS256"}


def signed(
    kind: type[CoseKey] = ES256, *, challenge: bytes = b"", deed: str = "webauthn.get", **change: object
) -> tuple[Pack, str]:
    """Return a checked pack with one statement that a passkey signed, and what `verify.py` prints about it."""
    whole = json.dumps(STATEMENT).encode()
    digest, key = hashlib.sha256(whole).digest(), Passkey(b"a phone", kind, flags=int(str(change.pop("flags", 5))))
    response = key.answer(challenge or digest, deed)["response"]
    raw = {name: base64.urlsafe_b64decode(str(text) + "===") for name, text in response.items() if text}
    kept = {
        "authenticator_data": base64.b64encode(raw["authenticatorData"]).decode(),
        "client_data": base64.b64encode(raw["clientDataJSON"]).decode(),
        "signature": base64.b64encode(raw["signature"]).decode(),
        "public_key": public_key(key.public),
        "sign_count": 1,
        "relying_party": "testserver",
        "origin": "https://testserver",
        **change,
    }
    text = canonical_text(kept).encode()
    columns = ("sign_off", "digest", "level", "assertion")
    row = [3, digest.hex(), "passkey", hashlib.sha256(text).hexdigest()]
    rows = from_rows("sign_offs", "Sign-offs", columns, [row])
    decisions = from_rows("decisions", "Decisions", ("decision", "outcome", "reason"), [])
    made = replace(parts(), tables=[decisions, rows], bindings={}, statements={3: whole}, assertions={3: text})
    pack = Pack(build(made, record_files(made), printed(), SIGNER).data)
    pack.check(SIGNER.verifier.vkey)
    return pack, " ".join(proof_lines(pack.proofs))


@pytest.mark.parametrize("kind", KINDS)
def test_the_verifier_checks_offline_that_a_passkey_signed_the_statement(kind: type[CoseKey]) -> None:
    pack, said = signed(kind)
    assert (pack.faults, pack.proofs) == ([], [KINDS[kind]])
    assert f"1 of them by a passkey whose signature over the statement was checked here ({KINDS[kind]})" in said
    pack, _said = signed(kind, public_key=public_key(Passkey(b"a phone", kind).public))
    assert pack.faults[0][1] == "the signature is not valid for the statement and the passkey's key."


FORGED: dict[str, dict[str, Any]] = {
    "signed another statement": {"challenge": bytes(32)},
    "no log-in or signature of a passkey": {"deed": "webauthn.create"},
    "did not check who holds it": {"flags": 1},
    "belongs to another site": {"relying_party": "elsewhere.example"},
    "another site than it says": {"origin": "https://elsewhere.example"},
    "count of uses is another": {"sign_count": 2},
}


@pytest.mark.parametrize("words", FORGED)
def test_the_verifier_says_what_is_wrong_with_a_passkeys_signature(words: str) -> None:
    pack, _said = signed(**FORGED[words])
    assert [where for where, what in pack.faults if words in what] == ["signatures/3.json"]


def test_the_verifier_says_what_it_did_not_check() -> None:
    pack, said = signed(public_key={"algorithm": -36})
    assert pack.faults == []
    assert "signatures/3.json: its algorithm is not known here, its signature was NOT checked." in said
    assert proof_lines(["portal"]) == [
        "1 of them by a proof that the portal alone saw (password, code): not checked here"
    ]


@given(st.binary(min_size=1, max_size=64), st.integers(0, 70), st.integers(1, 255))
@settings(max_examples=25, deadline=None)
def test_it_agrees_with_a_library_about_ecdsa(message: bytes, at: int, change: int) -> None:
    key = Passkey(b"a phone")
    signature = key.sign(message)
    x, y = key.public[-2], key.public[-3]
    assert es256_verifies(x, y, message, signature)
    bad = bytearray(signature)
    bad[at % len(bad)] ^= change
    assert not es256_verifies(x, y, message, bytes(bad))
    assert not es256_verifies(y, x, message, signature)
    assert not es256_verifies(x, y, message + b"!", signature)


@pytest.mark.django_db
def test_a_pack_holds_what_was_signed_and_why_it_changed_hands(
    bpo: Tenant, reviewed: Campaign, officer: Actor, remy: User, pack: Callable[..., EvidencePack]
) -> None:
    now = timezone.now()
    with tenant_scope(bpo):
        extend_campaign(campaign=reviewed, due_at=now + timedelta(days=40), reason="Holiday, printed here.", by=officer)
        reassign_items(items=[item(reviewed, "ana")], reviewer=person("M2"), reason="Leave, printed here.", by=officer)
        signature = sign_with_passkey(reviewed, remy)
        rosa = postponing(bpo, reviewed, officer)
        accept(Remediation.objects.get(), officer, rosa, now + timedelta(days=9), "Vendor, printed here.")
        waived = open_without_billing(officer)
    data = data_of(bpo, build_pack(bpo, pack(("pci",)).pk, Silent()))
    checked = Pack(data)
    assert (checked.check(), checked.counts["statements"], checked.proofs) == ([], 1, ["ES256"])
    assert text(data, f"statements/{signature.pk}.json") == signature.manifest
    kept = text(data, f"signatures/{signature.pk}.json")
    assert hashlib.sha256(kept.encode()).hexdigest() == signature.authentication["assertion_sha256"]
    for table, words in (
        ("sign_offs", f",passkey,{signature.authentication['assertion_sha256']},"),
        ("campaign_moves", "Holiday, printed here."),
        ("reassignments", "Leave, printed here."),
        ("revocations", "Vendor, printed here."),
        ("postponed", ",waits for its day,"),
        ("campaign_scope", ",6,6,0,"),
        ("campaign_scope", f",code,{waived.digest},"),
        ("campaign_scope", waived.manifest.replace('"', '""')),
    ):
        assert words in text(data, f"tables/{table}.csv"), table
    report = report_of(data)
    assert all(words in report for words in ("whosignedforit", waived.digest, "waitsforitsday"))


def postponing(bpo: Tenant, reviewed: Campaign, officer: Actor) -> Actor:
    """Let Rosa postpone an item after its person moved; returns her."""
    rosa = make.actor(User.objects.get(email="rosa@example.org"), bpo)
    upsert_identities(body=MOVED, by=officer)
    decide(item=item(reviewed, "ana"), choice=later(9), by=rosa)
    return rosa


def report_of(data: bytes) -> str:
    """Return the text of a pack's report without its spaces."""
    pages = PdfReader(BytesIO(files_of(data)["report.pdf"])).pages
    return "".join("".join(page.extract_text().split()) for page in pages)


def open_without_billing(officer: Actor) -> Waiver:
    """Open a campaign over the CRM and Billing, whose list is missing: somebody signs for that."""
    billing = save_system(facts=SystemFacts("Billing", "billing", "admin*"), by=officer)
    cast = Cast(officer, officer, officer, System.objects.get(key="crm"))
    waiting = ready(cast, name="Both", systems=[cast.crm, billing])
    waive(ScopeLine.objects.select_related("campaign", "system").get(system=billing), officer)
    open_campaign(campaign=waiting, by=officer)
    return Waiver.objects.get()


def sign_with_passkey(campaign: Campaign, user: User) -> SignOff:
    """Sign a reviewer's decisions on the page with a passkey of theirs."""
    key, digest = Passkey(b"remys-phone"), statement(campaign, person("M1"))[1]
    key.register(user)
    told = {"printed_name": "Remy", "digest": digest, "credential": json.dumps(key.answer(bytes.fromhex(digest)))}
    answer = make.login(user).post(page("sign", campaign.pk), told, secure=True)
    assert answer.status_code == 302
    return SignOff.objects.get()
