"""Interleaved rounds: a cell is timed beside its own elementwise cell and the baseline.

One round takes one block of calls of each, the cell's own through pytest-benchmark, the others
just before it in even rounds and just after it in odd ones, so that a machine that drifts moves
both sides of a ratio. A block is as many calls as fill BLOCK seconds, so that the clock's own
cost does not count; the number of rounds is fixed beforehand.
"""

from collections.abc import Callable
from math import ceil
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import bootstrap

BLOCK = 2e-3  # seconds


class Timed(NamedTuple):
    """What the last timed call returned, and what goes into the stored row."""

    result: Any
    info: dict[str, Any]


def measure(
    benchmark: Any, call: Callable[[], Any], others: dict[str, Callable[[], Any]], rounds: int
) -> Timed:
    """Time call in rounds, interleaved with the others; every call ends synchronized.

    info holds calls, the number of calls in a block, and beside, the seconds of one call of each
    of the others in every round.
    """
    sizes = {name: _calls_in_a_block(other) for name, other in others.items()}
    calls = _calls_in_a_block(call)
    beside: dict[str, list[float]] = {name: [] for name in others}

    def time_others() -> None:
        for name, other in others.items():
            start = perf_counter()
            _block(other, sizes[name])
            beside[name].append((perf_counter() - start) / sizes[name])

    turn = iter(range(2 * rounds))  # setup and teardown in turn: 0 and 1 are the first round

    def before() -> None:
        if next(turn) % 4 == 0:
            time_others()

    def after(*_: Any) -> None:
        if next(turn) % 4 == 3:
            time_others()

    result = benchmark.pedantic(
        _block, args=(call, calls), setup=before, teardown=after, rounds=rounds, iterations=1
    )
    return Timed(result, {"calls": calls, "beside": beside})


def ratio(times: list[float], beside: list[float]) -> list[float]:
    """The median of the paired ratios times / beside, and its 95 % interval: [ratio, low, high].

    The interval is the percentile bootstrap of the median of the log-ratios (scipy.stats).
    """
    logs = np.log(times) - np.log(beside)
    middle = float(np.median(logs))
    if len(logs) < 2 or np.ptp(logs) == 0:
        return [float(np.exp(middle))] * 3
    found = bootstrap(
        (logs,), np.median, n_resamples=2000, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    return [float(np.exp(value)) for value in (middle, found.low, found.high)]


def _calls_in_a_block(call: Callable[[], Any]) -> int:
    call()  # the compile, the first touch of memory
    start = perf_counter()
    call()
    return max(1, ceil(BLOCK / (perf_counter() - start)))


def _block(call: Callable[[], Any], calls: int) -> Any:
    for _ in range(calls - 1):
        call()
    return call()
