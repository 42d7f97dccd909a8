"""Interleaved rounds: a cell is timed beside its own elementwise cell, the baseline and the limit.

One round takes one block of calls of each, the cell's own through pytest-benchmark, the others
just before it in even rounds and just after it, in reverse order, in odd ones, so that a machine
that drifts moves both sides of a ratio. A block is as many calls as fill BLOCK seconds, so that
the clock's own cost does not count, after one that is not timed: without it the caches would hold
whatever was timed before, and half of the rounds would take 20 % longer than the others. The
number of rounds is fixed beforehand.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil
from time import perf_counter
from typing import Any, NamedTuple

from benchmarks.measure import calibration

try:
    import resource
except ImportError:  # not a Unix
    resource = None  # type: ignore[assignment]

# Seconds. Timer interrupts and other guests take a processor away about every millisecond: a
# block of that length nearly always catches one, one of a fifth of it seldom does.
BLOCK = 2e-4
# Seconds. A call of 0.2 ms took twice as long after a dense one of 50 ms, which had emptied the
# caches; one that takes longer than this fills them itself.
SHORT = 5e-3


class Call(NamedTuple):
    """A call that is compiled and has touched its memory; it returns once it is synchronized.

    calls is the number of calls in a block; module the backend that it belongs to; is_short says
    whether a block begins with a call that is not timed, to bring the caches back.
    """

    function: Callable[[], Any]
    module: Any
    calls: int
    is_short: bool = False

    def warm(self) -> None:
        """Bring the caches back to this call."""
        if self.is_short:
            self.function()

    @property
    def warm_calls(self) -> int:
        """The calls of a block and the one before it."""
        return self.calls + self.is_short

    def block(self) -> Any:
        """One block of calls; the result of the last one."""
        for _ in range(self.calls - 1):
            self.function()
        return self.function()


class Timed(NamedTuple):
    """What the last timed call returned, what goes into the stored row, and why it is void.

    others holds what the last timed calls of the others returned: a ratio has two sides.
    """

    result: Any
    info: dict[str, Any]
    problem: str
    others: dict[str, Any]


def prepare(function: Callable[[], Any], module: Any) -> Call:
    """Call the function until it is warm, and see how many calls a block takes."""
    call = Call(function, module, 1)
    function()
    seconds = _seconds(call, [])
    if seconds < 10 * BLOCK:  # an interruption counts as much as a call
        seconds = min(_seconds(call, []) for _ in range(5))
    calls = max(1, ceil(BLOCK / max(seconds, 1e-9)))
    return call._replace(calls=calls, is_short=seconds < SHORT)


def measure(benchmark: Any, call: Call, others: dict[str, Call], rounds: int) -> Timed:
    """Time the call in rounds, interleaved with the others.

    info holds calls, the number of calls in a block; beside, the seconds of one call of each of
    the others in every round; faults, the minor page faults of one call in every round; and
    calibration, the seconds of the calibration loop before and after.
    """
    turn = iter(range(2 * rounds))  # setup and teardown in turn: 0 and 1 are the first round
    beside: dict[str, list[float]] = {name: [] for name in others}
    faults: list[float] = []
    late: list[bool] = []
    results: list[Any] = []
    kept: dict[str, Any] = {}
    own = _block(call, results)

    def time_others(order: Callable[[Any], Any]) -> None:
        for name, other in order(list(others.items())):
            found: list[Any] = []
            beside[name].append(_seconds(other, found) / other.calls)
            late.append(not other.module.is_ready(found[-1]))
            if len(beside[name]) == rounds:
                kept[name] = found[-1]
            found.clear()

    def before() -> None:
        results.clear()
        if next(turn) % 4 == 0:
            time_others(list)
        faults.append(minor_faults())
        call.warm()

    def after() -> None:
        late.append(not call.module.is_ready(results[-1]))  # as soon as the clock has stopped
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
    info = {"calls": call.calls, "beside": beside, "faults": faults, "calibration": loops}
    problem = "its output was not ready when the clock stopped" if any(late) else ""
    if (seconds := _compiled(call, others) - compiled) > 0:
        problem = f"something was compiled for {seconds:.2g} s inside the timed region"
    return Timed(results[-1], info, problem, kept)


def minor_faults() -> int:
    """The minor page faults of this process so far; 0 where the system does not count them."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt if resource else 0


def _block(call: Call, results: list[Any]) -> Callable[[], None]:
    """One block of calls, which leaves its result in results.

    A result is freed outside the clock, and before the next block: one that is still held, by
    pytest-benchmark for example, makes the others take other memory, and that alone was worth 2 %.
    """

    def block() -> None:
        results.append(call.block())

    return block


def _seconds(call: Call, results: list[Any], *args: Any, **kwargs: Any) -> float:
    """One block under the clock, step by step as pytest-benchmark takes the cell's own."""
    block = _block(call, results)
    call.warm()
    minor_faults()  # in place of what pytest-benchmark does before it looks at the clock: 0.1 %
    start = perf_counter()
    block(*args, **kwargs)
    end = perf_counter()
    return end - start


def _compiled(call: Call, others: dict[str, Call]) -> float:
    """The seconds that the backends of all these calls have spent on compiling so far."""
    modules = {id(c.module): c.module for c in (call, *others.values())}
    return sum(sum(module.compile_seconds().values()) for module in modules.values())


@contextmanager
def _no_collections() -> Iterator[None]:
    """The garbage collector strikes neither side of a ratio."""
    enabled = gc.isenabled()
    gc.collect()
    gc.freeze()  # else every row goes through a whole framework: a tenth of a second
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
