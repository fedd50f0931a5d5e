"""Vendors the browser files from npm, and checks that what is committed is what was published.

``python -m portal.vendor check`` re-hashes every committed file offline; ``update`` fetches the pinned packages with
``npm pack`` (development only; users need no Node) and rewrites the files, the icon sprite and ``vendor.lock.json``.
``trim`` cuts Tabler's style sheet to what the pages use, and ``check`` says when that is due.
"""

import base64
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final

from portal.trimming import Names, trimmed

ROOT: Final = Path(__file__).resolve().parent.parent
LOCK: Final = ROOT / "portal" / "vendor.lock.json"
SHIPPED: Final = "portal/static/portal/vendor"
SOURCES: Final = "portal/vendored"
SPRITE: Final = "portal/static/portal/icons.svg"
WHOLE_SHEET: Final = "portal/vendored/tabler-core-1.6.1/tabler.min.css"
SHEET: Final = "portal/static/portal/css/tabler.css"
TESTS_ONLY: Final = "tests/browser/vendor"

_ICON_NAMES: Final = """
activity adjustments alert-circle alert-octagon alert-triangle arrow-left arrow-right bell bell-ringing briefcase
building building-community calendar calendar-due calendar-plus certificate chart-bar check checklist chevron-down
chevron-left chevron-right chevron-up circle-check circle-dashed circle-minus circle-x clipboard-check clipboard-list
clock clock-off copy database device-desktop dots-vertical download external-link eye eye-off file-certificate file-text
file-upload file-zip filter fingerprint hash help-circle history home inbox info-circle key keyboard layout-dashboard
link list lock lock-open login logout mail map-pin menu-2 minus moon package pencil player-play player-stop
plug-connected plug-connected-x plus question-mark refresh rotate scale search send server server-off settings share
shield-check shield-lock shield-x signature sitemap sun table tag timeline trash upload user user-check user-cog
user-plus user-x users world x
"""
ICONS: Final = tuple(_ICON_NAMES.split())


@dataclass(frozen=True, slots=True)
class Package:
    """One npm package: which of its files are kept, and where."""

    name: str
    version: str
    spdx: str
    files: Mapping[str, str]
    folder: str = SHIPPED
    note: str = ""

    @property
    def home(self) -> Path:
        """The folder that holds the kept files, named by package and version."""
        return ROOT / self.folder / f"{self.name.lstrip('@').replace('/', '-')}-{self.version}"

    @property
    def tarball(self) -> str:
        """The registry's address of the package."""
        return f"https://registry.npmjs.org/{self.name}/-/{self.name.rpartition('/')[2]}-{self.version}.tgz"


PACKAGES: Final = (
    Package(
        "@tabler/core",
        "1.6.1",
        "MIT",
        {"dist/css/tabler.min.css": "tabler.min.css"},
        SOURCES,
        note=f"Shipped as {SHEET}, the part of it that our pages use, made by portal/trimming.py. "
        "Its tarball holds no licence file; LICENSE is the text its header names, with its copyright lines.",
    ),
    Package("htmx.org", "4.0.1", "0BSD", {"dist/htmx.min.js": "htmx.min.js", "LICENSE": "LICENSE"}),
    Package(
        "@tabler/icons",
        "3.51.0",
        "MIT",
        {"LICENSE": "LICENSE"},
        note=f"Of its icons only those listed in portal/vendor.py are kept, as one sprite: {SPRITE}.",
    ),
    Package(
        "axe-core",
        "4.14.1",
        "MPL-2.0",
        {"axe.min.js": "axe.min.js", "LICENSE": "LICENSE", "LICENSE-3RD-PARTY.txt": "LICENSE-3RD-PARTY.txt"},
        TESTS_ONLY,
        "For the browser tests only; not shipped.",
    ),
)


class VendorError(Exception):
    """A vendored file is not what the lock or the registry says."""


