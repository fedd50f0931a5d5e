"""An operator's frameworks: the example of the documentation is loaded and evaluated, each fault is one sentence."""

import re
from pathlib import Path

import pytest
from pytest_django import Settings

from evidence.catalogue import load
from evidence.evaluate import evaluate_all
from tests.evidence.facts import good

EXAMPLE = re.search(r"```yaml\n(.*?)```", Path("docs/frameworks.md").read_text(encoding="utf-8"), re.DOTALL)
assert EXAMPLE
TEXT = EXAMPLE[1]


def test_the_example_of_the_documentation_is_a_framework_like_the_others(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(TEXT)
    before = load()
    settings.COUNTERSIGN_FRAMEWORKS = str(tmp_path)
    found = load()
    assert [row.key for row in found.controls[70:]] == ["acme-4.1", "acme-4.2"]
    assert (found.refused, found.frameworks["acme"].version) == ((), "2026-03")
    assert found.digest != before.digest
    states = {
        item.control.key: item.state for item in evaluate_all(found, good({"incidents.client_notify_max_hours": 30}))
    }
    assert (states["acme-4.1"], states["acme-4.2"]) == ("pass", "attention")
    gone = {item.control.key: item.state for item in evaluate_all(found, good(coverage={"admin": 0.62}))}
    assert gone["acme-4.1"] == "no_data"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("[alerts, alert_rules]", "[alarms, alert_rules]", "4.1: there is no evidence kind 'alarms'."),
        ("alerts.open_over_limit <= 3", "alerts.rased <= 3", "4.1: there is no metric alerts.rased."),
        ("p.ack_ratio", "p.ack_rate", "4.1: there is no parameter 'ack_rate'."),
        (
            "alerts.open_over_limit <= 3",
            "alerts.raised / 0 <= 1",
            "4.1: The criterion 'alerts.raised / 0 <= 1' divides by zero in 'alerts.raised / 0'.",
        ),
        ("acme-4.1", "4.1", "4.1: '4.1' is no OSCAL token."),
        ("acme-4.2", "acme-4.1", "4.2: the identifier 'acme-4.1' is used twice."),
        ("acme-4.1", "gaps", "4.1: the identifier 'gaps' is the name of a page: choose another."),
        ("key: acme", "key: gdpr", "The framework 'gdpr' exists already: choose another key."),
        ("limits: Says", "limit: Says", "acme 4.1 lacks 'limits'."),
        ("evidence: [incidents]", "evidence: incidents", "4.2: its evidence is no list of texts."),
        ("controls:", "rows:", "acme.yaml lists no controls."),
        ("framework:", "[", "acme.yaml cannot be read as YAML: "),
    ],
)
def test_a_fault_leaves_the_whole_file_out_and_is_one_sentence(
    old: str, new: str, sentence: str, tmp_path: Path
) -> None:
    assert old in TEXT
    (tmp_path / "acme.yaml").write_text(TEXT.replace(old, new, 1))
    found = load(own=str(tmp_path))
    ((name, faults),) = found.refused
    assert (name, len(found.controls)) == ("acme.yaml", 70)
    assert faults.startswith(sentence)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert "does not exist" in load(own=str(tmp_path / "nowhere")).refused[0][1]
