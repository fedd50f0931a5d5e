"""A worker that is killed while it prints: `python -m tests.evidence.dying WORK TENANT`."""

import os
import signal
import sys

import django

django.setup()

from tenants import work  # noqa: E402 -- models need the set-up


class Dying(work.Tracked):
    """Reports as every job does, and ends its process like the kernel out of memory would."""

    def step(self, done: int, total: int, message: str = "") -> None:
        """Report; the printing step is the last."""
        super().step(done, total, message)
        if message.startswith("Printing"):
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    work.Tracked = Dying  # type: ignore[misc]  # in this process alone, to die inside of a real run
    work.run_work(int(sys.argv[1]), int(sys.argv[2]))
