"""Rows that rest on what nobody records say so on page and report, and never read as good or bad by it."""

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from evidence import metrics
from evidence.catalogue import expressions, load
from evidence.criteria import can_be_true, parse
from evidence.evaluate import barred, evaluate_all
from evidence.pages import control_facts
from evidence.sections.front import card
from tests.evidence.facts import good, source

AT_TIMES = {
    "backup.restore_root_mismatches": "no restore test was reported",
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


def test_exactly_the_rows_that_cannot_pass_say_why() -> None:
    facts = good(dict.fromkeys(UNMEASURED))
    stuck = {item.control.key for item in evaluate_all(load(), facts) if item.state != "pass"}
    said = {row.key: barred(load(), row) for row in load().controls}
    assert {key for key, lines in said.items() if lines} == stuck
    assert stuck == {"gdpr-5.1.b"}
    assert said["gdpr-5.1.b"] == (
        "Cannot pass here once there is something to judge: Access to the logs themselves: without purpose is not "
        "measured, because the portal asks nobody for the purpose of a look.",
    )


def test_the_row_says_it_on_its_page_and_in_the_report() -> None:
    found = source()
    row = next(item for item in found.evaluations if item.control.key == "gdpr-5.1.b")
    assert len(card(found, row).barred) == 1
    assert card(found, row).barred == control_facts(row.control, None, [], [])["barred"]


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
    assert row.reasons[0].startswith("The pass criterion does not hold (client_access.packs_issued = 0")
    assert row.reasons[1] == (
        "Not measured, and needed to tell attention from fail: client_access.requests_over_limit."
    )


def test_no_row_fails_or_warns_by_a_number_that_is_unknown_alone() -> None:
    catalogue = load()
    for row in catalogue.controls:
        alone = replace(catalogue, controls=(row,))
        for kind, name in {pair for part in expressions(row).values() for item in part for pair in item.metrics}:
            if name not in catalogue.kinds[kind].ages and name not in catalogue.kinds[kind].ratios:
                (found,) = evaluate_all(alone, good({f"{kind}.{name}": None}))
                assert found.state in {"no_data", "pass"}, (row.id, kind, name)
