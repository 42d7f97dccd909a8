"""The points at which a map is looked at: a sample of its domain by binades, and special numbers.

Everything here is the same in every process. Low-discrepancy fractions, multiples of the golden
ratio modulo 1, take the place of random ones.
"""

from math import inf
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # it imports this module
    from reference.maps import Map

GOLDEN = (5**0.5 - 1) / 2
BEND = 2.0**-12, 2.0**9  # sizes of the numbers where most maps bend and approximations change


def sample(map: "Map", dtype: str, points: int) -> np.ndarray:
    """About so many numbers (n,) of the dtype in the map's domain, in ascending order.

    Up to half of them: one in each binade of either sign, subnormal ones too; if there are more
    binades, evenly spaced ones. Then an eighth at distances that double from every kink, switch,
    zero and end of the domain; an eighth where exponentials leave the range of the dtype; the rest
    where abs(x) is 2^-12 to 2^9.
    """
    limits, places = np.finfo(dtype), _places(map)
    groups = [
        _thinned(_inside(map, _binades(limits)), points // 2),
        _thinned(_inside(map, _near(places, limits)), points // 8),
        _thinned(_inside(map, _edges(limits, points)), points // 8),
    ]
    rest = max(points - sum(len(group) for group in groups), 0)
    groups.append(_thinned(_inside(map, _bend(2 * points)), rest))
    with np.errstate(over="ignore"):
        found = _inside(map, np.concatenate(groups).astype(dtype))
    return np.unique(found[np.isfinite(found)])


def special(map: "Map", dtype: str) -> np.ndarray:
    """The special numbers (n,) of the dtype, in ascending order, nan last.

    Each kink and its two neighbors, +-0, +-1, +-inf, nan, and of both signs the smallest and a
    middle subnormal, the smallest normal and the largest number. Some may be outside the domain.
    """
    limits = np.finfo(dtype)
    kinks = np.array(map.kinks, dtype)
    sizes = np.array([0, 1, limits.smallest_subnormal, limits.tiny / 4, limits.tiny, limits.max])
    beside = [np.nextafter(kinks, np.array(end, dtype)) for end in (-inf, inf)]
    found = np.concatenate([kinks, *beside, sizes, -sizes, [-inf, inf]]).astype(dtype)
    signed = {(number, np.signbit(number)): number for number in found}  # -0 and 0 are two
    ordered = [signed[key] for key in sorted(signed, key=lambda key: (key[0], not key[1]))]
    return np.array([*ordered, np.nan], dtype)


def _places(map: "Map") -> list[float]:
    """Where to look closely; around 0 the binades do."""
    ends = [end for end in map.domain if abs(end) < inf]
    return [at for at in dict.fromkeys([*map.kinks, *map.switches, *map.zeros, *ends]) if at]


def _binades(limits: np.finfo) -> np.ndarray:
    """One number of the dtype in each binade of either sign, as float64."""
    least = int(np.log2(limits.smallest_subnormal))
    exponents = np.arange(least, limits.maxexp)
    bits = np.minimum(exponents - least, limits.nmant)  # after the first one
    fractions = np.arange(1, len(exponents) + 1) * GOLDEN % 1
    size = np.ldexp(1 + np.floor(fractions * 2.0**bits) / 2.0**bits, exponents)
    return np.concatenate([-size, size])


def _near(places: list[float], limits: np.finfo) -> np.ndarray:
    """Numbers on both sides of every place, from its ULP away to its own size away."""
    steps = 2.0 ** np.arange(np.log2(limits.eps), 1)
    return np.concatenate([np.empty(0), *(at + s * steps * at for at in places for s in (-1, 1))])


def _edges(limits: np.finfo, count: int) -> np.ndarray:
    """Where exp(x), exp(2 x), exp(x^2) or exp(x^2 / 2) become subnormal, and then 0 or infinite."""
    first, last = -np.log(limits.tiny), -np.log(limits.smallest_subnormal)
    y = np.linspace(0.99 * first, 1.01 * last, count)
    return np.concatenate(
        [s * edge for s in (-1, 1) for edge in (y, y / 2, y**0.5, (2 * y) ** 0.5)]
    )


def _bend(count: int) -> np.ndarray:
    """So many numbers that are evenly spaced in their logarithms, of either sign."""
    size = BEND[0] * (BEND[1] / BEND[0]) ** (np.arange(count) / count)
    return np.concatenate([-size, size])


def _inside(map: "Map", numbers: np.ndarray) -> np.ndarray:
    low, high = map.domain
    return numbers[(numbers >= low) & (numbers <= high)]


def _thinned(numbers: np.ndarray, most: int) -> np.ndarray:
    """At most so many of the numbers, evenly spaced."""
    if len(numbers) <= most:
        return numbers
    return numbers[np.linspace(0, len(numbers) - 1, most).round().astype(int)]
