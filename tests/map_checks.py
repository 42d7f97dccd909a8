"""How hand-written maps are judged: by the tests of backends, and by those of wrong maps."""

from functools import cache
from typing import NamedTuple

import numpy as np

from reference import maps
from reference.formats import FORMATS
from reference.maps import MAPS, Exact

POINTS = 400  # of a sample, about
ALLOWED = 4  # ULP; docs/maps.md says what was measured, with AVX2 and with AVX-512
HAND_WRITTEN = {"numpy": "eager", "numba": "step"}


class Truth(NamedTuple):
    """Numbers (n,) of a dtype, the exact results, and what is allowed of the derivative (n,)."""

    x: np.ndarray
    exact: Exact
    allowed: np.ndarray


@cache
def truth(name, dtype, points=POINTS):
    """At a sample of the domain, and at the special numbers."""
    sampled, special = maps.sample(MAPS[name], dtype, points), maps.special(MAPS[name], dtype)
    return truth_at(name, np.concatenate([sampled, special]))


def truth_at(name, x):
    exact, form = maps.exact(name, x), FORMATS[x.dtype.name]
    size = np.abs(exact.derivative)
    if MAPS[name].bound:  # of the larger term, if that is larger
        size = np.fmax(size, maps.larger_term(MAPS[name], x.astype(float), exact.derivative))
    return Truth(x, exact, ALLOWED * form.ulp(size))


def off(found, head, rest):
    """The error of results (n,), infinite where only one of both is a number or both differ."""
    nearest = FORMATS[found.dtype.name].rounded(head)
    found = found.astype(float)
    with np.errstate(all="ignore"):
        error = np.abs((found - head) - rest)
    same = (found == nearest) | (np.isnan(found) & np.isnan(nearest))
    are_numbers = np.isfinite(found) & np.isfinite(nearest)
    return np.where(are_numbers, error, np.where(same, 0.0, np.inf))


def evaluated(function, x):
    """The value and the derivative (n,) that a map and its pullback give."""
    value, pulled = function(np.ones((1, len(x)), x.dtype), x)
    assert (value.shape, pulled.shape) == ((len(x),), (1, len(x)))
    assert value.dtype == pulled.dtype == x.dtype
    return value, pulled[0]


def errors(function, name, truth):
    """The errors of value and derivative, each (n,), in what is allowed of them."""
    value, derivative = evaluated(function, truth.x)
    _, (high, rest, slope, slope_rest), allowed = truth
    kinks = np.isin(truth.x, np.array(MAPS[name].kinks, truth.x.dtype))
    unit = ALLOWED * FORMATS[truth.x.dtype.name].ulp(high)
    return off(value, high, rest) / unit, np.where(
        kinks, 0, off(derivative, slope, slope_rest) / allowed
    )


def flaws(function, name, truth):
    """Where a map is not what it should be, in words; "" if nowhere."""
    for quantity, error in zip(("value", "derivative"), errors(function, name, truth), strict=True):
        at = int(np.argmax(error))
        if error[at] > 1:
            index = ("value", "derivative").index(quantity)
            found = evaluated(function, truth.x)[index][at]
            right = truth.exact[2 * index][at]
            size = f"{error[at] * ALLOWED:.3g} ULP"
            return f"{name}: the {quantity} at {truth.x[at]!r} is {found!r}, not {right!r}: {size}"
    return flaws_at_kinks(function, name, truth.x.dtype)


def flaws_at_kinks(function, name, dtype):
    """At a kink the derivative is the smaller in size of both sides, 0 if only the signs differ."""
    for kink in MAPS[name].kinks:
        at = np.array(kink, dtype)
        beside = [np.nextafter(at, np.array(end, dtype)) for end in (-np.inf, np.inf)]
        below, above = maps.exact(name, np.array(beside)).derivative
        expected = 0.0 if below == -above else min(below, above, key=abs)
        found = evaluated(function, at[None])[1][0]
        if off(found[None], np.array([expected]), 0.0)[0] > ALLOWED * np.spacing(at.dtype.type(1)):
            return f"{name}: the derivative at {kink} is {found!r}, beside it {below} and {above}"
    return ""


def drawn(name, count, dtype):
    """Random numbers of a domain: of any size, from -40 to 40, and near kinks and zeros."""
    map, form, random = MAPS[name], FORMATS[dtype], np.random.default_rng(len(name))
    low, high = map.domain
    sizes = np.ldexp(random.uniform(1, 2, count), random.integers(form.least, form.most, count))
    at = random.choice([*map.kinks, *map.switches, *map.zeros, 1.0], count)
    signs, distances = random.choice([-1, 1], count), 2.0 ** -random.uniform(0, 53, count)
    ordinary = random.uniform(max(low, -40), min(high, 40), count)
    x = np.concatenate([sizes * signs, ordinary, at * (1 + signs * distances)])
    x = x[(x >= low) & (x <= high)].astype(dtype)
    return np.unique(random.choice(x, count))
