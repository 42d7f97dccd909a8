"""The number of threads of a run, set before any framework is imported.

Imports neither NumPy nor a framework: their pools read the environment when they are imported.
"""

import os
import sys

import psutil

POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
XLA = "NPROC"  # what XLA takes for the number of processors, for its pool
MAKE_POOLS = ("numpy", "scipy", "numba", "jax", "torch")


def enforce(count: int, *, pin: bool) -> str:
    """Give every pool count threads, and with pin this process as many processors.

    Returns what was done, in words for the conditions of the run. Raises ValueError where there
    are fewer processors.
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
    psutil.Process().cpu_affinity(processors[-count:])  # the first one often serves interrupts
    return f"{count} in each pool, {count} of {psutil.cpu_count()} processors"


def usable_processors() -> list[int]:
    """The processors that this process may use."""
    if hasattr(psutil.Process, "cpu_affinity"):
        return list(psutil.Process().cpu_affinity())
    return list(range(psutil.cpu_count() or 1))
