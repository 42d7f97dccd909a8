"""Explanations by precision: whether a function keeps fewer digits than it is given."""

from collections.abc import Iterator

import numpy as np

from diagjac.case import Finding, GradientCase
from diagjac.diagnosis.inputs import gradients, unchanged
from diagjac.point import Leaves, Point, is_float
from diagjac.sides import Side
from diagjac.unit import rms

FORMATS = {"bfloat16": 8, "TF32 or float16": 11, "float32": 24}  # significant bits
LARGEST = 6  # arrays that are tried: each takes up to twelve gradients
STEPS = {"bfloat16, TF32 or float16": 2.0**-13, "float32": 2.0**-27}  # a quarter of a last bit
ROUGH = 0.3  # a smooth function has about the step here, one that rounds about 1


def held(case: GradientCase) -> Iterator[Finding]:
    """Whether rounding an array to a narrow format changes one function, and not the other."""
    for root, name in _arrays(case.point):
        leaf = getattr(case.point, root)[name]
        for words, bits in FORMATS.items():
            narrow = rounded(leaf, bits)
            if np.array_equal(narrow, leaf):
                continue
            moved = case.point.replaced(**{root: {name: narrow}})
            for one in (case, case.reversed()):
                if unchanged(one.other, moved, one.values.grads) and not unchanged(
                    one.first, moved, one.base.grads
                ):
                    text = f"rounding {root}.{name} to {words} ({bits} bits) changes nothing in "
                    text += f"{one.other.name} and changes {one.first.name}: "
                    yield Finding("precision", text + f"{one.other.name} computes in {words}")
                    return


def rounded(array: np.ndarray, bits: int) -> np.ndarray:
    """Round floats to so many significant bits, ties to even."""
    mantissa, exponent = np.frexp(array)
    scale = array.dtype.type(2**bits)
    return np.ldexp(np.rint(mantissa * scale) / scale, exponent).astype(array.dtype)


def _arrays(point: Point) -> list[tuple[str, str]]:
    """The largest arrays of floats: matrices are what is multiplied in a narrow format."""
    found = [("params", n, leaf) for n, leaf in point.params.items()]
    found += [("batch", n, leaf) for n, leaf in point.batch.items() if is_float(leaf)]
    found.sort(key=lambda entry: -entry[2].size)
    return [(root, name) for root, name, _ in found[:LARGEST]]


def rough(case: GradientCase) -> Iterator[Finding]:
    """Whether one function is a staircase whose steps are the last bits of a narrow format.

    If all inputs move by less than a step, there and back, a smooth gradient moves by opposite
    amounts; a rounded one does not.
    """
    for words, step in STEPS.items():
        if step < np.sqrt(np.finfo(case.point.dtype).eps) and case.point.dtype == "float32":
            return
        for one in (case, case.reversed()):
            if (
                _roughness(one.other, one.values.grads, case.point, step)
                > ROUGH
                > 3 * _roughness(one.first, one.base.grads, case.point, step)
            ):
                yield Finding(
                    "precision",
                    f"{one.other.name} is rough where {one.first.name} is smooth, in steps of "
                    f"about {4 * step:.0e} of the inputs: part of it computes in {words}",
                )
                return


def _roughness(side: Side, base: Leaves, point: Point, step: float) -> float:
    there, back = (gradients(side, _shifted(point, sign * step)) for sign in (1, -1))
    if there is None or back is None:
        return float("nan")
    sums = [rms(there[n] + back[n] - 2 * g) for n, g in base.items()]
    differences = [rms(there[n] - back[n]) for n in base]
    return max((s / d for s, d in zip(sums, differences, strict=True) if d), default=0.0)


def _shifted(point: Point, step: float) -> Point:
    stream = np.random.default_rng(0)

    def moved(leaf: np.ndarray) -> np.ndarray:
        return (leaf * (1 + step * stream.uniform(-1, 1, leaf.shape))).astype(leaf.dtype)

    return point.mapped(moved)
