"""What reviewers signed lies in the pack: its digest can be computed again, and it names decisions as they stand."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from evidence.building import build_pack
from evidence.bundle import build, record_files
from evidence.models import EvidencePack
from evidence.tables import from_rows
from evidence.verifier.check import Pack
from reviews.actions import accept_risk, extend_campaign, reassign_items
from reviews.models import Campaign, Remediation
from tenants.kinds import Actor
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tenants.work import Silent
from tests import make
from tests.evidence.packing import SIGNER, parts, printed
from tests.evidence.test_build_pack import data_of, text
from tests.reviews.conftest import item, person
from tests.reviews.test_sign import sign

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


@pytest.mark.django_db
def test_a_pack_holds_what_was_signed_and_why_it_changed_hands(
    bpo: Tenant, reviewed: Campaign, officer: Actor, remy: User, pack: Callable[..., EvidencePack]
) -> None:
    now = timezone.now()
    with tenant_scope(bpo):
        later = now + timedelta(days=40)
        extend_campaign(campaign=reviewed, due_at=later, reason="Holidays, printed here.", by=officer)
        reassign_items(items=[item(reviewed, "ana")], reviewer=person("M2"), reason="Leave, printed here.", by=officer)
        signature = sign(reviewed, make.actor(remy, bpo), "M1")
        fix = Remediation.objects.get()
        accept_risk(remediation=fix, until=now + timedelta(days=9), reason="Vendor, printed here.", by=officer)
    data = data_of(bpo, build_pack(bpo, pack(("gdpr",)).pk, Silent()))
    checked = Pack(data)
    assert (checked.check(), checked.counts["statements"]) == ([], 1)
    assert text(data, f"statements/{signature.pk}.json") == signature.manifest
    for table, words in (
        ("campaign_moves", "Holidays, printed here."),
        ("reassignments", "Leave, printed here."),
        ("revocations", "Vendor, printed here."),
        ("campaign_scope", ",6,6,0,"),
    ):
        assert words in text(data, f"tables/{table}.csv"), table
