"""From which size on dense is slower by a factor, and how a time grows with the size."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

FACTORS = (2, 10, 100)


class Crossing(NamedTuple):
    """The size from which dense is slower by a factor; None if it lies outside the sizes."""

    factor: int
    size: float | None
    words: str


def crossings(rows: pd.DataFrame) -> Iterable[Crossing]:
    """For each factor, from the measured ratios of one cell, interpolated in logarithms."""
    rows = rows.sort_values("B")
    sizes, ratios = rows.B.to_list(), rows["/ elementwise"].to_list()
    for factor in FACTORS:
        size = crossing(sizes, ratios, factor)
        yield Crossing(factor, size, _words(sizes, ratios, factor, size))


def crossing(sizes: list[int], ratios: list[float], factor: float) -> float | None:
    """The size after which the ratio stays above the factor, if it lies between two sizes."""
    below = [i for i, ratio in enumerate(ratios) if ratio < factor]
    if not below or below[-1] == len(sizes) - 1:
        return None
    i = below[-1]
    x, y = np.log(sizes[i : i + 2]), np.log(ratios[i : i + 2])
    return float(np.exp(x[0] + (np.log(factor) - y[0]) * (x[1] - x[0]) / (y[1] - y[0])))


def growth(sizes: Sequence[int], times: Sequence[float]) -> float:
    """The exponent of a size with which a time grows: least squares through the logarithms."""
    x, y = np.log(np.asarray(sizes, float)), np.log(np.asarray(times, float))
    return float(np.polyfit(x, y, 1)[0])


def _words(sizes: list[int], ratios: list[float], factor: float, size: float | None) -> str:
    if size is not None:
        return f"from B = {size:.0f}"
    above = [B for B, ratio in zip(sizes, ratios, strict=True) if ratio >= factor]
    if not above:
        return f"not up to B = {sizes[-1]}"
    return f"at B = {above[-1]}, not at {sizes[-1]}" if above[-1] != sizes[-1] else "at all sizes"
