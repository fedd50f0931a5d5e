"""Runs every measuring program of this directory, one after another, each in a process of its own.

Arguments name the programs to run; `ten_million` and `upload` take minutes and some 20 GB of disk. What each holds
stands at its top and in RESULTS.md.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PROGRAM_MARK = 'if __name__ == "__main__":'


def main() -> int:
    """Prints what failed or was not held; returns how many programs that were."""
    others = (path for path in HERE.glob("*.py") if path != Path(__file__))
    names = sorted(path.stem for path in others if PROGRAM_MARK in path.read_text(encoding="utf-8"))
    wanted = sys.argv[1:] or names
    if unknown := sorted(set(wanted) - set(names)):
        print(f"There is no program {', '.join(unknown)}: choose from {', '.join(names)}.")
        return len(unknown)
    failed = []
    for name in wanted:
        print(f"\n=== {name}", flush=True)
        if subprocess.run([sys.executable, "-W", "ignore", "-m", f"bench.{name}"], check=False).returncode:
            failed.append(name)
    print(f"\nLimits not held, or failed: {', '.join(failed) or 'none'}.")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
