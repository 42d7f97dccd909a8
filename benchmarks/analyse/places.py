"""Where a number is on the axis of the atlas's pictures, which shows every binade.

The axis is logarithmic to both sides of zero. Numbers between 1e-4 and 1e4 in size, which most
networks compute with, have eight decades of one unit each; the hundreds of decades beyond have a
hundredth of a unit each.
"""

import numpy as np

INNER = 4  # decades above and below 1 that have a whole unit
NARROW = 0.01  # units of a decade beyond
LEAST = -324  # the decade of the smallest float64
BINS = 3  # of a unit


def place(x: np.ndarray) -> np.ndarray:
    """The place of each number; that of zero is 0."""
    size = np.abs(np.asarray(x, float))
    with np.errstate(divide="ignore"):
        decade = np.maximum(np.log10(size), LEAST)
    at = NARROW * (np.minimum(decade, -INNER) - LEAST)
    at = at + np.clip(decade, -INNER, INNER) + INNER
    at = at + NARROW * (np.maximum(decade, INNER) - INNER)
    return np.sign(x) * np.where(size == 0, 0, at)


def largest(x: np.ndarray, error: np.ndarray) -> tuple[list[float], list[float]]:
    """The places of the bins that have a number, and the largest error in each of them."""
    at = place(x)
    bins = np.floor(at * BINS)
    places, errors = [], []
    for one in np.unique(bins):
        own = bins == one
        places.append(round(float(at[own][np.argmax(error[own])]), 2))
        errors.append(float(f"{error[own].max():.2g}"))
    return places, errors
