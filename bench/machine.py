"""Describes the machine a figure was measured on, in one line."""

import os
import platform
from pathlib import Path


def describe() -> str:
    """Returns processor, number of cores, memory, load and Python, for the heading of a result."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    load = os.getloadavg()[0]
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} cores, {memory:.1f} GiB, load {load:.1f} before, Python {platform.python_version()}"
