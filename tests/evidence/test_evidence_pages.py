"""The pages of controls, packs and the ledger: what they say, who may open them, and how a pack is fetched."""

import hashlib
import sys
from collections.abc import Callable

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse
from django.utils import timezone

from evidence.actions import compute_controls, request_verification
from evidence.building import build_pack
from evidence.findings import FailureClass
from evidence.jobs import verify_ledger
from evidence.kinds import VERIFICATION, Period
from evidence.models import ControlResult, ControlSetting, EvidencePack
from evidence.packkey import pack_signer
from ledger.models import Head
from ledger.notes import Signer
from ledger.queries import verifier_key
from ledger.signer import RefusedToSignError, sign_now
from tenants.kinds import Actor, WorkState
from tenants.models import AuditEntry, Tenant, User, Work
from tenants.scope import tenant_scope
from tenants.sharing import share
from tenants.work import Silent
from tests import make
from tests.evidence.signing import issued

Ask = Callable[..., EvidencePack]
pytestmark = pytest.mark.django_db


@pytest.fixture
def computed(bpo: Tenant, officer: Actor, period: Period) -> None:
    """One evaluation of the catalogue and one checkpoint."""
    with tenant_scope(bpo):
        compute_controls(tenant=bpo, period=period, by=officer)
    sign_now(bpo.uuid)


@pytest.mark.parametrize("name", ["controls", "settings", "calendar", "packs", "pack_new", "ledger"])
def test_an_officer_opens_every_page(name: str, bpo: Tenant, carla: User, computed: None) -> None:
    answer = make.login(carla).get(reverse(f"evidence:{name}", args=[bpo.slug]))
    assert answer.status_code == 200
    assert "style=" not in answer.content.decode()


def test_the_list_shows_every_row_with_its_state_in_words(bpo: Tenant, carla: User, computed: None) -> None:
    text = make.login(carla).get(reverse("evidence:controls", args=[bpo.slug])).content.decode()
    assert "70 rows" in text
    assert "No data" in text
    only = make.login(carla).get(
        reverse("evidence:controls", args=[bpo.slug]), {"framework": "pci", "state": "no_data"}
    )
    with tenant_scope(bpo):
        silent = ControlResult.objects.filter(framework="pci", state="no_data").count()
    assert silent > 3
    assert f"{silent} rows" in only.content.decode()


@pytest.mark.parametrize("key", ["iso27001-a.8.3", "gdpr-32.1.c", "hipaa-164.308.a.5.ii.C"])
def test_a_row_shows_its_criterion_and_query(key: str, bpo: Tenant, carla: User, computed: None) -> None:
    answer = make.login(carla).get(reverse("evidence:control", args=[bpo.slug, key]))
    assert answer.status_code == 200
    assert "Criterion and metrics" in answer.content.decode()


def test_an_unknown_row_is_not_found(bpo: Tenant, carla: User) -> None:
    assert make.login(carla).get(reverse("evidence:control", args=[bpo.slug, "gdpr-99"])).status_code == 404


def test_the_ledger_page_prints_checkpoint_and_fingerprints(bpo: Tenant, axel: User, computed: None) -> None:
    text = make.login(axel).get(reverse("evidence:ledger", args=[bpo.slug])).content.decode()
    assert f"countersign/t/{bpo.uuid}/1" in text
    assert "tamper-evident" in text
    assert text.count(">reached<") == 2, "T0 and T1: the signer runs as the same user"
    assert text.count(">not reached<") == 3
    assert "Nobody else is known to hold a checkpoint of this log." in text
    for name in ("verifier", "witness"):
        answer = make.login(axel).get(reverse(f"evidence:{name}", args=[bpo.slug]))
        assert answer.content.startswith(b"#!/usr/bin/env python3")
        assert hashlib.sha256(answer.content).hexdigest() in text


def test_the_newest_checkpoint_is_given_as_the_signer_wrote_it(bpo: Tenant, axel: User) -> None:
    address = reverse("evidence:checkpoint", args=[bpo.slug])
    assert make.login(axel).get(address).url == reverse("evidence:ledger", args=[bpo.slug])
    signed = sign_now(bpo.uuid)
    assert make.login(axel).get(address).content == signed.note.encode()


