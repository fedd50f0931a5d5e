"""The generator: reproducible, read by the parsers to the last line, true to the volume model and to its own truth."""

import hashlib
import re
from collections import Counter
from datetime import UTC, date, datetime

import pytest

from identities.grantlist import read_grants
from identities.peoplelist import read_people
from identities.privileged import problem
from logs.kinds import Draft, LogType, Outcome, Quarantined, SourceSettings
from logs.parsers import PARSERS, check_mapping, guess_format
from logs.simulate import Scenario, SimSource

START = date(2026, 8, 1)
VOLUME = {1: 14.0, 2: 25.0, 3: 10.8, 4: 2.8, 6: 3.1, 7: 400.0}
"""Events for each agent on duty and day, from the model of 20,000 agents of which 14,300 work on a day."""


def small(**changes: object) -> Scenario:
    arguments: dict[str, object] = {"seed": 7, "agents": 60, "days": 5, "start": START, "activity": 0.05}
    return Scenario(**(arguments | changes))


def read(scenario: Scenario, source: SimSource) -> list[Outcome]:
    settings = SourceSettings(time_zone=source.time_zone, year=START.year, mapping=source.mapping)
    return list(PARSERS[source.format].parse(scenario.lines(source), settings))


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return small()


@pytest.fixture(scope="module")
def outcomes(scenario: Scenario) -> dict[str, list[Outcome]]:
    return {source.name: read(scenario, source) for source in scenario.sources()}


def digest(scenario: Scenario) -> dict[str, str]:
    found = {}
    for source in scenario.sources():
        lines = hashlib.sha256()
        for line in scenario.lines(source):
            lines.update(line)
        found[source.name] = lines.hexdigest()
    return found


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(scenario: Scenario) -> None:
    first, again, other = digest(small()), digest(scenario), digest(small(seed=8))
    assert first == again
    assert all(first[name] != other[name] for name in first)
    assert digest(scenario) == first  # a second look at the same scenario
    assert small().truth()["incidents"] != small(seed=8).truth()["incidents"]


def test_parsers_read_every_line_and_quarantine_none(outcomes: dict[str, list[Outcome]], scenario: Scenario) -> None:
    for source in scenario.sources():
        found = outcomes[source.name]
        assert found
        assert not [outcome for outcome in found if isinstance(outcome, Quarantined)]
        kinds = {outcome.log_type for outcome in found if isinstance(outcome, Draft)}
        assert kinds <= set(source.log_types), source.name


def test_all_seven_kinds_are_there(outcomes: dict[str, list[Outcome]]) -> None:
    kinds = {outcome.log_type for found in outcomes.values() for outcome in found if isinstance(outcome, Draft)}
    assert kinds == {int(kind) for kind in LogType}


def test_lines_come_in_the_order_of_time_and_inside_the_span(outcomes: dict[str, list[Outcome]]) -> None:
    for name, found in outcomes.items():
        drafts = sorted((outcome for outcome in found if isinstance(outcome, Draft)), key=lambda draft: draft.position)
        times = [draft.occurred_at.replace(microsecond=0) for draft in drafts]
        assert times == sorted(times), name
        assert datetime(2026, 8, 1, tzinfo=UTC) <= times[0]
        assert times[-1] < datetime(2026, 8, 6, tzinfo=UTC)


def test_formats_are_guessed_and_mappings_are_sound(scenario: Scenario) -> None:
    for source in scenario.sources():
        lines = scenario.lines(source)
        assert guess_format([next(lines) for _ in range(5)]) is source.format
        if source.mapping:
            assert check_mapping(source.mapping) == []


def test_volumes_follow_the_model_of_a_real_bpo() -> None:
    scenario = small(agents=100, days=2, activity=1.0)
    duties = sum(1 for line in scenario.roster()) - 1
    counts: Counter[int] = Counter()
    for source in scenario.sources():
        counts.update(outcome.log_type for outcome in read(scenario, source) if isinstance(outcome, Draft))
    for kind, expected in VOLUME.items():
        assert counts[kind] / duties == pytest.approx(expected, rel=0.4), LogType(kind)


def test_no_address_and_no_domain_belongs_to_anybody(scenario: Scenario) -> None:
    whole = b"".join(line for source in scenario.sources() for line in scenario.lines(source))
    addresses = set(re.findall(rb"\b(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}\b", whole))
    documentation = {b"192.0.2", b"198.51.100", b"203.0.113"}
    browsers = {b"126.0.0"}
    assert {address for address in addresses if not address.startswith(b"10.")} <= documentation | browsers
    assert set(re.findall(rb"@([\w.]+)", whole)) == {b"harbour.example"}


def test_people_and_grants_are_read_by_the_register(scenario: Scenario) -> None:
    people = read_people(scenario.people_csv())
    numbers = {person.external_id for person in people}
    assert len(people) == len(numbers) > 60
    assert {person.manager for person in people if person.manager} <= numbers
    for system in scenario.systems():
        sheet = scenario.grants(system.key)
        assert len(read_grants(sheet.csv)) == sheet.total > 0
        assert problem(system.privileged_rule) == ""
        assert system.owner in numbers
    for client in ("acme", "zenith"):
        assert len(read_people(scenario.people_csv(client))) < len(people)


def test_a_scenario_that_cannot_be_is_refused() -> None:
    for wrong in ({"agents": 9}, {"days": 0}, {"activity": 0.0}):
        with pytest.raises(ValueError, match="at least 10 agents"):
            small(**wrong)
