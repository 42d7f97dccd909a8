"""A backend's maps beside the published atlas: what of their differences is not in it."""

from functools import cache
from pathlib import Path

import numpy as np

import backends
from benchmarks.analyse import atlas as analyse
from benchmarks.analyse.atlas import Row, Truth
from benchmarks.analyse.differences import ALLOWED, Exact
from benchmarks.measure.map_points import points
from benchmarks.measure.map_values import on_device, to_float64
from benchmarks.store.atlas import QUANTITIES, load
from reference import maps
from reference.maps import MAPS

PUBLISHED = Path(__file__).parents[1] / "results" / "atlas" / "atlas.json"
EVERY = 10  # one point of so many of the atlas's sample is enough here, and all special ones
WORSE = 4  # times the published error; other processors round in other places


@cache
def published():
    return load(PUBLISHED)


@cache
def truth(name, dtype):
    """The exact values at a part of the points of the atlas."""
    at = points(MAPS[name], dtype)
    chosen = at.is_special | (np.arange(len(at.x)) % EVERY == 0)
    exact = maps.exact(name, at.x[chosen])
    return Truth(at.x[chosen], at.is_special[chosen], (Exact(*exact[:2]), Exact(*exact[2:])))


def row(backend, execution, name, function, dtype):
    """What a function of (row, x) gives for a map."""
    module, x = backends.load(backend), truth(name, dtype).x
    value, pulled = function(*(on_device(module, a, dtype) for a in (np.ones((1, len(x))), x)))
    found = np.stack([to_float64(module, value), to_float64(module, pulled)[0]])
    return Row(name, dtype, backend, execution, found)


def news(one):
    """How a row differs from the exact values in what the published atlas does not have."""
    exact, own = truth(one.map, one.dtype), (one.map, one.backend, one.execution, one.dtype)
    known = {(f.quantity, f.kind): f.ulp for f in published().findings if key(f) == own}
    told = []
    for found in analyse.findings(one, exact):
        before = known.get((found.quantity, found.kind), 0)
        if is_large(found.ulp) and (before == 0 or (found.ulp is None and before is not None)):
            told.append(f"{found.quantity}: {found.kind}, {found.found} at {found.x}")
    [before] = [row for row in published().judged if key(row) == own]
    now = analyse.judged(one, exact)
    for quantity in QUANTITIES:
        worst = getattr(now, quantity), getattr(before, quantity)
        then, here = (abs(w.ulp) if w else 0 for w in reversed(worst))
        if here > WORSE * max(then, ALLOWED):
            told.append(f"{quantity}: {here} ULP instead of {then}")
    row = f"{one.backend} {one.execution}"
    at = {(k.map, k.dtype, k.x): k.found[row] for k in published().kinks if row in k.found}
    for kink in analyse.kinks([one], {(one.map, one.dtype): exact}):
        then = at[kink.map, kink.dtype, kink.x]
        if not np.array_equal(float(kink.found[row]), float(then), equal_nan=True):
            told.append(f"derivative: {kink.found[row]} at {kink.x} instead of {then}")
    return told


def is_large(ulp):
    """Whether it is more than what other processors may make of a small error."""
    return ulp is None or ulp > WORSE * ALLOWED


def key(one):
    return one.map, one.backend, one.execution, one.dtype
