"""Two functions whose gradients differ, and how much of that an explanation explains."""

from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, Self

import numpy as np

from diagjac.distance import DIFFERS, LIMIT, Distance
from diagjac.point import Leaves, Point
from diagjac.sides import Side, Values
from diagjac.unit import rms

HINT = 1.0  # what a finding leaves that predicts no number
MOSTLY = 0.1  # an explanation that leaves a tenth of a difference explains 99 % of its square


class Finding(NamedTuple):
    """An explanation: its kind in a word or two, a sentence, and what it leaves unexplained."""

    kind: str
    text: str
    left: float = 0.0  # of the root mean square of the difference; 0: nothing but rounding


class Named(Protocol):
    """One side of a comparison."""

    @property
    def name(self) -> str:
        """What the caller called it."""


@dataclass(frozen=True)
class Case:
    """What two sides gave at a point, gradients or updates, and how far these are apart."""

    first: Named
    other: Named
    point: Point
    base: Values
    values: Values
    distances: dict[str, Distance]
    what: str = "gradient"  # or "update", of a step

    @property
    def differing(self) -> list[str]:
        """The parameters whose gradients differ."""
        return [name for name, d in self.distances.items() if d.verdict == DIFFERS]

    def left(self, expected: Leaves) -> float:
        """The largest part of a difference that remains if expected is put for the first's.

        expected may hold some parameters only. 0 if all of them then agree but for rounding; more
        than 1 if parameters that agree would not.
        """
        return max((self._left(name, array) for name, array in expected.items()), default=0.0)

    def _left(self, name: str, expected: np.ndarray) -> float:
        own, found = self.distances[name], self.values.grads[name]
        rest = rms(np.subtract(found, expected, dtype="float64"))
        growth = max(1.0, rms(expected) / own.size) if own.size else 1.0
        if rest <= LIMIT * own.unit * growth:
            return 0.0
        return rest / max(own.apart, LIMIT * own.unit)

    def reversed(self) -> Self:
        """The same with the two functions exchanged."""
        return replace(self, first=self.other, other=self.first, base=self.values, values=self.base)


@dataclass(frozen=True)
class GradientCase(Case):
    """Two functions, which can be evaluated at other points."""

    first: Side
    other: Side


def explained(left: float) -> bool:
    """Whether an explanation leaves little enough; nan does not."""
    return left <= MOSTLY
