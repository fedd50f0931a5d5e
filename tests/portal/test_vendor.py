"""What is vendored is what was published, and the check says so when it is not."""

import shutil
from pathlib import Path

import pytest

from portal.vendor import ICONS, LOCK, ROOT, SPRITE, faults, sprite, without_source_map


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the vendored files and their lock."""
    for folder in ("portal/static/portal", "tests/browser/vendor"):
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
