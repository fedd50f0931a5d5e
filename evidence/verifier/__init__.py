"""Holds the verifiers that every evidence pack carries, each as one file: `verify.py` and `verify.html`."""

import base64
import hashlib
import re
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent
_PARTS: Final = ("primitives", "witnessed", "passkeys", "tokens", "signedoff", "complete", "check", "told")
_FUTURE: Final = "from __future__ import annotations\n"
_HEADER: Final = """#!/usr/bin/env python3
# Checks a Countersign evidence pack:  python3 verify.py PACK.zip [--key KEY] [--ledger-key KEY] [--witness KEY]
# Python 3.9 or later, standard library only; Apache-2.0. `python3 verify.py --help` says more.
"""


def single_file() -> bytes:
    """Return `verify.py`: its parts one after the other, without the imports that tie them."""
    first, *others = ((_FOLDER / f"{name}.py").read_text(encoding="utf-8") for name in _PARTS)
    bodies = [text[text.index(_FUTURE) + len(_FUTURE) :] for text in others]
    whole = _HEADER + first + "".join(bodies)
    return re.sub(r"^from evidence\.verifier\.\w+ import \([^)]*\)\n", "", whole, flags=re.MULTILINE).encode()


def single_page() -> bytes:
    """Return `verify.html`: page, style and script as one file whose policy allows these two alone, and no network."""
    page, style, *scripts = (
        (_FOLDER / "page" / name).read_text(encoding="utf-8")
        for name in ("verify.html", "verify.css", "primitives.js", "check.js")
    )
    script = "\n" + "".join(scripts)
    filled = {"SCRIPT_HASH": _policy(script), "STYLE_HASH": _policy(style), "STYLE": style, "SCRIPT": script}
    return re.sub("@([A-Z_]+)@", lambda mark: filled[mark[1]], page).encode()


def digests() -> dict[str, str]:
    """Return the SHA-256 of each verifier of this release, as packs, the ledger's page and docs/packs.md give it."""
    files = {"verify.py": single_file(), "verify.html": single_page()}
    return {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


def _policy(text: str) -> str:
    """Return how a Content-Security-Policy names an inline text (CSP Level 3, 2.3.1)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
