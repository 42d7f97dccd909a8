"""A call that is ready to be timed, in blocks that are long enough for the clock.

A block is as many calls as fill BLOCK seconds, so that the cost of reading the clock does not
count. One call before it is not timed: without it the processor's caches would hold the data of
another call, and half of the rounds would take 20 % longer. Every call gets new parameters, see
inputs.py.
"""

from collections.abc import Callable, Iterable
from math import ceil
from time import perf_counter
from typing import Any, NamedTuple

from benchmarks.measure.inputs import Draw, Supply, draw, nothing

try:
    import resource
except ImportError:  # not a Unix
    resource = None  # type: ignore[assignment]

# Seconds. Timer interrupts and other virtual machines interrupt about every millisecond: a block of
# a millisecond is nearly always interrupted, one of a fifth of it seldom.
BLOCK = 2e-4
# Of the longest call that is timed beside it: there a block of a few short calls costs nothing.
SHARE = 0.05
# Seconds. A call of 0.2 ms took twice as long after a dense one of 50 ms, which had emptied the
# caches. A call that takes longer than SHORT fills them itself.
SHORT = 5e-3


class Call(NamedTuple):
    """A call that is compiled and warm; it returns once it is synchronized.

    module is its backend; calls the number of calls in a block; supply makes the arguments of each
    call, on the device; is_short says whether one call before a block, which is not timed, fills
    the caches; seconds is about what a call takes. If several processes make the call together,
    agreed returns the first process's number in all of them: they must do the same.
    """

    function: Callable[..., Any]
    module: Any
    calls: int
    supply: Supply = nothing
    device: str = "cpu"
    is_short: bool = False
    seconds: float = BLOCK
    agreed: Callable[[float], float] = float

    def beside(self, others: Iterable["Call"]) -> "Call":
        """The call in a block that is long enough beside these others."""
        longest = max([other.seconds for other in others], default=0.0)
        return self._replace(calls=max(self.calls, ceil(SHARE * longest / self.seconds)))

    @property
    def warm_calls(self) -> int:
        """The number of calls in a block, with the one before it."""
        return self.calls + self.is_short

    def given(self, last: Draw) -> list[tuple[Any, ...]]:
        """The arguments of a block's calls and the one before; the last call gets those of last."""
        others = [draw(last.data) for _ in range(self.warm_calls - 1)]
        return self.supply([*others, last])

    def warm(self, given: list[tuple[Any, ...]]) -> None:
        """Make the call before the block, if there is one."""
        if self.is_short:
            self.function(*given.pop(0))

    def block(self, given: list[tuple[Any, ...]]) -> Any:
        """One block of calls; the result of the last one."""
        *earlier, last = given
        for arguments in earlier:
            self.function(*arguments)
        return self.function(*last)


def prepare(
    function: Callable[..., Any],
    module: Any,
    supply: Supply = nothing,
    device: str = "cpu",
    agreed: Callable[[float], float] = float,
) -> Call:
    """Call the function until it is warm, and find how many calls fill a block."""
    call = Call(function, module, 1, supply, device, agreed=agreed)
    call.block(call.given(draw(0)))
    seconds = agreed(seconds_of(call, draw(0), []))
    if seconds < 10 * BLOCK:  # one interruption may take as long as the calls
        seconds = agreed(min(seconds_of(call, draw(0), []) for _ in range(5)))
    seconds = max(seconds, 1e-9)
    calls = max(1, ceil(BLOCK / seconds))
    return call._replace(calls=calls, is_short=seconds < SHORT, seconds=seconds)


def minor_faults() -> int:
    """The minor page faults of this process so far; 0 where the system does not count them."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt if resource else 0


def block_of(call: Call, results: list[Any]) -> Callable[..., None]:
    """A function that makes one block of calls and appends its result to results.

    The result has to be freed outside the timed region, before the next block. A result that is
    still held, for example by pytest-benchmark, makes later ones use other memory: that cost 2 %.
    """

    def block(given: list[tuple[Any, ...]]) -> None:
        results.append(call.block(given))

    return block


def seconds_of(call: Call, last: Draw, results: list[Any], **kwargs: Any) -> float:
    """The seconds of one block, timed in the same steps as pytest-benchmark times the cell."""
    block, args = block_of(call, results), (call.given(last),)
    call.warm(*args)
    minor_faults()  # instead of what pytest-benchmark does before it reads the clock: 0.1 %
    start = perf_counter()
    block(*args, **kwargs)
    end = perf_counter()
    return end - start
