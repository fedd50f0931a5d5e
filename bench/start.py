"""Measures how long `manage.py run` needs until a page answers: on an empty data directory, and again."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.machine import describe

MANAGE = Path(__file__).resolve().parent.parent / "manage.py"


def seconds_to_a_page(data: Path, port: int) -> float:
    """Starts the portal on a data directory, stops it when it announces itself, and returns the seconds it names."""
    command = [sys.executable, str(MANAGE), "run", "--no-demo", "--port", str(port)]
    process = subprocess.Popen(
        command, env={**os.environ, "COUNTERSIGN_DATA": str(data)}, stdout=subprocess.PIPE, text=True
    )
    try:
        for line in process.stdout or ():
            if found := re.search(r"answers at \S+ after ([\d.]+) s", line):
                return float(found[1])
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate()
    raise RuntimeError("The portal ended before it answered.")


def main() -> None:
    """Prints the first and the later start of one new installation."""
    root = Path(tempfile.mkdtemp(prefix="cs-bench-"))
    root.chmod(0o755)
    print(f"start, on {describe()}")
    try:
        print(f"  empty data directory: {seconds_to_a_page(root / 'data', 8790):.1f} s")
        print(f"  later start:          {seconds_to_a_page(root / 'data', 8790):.1f} s")
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
