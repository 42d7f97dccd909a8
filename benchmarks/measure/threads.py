"""The number of threads of a run, set before any framework is imported.

Imports neither NumPy nor a framework: their pools read the environment when they are imported.
"""

import os
import sys
from contextlib import suppress

import psutil

POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
XLA = "NPROC"  # from which XLA takes the size of its pool
PINNED: set[int] = set()  # the processors that this process is kept on, if any
MAKE_POOLS = ("numpy", "scipy", "numba", "jax", "torch")


def enforce(count: int, *, pin: bool) -> str:
    """Set count threads for every pool; with pin, keep this process on as many processors.

    Returns what was done, as text for the conditions of the run. Raises ValueError if there are
    fewer processors.
    """
    processors = usable_processors()
    if not 1 <= count <= len(processors):
        raise ValueError(f"--threads {count}: this process may use 1 to {len(processors)}")
    early = [name for name in MAKE_POOLS if name in sys.modules]
    os.environ |= dict.fromkeys((*POOLS, XLA), str(count))
    if early:
        return f"not enforced: {', '.join(early)} was imported before"
    if not pin:
        return f"{count} in each pool"
    if not hasattr(psutil.Process, "cpu_affinity"):
        return f"{count} in each pool; not enforced: this system has no affinity"
    PINNED.update(processors[-count:])  # the first one often serves interrupts
    psutil.Process().cpu_affinity(list(PINNED))
    return f"{count} in each pool, {count} of {psutil.cpu_count()} processors"


def usable_processors() -> list[int]:
    """The processors that this process may use."""
    if hasattr(psutil.Process, "cpu_affinity"):
        return list(psutil.Process().cpu_affinity())
    return list(range(psutil.cpu_count() or 1))


def allowed() -> int:
    """The number of processors that a call may keep busy."""
    return int(os.environ.get(POOLS[0], len(usable_processors())))


def astray() -> str:
    """A message if a thread of this process may run on a processor outside PINNED, or ""."""
    if not PINNED or not hasattr(os, "sched_getaffinity"):  # Windows pins processes only
        return ""
    for thread in psutil.Process().threads():
        with suppress(OSError):  # the thread has ended
            if others := os.sched_getaffinity(thread.id) - PINNED:
                return f"a thread may run on processors {sorted(others)}, which it was not given"
    return ""
