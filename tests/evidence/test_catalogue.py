"""The catalogue's shape: every row whole, every name known, every fault a sentence."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from evidence.catalogue import FOLDER, CatalogueError, load


def planted(tmp_path: Path, name: str, old: str, new: str) -> list[str]:
    """Load a copy of the catalogue with one text replaced, and return its faults."""
    folder = tmp_path / "catalogue"
    shutil.copytree(FOLDER, folder)
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1))
    with pytest.raises(CatalogueError) as caught:
        load(folder)
    return list(caught.value.faults)


def test_it_holds_seventy_rows_of_five_frameworks() -> None:
    catalogue = load()
    assert Counter(row.framework for row in catalogue.controls) == {
        "gdpr": 15,
        "hipaa": 18,
        "soc2": 13,
        "iso27001": 14,
        "pci": 10,
    }
    assert len(catalogue.kinds) == 36
    assert len({row.key for row in catalogue.controls}) == 70
    assert catalogue.version == "1.3.0"
    assert len(catalogue.digest) == 64


def test_it_holds_the_thresholds_that_the_house_settled() -> None:
    params = load().params
    assert params["skew_seconds"].value == 120
    assert params["request_days"].value == 10
    assert params["session_idle_minutes"].value == 15
    assert params["authority_notify_hours"].value == 72


def test_it_says_which_direction_of_a_parameter_is_looser() -> None:
    params = load().params
    assert params["coverage_floor"].loosened(0.8)
    assert not params["coverage_floor"].loosened(0.95)
    assert params["dormant_days"].loosened(120)
    assert not params["dormant_days"].loosened(90)


@pytest.mark.parametrize(
    ("name", "old", "new", "fault"),
    [
        ("gdpr.yaml", "oscal_id: gdpr-5.1.e", "oscal_id: 5(1)(e)", "is no OSCAL token"),
        ("gdpr.yaml", "oscal_id: gdpr-5.1.e", "oscal_id: gdpr-5.1.b", "is used twice"),
        (
            "pci.yaml",
            "dormant.last_login_unknown",
            "dormant.last_login_unknwon",
            "there is no metric dormant.last_login_unknwon",
        ),
        ("pci.yaml", "p.pci_hot_days", "p.pci_warm_days", "there is no parameter 'pci_warm_days'"),
        ("pci.yaml", "evidence: [dormant]", "evidence: [retention]", "which the row does not list as evidence"),
        ("soc2.yaml", "proof: direct", "proof: certain", "which is none of direct"),
        ("soc2.yaml", "limits: ", "limit: ", "lacks 'limits'"),
        ("soc2.yaml", 'attention: "', 'warning: "', "lacks its pass or attention criterion"),
        ("kinds.yaml", "population: entries", "population: entires", "which is none of its metrics"),
        ("kinds.yaml", "params: [dormant_days]", "params: [dormnt_days]", "names 'dormnt_days', which is no parameter"),
        ("kinds.yaml", "{disabled_without_approval", "{disabled_later", "which is none of its metrics"),
        ("kinds.yaml", "when_empty: no_data", "when_empty: pass", "does not say what an empty population means"),
        ("kinds.yaml", "[login, remote]", "[login, vpn]", "names the log type 'vpn'"),
        ("kinds.yaml", "    when_empty:", "    log_type: [login]\n    when_empty:", "there is no key 'log_type'"),
        ("catalogue.yaml", "unit: ratio,", "unit: ratio, ceiling: 1,", "there is no key 'ceiling'"),
        ("hipaa.yaml", "needs:", "need:", "there is no key 'need'"),
        ("catalogue.yaml", "tighter: higher", "tighter: up", "does not say whether higher or lower is tighter"),
        ("catalogue.yaml", "states: [pass, attention", "states: [pass, warning", "other states"),
        ("catalogue.yaml", "catalogue/1", "catalogue/2", "names the schema"),
        ("hipaa.yaml", 'pass: "', 'pass: "open(1) == 1 and ', "which is no number"),
        ("iso27001.yaml", "controls:", "controls: [", "cannot be read as YAML"),
    ],
)
def test_it_names_a_planted_fault(tmp_path: Path, name: str, old: str, new: str, fault: str) -> None:
    faults = planted(tmp_path, name, old, new)
    assert any(fault in sentence for sentence in faults), faults
    assert all(sentence.endswith(".") for sentence in faults)
