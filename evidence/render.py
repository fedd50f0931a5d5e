"""Renders one HTML report to a tagged PDF/A-3a and PDF/UA-1 file: `python -m evidence.render FOLDER`.

The folder holds `report.html` and `job.json` ({"created": RFC 3339, "attachments": [{"path", "name", "description"}],
"memory_mib": n}); `report.pdf` and `rendered.json` (pages, substitutions, segments, versions) are written into it.
This module must not be imported by the web or worker process: WeasyPrint costs a second to import, 3 MB a page to
run, and a native crash would take the importer with it. What makes it fast: fixed table layout, static fonts, gc off,
and what evidence/lean.py takes out of it.
"""

from __future__ import annotations

import base64
import ctypes.util
import gc
import importlib
import json
import os
import re
import resource
import sys
import unicodedata
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from fontTools.ttLib import TTFont

from evidence.lean import Layout, give_back, squeeze_when_painted, without_lxml, without_note_styles

FONTS: Final = Path(__file__).parent / "fonts"
STYLESHEET: Final = Path(__file__).parent / "pdf" / "report.css"
RENDERERS: Final = ("weasyprint", "pydyf", "tinycss2", "tinyhtml5", "fonttools", "pillow")
EXIT_MEMORY: Final = 3
EXIT_FULL: Final = 4

PDFUA_XMP: Final = b"""<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/" \
xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#" \
xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/">
<pdfuaid:part>1</pdfuaid:part>
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>\
<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix><pdfaSchema:schema>PDF/UA identification schema</pdfaSchema:schema>
<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource"><pdfaProperty:category>internal</pdfaProperty:category>\
<pdfaProperty:description>PDF/UA version identifier</pdfaProperty:description>\
<pdfaProperty:name>part</pdfaProperty:name>\
<pdfaProperty:valueType>Integer</pdfaProperty:valueType></rdf:li></rdf:Seq></pdfaSchema:property>
</rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description></rdf:RDF>"""


def drawable() -> frozenset[int]:
    """Return the code points that every used font family draws: Inter's, and those DejaVu Sans Mono adds."""
    points: set[int] = set()
    for name in ("Inter-Regular.ttf", "DejaVuSansMono.ttf"):
        with TTFont(FONTS / name, lazy=True) as font:
            points |= font.getBestCmap().keys()
    return frozenset(points)


def escape_undrawable(text: str, points: frozenset[int]) -> tuple[str, int]:
    """Replace each character that no font draws, or that steers the line, by a visible `[U+1F600]`; count them.

    A character without a glyph breaks PDF/A (6.2.11.4.1), and a bidirectional override could forge a line on the page.
    """
    bad = {char for char in set(text) if char != "\n" and (ord(char) not in points or _steers(char))}
    count = sum(text.count(char) for char in bad)
    return text.translate({ord(char): f"[U+{ord(char):04X}]" for char in bad}), count


def escape_in_images(html: str, points: frozenset[int]) -> str:
    """Replace such characters in the charts, too: a chart is an SVG inside of the report, and names stand in it."""

    def escaped(found: re.Match[str]) -> str:
        svg, _count = escape_undrawable(base64.b64decode(found[2]).decode(), points)
        return found[1] + base64.b64encode(svg.encode()).decode()

    return re.sub(r"(data:image/svg\+xml;base64,)([A-Za-z0-9+/=]+)", escaped, html)


def _steers(char: str) -> bool:
    """Tell whether a character is a control, format, private or surrogate one; the soft hyphen stays."""
    return unicodedata.category(char) in {"Cc", "Cf", "Co", "Cs"} and char != "\u00ad"


