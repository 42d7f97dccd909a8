"""Interleaved rounds: a cell is timed beside its own elementwise cell, the baseline and the limit.

One round takes one block of calls of each, the cell's own through pytest-benchmark, the others
just before it in even rounds and just after it, in reverse order, in odd ones, so that a machine
that drifts moves both sides of a ratio. A block is as many calls as fill BLOCK seconds, so that
the clock's own cost does not count; the number of rounds is fixed beforehand.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil
from time import perf_counter
from typing import Any, NamedTuple

from benchmarks import calibration

try:
    import resource
except ImportError:  # not a Unix
    resource = None  # type: ignore[assignment]

BLOCK = 5e-4  # seconds


class Call(NamedTuple):
    """A call that is compiled and has touched its memory; it returns once it is synchronized.

    calls is the number of calls in a block; module the backend that it belongs to.
    """

    function: Callable[[], Any]
    module: Any
    calls: int

    def block(self) -> Any:
        """One block of calls; the result of the last one."""
        for _ in range(self.calls - 1):
            self.function()
        return self.function()


class Timed(NamedTuple):
    """What the last timed call returned, what goes into the stored row, and why it is void."""

    result: Any
    info: dict[str, Any]
    problem: str


def prepare(function: Callable[[], Any], module: Any) -> Call:
    """Call the function until it is warm, and see how many calls a block takes."""
    function()
    start = perf_counter()
    function()
    return Call(function, module, max(1, ceil(BLOCK / (perf_counter() - start))))


def measure(benchmark: Any, call: Call, others: dict[str, Call], rounds: int) -> Timed:
    """Time the call in rounds, interleaved with the others.

    info holds calls, the number of calls in a block; beside, the seconds of one call of each of
    the others in every round; faults, the minor page faults of one call in every round; and
    calibration, the seconds of the calibration loop before and after.
    """
    turn = iter(range(2 * rounds))  # setup and teardown in turn: 0 and 1 are the first round
    beside: dict[str, list[float]] = {name: [] for name in others}
    faults: list[float] = []
    late: list[Any] = []

    def time_others(order: Callable[[Any], Any]) -> None:
        for name, other in order(list(others.items())):
            start = perf_counter()
            other.block()
            beside[name].append((perf_counter() - start) / other.calls)

    def own_block() -> Any:
        result = call.block()
        late.append(result)  # looked at as soon as the clock has stopped
        return result

    def before() -> None:
        if next(turn) % 4 == 0:
            time_others(list)
        faults.append(minor_faults())

    def after(*_: Any) -> None:
        late.append(not call.module.is_ready(late.pop()))
        faults.append((minor_faults() - faults.pop()) / call.calls)
        if next(turn) % 4 == 3:
            time_others(reversed)

    compiled = _compiled(call, others)
    loops = [calibration.seconds()]
    with _no_collections():
        result = benchmark.pedantic(
            own_block, setup=before, teardown=after, rounds=rounds, iterations=1
        )
    loops.append(calibration.seconds())
    info = {"calls": call.calls, "beside": beside, "faults": faults, "calibration": loops}
    problem = "its output was not ready when the clock stopped" if any(late) else ""
    if (seconds := _compiled(call, others) - compiled) > 0:
        problem = f"something was compiled for {seconds:.2g} s inside the timed region"
    return Timed(result, info, problem)


def minor_faults() -> int:
    """The minor page faults of this process so far; 0 where the system does not count them."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt if resource else 0


def _compiled(call: Call, others: dict[str, Call]) -> float:
    """The seconds that the backends of all these calls have spent on compiling so far."""
    modules = {id(c.module): c.module for c in (call, *others.values())}
    return sum(sum(module.compile_seconds().values()) for module in modules.values())


@contextmanager
def _no_collections() -> Iterator[None]:
    """The garbage collector strikes neither side of a ratio."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
