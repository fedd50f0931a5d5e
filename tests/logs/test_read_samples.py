"""The report over files of logs that `manage.py read_samples` prints; nothing is stored."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from logs.kinds import Format, SourceSettings
from logs.samples import files, read_sample
from tests.logs.parsers.reading import shared
from tests.logs.parsers.saas_records import RECORDS, line


def report(*paths: Path, **options: object) -> list[str]:
    out = io.StringIO()
    call_command("read_samples", *map(str, paths), stdout=out, **options)
    return out.getvalue().splitlines()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    box = [line(Format.BOX), line(Format.BOX, event_type="SHIELD_ALERT"), line(Format.BOX, created_at=None), "{oops"]
    (tmp_path / "box.ndjson").write_text("\n".join(box) + "\n\n", "utf-8")
    (tmp_path / "inner").mkdir()
    wrapped = [json.dumps({"id": 1, "log": RECORDS[Format.ENTRA]})] * 2
    (tmp_path / "inner" / "entra.jsonl").write_text("\n".join(wrapped), "utf-8")
    (tmp_path / "notes.txt").write_text("nothing\n", "utf-8")
    (tmp_path / "table.csv").write_text("a,b\n1,2\n", "utf-8")
    (tmp_path / ".hidden").write_text("x", "utf-8")
    return tmp_path


def test_it_says_of_each_file_what_became_of_its_lines(folder: Path) -> None:
    assert report(folder, member="log") == [
        f"{folder}/box.ndjson: box, lines 4, records 4, events 1, ignored 1, quarantined 2",
        "    1 ignored: alert of the service, no access",
        "    1 quarantined: The time of the Box event cannot be read. The record has no time.",
        "    1 quarantined: The record is no Box event that can be read. "
        "JSON is malformed: object keys must be strings (byte 1).",
        f"{folder}/inner/entra.jsonl: entra, lines 2, records 2, events 2, ignored 0, quarantined 0",
        f"{folder}/notes.txt: not read, for its format is not known",
        f"{folder}/table.csv: not read, for its format needs a saved mapping",
        "Files 4: lines 6, records 6, events 3, ignored 1, quarantined 2.",
    ]


def test_a_format_that_is_given_is_not_guessed(folder: Path) -> None:
    found = read_sample(folder / "notes.txt", SourceSettings(), wanted=Format.OKTA)
    assert (found.format, found.records, found.quarantined.total()) == (Format.OKTA, 1, 1)
    with pytest.raises(CommandError, match=r"absent.*cannot be read: No such file"):
        report(folder / "absent")


@pytest.mark.parametrize(
    ("name", "member", "lines", "records", "events"),
    [("linux", "", 2000, 2000, 761), ("saas", "log", 1178, 1178, 930), ("windows", "", 0, 632, 122)],
)
def test_over_the_real_files_no_line_is_silently_dropped(
    name: str, member: str, lines: int, records: int, events: int
) -> None:
    found = [read_sample(path, SourceSettings(year=2005), member=member) for path in files(shared(name))]
    known = [sample for sample in found if not sample.trouble]
    assert {sample.path.stem for sample in found if sample.trouble} == {"LICENSE"}
    assert sum(sample.lines for sample in known) == lines
    assert sum(sample.records for sample in known) == records
    assert sum(sample.events for sample in known) == events
    for sample in known:
        assert sample.records == sample.events + sample.ignored.total() + sample.quarantined.total()
        assert sample.format == Format.WINDOWS or sample.records == sample.lines
