"""`manage.py simulate DIRECTORY`."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

OPTIONS = ("--agents=12", "--days=2", "--start=2026-08-01", "--activity=0.02")


def test_it_writes_every_file_and_says_how_far_it_is(tmp_path: Path) -> None:
    out = StringIO()
    call_command("simulate", str(tmp_path / "bpo"), *OPTIONS, stdout=out)
    names = {path.name for path in (tmp_path / "bpo").iterdir()}
    sources = json.loads((tmp_path / "bpo" / "sources.json").read_text("utf-8"))
    truth = json.loads((tmp_path / "bpo" / "truth.json").read_text("utf-8"))
    assert {source["file_name"] for source in sources} < names
    assert {"people-bpo.csv", "people-acme.csv", "systems.json", "roster.csv", "grants-vpn.csv"} < names
    for source in sources:
        lines = (tmp_path / "bpo" / source["file_name"]).read_bytes().count(b"\n")
        assert lines == truth["lines"][source["name"]]
    assert "9 of 9" in out.getvalue()
    assert "lines from 9 sources" in out.getvalue()


def test_it_writes_the_same_bytes_again(tmp_path: Path) -> None:
    for name in ("one", "two"):
        call_command("simulate", str(tmp_path / name), *OPTIONS, stdout=StringIO())
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_it_refuses_a_directory_that_holds_something(tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(CommandError, match="not an empty directory"):
        call_command("simulate", str(tmp_path), *OPTIONS)
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]


@pytest.mark.parametrize("wrong", ["--agents=3", "--days=0", "--activity=0", "--start=August"])
def test_it_refuses_numbers_that_make_no_bpo(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(CommandError):
        call_command("simulate", str(tmp_path / "bpo"), wrong)
    assert not (tmp_path / "bpo").exists()
