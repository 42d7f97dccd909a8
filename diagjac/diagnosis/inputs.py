"""Explanations that evaluate the first function at other inputs."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from diagjac.case import Finding, GradientCase
from diagjac.distance import LIMIT
from diagjac.point import Leaves, Point
from diagjac.sides import Side
from diagjac.unit import rms

OFF = 1e-3  # far from rounding, near enough to be the same problem


class Change(NamedTuple):
    """An altered input, in words, and the parameter whose gradient comes out transposed, if any."""

    kind: str
    text: str
    point: Point
    turned: str = ""


def gradients(side: Side, point: Point) -> Leaves | None:
    """The gradients at an altered point; None if the function refuses it."""
    try:
        with np.errstate(all="ignore"):
            return side.evaluate(point).grads
    except Exception:  # whatever a caller's function raises for shapes that it does not expect
        return None


def unchanged(side: Side, point: Point, before: Leaves) -> bool:
    """Whether a function gives the same gradients at an altered point, to the last bit."""
    after = gradients(side, point)
    return after is not None and all(np.array_equal(after[n], g) for n, g in before.items())


def unused(case: GradientCase) -> Iterator[Finding]:
    """Whether one function gives some parameters no gradient, and what it has in their place."""
    for one in (case, case.reversed()):
        names = [n for n in case.differing if not one.values.grads[n].any()]
        if not names:
            continue
        none = f"{one.other.name} gives no gradient to {', '.join(names)}: "
        zeroed = {n: np.zeros_like(case.point.params[n]) for n in names}
        found = gradients(one.first, case.point.replaced(params=zeroed))
        rest = {n: g for n, g in (found or {}).items() if n not in names}
        if names == case.differing:
            yield Finding("no gradient", none + "it is detached or not used")
        elif rest and one.left(rest) == 0:
            text = "it is not used, the others are as if it were 0"
            yield Finding("missing parameter", none + text)


def other_input(case: GradientCase) -> Iterator[Finding]:
    """Whether the other function's gradients are those of the first at another input."""
    for change in _changes(case.point):
        found = gradients(case.first, change.point)
        if found is None:
            continue
        if change.turned:
            found[change.turned] = found[change.turned].swapaxes(-1, -2)
        text = f"{case.other.name} has the gradients of {case.first.name} {change.text}"
        yield Finding(change.kind, text, case.left(found))


def _changes(point: Point) -> Iterator[Change]:
    for name, leaf in point.params.items():
        if leaf.ndim >= 2 and leaf.shape[-1] == leaf.shape[-2] > 1:
            turned = point.replaced(params={name: np.ascontiguousarray(leaf.swapaxes(-1, -2))})
            yield Change("transposed", f"with {name} transposed", turned, name)
    for name, leaf in point.batch.items():
        for kind, text, array in _arrangements(leaf):
            yield Change(kind, f"with batch.{name} {text}", point.replaced(batch={name: array}))
    for text, part in (("first", slice(1, None)), ("last", slice(None, -1))):
        if shorter := _without(point, part):
            yield Change("example", f"without the {text} example", shorter)


def _arrangements(leaf: np.ndarray) -> Iterator[tuple[str, str, np.ndarray]]:
    """The same numbers in another order or shape."""
    if leaf.ndim == 0 or len(leaf) < 2:
        return
    yield "batch", "in reverse order", leaf[::-1].copy()
    yield "batch", "late by one example", np.roll(leaf, 1, axis=0)
    yield "batch", "early by one example", np.roll(leaf, -1, axis=0)
    if leaf.ndim == 1:
        yield "broadcast", f"of shape {(len(leaf), 1)}: a broadcast", leaf[:, None]
    elif leaf.shape[1:] == (1,):
        yield "broadcast", f"of shape {(len(leaf),)}: a broadcast", leaf[:, 0]
    if leaf.ndim >= 2 and leaf.shape[-1] == leaf.shape[-2] > 1:
        yield "batch", "with its last two axes exchanged", leaf.swapaxes(-1, -2).copy()
    if leaf.ndim >= 3:
        yield "batch", "read in Fortran's order", leaf.transpose().reshape(leaf.shape)


def _without(point: Point, part: slice) -> Point | None:
    """The batch without an example, if all its arrays have the same number of them."""
    counts = {leaf.shape[:1] for leaf in point.batch.values() if leaf.ndim}
    if len(counts) != 1 or counts.pop()[0] < 2:
        return None
    return point.replaced(batch={n: leaf[part] for n, leaf in point.batch.items() if leaf.ndim})


def ignored(case: GradientCase) -> Iterator[Finding]:
    """Whether one function does not use an array of the batch that the other uses, as a mask."""
    for name, leaf in case.point.batch.items():
        if leaf.ndim == 0 or np.array_equal(leaf, leaf[::-1]):
            continue
        turned = case.point.replaced(batch={name: leaf[::-1].copy()})
        same = [
            unchanged(side, turned, values.grads)
            for side, values in ((case.first, case.base), (case.other, case.values))
        ]
        if same[0] != same[1]:
            no, yes = (case.first, case.other) if same[0] else (case.other, case.first)
            text = f"batch.{name} in reverse order changes nothing in {no.name}, which does not "
            yield Finding("not used", text + f"use it; {yes.name} does")


def kink(case: GradientCase) -> Iterator[Finding]:
    """Whether both agree as soon as every number is moved a little: they part at a kink."""
    near = _moved_off(case.point)
    one, two = gradients(case.first, near), gradients(case.other, near)
    if one is None or two is None:
        return
    limits = {name: d.unit * LIMIT for name, d in case.distances.items()}
    if all(rms(two[name] - grad) <= limits[name] for name, grad in one.items()):
        yield Finding(
            "kink",
            "both agree if all inputs are moved by a thousandth: they differ at special numbers "
            "only, as 0 or a tie, where a map or a maximum has a kink and each picks its slope",
        )


def _moved_off(point: Point) -> Point:
    """A point near by, with nothing exactly on 0 or on a tie."""
    stream = np.random.default_rng(0)

    def moved(leaf: np.ndarray) -> np.ndarray:
        step = OFF * stream.uniform(-1, 1, leaf.shape) * (np.abs(leaf) + rms(leaf) + OFF)
        return (leaf + step).astype(leaf.dtype)

    return point.mapped(moved)
