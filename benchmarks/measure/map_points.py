"""The points at which the atlas looks at a map: a sample of its domain, and special numbers."""

from typing import NamedTuple

import numpy as np

from reference import maps
from reference.formats import FORMATS
from reference.maps import Map

# Of the sample, at most: enough that every binade of an unbounded domain has a number.
POINTS = {"float64": 8400, "float32": 1120}
CARRIERS = {"bfloat16": "float32", "float16": "float32"}  # the dtype whose sample is rounded


class Points(NamedTuple):
    """Numbers of a dtype, as float64: the sample in ascending order, then the special ones."""

    x: np.ndarray
    is_special: np.ndarray


def points(map: Map, dtype: str) -> Points:
    """The points of a map, the same in every process; every one is a number of the dtype."""
    carrier, form = CARRIERS.get(dtype, dtype), FORMATS[dtype]
    sample = form.rounded(maps.sample(map, carrier, POINTS[carrier]).astype(float))
    sample = np.unique(sample[np.isfinite(sample)])
    special = maps.special(map, carrier).astype(float)
    if dtype in CARRIERS:
        special = _special_of(map, dtype, special)
    return Points(
        np.concatenate([sample, special]), np.arange(len(sample) + len(special)) >= len(sample)
    )


def _special_of(map: Map, dtype: str, of_carrier: np.ndarray) -> np.ndarray:
    """The special numbers of a format of 16 bits, made of those of float32."""
    form, kinks = FORMATS[dtype], np.array(map.kinks, float)
    beside = [kinks - form.ulp(kinks) / 2, kinks - form.ulp(kinks), kinks + form.ulp(kinks)]
    edges = np.array([form.tiny, form.tiny / 4, form.largest])
    found = form.rounded(np.concatenate([of_carrier, *beside, edges, -edges]))
    signed = {(value, np.signbit(value)) for value in found if not np.isnan(value)}
    return np.array([*(value for value, _ in sorted(signed)), np.nan])
