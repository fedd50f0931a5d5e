"""Runs every measuring program of this directory, one after another, each in a process of its own."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
NO_PROGRAMS = {
    *("__init__", "__main__", "machine", "ledger_settings", "ledger_writers", "intake_tenant", "pages_data"),
    "pack_campaign",
}


def main() -> int:
    """Returns the number of programs that failed."""
    names = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in NO_PROGRAMS)
    return sum(subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode != 0 for name in names)


if __name__ == "__main__":
    sys.exit(main())
