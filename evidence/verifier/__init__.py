"""Holds the verifier that every evidence pack carries as one file, `verify.py`, on the standard library alone."""

from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent
_HEADER: Final = """#!/usr/bin/env python3
# Checks a Countersign evidence pack:  python3 verify.py PACK.zip [--key KEY] [--ledger-key KEY]
# Python 3.9 or later, standard library only; Apache-2.0. `python3 verify.py --help` says more.
"""


def single_file() -> bytes:
    """Return `verify.py`: primitives.py followed by check.py, without the import that ties them."""
    first = (_FOLDER / "primitives.py").read_text(encoding="utf-8")
    second = (_FOLDER / "check.py").read_text(encoding="utf-8")
    body = second[second.index("\nimport argparse") :]
    start, end = body.index("\nfrom evidence.verifier.primitives import ("), body.index("\n)\n") + 3
    return (_HEADER + first + "\n" + body[:start] + body[end:]).encode()
