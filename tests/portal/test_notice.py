"""Everything that others made and we ship is named, with its version and licence, in NOTICE."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTICE = (ROOT / "NOTICE").read_text(encoding="utf-8")
PACKAGES = json.loads((ROOT / "portal" / "vendor.lock.json").read_text(encoding="utf-8"))["packages"]
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "THREAT_MODEL.md"]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: str(package["name"]))
def test_a_vendored_package_is_named_with_version_and_licence(package: dict[str, object]) -> None:
    lines = [line for line in NOTICE.splitlines() if f" {package['version']} " in line]
    assert any(str(package["spdx"]) in line for line in lines), package["name"]


def test_every_vendored_directory_and_font_is_named() -> None:
    for directory in (ROOT / "portal/static/portal/vendor").iterdir():
        assert directory.name in NOTICE
    for font in (ROOT / "evidence/fonts").glob("*.ttf"):
        assert f"evidence/fonts/{font.name.partition('-')[0]}" in NOTICE


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_documents_links_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    targets = [part.partition(")")[0] for part in text.split("](")[1:]]
    missing = [target for target in targets if "://" not in target and not (ROOT / target.partition("#")[0]).exists()]
    assert missing == []
