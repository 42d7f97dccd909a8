"""A call that is ready to be timed, in blocks that are long enough for the clock.

A block is as many calls as fill BLOCK seconds, so that the clock's own cost does not count, after
one that is not timed: without it the caches would hold whatever was timed before, and half of the
rounds would take 20 % longer than the others. Every call is given parameters that none was given
before, see inputs.py.
"""

from collections.abc import Callable
from math import ceil
from time import perf_counter
from typing import Any, NamedTuple

from benchmarks.measure.inputs import Draw, Supply, draw, nothing

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

    module is the backend that it belongs to; calls the number of calls in a block; supply makes
    what each call is given, on the device; is_short says whether a block begins with a call that is
    not timed, to bring the caches back.
    """

    function: Callable[..., Any]
    module: Any
    calls: int
    supply: Supply = nothing
    device: str = "cpu"
    is_short: bool = False

    @property
    def warm_calls(self) -> int:
        """The calls of a block and the one before it."""
        return self.calls + self.is_short

    def given(self, last: Draw) -> list[tuple[Any, ...]]:
        """What the calls of a block, and the one before it, are given; the last call gets last."""
        others = [draw(last.data) for _ in range(self.warm_calls - 1)]
        return self.supply([*others, last])

    def warm(self, given: list[tuple[Any, ...]]) -> None:
        """Bring the caches back to this call."""
        if self.is_short:
            self.function(*given.pop(0))

    def block(self, given: list[tuple[Any, ...]]) -> Any:
        """One block of calls; the result of the last one."""
        *earlier, last = given
        for arguments in earlier:
            self.function(*arguments)
        return self.function(*last)


def prepare(
    function: Callable[..., Any], module: Any, supply: Supply = nothing, device: str = "cpu"
) -> Call:
    """Call the function until it is warm, and see how many calls a block takes."""
    call = Call(function, module, 1, supply, device)
    call.block(call.given(draw(0)))
    seconds = seconds_of(call, draw(0), [])
    if seconds < 10 * BLOCK:  # an interruption counts as much as a call
        seconds = min(seconds_of(call, draw(0), []) for _ in range(5))
    calls = max(1, ceil(BLOCK / max(seconds, 1e-9)))
    return call._replace(calls=calls, is_short=seconds < SHORT)


def minor_faults() -> int:
    """The minor page faults of this process so far; 0 where the system does not count them."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt if resource else 0


def block_of(call: Call, results: list[Any]) -> Callable[..., None]:
    """One block of calls, which leaves its result in results.

    A result is freed outside the clock, and before the next block: one that is still held, by
    pytest-benchmark for example, makes the others take other memory, and that alone was worth 2 %.
    """

    def block(given: list[tuple[Any, ...]]) -> None:
        results.append(call.block(given))

    return block


def seconds_of(call: Call, last: Draw, results: list[Any], **kwargs: Any) -> float:
    """One block under the clock, step by step as pytest-benchmark takes the cell's own."""
    block, args = block_of(call, results), (call.given(last),)
    call.warm(*args)
    minor_faults()  # in place of what pytest-benchmark does before it looks at the clock: 0.1 %
    start = perf_counter()
    block(*args, **kwargs)
    end = perf_counter()
    return end - start
