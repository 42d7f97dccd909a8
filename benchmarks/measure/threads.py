"""The number of threads of a run, set before any framework is imported.

Imports neither NumPy nor a framework: their pools read the environment when they are imported.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

import psutil

POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
XLA = "NPROC"  # from which XLA takes the size of its pool
PROCESSORS = Path("/sys/devices/system/cpu")  # of Linux
PINNED: set[int] = set()  # the processors that this process is kept on, if any
MAKE_POOLS = ("numpy", "scipy", "numba", "jax", "torch")


def enforce(count: int, *, pin: bool, devices: int = 1, place: int = 0) -> str:
    """Set count threads for every pool; with pin, keep this process on as many processors.

    With several devices in this process, XLA's pool has count threads for each, and the process as
    many processors. place counts the processes of this machine that share a batch, from 0: each
    gets other processors. If there are too few for all devices, nothing is pinned.

    Returns what was done, as text for the conditions of the run. Raises ValueError if there are
    fewer processors, and with pin if a pool exists already, whose threads cannot be set.
    """
    processors = usable_processors()
    if not 1 <= count <= len(processors):
        raise ValueError(f"--threads {count}: this process may use 1 to {len(processors)}")
    early = [name for name in MAKE_POOLS if name in sys.modules]
    os.environ |= dict.fromkeys(POOLS, str(count)) | {XLA: str(count * devices)}
    if early and pin:
        raise ValueError(
            f"{', '.join(early)} was imported before the number of threads could be set, perhaps "
            "by a plugin of pytest (-p no:randomly leaves pytest-randomly out)"
        )
    if early:
        return f"not enforced: {', '.join(early)} was imported before"
    if not pin:
        return f"{count} in each pool"
    if not hasattr(psutil.Process, "cpu_affinity"):
        return f"{count} in each pool; not enforced: this system has no affinity"
    own = count * devices
    if own * (place + 1) > len(processors):
        return f"{count} in each pool, on any of {psutil.cpu_count()} processors"
    PINNED.update(fastest(processors, own * (place + 1))[:own])
    psutil.Process().cpu_affinity(list(PINNED))
    numbers = ", ".join(map(str, sorted(PINNED)))
    return (
        f"{count} in each pool, {len(PINNED)} of {psutil.cpu_count()} processors (number {numbers})"
    )


def fastest(processors: list[int], count: int, files: Path = PROCESSORS) -> list[int]:
    """The last count of the fastest processors, which are within a tenth of the very fastest.

    Some processors have fast and slow cores. The first core often serves interrupts.
    """
    speeds = {number: _speed(files / f"cpu{number}") for number in processors}
    slow = 0.9 * max(speeds.values())
    in_order = sorted(processors, key=lambda number: (speeds[number] >= slow, number))
    return in_order[-count:]


def _speed(processor: Path) -> float:
    """What Linux says of a processor, in units of its own; 0 if it says nothing."""
    for name in ("cpu_capacity", "cpufreq/cpuinfo_max_freq"):
        with suppress(OSError, ValueError):
            return float((processor / name).read_text(encoding="utf-8"))
    return 0.0


def usable_processors() -> list[int]:
    """The processors that this process may use."""
    if hasattr(psutil.Process, "cpu_affinity"):
        return list(psutil.Process().cpu_affinity())
    return list(range(psutil.cpu_count() or 1))


def allowed() -> int:
    """The number of processors that a call may keep busy."""
    return len(PINNED) or int(os.environ.get(POOLS[0], len(usable_processors())))


def astray() -> str:
    """A message if a thread of this process may run on a processor outside PINNED, or ""."""
    if not PINNED or not hasattr(os, "sched_getaffinity"):  # Windows pins processes only
        return ""
    for thread in psutil.Process().threads():
        with suppress(OSError):  # the thread has ended
            if others := os.sched_getaffinity(thread.id) - PINNED:
                return f"a thread may run on processors {sorted(others)}, which it was not given"
    return ""
