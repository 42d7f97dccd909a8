"""What rounding alone explains: how far values move if every input moves by at most one ULP.

Each input and parameter is multiplied by 1 + eps U, U uniform in (-1, 1), in DRAWS independent
draws. That changes the exact gradient by what it is conditioned to, and it makes the function round
anew. A port computes the same function with other roundings, so it is as far away as a draw is.
Entries of 1 and -1 are moved towards 0 alone: they may be probabilities.

The draws do not see one thing: the roundings of a long sum of terms that do not cancel. Each is up
to half an ULP of the sum so far, which is larger than an ULP of the next term, so it is the same in
every draw. So the unit is at least eps of the root mean square of the gradient, and sqrt(n) / 4
times that if n is larger than 16: n roundings of up to half an ULP of the sum so far, of random
sign, one after another. How long the sums are is not known. Of images (B,C,H,W) or sequences
(B,T,D) the gradient of a bias sums all but one axis, so n is the size of the largest array without
its shortest axis.
"""

from collections.abc import Iterator
from math import prod

import numpy as np

from diagjac.point import Leaves, Point

DRAWS = 16  # a unit estimated from 16 draws is within 18 % (one standard deviation)
SUMMED = 16  # terms whose sum is off by about one eps
PART = 2**13  # entries


def eps(dtype: str) -> float:
    """The distance from 1 to the next float: 2^-52 or 2^-23."""
    return float(np.finfo(dtype).eps)


def rms(array: np.ndarray) -> float:
    """The root mean square of an array, in float64; 0 if it is empty."""
    flat = np.asarray(array, dtype="float64").ravel()
    return float(np.sqrt(np.dot(flat, flat) / max(1, flat.size)))


def floor(point: Point, first: np.ndarray, other: np.ndarray) -> float:
    """What the unit of two arrays has at least."""
    arrays = (*point.params.values(), *point.batch.values())
    longest = max(_terms(array.shape) for array in arrays)
    growth = max(1.0, (longest / SUMMED) ** 0.5)
    return eps(point.dtype) * growth * max(rms(first), rms(other))


def _terms(shape: tuple[int, ...]) -> int:
    """How many terms a sum may have: all entries, those of the shortest axis excepted."""
    axes = sorted(length for length in shape if length > 1)
    return prod(axes[1:] if len(axes) > 1 else axes)


def perturbed(point: Point, stream: np.random.Generator) -> Point:
    """The same point with every float moved by at most one ULP."""
    return point.mapped(lambda leaf: _moved(leaf, stream))


def _moved(leaf: np.ndarray, stream: np.random.Generator) -> np.ndarray:
    small = leaf.dtype.type(eps(leaf.dtype.name))
    moved = np.empty(leaf.shape, leaf.dtype)
    for old, new in _parts(leaf, moved):
        stream.random(out=new, dtype=leaf.dtype)
        new *= 2 * small
        new += 1 - small
        new *= old
        np.copyto(new, old, where=(np.abs(new) > 1) & (np.abs(old) == 1))
    return moved


def add_squares(sums: Leaves, values: Leaves, base: Leaves) -> None:
    """Add the squares of values - base, in float64: those of float32 would underflow."""
    for name, total in sums.items():
        for added, one, two in _parts(total, values[name], base[name]):
            added += np.square(np.subtract(one, two, dtype="float64"))


def _parts(*arrays: np.ndarray) -> Iterator[list[np.ndarray]]:
    """Parts of arrays of the same shape that fit a cache: a large array takes new pages."""
    flat = [array.reshape(-1) for array in arrays]
    for start in range(0, flat[0].size, PART):
        yield [array[start : start + PART] for array in flat]
