"""The PDF: tagged, archivable, deterministic, bound to its own fonts, closed to the outside, limited and killable."""

import base64
import os
import re
import shutil
import subprocess
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pytest
from pypdf import PdfReader

from evidence.render import drawable, escape_in_images, escape_undrawable
from evidence.rendering import Attachment, RenderError, render
from tests.evidence.packing import HTML, ISSUED, printed


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> PdfReader:
    path = tmp_path_factory.mktemp("pdf") / "small.pdf"
    path.write_bytes(printed().pdf)
    return PdfReader(path)


def test_it_says_that_it_is_tagged_pdf_a_3a_and_pdf_ua_1(reader: PdfReader) -> None:
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    xmp = bytes(root["/Metadata"].get_data())
    assert b'pdfaid:part="3"' in xmp or b"<pdfaid:part>3" in xmp
    assert b'pdfaid:conformance="A"' in xmp or b"<pdfaid:conformance>A" in xmp
    assert b"<pdfuaid:part>1</pdfuaid:part>" in xmp
    assert xmp.index(b"pdfuaid:part>1") < xmp.index(b"</rdf:RDF>")


def test_it_has_bookmarks_page_numbers_and_only_packaged_fonts(reader: PdfReader) -> None:
    assert [item.title for item in reader.outline] == ["First", "Second", "Third"]
    assert "Page 2 / 3" in reader.pages[1].extract_text()
    fonts = {
        str(font.get_object()["/BaseFont"]) for page in reader.pages for font in page["/Resources"]["/Font"].values()
    }
    assert fonts
    assert all(re.search("Inter|DejaVu", name) for name in fonts), fonts


def test_it_is_the_same_bytes_twice() -> None:
    assert render(HTML, created=ISSUED).printed.pdf == printed().pdf


def test_it_cuts_the_file_into_parts_that_cover_every_byte() -> None:
    cut = printed().segments
    assert cut[0][0] == 0
    assert cut[-1][1] == len(printed().pdf)
    assert all(before[1] == after[0] for before, after in pairwise(cut))
    assert {"page 1", "page 2", "page 3"} <= {name for *_, name in cut}


def test_it_spells_out_what_no_font_draws() -> None:
    text, count = escape_undrawable("na\u00efve \U0001f600 \u6f22 \u202eevil \u2713", drawable())
    assert text == "na\u00efve [U+1F600] [U+6F22] [U+202E]evil \u2713"
    assert count == 3
    svg = "data:image/svg+xml;base64," + base64.b64encode("<text>\U0001f600 caf\u00e9</text>".encode()).decode()
    escaped = escape_in_images(f'<img src="{svg}">', drawable()).partition("base64,")[2].partition('"')[0]
    assert base64.b64decode(escaped).decode() == "<text>[U+1F600] caf\u00e9</text>", "a chart names sources"
    rendered = render(HTML.replace("One page.", "One \U0001f600 page."), created=ISSUED)
    assert rendered.substitutions == 1


@pytest.mark.parametrize(
    "reference",
    [
        '<img src="file:///etc/hostname" alt="x">',
        '<img src="http://127.0.0.1:9/x.png" alt="x">',
        '<link rel="stylesheet" href="file:///etc/hostname">',
        "<style>p { background: url(https://example.org/x.png) }</style>",
    ],
)
def test_it_refuses_whatever_is_not_packaged(reference: str) -> None:
    with pytest.raises(RenderError, match="not packaged"):
        render(HTML.replace("One page.", reference), created=ISSUED)


def test_it_attaches_nothing_that_the_page_asks_for(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("attachment that must not travel")
    rendered = render(HTML.replace("One page.", f'<link rel="attachment" href="{secret.as_uri()}">'), created=ISSUED)
    (tmp_path / "out.pdf").write_bytes(rendered.printed.pdf)
    assert PdfReader(tmp_path / "out.pdf").attachments == {}


def test_it_carries_tables_as_attachments() -> None:
    rendered = render(HTML, created=ISSUED, attachments=[Attachment("controls.csv", "Controls", b"a,b\n")])
    assert PdfReader(BytesIO(rendered.printed.pdf)).attachments == {"controls.csv": [b"a,b\n"]}


def test_it_stops_at_the_memory_limit() -> None:
    big = HTML.replace("One page.", "<p>row</p>" * 60_000)
    with pytest.raises(RenderError, match="more than 200 MiB"):
        render(big, created=ISSUED, memory_mib=200)


def children() -> list[str]:
    """Return the ids of this process's children, dead ones that wait included."""
    return Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()


class Stop(Exception):  # noqa: N818 -- what a person asks for
    """The person asked to stop."""


def test_it_kills_the_process_when_the_watch_raises() -> None:
    before = children()

    def watch() -> None:
        raise Stop

    with pytest.raises(Stop):
        render(HTML.replace("One page.", "<p>row</p>" * 20_000), created=ISSUED, watch=watch)
    assert children() == before


def test_qpdf_finds_no_fault(tmp_path: Path) -> None:
    qpdf = shutil.which("qpdf")
    if not qpdf:
        pytest.skip("qpdf is not installed")
    (tmp_path / "small.pdf").write_bytes(printed().pdf)
    answer = subprocess.run([qpdf, "--check", tmp_path / "small.pdf"], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout
