"""The six states: what is good passes, what is worse or missing does not, and silence never passes."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.catalogue import LOG_TYPES, expressions, load
from evidence.criteria import parse
from evidence.evaluate import evaluate_all
from evidence.kinds import Facts
from tests.evidence.facts import empty, good, unmeasured

BREAK_FAILS = {
    "Art. 5(1)(f)",
    "Art. 32(1)(b)",
    "Art. 33(5)",
    "164.312(b)",
    "CC2.1",
    "A.5.3",
    "A.5.28",
    "A.5.33",
    "A.8.15",
    "10.3.4",
}


def states(facts: Facts) -> dict[str, str]:
    return {item.control.id: item.state.value if item.state else "not_computed" for item in evaluate_all(load(), facts)}


def changed(facts: Facts) -> dict[str, str]:
    return {key: state for key, state in states(facts).items() if state != "pass"}


def test_it_passes_every_row_when_every_metric_is_good() -> None:
    assert changed(good()) == {}
    assert len(states(good())) == 70


def test_it_passes_nothing_for_an_empty_tenant() -> None:
    assert "pass" not in states(empty()).values()
    assert "attention" not in states(empty()).values()


def test_it_passes_nothing_when_nothing_was_measured() -> None:
    assert "pass" not in states(unmeasured()).values()
    assert "attention" not in states(unmeasured()).values()


def test_it_passes_nothing_that_rests_on_logs_when_no_source_is_expected() -> None:
    facts = good({"coverage.coverage_ratio": None}, dict.fromkeys(LOG_TYPES))
    touched = {row.id for row in load().controls if rests_on_logs(row.id)}
    assert {key for key, state in states(facts).items() if state == "no_data"} == touched
    assert len(touched) == 44


def rests_on_logs(row_id: str) -> bool:
    row = next(row for row in load().controls if row.id == row_id)
    typed = any(load().kinds[kind].log_types for kind in row.evidence)
    return typed or any("coverage." in need for need in row.criterion.needs)


def test_it_gives_no_data_wherever_log_types_matter_when_coverage_is_62_percent() -> None:
    counts = Counter(states(good({"coverage.coverage_ratio": 0.62}, dict.fromkeys(LOG_TYPES, 0.62))).values())
    assert counts == {"no_data": 44, "pass": 26}


def test_it_gates_by_the_log_types_of_the_rows_own_kinds() -> None:
    answer = changed(good(coverage={"database": 0.62}))
    assert answer["Art. 32(4)"] == "no_data"
    assert "A.8.5" not in answer
    assert "A.6.5" not in answer


def test_it_lets_an_officer_put_a_log_type_out_of_scope() -> None:
    facts = good(coverage={"remote": None})
    assert states(facts)["A.8.5"] == "no_data"
    scoped = Facts(facts.metrics, facts.coverage, out_of_scope={"remote": "Nobody works remotely."})
    assert states(scoped)["A.8.5"] == "pass"


def test_it_fails_the_revocation_rows_and_nothing_else() -> None:
    answer = changed(good({
        "revocations.verified_ratio": 0.7, "revocations.activity_after_revocation": 2,
        "revocations.unverified_over_limit": 9, "review_quality.self_reviews": 1,
    }))  # fmt: skip
    failing = ["164.308(a)(3)(ii)(B)", "164.308(a)(4)(ii)(C)", "CC6.3", "A.5.3", "A.5.18"]
    assert answer == dict.fromkeys(failing, "fail") | {"7.2.4": "attention"}


def test_it_fails_eight_rows_and_warns_in_two_for_one_broken_ledger_entry() -> None:
    answer = changed(good({"ledger.breaks": 1, "ledger.verified_entries": 4999}))
    assert set(answer) == BREAK_FAILS
    assert Counter(answer.values()) == {"fail": 8, "attention": 2}


def test_it_changes_a_row_when_any_single_metric_gets_worse() -> None:
    used: set[str] = set()
    for row in load().controls:
        parts = expressions(row)
        for expression in parts["pass"] + parts["needs"]:
            used |= {f"{kind}.{name}" for kind, name in expression.metrics}
    deaf = {name for name in used if not any(changed(good({name: value})) for value in (0.0, -1.0, 1e9))}
    assert deaf == set()


def test_it_never_passes_more_when_a_metric_becomes_null() -> None:
    for kind in load().kinds.values():
        for metric in kind.metrics:
            if metric not in kind.ratios or good().metrics[kind.name][kind.ratios[metric]]:
                answer = states(good({f"{kind.name}.{metric}": None}))
                rows = [
                    row
                    for row in load().controls
                    if any((kind.name, metric) in e.metrics for e in expressions(row)["pass"])
                ]
                assert all(answer[row.id] != "pass" for row in rows), (kind.name, metric)


def test_it_takes_a_ratio_over_nothing_for_nothing_to_break() -> None:
    facts = good(
        {"revocations.decided": 0, "revocations.verified_ratio": None, "revocations.executed_in_limit_ratio": None}
    )
    assert states(facts)["A.5.18"] == "pass"


@pytest.mark.parametrize("metric", ["days_since_privileged", "days_since_all", "days_since_service_accounts"])
def test_it_reads_a_missing_age_as_never_and_fails(metric: str) -> None:
    answer = changed(good({f"campaigns.{metric}": None}))
    assert answer
    assert "no_data" not in answer.values()
    assert set(answer.values()) <= {"fail", "attention"}


def test_it_lists_rows_without_a_query_as_not_computed() -> None:
    facts = good()
    metrics = {name: values for name, values in facts.metrics.items() if name != "backup"}
    answer = changed(Facts(metrics, facts.coverage))
    assert answer == dict.fromkeys(["Art. 32(1)(c)", "A1.2", "A.5.33"], "not_computed")


def test_it_sets_a_row_aside_with_its_reason() -> None:
    facts = good({"sessions.idle_over_limit": 3})
    aside = Facts(facts.metrics, facts.coverage, not_applicable={"hipaa-164.312.a.2.iii": "Documented alternative."})
    row = next(item for item in evaluate_all(load(), aside) if item.control.id == "164.312(a)(2)(iii)")
    assert (row.state, row.reasons) == ("not_applicable", ("Set aside: Documented alternative.",))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_it_never_passes_a_row_with_an_unknown_metric_in_its_pass_criterion(data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(load().controls))
    metrics = parse(row.criterion.passing).metrics
    gone = data.draw(st.sampled_from(metrics))
    declared = load().kinds[gone[0]]
    changes: dict[str, float | None] = {
        f"{kind}.{name}": data.draw(st.one_of(st.none(), st.floats(0, 1e6))) for kind, name in metrics
    }
    changes[".".join(gone)] = None
    if gone[1] in declared.ratios:
        changes[f"{gone[0]}.{declared.ratios[gone[1]]}"] = 5.0
    result = next(item for item in evaluate_all(load(), good(changes)) if item.control is row)
    assert result.state != "pass"
    assert all(reason.endswith(".") for reason in result.reasons)
