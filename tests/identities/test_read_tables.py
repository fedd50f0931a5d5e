"""Reading Excel beside CSV, and a system's own export by a saved mapping: rows, renamed columns, hostile workbooks."""

import io
import zipfile
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from identities.csvtable import BadFile
from identities.grantlist import read_grants
from identities.kinds import AccountKind
from identities.peoplelist import read_people
from identities.readers.mapped import read_mapped

EXPORT = "User Name;Role(s);Active;Emp No\nana;Agent, Supervisor;yes;E1\nbob;;no;E2\n"
MAPPING = {
    "columns": {"account": "user name", "entitlement": "role(s)", "enabled": "active", "person": "emp no"},
    "separator": ",",
}


def workbook(*rows: list[object], title: str = "Grants", more: str = "") -> bytes:
    book = Workbook()
    sheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    if more:
        book.create_sheet(more).append(["x"])
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


BOOK = workbook(
    ["Account", "entitlement", "kind", "enabled", "granted_at"],
    ["ana", "agent", None, True, datetime(2026, 3, 1)],  # noqa: DTZ001 -- a workbook's dates have no zone
    [1042, "agent", "service", "no", None],
    [None, None],
)


def changed(body: bytes, name: str, content: bytes | None, *, old: bytes = b"") -> bytes:
    """Returns a workbook of which one part is another one; with `old`, that piece of the part only."""
    held = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as before, zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as after:
        for part in before.namelist():
            kept = before.read(part)
            after.writestr(part, kept.replace(old, content or b"") if part == name and old else kept)
        if not old:
            after.writestr(name, content or b"")
    return held.getvalue()


def test_a_workbook_reads_as_its_table() -> None:
    rows = read_grants(BOOK)
    assert [(row.line, row.account, row.enabled, row.kind) for row in rows] == [
        (3, "1042", False, AccountKind.SERVICE),
        (2, "ana", True, AccountKind.HUMAN),
    ]
    assert rows[1].granted_at == datetime(2026, 3, 1, tzinfo=UTC)
    people = workbook(["external_id", "name", "kind", "employed_until"], ["C1", "Cy", "contractor", "2027-01-31"])
    assert read_people(people)[0].kind == "contractor"


SHEET = "xl/worksheets/sheet1.xml"
HOSTILE = {
    "a formula": (workbook(["account", "entitlement"], ["ana", "=HYPERLINK(1)"]), "Row 2 holds a formula"),
    "an error": (workbook(["account", "entitlement"], ["ana", "#REF!"]), "Row 2 holds the error #REF!"),
    "macros": (changed(BOOK, "xl/vbaProject.bin", b"x"), "holds macros"),
    "a bomb": (changed(BOOK, "xl/media/x.xml", b"\0" * 9_000_000), "unpacks to 9,"),
    "entities": (changed(BOOK, "xl/x.xml", b'<!DOCTYPE a [<!ENTITY b "c">]>'), "declares entities"),
    "two sheets": (workbook(["account"], more="Notes"), "has the sheets 'Grants', 'Notes'"),
    "a far row": (changed(BOOK, SHEET, b'<row r="900000">', old=b'<row r="3">'), "more than 500,000 rows"),
    "a far column": (changed(BOOK, SHEET, b'r="XFD3"', old=b'r="D3"'), "Row 3 has more than 200 columns"),
    "a password": (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "encrypted, or an old .xls"),
    "half a file": (BOOK[: len(BOOK) // 2], "no readable Excel workbook"),
    "no workbook": (changed(b"PK\x05\x06" + b"\0" * 18, "passwd", b"x"), "no readable Excel workbook"),
    "a time": (workbook(["account", "entitlement", "granted_at"], ["a", "b", datetime(2026, 3, 1, 9)]), "its offset"),  # noqa: DTZ001 -- as above
}


@pytest.mark.parametrize("attack", HOSTILE)
def test_a_hostile_workbook_is_refused_with_one_sentence(attack: str) -> None:
    body, sentence = HOSTILE[attack]
    with pytest.raises(BadFile) as refusal:
        read_grants(body)
    assert sentence in refusal.value.sentence


def test_what_a_sheet_claims_of_its_size_is_not_believed() -> None:
    claims = changed(BOOK, SHEET, b'<dimension ref="A1:XFD1048576"', old=b'<dimension ref="A1:E3"')
    assert claims != BOOK
    assert read_grants(claims) == read_grants(BOOK)


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, len(BOOK) - 1), piece=st.binary(min_size=1, max_size=6), name=st.sampled_from([SHEET, ""]))
def test_a_damaged_workbook_gives_rows_or_one_sentence(at: int, piece: bytes, name: str) -> None:
    body = BOOK[:at] + piece + BOOK[at + len(piece) :]
    if name:
        with zipfile.ZipFile(io.BytesIO(BOOK)) as packed:
            sheet = packed.read(SHEET)
        body = changed(BOOK, SHEET, sheet[: at % len(sheet)] + piece + sheet[at % len(sheet) :], old=sheet)
    try:
        outcome = "." if read_grants(body) else ""
    except BadFile as bad:
        outcome = bad.sentence
    assert outcome.endswith(".")


def test_a_mapping_reads_an_export_in_its_own_columns() -> None:
    read = read_mapped(EXPORT.encode(), MAPPING)
    assert [(row.account, row.entitlement, row.person, row.enabled) for row in read.rows] == [
        ("ana", "Agent", "E1", True),
        ("ana", "Supervisor", "E1", True),
        ("bob", "account", "E2", False),
    ]
    assert read.records == 2
    book = workbook(["User Name", "Role(s)", "Active", "Emp No", "Phone"], ["ana", "Agent", "yes", "E1", "+34 6"])
    assert len(read_mapped(book, {**MAPPING, "sheet": "Grants"}).rows) == 1


WRONG = {
    "a renamed column": (EXPORT.replace("User Name", "Username"), MAPPING, "It may be called 'username' now"),
    "a column that is gone": (EXPORT.replace("Emp No", "Shoe"), MAPPING, "no column 'emp no'"),
    "half a line": (EXPORT[:-8], MAPPING, "Line 3 has"),
    "a doubled line": (EXPORT + "ANA;Agent;yes;E1\n", MAPPING, "Lines 2 and 4 both say"),
    "a doubled column": (EXPORT.replace("Active", "Emp No"), MAPPING, "no column 'active'"),
    "one column for two": (EXPORT, {"columns": {"account": "a", "entitlement": "A"}}, "for two things"),
    "no account": (EXPORT, {"columns": {"entitlement": "a"}}, "no column for the account"),
    "a strange field": (EXPORT, {"columns": {"account": "a", "entitlement": "b", "x": "c"}}, "no field of such a list"),
    "no such sheet": (BOOK, {**MAPPING, "sheet": "Old"}, "has no sheet 'Old'. It has 'Grants'"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_fault_is_told_by_its_name(fault: str) -> None:
    file, mapping, sentence = WRONG[fault]
    with pytest.raises(BadFile) as refusal:
        read_mapped(file if isinstance(file, bytes) else file.encode(), mapping)
    assert sentence in refusal.value.sentence
