"""Finds work that a call does outside the timed region, or on processors that are not allowed.

Such a row is void. A result may be computed late, when it is first used, in is_ready, synchronize
or to_numpy; in a thread that goes on after the clock has stopped; or on more processors than are
allowed. Some calls after the timed ones look for each of these. The verdict comes after them, so
that a result which a later call overwrites fails it. SECURITY.md says what is not found.
"""

from collections.abc import Callable
from statistics import median
from time import perf_counter, process_time, sleep, thread_time
from typing import Any

import numpy as np

from benchmarks.measure import threads
from benchmarks.measure.block import Call
from benchmarks.measure.inputs import draw

# The number of probes, for short calls and for others; the smallest value counts, or the median. If
# something is found, the second number is tried: on a busy machine five probes of a correct call
# may all be disturbed.
PROBES = {True: (5, 50), False: (1, 4)}
# Of the seconds of a call: by so much the first use of its result may take longer than the second
# one, or than that of a copy.
SHARE = 0.5
FLOOR = 1e-5  # seconds: the first use takes this much longer, since caches are cold
PAUSE = 1e-3, 0.2  # seconds to look for threads that go on: as long as the block, within limits
# Of the pause. A pool that spins while it waits stops sooner. XLA gives 270 MB back in 7 ms after a
# call of 110.
BUSY = 0.2
SPARE = 0.3  # processors beyond those allowed; the two clocks are not read at the same instant
LOOKS = ("is_ready", "synchronize", "to_numpy")


def look(call: Call) -> tuple[dict[str, float], str]:
    """What was measured, and why the row is void, or "".

    call is the seconds of a call. is_ready, synchronize and to_numpy are the seconds by which these
    take longer, after the last call of a block, than with a result that is ready. later is the
    processor time of other threads in a pause after it, as a share of the pause; processors is
    processor time over time within the block.
    """
    for count in PROBES[call.is_short]:
        probes = [_probe(call) for _ in range(count)]
        found = {name: min(probe[name] for probe in probes) for name in probes[0]}
        for name in LOOKS:
            found[name] -= found.pop(f"{name} again")
        for name in ("later", "processors"):  # the smallest value could miss a thread
            found[name] = median(probe[name] for probe in probes)
        reason = _reason(found)
        if not call.agreed(bool(reason)):
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
    _fetch(module, list(arguments))  # the first fetch is slower
    kept, found["to_numpy"] = _timed(_fetch, module, _arrays(result))
    copies = [module.synchronize(module.from_numpy(array, call.device)) for array in kept]
    _, found["to_numpy again"] = _timed(_fetch, module, copies)
    if call.is_short:  # the result of this one has not been waited for
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
            return f"{name} takes {found[name]:.2g} s of the work, the timed call {call:.2g} s"
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