def main(folder: Path) -> int:
    """Render the job in a folder; return the exit code: 0, 3 when memory ran out, 4 when the disk did."""
    job = json.loads((folder / "job.json").read_text())
    limit = int(job["memory_mib"]) * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    isolate_fonts(folder)
    gc.disable()
    try:
        pdf, facts = render((folder / "report.html").read_text(encoding="utf-8"), job, folder)
    except MemoryError:
        sys.stderr.write(f"The report needs more than {job['memory_mib']} MiB of memory.\n")
        return EXIT_MEMORY
    facts["peak_rss_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    try:
        (folder / "report.pdf").write_bytes(pdf)
        (folder / "rendered.json").write_text(json.dumps(facts))
    except OSError as fault:
        sys.stderr.write(f"The report could not be written: {fault}.\n")
        return EXIT_FULL
    return 0


def isolate_fonts(folder: Path) -> None:
    """Point fontconfig at the packaged fonts alone, so that the bytes do not depend on the host's fonts."""
    template = (FONTS / "fonts.conf.in").read_text()
    config = folder / "fonts.conf"
    config.write_text(template.replace("@FONTS@", str(FONTS)).replace("@CACHE@", str(folder / "fontcache")))
    os.environ["FONTCONFIG_FILE"] = str(config)


def ask_the_loader() -> None:
    """Have shared libraries found by the system's loader alone, under their full names, which WeasyPrint tries last.

    For each shorter name `ctypes` starts ldconfig, gcc and ld: 22 times, a third of the time that the import takes.
    """
    if sys.platform == "linux":
        ctypes.util.find_library = lambda name: None  # noqa: ARG005 -- the signature that it replaces


def render(html: str, job: dict[str, Any], folder: Path) -> tuple[bytes, dict[str, Any]]:
    """Render HTML to PDF bytes and the facts about it; needs `isolate_fonts` to have run before."""
    ask_the_loader()
    without_lxml()
    weasyprint = importlib.import_module("weasyprint")
    fetcher = data_only_fetcher()
    text, substitutions = escape_undrawable(escape_in_images(html, points := drawable()), points)
    styles = [weasyprint.CSS(string=STYLESHEET.read_text(encoding="utf-8"), url_fetcher=fetcher)]
    without_note_styles()
    layout = Layout()
    source = weasyprint.HTML(string=text, url_fetcher=fetcher)
    document = source.render(pdf_variant="pdf/a-3a", stylesheets=styles)
    write_xmp = document.metadata.generate_rdf_metadata
    document.metadata.generate_rdf_metadata = lambda *args: write_xmp(*args).replace(b"</rdf:RDF>", PDFUA_XMP)
    created = datetime.fromisoformat(job["created"])
    document.metadata.attachments = [
        weasyprint.Attachment(
            string=(folder / item["path"]).read_bytes(),
            url_fetcher=fetcher,
            name=item["name"],
            description=item["description"],
            created=created,
            modified=created,
            relationship="Data",
        )
        for item in job["attachments"]
    ]
    layout.empty()
    del source, text, html
    give_back()
    squeeze_when_painted(document.pages)
    kept: list[Any] = []
    pdf = document.write_pdf(pdf_variant="pdf/a-3a", finisher=lambda _document, body: kept.append(body))
    facts = {
        "pages": len(document.pages),
        "substitutions": substitutions,
        "renderer": {name: version(name) for name in RENDERERS},
        "segments": segments(kept[0], len(pdf)),
    }
    return bytes(pdf), facts


def data_only_fetcher() -> object:
    """Return a URL fetcher that serves `data:` alone and stops the rendering at anything else (SSRF, local files)."""
    urls = importlib.import_module("weasyprint.urls")

    def fetch(self: Any, url: str, headers: Any = None) -> Any:
        if not url.lower().startswith("data:"):
            raise urls.FatalURLFetchingError(f"The report refers to {url[:200]!r}, which is not packaged.")
        return urls.URLFetcher.fetch(self, url, headers)

    strict = type("DataOnlyFetcher", (urls.URLFetcher,), {"fetch": fetch})
    return strict(allowed_protocols={"data"}, allow_redirects=False, fail_on_errors=True)


def segments(pdf: Any, length: int) -> list[tuple[int, int, str]]:
    """Cut the file at its objects: (start, end, what a person calls it), so that damage can be named by its page."""
    contents = _page_of_content(pdf)
    placed = sorted((item for item in pdf.objects if item.free != "f" and item.offset), key=lambda item: item.offset)
    starts = [item.offset for item in placed]
    ends = [*starts[1:], length]
    cut = [(0, starts[0], "the file header")]
    for item, start, end in zip(placed, starts, ends, strict=True):
        page = contents.get(item.number)
        cut.append((start, end, f"page {page}" if page else _name_object(item)))
    return cut


def _page_of_content(pdf: Any) -> dict[int, int]:
    """Map the object number of each page's content stream to the page's number from 1."""
    numbers: dict[int, int] = {}
    for page, number in enumerate(pdf.pages["Kids"][::3], start=1):
        reference = pdf.objects[number]["Contents"]
        numbers[int(bytes(reference).split()[0])] = page
    return numbers


def _name_object(item: Any) -> str:
    """Name an object by its type for people."""
    kind = str((getattr(item, "extra", None) or {}).get("Type", ""))
    names = {
        "/ObjStm": "the page and tag structure",
        "/XRef": "the object index and trailer",
        "/Metadata": "the document's metadata",
        "/EmbeddedFile": "an attached table",
    }
    return names.get(kind, "fonts, colours or attachments")


if __name__ == "__main__":
    code = main(Path(sys.argv[1]))
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads of Pango may still run when the interpreter unloads its libraries: of some hundred runs one was killed by
    # SIGSEGV in code that was gone, after its report was written.
    os._exit(code)
