"""Interleaved rounds: a cell is timed beside its own elementwise cell, the baseline and the C loop.

A round times one block of calls of each. pytest-benchmark times the cell's own block. The others
are timed just before it in even rounds, and just after it, in reverse order, in odd rounds, so that
a machine that drifts changes both sides of a ratio. The number of rounds is fixed beforehand. Work
outside the timed region is looked for afterwards.
"""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

import backends
from benchmarks.measure import calibration
from benchmarks.measure.block import Call, block_of, minor_faults, seconds_of
from benchmarks.measure.inputs import Draw, draw
from benchmarks.measure.outside import look

COMPILERS = ("numba", "jax", "torch")  # the frameworks, and the backends of the same names


class Timed(NamedTuple):
    """The result of the last timed call, info for the stored row, and problem: why it is void.

    draw belongs to that call. others holds the results of the last timed calls of the others, which
    got the same draw: both sides of a ratio are judged.
    """

    draw: Draw
    result: Any
    info: dict[str, Any]
    problem: str
    others: dict[str, Any]


def measure(benchmark: Any, call: Call, others: dict[str, Call], rounds: int) -> Timed:
    """Time the call in rounds, interleaved with the others.

    info holds calls, the number of calls in a block; beside, the seconds of one call of each of
    the others in every round; faults, the minor page faults of one call in every round; and
    calibration, the seconds of the calibration loop before and after.
    """
    everyone = call, *others.values()
    call = call.beside(everyone)
    others = {name: other.beside(everyone) for name, other in others.items()}
    turn = iter(range(2 * rounds))  # setups and teardowns: 0 and 1 are of the first round
    draws = [draw(number) for number in range(rounds)]  # of the last call of each block of a round
    beside: dict[str, list[float]] = {name: [] for name in others}
    faults: list[float] = []
    late: list[bool] = []
    results: list[Any] = []
    kept: dict[str, Any] = {}
    own = block_of(call, results)

    def time_others(order: Callable[[Any], Any]) -> None:
        for name, other in order(list(others.items())):
            found: list[Any] = []
            last = draws[len(beside[name])]
            beside[name].append(seconds_of(other, last, found) / other.calls)
            late.append(not other.module.is_ready(found[-1]))
            if len(beside[name]) == rounds:
                kept[name] = found[-1]
            found.clear()

    def before() -> tuple[tuple[Any, ...], dict[str, Any]]:
        results.clear()
        if (now := next(turn)) % 4 == 0:
            time_others(list)
        given = call.given(draws[now // 2])
        faults.append(minor_faults())
        call.warm(given)
        return (given,), {}

    def after(given: list[tuple[Any, ...]]) -> None:
        late.append(not call.module.is_ready(results[-1]))  # right after the clock has stopped
        faults.append((minor_faults() - faults.pop()) / call.warm_calls)
        if (now := next(turn)) < 2 * rounds - 1:
            results.clear()
        if now % 4 == 3:
            time_others(reversed)

    compiled = _compiled(call, others)
    loops = [calibration.seconds()]
    with _no_collections():
        benchmark.pedantic(own, setup=before, teardown=after, rounds=rounds, iterations=1)
        loops.append(calibration.seconds())
        seconds = max(np.subtract(_compiled(call, others), compiled))
        outside, problem = look(call)
    info = {"calls": call.calls, "beside": beside, "faults": faults, "calibration": loops}
    info["outside"] = outside
    if any(late):
        problem = "its output was not ready when the clock stopped"
    if seconds > 0:
        problem = f"something was compiled for {seconds:.2g} s inside the timed region"
    return Timed(draws[-1], results[-1], info, problem, kept)


def _compiled(call: Call, others: dict[str, Call]) -> list[float]:
    """The seconds of compiling so far, by the backends of these calls and all frameworks here.

    A backend from outside may not count what its framework compiles; those of this suite do.
    """
    modules = [c.module for c in (call, *others.values())]
    modules += [backends.load(name) for name in COMPILERS if name in sys.modules]
    return [sum(module.compile_seconds().values()) for module in modules]


@contextmanager
def _no_collections() -> Iterator[None]:
    """Switch the garbage collector off, so that it disturbs neither side of a ratio."""
    enabled = gc.isenabled()
    gc.collect()
    gc.freeze()  # else each collection goes through a whole framework: 0.1 s
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
