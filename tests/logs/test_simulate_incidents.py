"""Each planted incident can be found in what the parsers read, by its own definition, and where the truth says."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from identities.grantlist import read_grants
from logs.kinds import Draft, SourceSettings
from logs.parsers import PARSERS
from logs.simulate import Scenario

START = date(2026, 8, 1)


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return Scenario(seed=3, agents=80, days=7, start=START, activity=0.05)


@pytest.fixture(scope="module")
def events(scenario: Scenario) -> dict[str, list[Draft]]:
    found = {}
    for source in scenario.sources():
        settings = SourceSettings(time_zone=source.time_zone, year=START.year, mapping=source.mapping)
        outcomes = PARSERS[source.format].parse(scenario.lines(source), settings)
        found[source.name] = [outcome for outcome in outcomes if isinstance(outcome, Draft)]
    return found


@pytest.fixture(scope="module")
def truth(scenario: Scenario, events: dict[str, list[Draft]]) -> dict[str, dict[str, Any]]:
    incidents: Any = scenario.truth()["incidents"]
    return {incident["kind"]: incident for incident in incidents}


def during(events: Iterable[Draft], incident: dict[str, Any]) -> list[Draft]:
    since, until = (datetime.fromisoformat(incident[name]) for name in ("since", "until"))
    grace = timedelta(seconds=5)
    return sorted((e for e in events if since - grace <= e.occurred_at <= until + grace), key=lambda e: e.occurred_at)


def test_every_kind_of_incident_is_planted(truth: dict[str, dict[str, Any]]) -> None:
    assert set(truth) == {
        "brute_force",
        "password_spraying",
        "out_of_hours",
        "leaver_activity",
        "use_without_grant",
        "dormant_privileged",
        "mass_export",
        "mfa_fatigue",
        "silent_source",
    }


def test_the_lines_that_the_truth_names_are_the_planted_ones(scenario: Scenario, truth: dict[str, Any]) -> None:
    for source in scenario.sources():
        lines = list(scenario.lines(source))
        for incident in truth.values():
            named = [lines[number - 1].decode() for number in incident["lines"].get(source.name, [])]
            assert len(named) == incident["records"].get(source.name, 0)
            if named and incident["account"]:
                assert any(incident["account"].partition("@")[0] in line for line in named)


def test_brute_force_then_success(events: dict[str, list[Draft]], truth: dict[str, Any]) -> None:
    incident = truth["brute_force"]
    found = [e for e in during(events["jump-hosts"], incident) if e.src_ip == incident["address"]]
    assert [e.status_id for e in found] == [2] * 30 + [1]
    assert {e.actor_name for e in found} == {incident["account"]}
    assert found[9].occurred_at - found[0].occurred_at < timedelta(minutes=10)


def test_password_spraying(events: dict[str, list[Draft]], truth: dict[str, Any]) -> None:
    incident = truth["password_spraying"]
    found = [e for e in during(events["okta"], incident) if e.src_ip == incident["address"]]
    assert len({e.actor_name for e in found}) == 24
    assert len(found) == 48
    assert found[-1].occurred_at - found[0].occurred_at < timedelta(minutes=10)


def test_privileged_use_out_of_hours(events: dict[str, list[Draft]], truth: dict[str, Any], scenario: Scenario) -> None:
    incident = truth["out_of_hours"]
    person = next(row for row in scenario.people() if row["external_id"] == incident["person"])
    assert (person["shift_start"], person["shift_end"]) == ("08:00", "17:00")
    found = [e for e in during(events["jump-hosts"], incident) if e.actor_name == incident["account"]]
    assert sum(e.app == "sudo" for e in found) == 6
    assert {(e.occurred_at.hour + 8) % 24 for e in found} <= {2, 3}


def test_a_leaver_is_active(events: dict[str, list[Draft]], truth: dict[str, Any], scenario: Scenario) -> None:
    incident = truth["leaver_activity"]
    person = next(row for row in scenario.people() if row["external_id"] == incident["person"])
    assert date.fromisoformat(person["employed_until"]) < datetime.fromisoformat(incident["since"]).date()
    assert len([e for e in during(events["vpn"], incident) if e.actor_name == incident["account"]]) == 3
    assert incident["account"] in {row.account for row in read_grants(scenario.grants("vpn").csv)}


def test_use_without_a_grant(events: dict[str, list[Draft]], truth: dict[str, Any], scenario: Scenario) -> None:
    incident = truth["use_without_grant"]
    granted = {row.account for row in read_grants(scenario.grants("acme-db").csv)}
    found = [e for e in during(events["acme-db"], incident) if e.actor_name not in granted]
    assert {e.actor_name for e in found} == {incident["account"]}
    assert {e.table for e in found if e.table} == {"customer", "customer_card"}
    others = {e.actor_name for e in events["acme-db"]} - {incident["account"]}
    assert others <= granted


def test_a_dormant_privileged_account(events: dict[str, list[Draft]], truth: dict[str, Any]) -> None:
    incident = truth["dormant_privileged"]
    found = [e for e in events["jump-hosts"] if e.actor_name == "breakglass"]
    assert found == [e for e in during(events["jump-hosts"], incident) if e.actor_name == "breakglass"]
    assert sum(e.log_type == 5 for e in found) == 2


def test_a_mass_export(events: dict[str, list[Draft]], truth: dict[str, Any]) -> None:
    incident = truth["mass_export"]
    (source,) = incident["sources"]
    found = [e for e in events[source] if e.activity_id == 7 and e.class_uid == 6001]
    assert {e.actor_name for e in found} == {incident["account"]}
    assert sum(e.rows_count or 0 for e in found) == 60_000


def test_mfa_fatigue(events: dict[str, list[Draft]], truth: dict[str, Any]) -> None:
    incident = truth["mfa_fatigue"]
    found = [e for e in during(events["okta"], incident) if e.src_ip == incident["address"]]
    assert [e.status_detail for e in found] == ["mfa_fatigue_denied"] * 6 + [""]


def test_a_silent_source(events: dict[str, list[Draft]], truth: dict[str, Any]) -> None:
    incident = truth["silent_source"]
    times = sorted(e.occurred_at for e in events["vpn"])
    gaps = [(later - earlier, earlier) for earlier, later in pairwise(times)]
    longest, begin = max(gaps)
    assert longest >= timedelta(hours=5)
    assert begin <= datetime.fromisoformat(incident["since"]) <= begin + longest
