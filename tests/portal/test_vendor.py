"""What is vendored is what was published, and the check says so when it is not."""

import shutil
from pathlib import Path

import pytest

from portal.trimming import Names, trimmed
from portal.vendor import ICONS, LOCK, ROOT, SHEET, SPRITE, faults, sprite, without_source_map


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the vendored files and their lock."""
    for folder in ("portal/static/portal", "portal/vendored", "tests/browser/vendor"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(LOCK, tmp_path / LOCK.relative_to(ROOT))
    return tmp_path


def test_every_vendored_file_is_the_one_in_the_lock() -> None:
    assert faults() == []


def test_it_names_a_changed_file(copy: Path) -> None:
    file = copy / "portal/static/portal/vendor/htmx.org-4.0.1/htmx.min.js"
    file.write_bytes(file.read_bytes().replace(b"htmx", b"htmy", 1))
    assert faults(copy) == [
        "portal/static/portal/vendor/htmx.org-4.0.1/htmx.min.js is not the file that was vendored: "
        "its SHA-256 differs from vendor.lock.json."
    ]


def test_it_names_a_missing_file(copy: Path) -> None:
    (copy / SPRITE).unlink()
    assert faults(copy) == [f"{SPRITE} is missing: run python -m portal.vendor update."]


def test_it_names_a_file_that_nobody_knows(copy: Path) -> None:
    (copy / "portal/static/portal/vendor/stray.js").write_text("alert(1)")
    assert "portal/static/portal/vendor/stray.js is not in vendor.lock.json" in faults(copy)[0]


def test_the_sprite_holds_every_listed_icon() -> None:
    drawn = (ROOT / SPRITE).read_text(encoding="utf-8")
    assert [name for name in ICONS if f'<symbol id="i-{name}"' not in drawn] == []


def test_the_sprite_escapes_what_it_is_given() -> None:
    nodes = {name: [["path", {"d": '"><script>'}]] for name in ICONS}
    assert b"<script>" not in sprite(nodes)


def test_it_drops_the_link_to_the_source_map_and_nothing_else() -> None:
    assert without_source_map(b"a{}\nb{}\n/*# sourceMappingURL=x.css.map */") == b"a{}\nb{}\n"
    assert without_source_map(b"a{}\nb{}\n") == b"a{}\nb{}\n"


RULES = (
    ".btn{a:b}.gone{a:b}.btn-red,.btn .gone,.btn>a{c:d}@media print{.gone{a:b}}@media screen{.btn{a:b}}"
    ".btn:is(.gone,.bg-red-lt,[data-gone] *){e:f}.btn:where(.gone){e:f}.btn:not(.gone){g:h}[data-gone]{a:b}a[href]{a:b}"
)


def test_it_keeps_the_rules_that_a_page_can_use(tmp_path: Path) -> None:
    page, python = tmp_path / "page.html", tmp_path / "tones.py"
    page.write_text('<a class="btn btn-{{ tone }} bg-{{ tone }}-lt" href="/">')
    python.write_text('TONE = "red"')
    assert trimmed(RULES, Names([page, python])) == (
        ".btn{a:b}.btn-red,.btn>a{c:d}@media screen{.btn{a:b}}"
        ".btn:is(.bg-red-lt){e:f}.btn:not(.gone){g:h}a[href]{a:b}\n"
    )


def test_it_says_when_the_sheet_is_due_to_be_cut_again(copy: Path) -> None:
    (copy / SHEET).write_text((copy / SHEET).read_text(encoding="utf-8").replace(".btn", ".bin", 1), encoding="utf-8")
    assert faults(copy) == [f"{SHEET} is not what the pages use of Tabler: run python -m portal.vendor trim."]
