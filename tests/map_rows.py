"""The maps of a backend, judged as the atlas judges them; and wrong ones in their place."""

from functools import cache
from pathlib import Path

import numpy as np

import backends
from benchmarks.analyse import atlas as analyse
from benchmarks.analyse.atlas import Row, Truth
from benchmarks.analyse.differences import Exact
from benchmarks.measure.map_points import points
from benchmarks.measure.map_values import on_device, to_float64
from benchmarks.store.atlas import load
from reference import maps
from reference.maps import MAPS

PUBLISHED = Path(__file__).parents[1] / "results" / "atlas" / "atlas.json"


@cache
def truth(name, dtype="float64"):
    """The points of the atlas, and the exact values there."""
    at = points(MAPS[name], dtype)
    exact = maps.exact(name, at.x)
    return Truth(
        *at,
        (Exact(exact.value, exact.value_rest), Exact(exact.derivative, exact.derivative_rest)),
    )


@cache
def published():
    return load(PUBLISHED)


def row(backend, execution, name, function, dtype="float64"):
    """What a function of (row, x) gives for a map."""
    module, x = backends.load(backend), truth(name, dtype).x
    with np.errstate(all="ignore"):
        value, pulled = function(*(on_device(module, a, dtype) for a in (np.ones((1, len(x))), x)))
    found = np.stack([to_float64(module, value), to_float64(module, pulled)[0]])
    return Row(name, dtype, backend, execution, found)


def differences(one):
    """The classes of a row's values and derivatives, and what it gives at kinks."""
    exact = truth(one.map, one.dtype)
    found = analyse.findings(one, exact)
    at_kinks = analyse.kinks([one], {(one.map, one.dtype): exact})
    key = f"{one.backend} {one.execution}"
    return {(f.quantity, f.kind) for f in found}, {k.x: number(k.found[key]) for k in at_kinks}


def expected(backend, execution, name, dtype="float64"):
    """The same of the published atlas."""
    own = backend, execution, name, dtype
    found = {
        (f.quantity, f.kind) for f in published().findings
        if (f.backend, f.execution, f.map, f.dtype) == own
    }  # fmt: skip
    kinks = [k for k in published().kinks if (k.map, k.dtype) == (name, dtype)]
    return found, {k.x: number(k.found[f"{backend} {execution}"]) for k in kinks}


def number(text):
    """The number, with one zero and one nan, so that equal ones are equal."""
    value = float(text)
    return "nan" if value != value else value + 0.0
