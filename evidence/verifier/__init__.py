"""Holds the verifier that every evidence pack carries as one file, `verify.py`, on the standard library alone."""

import re
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent
_PARTS: Final = ("primitives", "witnessed", "passkeys", "check")
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
