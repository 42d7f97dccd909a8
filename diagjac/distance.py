"""How far two arrays are apart, in units of what rounding alone explains, and the verdict."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from diagjac.unit import DRAWS, rms

LIMIT = 8.0  # units; docs/own-functions.md has the calibration
AGREES, DIFFERS, UNKNOWN, VANISHES = "agrees", "differs", "cannot tell", "agrees, vanishes"


@dataclass(frozen=True)
class Distance:
    """One parameter: sizes and distances are root mean squares over its coordinates."""

    name: str
    shape: tuple[int, ...]
    size: float  # of the first function's gradient
    apart: float  # of the difference of the two
    unit: float  # what rounding explains
    worst: float  # the largest difference of a coordinate, in that coordinate's own unit
    where: tuple[int, ...]  # this coordinate
    verdict: str

    @property
    def units(self) -> float:
        """The distance in units; 0 if both are equal."""
        return self.apart / self.unit if self.apart else 0.0

    @property
    def agrees(self) -> bool:
        """Whether the two were compared, and are the same but for rounding."""
        return self.verdict in (AGREES, VANISHES)

    def with_verdict(self, verdict: str) -> "Distance":
        """The same figures with another verdict."""
        return replace(self, verdict=verdict)


def worst_verdict(verdicts: Iterable[str]) -> str:
    """The verdict on all: differs, cannot tell, agrees."""
    found = {*verdicts}
    return next((verdict for verdict in (DIFFERS, UNKNOWN) if verdict in found), AGREES)


def worst_limit(count: int) -> float:
    """What the worst of count coordinates may reach, in its own unit.

    A unit that is estimated from n draws makes the ratio Student's t with n degrees of freedom. Its
    tail falls as t^-n, so the largest of count ratios grows as count^(1/n).
    """
    return float(LIMIT * max(1, count) ** (1 / DRAWS))


def distance(
    name: str, first: np.ndarray, other: np.ndarray, squares: np.ndarray, floor: float, dtype: str
) -> Distance:
    """Compare two arrays (...).

    squares (...) are the mean squares of what the draws change; floor is what the unit of every
    coordinate has at least: eps of the root mean square.
    """
    both = np.isfinite(first) & np.isfinite(other)
    if not both.all():
        return _not_finite(name, first, other, both)
    ratios = np.asarray(np.abs(np.subtract(other, first, dtype="float64")))
    spread = np.sqrt(squares)
    size, apart, unit = rms(first), rms(ratios), rms(spread) + floor
    spread += floor
    with np.errstate(divide="ignore", invalid="ignore"):
        np.divide(ratios, spread, out=ratios, where=ratios > 0)  # in place: a model may be large
    place = np.unravel_index(np.argmax(ratios), ratios.shape) if ratios.size else ()
    worst = float(ratios[place]) if ratios.size else 0.0
    where = tuple(int(index) for index in place)
    verdict = _verdict(size, apart, unit, worst, first.size, dtype)
    return Distance(name, first.shape, size, apart, unit, worst, where, verdict)


def _verdict(size: float, apart: float, unit: float, worst: float, count: int, dtype: str) -> str:
    if apart > LIMIT * unit or worst > worst_limit(count):
        return DIFFERS
    if not unit <= np.sqrt(np.finfo(dtype).eps) * size and (apart or unit):
        return UNKNOWN  # also if the unit is nan
    return AGREES


def _not_finite(name: str, first: np.ndarray, other: np.ndarray, both: np.ndarray) -> Distance:
    """A nan or inf in one alone is a difference; at the same places in both nothing is known."""
    same = np.array_equal(np.isfinite(first), np.isfinite(other))
    place = tuple(int(index) for index in np.argwhere(~both)[0])
    inf, nan = float("inf"), float("nan")
    verdict = UNKNOWN if same else DIFFERS
    return Distance(name, first.shape, nan, inf, nan, inf, place, verdict)
