"""The query modules on the real database: each runs, answers its own metrics, and says nothing of an empty tenant."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from evidence.catalogue import LOG_TYPES, load
from evidence.evaluate import evaluate_all
from evidence.kinds import Facts, Period
from evidence.metrics import MEASURES
from evidence.metrics.coverage import by_log_type
from evidence.metrics.frame import Frame
from evidence.rounds import campaign_tables
from ledger.queries import head
from ledger.signer import sign_now
from reviews.actions import ask
from reviews.models import Campaign
from tenants.audit import audit
from tenants.kinds import Actor
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests import make
from tests.database import without_triggers
from tests.reviews.conftest import item

DAY = timedelta(days=1)


@pytest.fixture
def frame(bpo: Tenant) -> Iterator[Frame]:
    """The last 90 days of the BPO, in its scope."""
    now = timezone.now()
    period = Period(now - timedelta(days=90), now + timedelta(minutes=5), "Europe/Madrid")
    params = {name: parameter.value for name, parameter in load().params.items()}
    with tenant_scope(bpo):
        yield Frame(period, params, bpo.pk, bpo.uuid, now + timedelta(minutes=1))


@pytest.mark.django_db
@pytest.mark.parametrize("kind", sorted(MEASURES))
def test_it_answers_exactly_the_metrics_of_its_kind(frame: Frame, kind: str) -> None:
    answer = MEASURES[kind](frame)
    assert answer.kind == kind
    assert set(answer.metrics) == set(load().kinds[kind].metrics)
    assert answer.query.strip()
    assert {"period_start", "period_end"} <= set(answer.parameters)
    assert all(len(row) == len(answer.table.columns) for row in answer.table.rows)


@pytest.mark.django_db
def test_it_passes_nothing_for_a_tenant_that_was_just_opened(frame: Frame) -> None:
    metrics = {kind: measure(frame).metrics for kind, measure in MEASURES.items()}
    results = evaluate_all(load(), Facts(metrics, by_log_type(frame)))
    passed = {item.control.id for item in results if item.state == "pass"}
    assert passed == set()
    assert by_log_type(frame) == dict.fromkeys(LOG_TYPES)


@pytest.mark.django_db
def test_a_bulk_that_was_undone_keeps_nothing(undone: Campaign, frame: Frame) -> None:
    answer = MEASURES["review_quality"](frame)
    rows = [dict(zip(answer.table.columns, row, strict=True)) for row in answer.table.rows]
    told = {row["reviewer"]: (row["decisions"], row["kept"], row["kept_in_bulk"]) for row in rows}
    assert told == {"Remy": (2, 1, 0), "Rosa": (4, 0, 0)}
    assert answer.metrics["bulk_kept_ratio"] == 0


@pytest.mark.django_db
def test_comments_stand_among_the_questions(bpo: Tenant, reviewed: Campaign, remy: User, frame: Frame) -> None:
    ask(item=item(reviewed, "ana"), asked=None, text="Seen with Ines.", by=make.actor(remy, bpo))
    table = next(one for one in campaign_tables(frame)[0] if one.name == "questions")
    (row,) = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    told = {"asked_by": "Remy", "asked": None, "question": "Seen with Ines.", "answer": None}
    assert row | told == row


@pytest.mark.django_db
def test_it_rehashes_every_entry_of_the_ledger(frame: Frame) -> None:
    answer = MEASURES["ledger"](frame)
    assert answer.metrics["entries"]
    assert answer.metrics["verified_entries"] == answer.metrics["entries"]
    assert (answer.metrics["breaks"], answer.metrics["anchored_checkpoints"]) == (0, 0)
    later = replace(frame, period=replace(frame.period, end=frame.now + timedelta(days=2)), now=frame.now + DAY)
    assert (MEASURES["ledger"](later).metrics["oldest_unsealed_hours"] or 0) > 23, "nobody has signed them"
    sign_now(frame.log_id)
    signed = MEASURES["ledger"](later).metrics
    assert (signed["oldest_unsealed_hours"], signed["checkpoints"], signed["consistency_failures"]) == (0, 1, 0)
    without_triggers("UPDATE tenants_auditentry SET core = core || ' ' WHERE ord = 0")
    assert (MEASURES["ledger"](later).metrics["breaks"] or 0) > 0, "the stored bytes are others than the sealed ones"
    without_triggers("UPDATE ledger_partialtile SET hashes = set_byte(hashes, 5, get_byte(hashes, 5) # 1)")
    assert MEASURES["ledger"](later).metrics["consistency_failures"] == 1, "the tree has another root than was signed"


@pytest.mark.django_db
def test_it_probes_every_tenant_table_and_finds_no_leak(frame: Frame) -> None:
    answer = MEASURES["isolation"](frame)
    assert (answer.metrics["probes"] or 0) > 40
    assert (answer.metrics["leaks"], answer.metrics["tables_without_policy"]) == (0, 0)
    without_triggers("CREATE TABLE public.planted AS SELECT 0::bigint AS tenant_id")
    without_triggers("GRANT SELECT ON public.planted TO PUBLIC")
    open_table = MEASURES["isolation"](frame)
    assert open_table.metrics["leaks"] == 2, "a row of another tenant, and an answer without a scope"
    assert open_table.metrics["tables_without_policy"] == 1
    assert ("planted", False, False, False, True, True) in open_table.table.rows


@pytest.mark.django_db
def test_too_many_entries_rest_on_the_complete_verification(
    frame: Frame, bpo: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evidence.metrics.ledger.HASHED_AT_ONCE", 0)
    alone = MEASURES["ledger"](frame)
    assert alone.metrics["verified_entries"] == 0, "without one, nothing that was not hashed counts as verified"
    assert "there is no complete verification" in alone.notes[-1]
    by, about = Actor.system("tests", bpo.pk), head(bpo.uuid).origin
    audit("ledger.verified", by=by, target=about, detail={"size": 10, "failures": {}})
    good = MEASURES["ledger"](replace(frame, now=timezone.now()))
    assert good.metrics["verified_entries"] == good.metrics["entries"]
    assert "which found no failure" in good.notes[-1]
    audit("ledger.verified", by=by, target=about, detail={"size": 10, "failures": {"content changed": 3}})
    bad = MEASURES["ledger"](replace(frame, now=timezone.now()))
    assert (bad.metrics["verified_entries"], bad.metrics["breaks"]) == (0, 3)
