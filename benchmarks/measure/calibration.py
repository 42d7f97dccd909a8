"""A fixed loop of NumPy that tells how fast the machine is at this moment."""

from time import perf_counter

import numpy as np

DRIFT_ALLOWED = 0.1  # a run whose loop drifts by more is called unstable
VALUES = np.linspace(0, 1, 1000)
REPEATS = 5


def seconds() -> float:
    """The shortest of several loops of about a millisecond.

    So short bursts of other work do not count, but a slower processor clock does.
    """
    return min(_turn() for _ in range(REPEATS))


def _turn() -> float:
    start = perf_counter()
    for _ in range(500):
        np.exp(VALUES).sum()
    return perf_counter() - start


def drift(loops: list[float]) -> float:
    """By what share the 95 % quantile of the loop is above the 5 % quantile."""
    low, high = np.quantile(loops, [0.05, 0.95])
    return float(high / low - 1)
