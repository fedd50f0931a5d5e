"""Rows that rest on what nobody records say so on page and report, and never read as good or bad by it."""

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from evidence import metrics
from evidence.catalogue import expressions, load
from evidence.criteria import can_be_true, parse
from evidence.evaluate import barred, evaluate_all
from evidence.kinds import Control, Criterion
from evidence.pages import control_facts
from evidence.sections.front import card
from tests.evidence.facts import good, source

AT_TIMES = {
    "backup.restore_root_mismatches": "no restore test was reported",
    "log_access.without_purpose": "the tenant has set no purposes",
    "grants.approved_after_grant": "the list of a system does not say when an access was approved",
    "packs.verification_failures": "the store of packs is silent",
    "processing_record.incomplete": "no record is kept here",
    "processing_record.stale": "no record is kept here",
    "processing_record.undeclared_sources": "no record is kept here",
    "protection.stores_not_encrypted": "of a store nobody said whether it is encrypted",
    "remote_access.third_party_outside_window": "of a third party no term is known",
    "remote_access.unapproved_place": "no place was approved when a session began",
    "sessions.idle_over_limit": "too few sessions show their use",
}
"""Metrics that have a number as soon as somebody reports it; each stands in another test with one."""
UNMEASURED = {f"{kind.name}.{name}" for kind in load().kinds.values() for name in kind.unmeasured}


def stuck_row() -> Control:
    """A row as a framework of one's own may have it: it rests on what nothing here records."""
    criterion = Criterion("identities.parallel_use_flags == 0", "identities.unmapped == 0")
    return replace(load().controls[0], evidence=("identities",), criterion=criterion)


def test_no_row_of_ours_rests_on_what_nothing_records_and_one_that_does_says_why() -> None:
    facts = good(dict.fromkeys(UNMEASURED))
    assert {item.control.key for item in evaluate_all(load(), facts) if item.state != "pass"} == set()
    assert [row.key for row in load().controls if barred(load(), row)] == []
    (found,) = evaluate_all(replace(load(), controls=(stuck_row(),)), facts)
    assert found.state == "no_data"
    assert barred(load(), stuck_row()) == (
        "Cannot pass here once there is something to judge: Accounts mapped to persons: parallel use flags is not "
        "measured, because it is not settled which places are too far apart for one person in how much time.",
    )


def test_the_row_says_it_on_its_page_and_in_the_report() -> None:
    (row,) = evaluate_all(replace(load(), controls=(stuck_row(),)), good(dict.fromkeys(UNMEASURED)))
    assert len(card(source(), row).barred) == 1
    assert card(source(), row).barred == control_facts(row.control, None, [], [])["barred"]


def test_each_metric_of_a_criterion_is_measured_or_said_not_to_be() -> None:
    used = {
        pair for row in load().controls for part in expressions(row).values() for item in part for pair in item.metrics
    }
    silent = {f"{kind}.{name}" for kind, name in used if name in without_a_number(kind)}
    named = {f"{kind}.{name}" for kind, name in used} & UNMEASURED
    assert silent - named == AT_TIMES.keys()
    assert named <= silent, "what has a number is not said to have none"


def without_a_number(kind: str) -> set[str]:
    """The metrics for which a query module writes None, always or on a condition; ages and ratios say why by it."""
    tree = ast.parse((Path(metrics.__file__).parent / f"{kind}.py").read_text())
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                parts = (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,)
                if any(isinstance(part, ast.Constant) and part.value is None for part in parts):
                    assert isinstance(key, ast.Constant), ast.unparse(node)
                    found.add(str(key.value))
    declared = load().kinds[kind]
    return found & set(declared.metrics) - declared.ages - declared.ratios.keys()


@pytest.mark.parametrize(
    ("text", "possible"),
    [
        ("grants.late == 0", False),
        ("grants.late == 0 and grants.granted > 0", False),
        ("grants.late == 0 or grants.granted > 0", True),
        ("not grants.late > 0", False),
        ("grants.granted > 0", True),
        ("grants.late / grants.granted < 0.1", False),
    ],
)
def test_an_unknown_metric_bars_only_what_needs_it(text: str, possible: bool) -> None:
    assert can_be_true(parse(text), [("grants", "late")]) is possible


def test_an_unknown_metric_reads_neither_as_good_nor_as_bad() -> None:
    facts = good({"client_access.packs_issued": 0, "client_access.requests_over_limit": None})
    row = next(item for item in evaluate_all(load(), facts) if item.control.key == "gdpr-28.3.h")
    assert row.state == "no_data"
    assert row.reasons[0].startswith("The pass criterion does not hold (Client access and requests: packs issued = 0")
    assert row.reasons[1] == (
        "Not measured, and needed to tell attention from fail: "
        "Client access and requests: requests open beyond the limit."
    )


def test_no_row_fails_or_warns_by_a_number_that_is_unknown_alone() -> None:
    catalogue = load()
    for row in catalogue.controls:
        alone = replace(catalogue, controls=(row,))
        for kind, name in {pair for part in expressions(row).values() for item in part for pair in item.metrics}:
            if name not in catalogue.kinds[kind].ages and name not in catalogue.kinds[kind].ratios:
                (found,) = evaluate_all(alone, good({f"{kind}.{name}": None}))
                assert found.state in {"no_data", "pass"}, (row.id, kind, name)
