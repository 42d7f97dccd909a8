"""Are the gradients of two or more functions the same but for rounding?"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from diagjac.case import GradientCase
from diagjac.diagnosis import diagnose
from diagjac.distance import DIFFERS, UNKNOWN, VANISHES, Distance, distance
from diagjac.point import Leaves, Point, point
from diagjac.report import Comparison, Disagreement, Report
from diagjac.sides import Side, Values, sides
from diagjac.unit import floor, mean_squares, rms

NOISE = 1e4  # rounding is 2^29 times as large in float32; a gradient that is none keeps its size
MORE = 100  # a function whose unit is so many times the other's is told to lose digits


def check_gradients(
    functions: Mapping[str, Callable[..., Any]],
    params: Any,
    batch: Any,
    *,
    dtype: str = "float64",
    seed: int = 0,
) -> Report:
    """Assert that functions have the same gradients, but for rounding.

    functions maps names to functions of (params, batch). What stands before a colon in a name says
    what the function is: "jax" and "torch", also "jax:old", are losses in that framework, scalars,
    and are differentiated here; every other name is a function of NumPy arrays that returns its
    gradients, or (loss, gradients), in the structure of params. The others are compared with the
    first.

    params and batch are nested dicts, lists and tuples of arrays. Floats are cast to dtype,
    "float64" or "float32"; whole numbers and flags are handed over as they are. seed draws the
    perturbations that the unit is made of.

    Raises Disagreement, an AssertionError whose message is the report, if a gradient differs or
    rounding alone moves it too much to tell; ValueError for a mistake in what was given.
    """
    report = compare_gradients(functions, params, batch, dtype=dtype, seed=seed)
    if not report.agrees:
        raise Disagreement(report)
    return report


def compare_gradients(
    functions: Mapping[str, Callable[..., Any]],
    params: Any,
    batch: Any,
    *,
    dtype: str = "float64",
    seed: int = 0,
) -> Report:
    """The report of check_gradients, whatever it says. Raises ValueError as that does."""
    at = point(params, batch, dtype)
    first, *others = sides(functions)
    base = first.checked(at)
    squares = _squares(first, base, at, seed)
    return Report([_compared(first, base, squares, other, at, seed) for other in others], dtype)


def _squares(side: Side, base: Values, at: Point, seed: int) -> Leaves:
    with np.errstate(invalid="ignore", over="ignore"):  # nan and inf are part of the report
        return mean_squares(lambda moved: side.evaluate(moved).grads, base.grads, at, seed)


def _compared(
    first: Side, base: Values, squares: Leaves, other: Side, at: Point, seed: int
) -> Comparison:
    values = other.checked(at)
    both = _squares(other, values, at, seed)
    notes = _lost_digits(first.name, squares, other.name, both)
    for name, square in squares.items():
        both[name] += square
    found = [_distance(name, base, values, both[name], at) for name in at.params]
    del both
    found = _vanishing(found, first, at)
    case = GradientCase(first, other, at, base, values, {d.name: d for d in found})
    findings = diagnose(case) if any(d.verdict == DIFFERS for d in found) else []
    return Comparison(first.name, other.name, (base.loss, values.loss), found, findings, notes)


def _distance(name: str, first: Values, other: Values, squares: np.ndarray, at: Point) -> Distance:
    one, two = first.grads[name], other.grads[name]
    with np.errstate(invalid="ignore", over="ignore"):
        return distance(name, one, two, squares, floor(at, one, two), at.dtype)


def _vanishing(found: list[Distance], first: Side, at: Point) -> list[Distance]:
    """Tell gradients that are 0 but for rounding, as those of a bias before a softmax, from others.

    Rounding moves both by their own size or more. In the other precision the first are larger or
    smaller by many digits; others, as those at a kink, are not.
    """
    if not any(d.verdict == UNKNOWN and d.apart < np.inf for d in found):
        return found
    narrow = at.dtype == "float64"
    try:
        other = first.evaluate(at.cast("float32" if narrow else "float64")).grads
    except Exception:  # a function for one precision only
        return found
    sizes = {name: rms(grad) for name, grad in other.items()}
    return [
        d.with_verdict(VANISHES)
        if d.verdict == UNKNOWN and _is_noise(d.unit, sizes[d.name], narrow)
        else d
        for d in found
    ]


def _is_noise(unit: float, size: float, narrow: bool) -> bool:
    """Whether what rounding does to a gradient here is 0 beside it in float32, or the reverse."""
    small, large = (unit, size) if narrow else (size, unit)
    return 0 < small * NOISE < large


def _lost_digits(first: str, one: Leaves, other: str, two: Leaves) -> list[str]:
    """Whether one of the functions rounds much worse than the other."""
    notes = []
    for name in one:
        units = {first: np.sqrt(one[name].mean()), other: np.sqrt(two[name].mean())}
        worse, better = sorted(units, key=lambda side: -units[side])
        if units[worse] > MORE * units[better] > 0:
            notes.append(
                f"{worse} loses digits that {better} keeps: rounding moves its gradient of {name} "
                f"{units[worse] / units[better]:.0e} times as far"
            )
    return notes[:1]
