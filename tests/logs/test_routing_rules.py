"""Routing rules: every draft goes to exactly one receiver, and a wrong rule set is named in a sentence."""

from datetime import UTC, datetime
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs.kinds import Draft
from logs.routing import OPERATOR, Condition, Router, Rule, as_json, from_json, problem_of

CLIENTS = ("one", "two", "three")
TEXTS = st.text("ab.@*?[]\\\nÀß", max_size=8)
ADDRESSES = st.none() | st.ip_addresses().map(str)
NETWORKS = st.sampled_from(["10.0.0.0/8", "0.0.0.0/1", "192.0.2.7", "::/1", "8000::/1"])


def draft(**fields: object) -> Draft:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    known = {"clock_quality": 1, "log_type": 4, "class_uid": 4014, "activity_id": 1, "raw": b"x", "position": 0}
    return Draft(occurred_at=at, **{**known, **fields})  # type: ignore[arg-type]  # the test's own fields


DRAFTS = st.builds(
    draft,
    actor_name=TEXTS,
    resource=TEXTS,
    src_ip=ADDRESSES,
    extra=st.dictionaries(st.sampled_from(["group", "other"]), TEXTS | st.lists(TEXTS) | st.integers()),
)
CONDITIONS = st.one_of(
    st.builds(Condition, st.sampled_from(["user", "resource", "group"]), st.lists(TEXTS, min_size=1).map(tuple)),
    st.builds(Condition, st.just("address"), st.lists(NETWORKS, min_size=1).map(tuple)),
)
RULES = st.lists(st.builds(Rule, st.sampled_from(CLIENTS), st.lists(CONDITIONS, min_size=1, max_size=3).map(tuple)))


def holds(condition: Condition, one: Draft) -> bool:
    """Say by the slowest means whether a condition holds."""
    if condition.field == "address":
        return bool(one.src_ip) and any(ip_address(one.src_ip or "") in ip_network(net) for net in condition.patterns)
    group = one.extra.get("group")
    texts = {
        "user": [one.actor_name],
        "resource": [one.resource],
        "group": list(group) if isinstance(group, list) else [str(group or "")],
    }[condition.field]
    patterns = [pattern.strip().lower().replace("[", "[[]") for pattern in condition.patterns]
    return any(text and fnmatchcase(text.lower(), pattern) for text in texts for pattern in patterns)


@given(RULES, DRAFTS)
def test_every_draft_goes_to_the_first_rule_that_takes_it_or_stays(rules: list[Rule], one: Draft) -> None:
    expected = next((rule.receiver for rule in rules if all(holds(each, one) for each in rule.conditions)), OPERATOR)
    assert Router(rules).receiver(one) == expected


@given(RULES)
def test_rules_survive_being_stored_and_are_judged_in_one_sentence(rules: list[Rule]) -> None:
    assert from_json(as_json(rules)) == tuple(rules)
    problem = problem_of(rules, CLIENTS)
    assert problem == "" or (problem.startswith("Rule ") and problem.endswith("."))


@pytest.mark.parametrize(
    ("pattern", "value", "takes"),
    [
        ("*@acme.example", "Ann@ACME.example", True),
        ("*@acme.example", "ann@acme.example.org", False),
        ("ACME\\*", "acme\\ann", True),
        ("gw-?", "gw-1", True),
        ("gw-?", "gw-12", False),
        ("[a]*", "[A]nn", True),
        ("[a]*", "ann", False),
        ("*", "", False),
    ],
)
def test_a_pattern_matches_whole_values_in_any_case(pattern: str, value: str, takes: bool) -> None:
    router = Router([Rule("one", (Condition("user", (pattern,)),))])
    assert router.receiver(draft(actor_name=value)) == ("one" if takes else OPERATOR)


ANN = Condition("user", ("ann",))


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([Rule("four", (ANN,))], "Rule 1 names no client"),
        ([Rule("one", ())], "Rule 1 has no condition"),
        ([Rule("one", (ANN,) * 4)], "Rule 1 has more than 3 conditions"),
        ([Rule("one", (Condition("shoe size", ("9",)),))], "names a field that events do not have"),
        ([Rule("one", (Condition("user", ()),))], "has no pattern for user name"),
        ([Rule("one", (Condition("user", ("",)),))], "has no pattern for user name"),
        ([Rule("one", (Condition("user", ("*?*",)),))], "matches everything"),
        ([Rule("one", (Condition("user", ("a*" * 7,)),))], "6 stars"),
        ([Rule("one", (Condition("user", ("a\u202eb",)),))], "cannot be seen"),
        ([Rule("one", (Condition("user", ("a",) * 21),))], "more than 20 patterns"),
        ([Rule("one", (Condition("address", ("10.0.0.0/33",)),))], "no address and no network"),
        ([Rule("one", (ANN,)), Rule("two", (ANN,))], "Rule 2 never takes anything: rule 1"),
        ([Rule("one", (ANN,))] * 101, "at most 100 rules"),
    ],
)
def test_a_wrong_rule_set_is_named(rules: list[Rule], said: str) -> None:
    assert said in problem_of(rules, CLIENTS)


def test_a_sound_rule_set_has_no_problem() -> None:
    rules = [Rule("one", (ANN,)), Rule("two", (Condition("address", ("10.0.0.0/8", "::1")),))]
    assert problem_of(rules, CLIENTS) == ""