@pytest.mark.parametrize("given", ["ledger", "packs", "strange", "broken"])
def test_a_person_checks_the_ledger_with_a_key_of_their_own(
    given: str, bpo: Tenant, axel: User, computed: None
) -> None:
    with tenant_scope(bpo):
        sign_now(bpo.uuid)
        known = verifier_key(bpo.uuid)
    strange = Signer(known.split("+")[0], bytes(range(32))).verifier.vkey
    keys = {"ledger": known, "packs": pack_signer(bpo.uuid).verifier.vkey, "strange": strange, "broken": known[:-4]}
    page = reverse("evidence:ledger", args=[bpo.slug])
    text = make.login(axel).get(page, {"key": f" {keys[given]} "}).content.decode()
    words = {
        "ledger": "This key signed the newest checkpoint, over",
        "packs": "This is the key that signs the evidence packs here.",
        "strange": "This key did not sign the newest checkpoint",
        "broken": "This is not a verifier key",
    }
    assert [name for name, sentence in words.items() if sentence in text] == [given]


def test_the_ledger_page_shows_that_the_signer_refused(bpo: Tenant, axel: User, computed: None) -> None:
    with tenant_scope(bpo):
        sign_now(bpo.uuid)
        Head.objects.filter(log_id=bpo.uuid).update(root=bytes(32))
        with pytest.raises(RefusedToSignError):
            sign_now(bpo.uuid)
    text = make.login(axel).get(reverse("evidence:ledger", args=[bpo.slug])).content.decode()
    assert "The signer refused this log." in text
    assert "The head&#x27;s root is not the root of its tiles." in text


def test_an_officer_has_the_ledger_verified(bpo: Tenant, carla: User, axel: User, computed: None) -> None:
    page, ask = reverse("evidence:ledger", args=[bpo.slug]), reverse("evidence:verify", args=[bpo.slug])
    assert "Verify all stored records" not in make.login(axel).get(page).content.decode()
    assert make.login(axel).post(ask).status_code == 403
    for _ in range(2):
        assert make.login(carla).post(ask).status_code == 302
    with tenant_scope(bpo):
        (work,) = Work.objects.filter(kind=VERIFICATION)
    assert "Verification of the ledger" in make.login(carla).get(page).content.decode()
    result = verify_ledger(Silent(), bpo)
    assert result["holds"] is True
    with tenant_scope(bpo):
        Work.objects.filter(pk=work.pk).update(state=WorkState.DONE, result=result, finished_at=timezone.now())
        assert AuditEntry.objects.get(verb="ledger.verified").detail["failures"] == {}
    assert "Everything holds." in make.login(carla).get(page).content.decode()


def test_failures_are_shown_by_class(bpo: Tenant, carla: User, computed: None) -> None:
    with tenant_scope(bpo):
        work = request_verification(by=make.actor(carla, bpo))
    with tenant_scope(bpo):
        Head.objects.filter(log_id=bpo.uuid).update(root=bytes(32))
    result = verify_ledger(Silent(), bpo)
    with tenant_scope(bpo):
        Work.objects.filter(pk=work.pk).update(state=WorkState.DONE, result=result, finished_at=timezone.now())
    text = make.login(carla).get(reverse("evidence:ledger", args=[bpo.slug])).content.decode()
    assert "The verification found failures." in text
    assert str(FailureClass.TREE_INCONSISTENT.meaning) in text


