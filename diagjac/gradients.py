"""Are the gradients of two or more functions the same but for rounding?"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from diagjac.case import GradientCase
from diagjac.diagnosis import diagnose
from diagjac.distance import DIFFERS, LIMIT, UNKNOWN, VANISHES, Distance, distance
from diagjac.point import Leaves, Point, point
from diagjac.report import Comparison, Disagreement, Report
from diagjac.sides import Side, Values, sides
from diagjac.unit import DRAWS, add_squares, floor, perturbed, rms

NOISE = 1e4  # rounding is 2^29 times as large in float32; a gradient that is none keeps its size
MORE = 100  # a function whose unit is so many times the other's is told to lose digits
LOOKS = 8  # at a kink a draw may be 0 by chance, on one side of it


class Measured(NamedTuple):
    """A function, what it gave, and the mean squares of what the draws change of it."""

    side: Side
    values: Values
    squares: Leaves


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
    first, *others = _measured(sides(functions), at, seed)
    return Report([_compared(first, other, at) for other in others], dtype, "gradient")


def _measured(every: list[Side], at: Point, seed: int) -> list[Measured]:
    found = [
        Measured(side, side.checked(at), {n: np.zeros(p.shape) for n, p in at.params.items()})
        for side in every
    ]
    with np.errstate(invalid="ignore", over="ignore"):  # nan and inf are part of the report
        for draw in range(DRAWS):
            moved = perturbed(at, np.random.default_rng([seed, draw]))
            for side, values, squares in found:
                add_squares(squares, side.evaluate(moved).grads, values.grads)
    for _, _, squares in found:
        for total in squares.values():
            total /= DRAWS
    return found


def _compared(first: Measured, other: Measured, at: Point) -> Comparison:
    found = _vanishing([_distance(name, first, other, at) for name in at.params], first.side, at)
    distances = {d.name: d for d in found}
    case = GradientCase(first.side, other.side, at, first.values, other.values, distances)
    findings = diagnose(case) if any(d.verdict == DIFFERS for d in found) else []
    losses = first.values.loss, other.values.loss
    notes = _lost_digits(first, other)
    return Comparison(first.side.name, other.side.name, losses, found, findings, notes)


def _distance(name: str, first: Measured, other: Measured, at: Point) -> Distance:
    one, two = first.values.grads[name], other.values.grads[name]
    with np.errstate(invalid="ignore", over="ignore"):
        squares = first.squares[name] + other.squares[name]
        return distance(name, one, two, squares, floor(at, one, two), at.dtype)


def _vanishing(found: list[Distance], first: Side, at: Point) -> list[Distance]:
    """Tell gradients that are 0 but for rounding, as those of a bias before a softmax, from others.

    They are no larger than what rounding makes, and many digits larger in float32 than in float64.
    At a kink, or where the function is chaotic, one of the two does not hold.
    """
    unknown = [d for d in found if d.verdict == UNKNOWN]
    noise = {d.name: d.unit for d in unknown if d.size <= LIMIT * d.unit < np.inf}
    if not noise:
        return found
    is_wide = at.dtype == "float64"
    try:
        sizes = _sizes(first, at.cast("float32" if is_wide else "float64"))
    except Exception:  # a function for one precision only
        return found
    pairs = {n: (own, sizes[n]) if is_wide else (sizes[n], own) for n, own in noise.items()}
    zero = {n for n, (wide, narrow) in pairs.items() if wide * NOISE < narrow}
    return [d.with_verdict(VANISHES) if d.name in zero else d for d in found]


def _sizes(side: Side, at: Point) -> dict[str, float]:
    """The largest root mean squares of gradients near a point."""
    stream = np.random.default_rng(0)
    places = (perturbed(at, stream) for _ in range(LOOKS))
    found = [{n: rms(g) for n, g in side.evaluate(place).grads.items()} for place in places]
    return {name: max(sizes[name] for sizes in found) for name in at.params}


def _lost_digits(first: Measured, other: Measured) -> list[str]:
    """Whether one of the functions rounds much worse than the other."""
    for name in first.squares:
        units = {side.name: _mean(squares[name]) ** 0.5 for side, _, squares in (first, other)}
        worse, better = sorted(units, key=lambda side: -units[side])
        if units[worse] > MORE * units[better] > 0:
            return [
                f"{worse} loses digits that {better} keeps: rounding moves its gradient of {name} "
                f"{units[worse] / units[better]:.0e} times as far"
            ]
    return []


def _mean(squares: np.ndarray) -> float:
    return float(squares.mean()) if squares.size else 0.0
