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


def cpu_seconds(pid: int) -> float:
    """Returns the processor time of a process and of all its living and dead descendants, in seconds."""
    return _ticks(pid) / os.sysconf("SC_CLK_TCK") + sum(map(_alive, children(pid)))


def children(pid: int) -> list[int]:
    """Returns the processes that a process has started and that live."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()]


def _alive(pid: int) -> float:
    """Returns the processor time of a child, 0 when it has just ended."""
    try:
        return cpu_seconds(pid)
    except FileNotFoundError:
        return 0.0


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(map(int, fields[11:15]))


def peak_mib(pid: int) -> float:
    """Returns the most memory that a process has held so far, in MiB (VmHWM)."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
