"""An operator's frameworks: the example of the documentation is loaded and evaluated, each fault is one sentence."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pytest_django import Settings

from evidence.catalogue import FOLDER, LONGEST_CONTROL, LONGEST_FRAMEWORK, PROOFS, load, with_own
from evidence.evaluate import evaluate_all
from evidence.frameworkfile import SCHEMA
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
        (
            "      needs: [",
            "      need: [",
            "acme.yaml, 4.2, criterion: there is no key 'need'; the keys here are applies",
        ),
        ("occurrence: alerts", "occurence: alerts", "acme.yaml, 4.1, criterion: there is no key 'occurence'"),
        ("    proof: direct", "    prof: x\n    proof: direct", "acme.yaml, 4.1: there is no key 'prof'"),
        ("  text: contract", "  licence: MIT\n  text: contract", "acme.yaml, framework: there is no key 'licence'"),
        ("controls:", "ctrls: []\ncontrols:", "acme.yaml: there is no key 'ctrls'; the keys here are framework"),
        ("    proof: direct", "    check: {lib: x}\n    proof: direct", "acme.yaml, 4.1, check: there is no key 'lib'"),
        (
            "    proof: direct",
            "    title: Twice\n    proof: direct",
            "acme.yaml cannot be read as YAML: the key 'title' ",
        ),
        ("framework:", "[a]: b\nframework:", "acme.yaml cannot be read as YAML: "),
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


FRAMEWORK, CONTROL = SCHEMA["properties"]["framework"], SCHEMA["properties"]["controls"]["items"]
CRITERION = CONTROL["properties"]["criterion"]


def refused(folder: Path, changed: object) -> str:
    """What is said of a file that holds this."""
    (folder / "acme.yaml").write_text(yaml.safe_dump(changed))
    return "".join(fault for _name, fault in with_own(load(own=""), folder).refused)


def without_one() -> Iterator[tuple[str, bool, dict[str, Any]]]:
    """The example without each key of the schema that it has, and whether the schema asks for that key."""
    for schema, place in ((SCHEMA, ()), (FRAMEWORK, ("framework",)), (CONTROL, ("controls", 0))):
        for key in schema["properties"]:
            yield from _without(schema, place, key)
    for key in CRITERION["properties"]:
        yield from _without(CRITERION, ("controls", 0, "criterion"), key)


def _without(
    schema: dict[str, Any], place: tuple[str | int, ...], key: str
) -> Iterator[tuple[str, bool, dict[str, Any]]]:
    changed = part = yaml.safe_load(TEXT)
    for step in place:
        part = part[step]
    if part.pop(key, None) is not None:
        yield key, key in schema["required"], changed


def test_the_schema_asks_for_exactly_what_the_reader_asks_for(tmp_path: Path) -> None:
    assert refused(tmp_path, yaml.safe_load(TEXT)) == ""
    found = {(key, asked, bool(refused(tmp_path, changed))) for key, asked, changed in without_one()}
    assert {key for key, asked, is_refused in found if asked != is_refused} == set()
    assert len(found) == 19, "seven texts, evidence and criterion of a row, its two halves and one more, and the header"
    assert CONTROL["properties"]["proof"]["enum"] == list(PROOFS)
    assert CONTROL["properties"]["oscal_id"]["maxLength"] == LONGEST_CONTROL
    assert FRAMEWORK["properties"]["key"]["maxLength"] == LONGEST_FRAMEWORK


def test_the_schema_holds_for_the_products_files_and_for_the_example() -> None:
    validator = pytest.importorskip("jsonschema", reason="comes with a test tool").Draft202012Validator(SCHEMA)
    files = [path for path in FOLDER.glob("*.yaml") if path.name not in {"catalogue.yaml", "kinds.yaml"}]
    texts = [TEXT, *(path.read_text() for path in files)]
    assert [error.message for text in texts for error in validator.iter_errors(yaml.safe_load(text))] == []
    assert len(texts) == 6
    assert not validator.is_valid(yaml.safe_load(TEXT.replace("needs:", "need:")))
