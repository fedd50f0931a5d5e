"""Says what the checks found, and reads the arguments: the end of the pack's `verify.py`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from evidence.verifier.check import (
    Pack,
)
from evidence.verifier.primitives import (
    Broken,
    fingerprint,
)
from evidence.verifier.tokens import (
    proof_lines,
)
from evidence.verifier.witnessed import (
    tier_lines,
)

ABOUT = """Checks a Countersign evidence pack without Countersign: Python 3.9 or later, standard library only.

It says what broke: which file, page, table row, ledger entry or signature. Exit code 0: everything holds; 1: something
broke; 2: the file cannot be read at all. Take this file from a second place too (the portal publishes its SHA-256): a
verifier that comes only inside the pack proves little. Without --key it checks that the pack agrees with itself and
prints the fingerprint of the key that signed it; compare that with the one you were given on another way.
"""


def report(pack: Pack, path: str, *, compared: bool) -> int:
    """Print what was found; return the exit code."""
    write = sys.stdout.write
    if pack.faults:
        for where, what in pack.faults:
            write(f"BROKEN  {where}: {what}\n")
        write(f"\n{path} does NOT hold: {len(pack.faults)} fault(s).\n")
        return 1
    write(f"HOLDS   {path}\n")
    write("".join(f"  {line}\n" for line in lines_of(pack)))
    if not compared:
        write("  The key was taken from the pack itself: compare the fingerprint with the one you were given\n")
        write("  elsewhere, or run again with --key.\n")
    return 0


def lines_of(pack: Pack) -> list[str]:
    """Say what a pack that holds contains, and what of it was checked here."""
    manifest, counts = pack.manifest, pack.counts
    ledger = manifest["ledger"]
    about = manifest["pack"]
    lines = [f"pack      {about['id']}, {about['client']}, issued {about['issued_at']}"]
    lines += [
        f"period    {manifest['period']['start']} to {manifest['period']['end']} ({manifest['period']['zone']})",
        f"contents  {counts['files']} files, {counts['rows']} table rows, {counts['pages']} pages",
    ]
    lines += [f"sign-off  {line}" for line in (pack.sign_off.lines if pack.sign_off else ())]
    if ledger:
        told = f"{counts['entries']} entries proved under checkpoint {ledger['size']} of {ledger['origin']}"
        lines += [
            f"ledger    {told}",
            f"cells     {counts['cells']} table cells equal the bytes that the ledger sealed",
        ]
    lines += [f"complete  {line}" for line in (pack.completeness.lines if pack.completeness else ())]
    for row in pack.table("removals") if "tables/removals.csv" in pack.files else ():
        by = f"ledger entry {row['ledger_index']}" if row["ledger_index"] else "no entry of this checkpoint"
        lines.append(f"removed   {row['count']} events received in {row['month']}, under retention by {by}")
    for row in pack.table("erasures") if "tables/erasures.csv" in pack.files else ():
        by = f"ledger entry {row['ledger_index']}" if row["ledger_index"] else "no entry of this checkpoint"
        told = "erased    {}" if row["removed_at"] else "to erase  {}"
        lines.append(told.format(f"{row['records']} records of the period, under {row['legal_ref']}, by {by}"))
    lines.append(f"signed    {counts['statements']} statements of reviewers agree with their digests and decisions")
    lines += [f"          {line}" for line in proof_lines(pack.proofs)]
    lines += [f"tier      {line}" for line in (tier_lines(pack.holders) if pack.holders else ())]
    lines += [f"held      {line}" for line in (pack.holders.lines if pack.holders else ())]
    lines += [f"seal      {line}" for line in seal_lines(manifest)]
    key = manifest["signer"]["key"]
    return [*lines, f"signed by {key.split('+')[0]}", f"key       {fingerprint(key)}"]


def seal_lines(manifest: dict[str, Any]) -> list[str]:
    """Say what the report's own seal is, and how it is checked: a PDF reader does that, this program does not."""
    seal = manifest.get("seal")
    if not seal:
        return ["the report carries no seal of its own; its bytes are signed with the pack"]
    lines = [f"of the report, by {seal['certificate']}", f"certificate SHA-256 {seal['certificate_sha256']}"]
    lines.append("NOT checked here: a PDF reader, pdfsig or openssl does; its bytes are signed with the pack")
    return lines + (["a TEST certificate: it proves nothing about who signed"] if seal["test"] else [])


def main(arguments: list[str] | None = None) -> int:
    """Read the arguments, check the pack, print the findings."""
    parser = argparse.ArgumentParser(description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack")
    parser.add_argument("--key", help="the pack signer's verifier key, from another source than the pack")
    parser.add_argument("--ledger-key", help="the ledger's verifier key, from another source than the pack")
    parser.add_argument(
        "--witness", action="append", default=[], help="a witness's verifier key, from the witness; may be repeated"
    )
    options = parser.parse_args(arguments)
    try:
        with Path(options.pack).open("rb") as source:
            pack = Pack(source)
            pack.check(options.key, options.ledger_key, options.witness)
            return report(pack, options.pack, compared=bool(options.key))
    except OSError as error:
        sys.stderr.write(f"The pack cannot be read: {error}\n")
        return 2
    except Broken as broken:
        sys.stdout.write(f"BROKEN  {broken.where}: {broken.what}\n\n{options.pack} does NOT hold.\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
