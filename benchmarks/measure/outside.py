"""What a call does outside of the clock, or on processors that it was not given.

Such a row is void. A result may be computed when it is first looked at, in is_ready or in to_numpy;
by a thread that goes on when the clock has stopped; or on more processors than were allowed. Each
of them is looked for in some calls after the timed ones, as the clock makes them. The verdict comes
after these, so that a result which later calls write over fails it. SECURITY.md says what is not
found.
"""

from collections.abc import Callable
from statistics import median
from time import perf_counter, process_time, sleep, thread_time
from typing import Any

import numpy as np

from benchmarks.measure import threads
from benchmarks.measure.block import Call
from benchmarks.measure.inputs import draw

# Of calls that are short, or not; the least of them counts, or the median. What is found is looked
# for once more, in many: on a busy machine five looks at an honest result may all be disturbed.
PROBES = {True: (5, 50), False: (1, 4)}
# Of the seconds of a call: what looking at its result may take longer than looking once more, or at
# a copy of it.
SHARE = 0.5
FLOOR = 1e-5  # seconds: looking for the first time takes longer by a few caches that are cold
PAUSE = 1e-3, 2e-2  # seconds to look for threads that go on: as long as the block, within these
BUSY = 0.2  # of the pause: a pool that waits for work by spinning stops sooner
SPARE = 0.3  # processors beyond those allowed; the two clocks are not read at the same instant
LOOKS = ("is_ready", "synchronize", "to_numpy")


def look(call: Call) -> tuple[dict[str, float], str]:
    """Seconds of what belongs to a call besides it, and why its row is void, or "".

    is_ready, synchronize and to_numpy are of the last call of a block, beyond what they take of
    a result that is there; later is the processor time of other threads in a pause after it, as a
    share; processors is processor time over time within the block.
    """
    for count in PROBES[call.is_short]:
        probes = [_probe(call) for _ in range(count)]
        found = {name: min(probe[name] for probe in probes) for name in probes[0]}
        for name in LOOKS:
            found[name] -= found.pop(f"{name} again")
        for name in ("later", "processors"):  # a thread may be ready in time now and then
            found[name] = median(probe[name] for probe in probes)
        if not (reason := _reason(found)):
            break
    return found, reason or threads.astray()


def _probe(call: Call) -> dict[str, float]:
    module, given = call.module, call.given(draw(0))
    arguments = given[-1]
    call.warm(given)
    busy, (result, wall) = process_time(), _timed(call.block, given)
    found = {"call": wall / call.calls, "processors": (process_time() - busy) / wall}
    for name in ("is_ready", "synchronize"):
        function = getattr(module, name)
        for place in (name, f"{name} again"):
            _, found[place] = _timed(function, result)
    _fetch(module, list(arguments))  # what is run for the first time is slower
    kept, found["to_numpy"] = _timed(_fetch, module, _arrays(result))
    copies = [module.synchronize(module.from_numpy(array, call.device)) for array in kept]
    _, found["to_numpy again"] = _timed(_fetch, module, copies)
    if call.is_short:  # what has been looked at has been waited for
        call.block(call.given(draw(0)))
    return found | {"later": _later(min(max(wall, PAUSE[0]), PAUSE[1]))}


def _fetch(module: Any, arrays: list[Any]) -> list[np.ndarray]:
    return [module.to_numpy(array) for array in arrays]


def _later(pause: float) -> float:
    """The share of a pause in which other threads of this process have computed."""
    busy, own, start = process_time(), thread_time(), perf_counter()
    sleep(pause)
    others = (process_time() - busy) - (thread_time() - own)
    return others / (perf_counter() - start)


def _reason(found: dict[str, float]) -> str:
    call, allowed = found["call"], threads.allowed()
    for name in LOOKS:
        if found[name] > max(SHARE * call, FLOOR):
            return (
                f"{name} takes {found[name]:.2g} s of the work, a call under the clock {call:.2g}"
            )
    if found["later"] > BUSY:
        return f"its threads go on for {found['later']:.0%} of a pause after the clock has stopped"
    if found["processors"] > allowed + SPARE:
        return f"{found['processors']:.2g} processors are busy, {allowed} allowed"
    return ""


def _arrays(result: Any) -> list[Any]:
    fields = result if isinstance(result, tuple) else (result,)
    return [field for field in fields if field is not None]


def _timed(function: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    start = perf_counter()
    result = function(*arguments)
    return result, perf_counter() - start
