"""Runs every measuring program of this directory, one after another, each in a process of its own."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PROGRAM_MARK = 'if __name__ == "__main__":'


def main() -> int:
    """Returns the number of programs that failed."""
    others = (path for path in HERE.glob("*.py") if path != Path(__file__))
    names = sorted(path.stem for path in others if PROGRAM_MARK in path.read_text(encoding="utf-8"))
    return sum(subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode != 0 for name in names)


if __name__ == "__main__":
    sys.exit(main())