def test_asking_for_a_pack_queues_it(bpo: Tenant, carla: User, monkeypatch: pytest.MonkeyPatch) -> None:
    form = {
        **dict.fromkeys(("parquet", "volumes"), "on"),
        "first_day": "2026-07-01",
        "last_day": "2026-09-30",
        "frameworks": ["gdpr", "soc2"],
        "recipient": "Axel",
        "classification": "Confidential",
        "kind": "controls",
        "language": "de",
    }
    browser, request_url = make.login(carla), reverse("evidence:pack_new", args=[bpo.slug])
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "pyarrow", None)  # what Python itself does where it is not installed
        assert "Parquet files need the extra" in browser.post(request_url, form).content.decode()
    answer = browser.post(request_url, form)
    assert answer.status_code == 302
    with tenant_scope(bpo):
        pack = EvidencePack.objects.get()
        assert (pack.state, pack.frameworks, pack.parquet, pack.volumes) == ("requested", ["gdpr", "soc2"], True, True)
        for change in ({"parquet": False}, {"volumes": False}, {"language": "en"}):
            with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
                EvidencePack.objects.update(**change)
        assert pack.period_start.isoformat() == "2026-06-30T22:00:00+00:00"
        assert pack.period_end.isoformat() == "2026-09-30T22:00:00+00:00"
        assert Work.objects.get(pk=pack.work_id).kind == "evidence.pack"
        assert AuditEntry.objects.get(verb="pack.request").detail["language"] == "de"
    page = browser.get(answer.headers["Location"]).content.decode()
    assert all(words in page for words in ("Cancel this work", "German (Deutsch)"))
    assert browser.post(request_url, {**form, "language": "fr"}).status_code == 422


@pytest.mark.parametrize(
    ("first", "last", "sentence"),
    [
        ("2026-09-30", "2026-07-01", "The last day lies before the first one."),
        ("2990-01-01", "2990-02-01", "The period begins in the future"),
        ("2020-01-01", "2026-01-01", "Choose at most 1100 days."),
    ],
)
def test_a_period_that_makes_no_sense_is_refused(
    first: str, last: str, sentence: str, bpo: Tenant, carla: User
) -> None:
    form = {"first_day": first, "last_day": last, "frameworks": ["gdpr"], "recipient": "A", "classification": "C"}
    answer = make.login(carla).post(reverse("evidence:pack_new", args=[bpo.slug]), form)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()


def test_settling_keeps_the_reason_and_refuses_what_hipaa_requires(bpo: Tenant, carla: User) -> None:
    url = reverse("evidence:settings", args=[bpo.slug])
    said = {"what": "parameter:coverage_floor", "value": "0.95", "reason": "The client asked for it."}
    assert make.login(carla).post(url, said).status_code == 302
    refused = make.login(carla).post(
        url, {"what": "row:hipaa-164.312.a.2.i", "aside": "on", "reason": "We do not like it."}
    )
    assert refused.status_code == 422
    assert "it cannot be set aside" in refused.content.decode()
    short = make.login(carla).post(url, {"what": "log_type:remote", "aside": "on", "reason": "no"})
    assert "at least 10 characters" in short.content.decode()
    with tenant_scope(bpo):
        assert ControlSetting.objects.get().value == 0.95


def test_a_pack_is_fetched_by_those_it_is_shared_with(
    bpo: Tenant, carla: User, axel: User, officer: Actor, pack: Ask
) -> None:
    made = issued(bpo, build_pack(bpo, pack(("gdpr",)).pk, Silent()), officer)
    url = reverse("evidence:download", args=[bpo.slug, made.pk])
    page = reverse("evidence:pack", args=[bpo.slug, made.pk])
    assert make.login(axel).get(url).status_code == 404
    assert make.login(axel).get(page).status_code == 404
    with tenant_scope(bpo):
        share(made, user=axel, by=officer)
    answer = make.login(axel).get(url)
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{made.file_name}"'
    assert b"".join(answer).startswith(b"PK\x03\x04")
    assert made.sha256 in make.login(carla).get(page).content.decode()


def test_strangers_and_reviewers_see_none_of_it(bpo: Tenant, stella: User, remy: User) -> None:
    for name in ("controls", "settings", "packs", "pack_new", "ledger"):
        url = reverse(f"evidence:{name}", args=[bpo.slug])
        assert make.login(stella).get(url).status_code == 404
        assert make.login(remy).get(url).status_code == 403


@pytest.mark.parametrize("name", ["controls", "packs", "ledger"])
def test_the_number_of_queries_does_not_grow(
    name: str, bpo: Tenant, carla: User, computed: None, pack: Ask, django_assert_max_num_queries: Callable[..., object]
) -> None:
    for _ in range(6):
        pack()
    client = make.login(carla)
    url = reverse(f"evidence:{name}", args=[bpo.slug])
    client.get(url)
    with django_assert_max_num_queries(24):
        client.get(url)