def sha256(data: bytes) -> str:
    """Return the SHA-256 of the bytes in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def without_source_map(data: bytes) -> bytes:
    """Drop a trailing ``sourceMappingURL`` comment: the map is not shipped, and collectstatic refuses dead links."""
    lines = data.rstrip().split(b"\n")
    if b"sourceMappingURL=" in lines[-1] and len(lines[-1]) < 200:
        lines.pop()
    return b"\n".join(lines) + b"\n"


def sprite(nodes: Mapping[str, list[list[Any]]]) -> bytes:
    """Build one SVG of symbols ``i-<name>`` from Tabler's list of outline nodes."""
    symbols = []
    for name in ICONS:
        drawn = "".join(
            f"<{tag} " + " ".join(f'{key}="{escape(str(value))}"' for key, value in attributes.items()) + "/>"
            for tag, attributes in nodes[name]
        )
        symbols.append(
            f'<symbol id="i-{name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" '
            f'stroke-linecap="round" stroke-linejoin="round">{drawn}</symbol>'
        )
    return ('<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n").encode()


def npm_pack(package: Package, into: Path) -> bytes:
    """Fetch the tarball by npm's own client and compare it with the registry's integrity value.

    Raises:
        VendorError: The tarball is not the one the registry names.
    """
    spec = f"{package.name}@{package.version}"
    told = _npm("view", spec, "dist.integrity", cwd=into)
    data = (into / _npm("pack", spec, "--silent", cwd=into).splitlines()[-1]).read_bytes()
    held = "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()
    if told != held:
        raise VendorError(f"npm says {spec} is {told}, but the tarball is {held}. Nothing was written.")
    return data


def _npm(*arguments: str, cwd: Path) -> str:
    return subprocess.run(["npm", *arguments], cwd=cwd, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603, S607 -- fixed words, the developer's own npm


def _unpack(package: Package, tarball: bytes, scratch: Path) -> dict[str, dict[str, str]]:
    """Write the kept files of one package; return their hashes by path from the project's root."""
    archive = scratch / "package.tgz"
    archive.write_bytes(tarball)
    package.home.mkdir(parents=True, exist_ok=True)
    entries: dict[str, dict[str, str]] = {}
    with tarfile.open(archive) as tar:
        for inside, name in package.files.items():
            source = _member(tar, inside)
            entries |= _write(package.home / name, without_source_map(source), source)
        if package.name == "@tabler/icons":
            nodes = json.loads(_member(tar, "tabler-nodes-outline.json"))
            entries |= _write(ROOT / SPRITE, sprite(nodes), None)
    licence = package.home / "LICENSE"
    if str(licence.relative_to(ROOT)) not in entries:
        entries |= {str(licence.relative_to(ROOT)): {"sha256": sha256(licence.read_bytes())}}
    return entries


def _member(tar: tarfile.TarFile, inside: str) -> bytes:
    handle = tar.extractfile(f"package/{inside}")
    if handle is None:
        raise VendorError(f"The package has no file {inside}: correct PACKAGES in portal/vendor.py.")
    return handle.read()


def _write(path: Path, kept: bytes, source: bytes | None) -> dict[str, dict[str, str]]:
    path.write_bytes(kept)
    entry = {"sha256": sha256(kept)}
    if source is not None and source != kept:
        entry |= {"published_sha256": sha256(source), "change": "sourceMappingURL line removed"}
    return {str(path.relative_to(ROOT)): entry}


def update() -> None:
    """Fetch every package and rewrite the files, the sprite and the lock."""
    locked = []
    for package in PACKAGES:
        with tempfile.TemporaryDirectory() as scratch:
            tarball = npm_pack(package, Path(scratch))
            files = _unpack(package, tarball, Path(scratch))
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()
        locked.append(
            {"name": package.name, "version": package.version, "tarball": package.tarball, "sha512": integrity}
            | {"spdx": package.spdx, "shipped": package.folder != TESTS_ONLY, "note": package.note, "files": files}
        )
    LOCK.write_text(json.dumps({"packages": locked}, indent=2) + "\n")


def faults(root: Path = ROOT) -> list[str]:
    """Return one sentence for each vendored file that is missing, changed or not in the lock."""
    lock = json.loads((root / LOCK.relative_to(ROOT)).read_text())
    named = {path: entry for package in lock["packages"] for path, entry in package["files"].items()}
    found = [sentence for path, entry in named.items() if (sentence := _fault(root, path, entry["sha256"]))]
    if not found and (root / SHEET).read_text(encoding="utf-8") != sheet(root):
        found.append(f"{SHEET} is not what the pages use of Tabler: run python -m portal.vendor trim.")
    strays = sorted(set(_present(root)) - set(named))
    return found + [f"{path} is not in vendor.lock.json: nobody knows where it comes from." for path in strays]


def sheet(root: Path = ROOT) -> str:
    """Return the part of Tabler's style sheet that the templates, scripts and Python of the rooms can use."""
    rooms = (path for app in ROOT.glob("*/apps.py") for path in app.parent.rglob("*.py"))
    pages = (*ROOT.glob("templates/**/*.html"), *ROOT.glob("portal/static/portal/js/*.js"))
    return trimmed((root / WHOLE_SHEET).read_text(encoding="utf-8"), Names([*pages, *rooms]))


def _fault(root: Path, path: str, expected: str) -> str:
    if not (root / path).is_file():
        return f"{path} is missing: run python -m portal.vendor update."
    if sha256((root / path).read_bytes()) != expected:
        return f"{path} is not the file that was vendored: its SHA-256 differs from vendor.lock.json."
    return ""


def _present(root: Path) -> Iterable[str]:
    for folder in (SHIPPED, SOURCES, TESTS_ONLY):
        yield from (str(path.relative_to(root)) for path in (root / folder).rglob("*") if path.is_file())


def main(arguments: list[str]) -> int:
    """Run ``check``, ``update`` or ``trim``; return the exit code."""
    if arguments not in (["check"], ["update"], ["trim"]):
        sys.stderr.write("Say which: python -m portal.vendor check, update or trim.\n")
        return 2
    if arguments == ["update"]:
        update()
    if arguments != ["check"]:
        (ROOT / SHEET).write_text(sheet(), encoding="utf-8")
    found = faults()
    sys.stdout.write("\n".join(found or ["Every vendored file is the one in vendor.lock.json."]) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
