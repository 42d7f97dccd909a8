"""Explanations that need the two gradients alone."""

from collections.abc import Iterator

import numpy as np

from diagjac.case import Case, Finding
from diagjac.point import Leaves


def not_finite(case: Case) -> Iterator[Finding]:
    """Whether one gradient has nan or inf where the other has none."""
    for one, two in ((case, case.reversed()), (case.reversed(), case)):
        bad = [n for n, g in one.values.grads.items() if not np.isfinite(g).all()]
        fine = [n for n in bad if np.isfinite(two.values.grads[n]).all()]
        if fine:
            grad = one.values.grads[fine[0]]
            place = tuple(int(i) for i in np.argwhere(~np.isfinite(grad))[0])
            yield Finding(
                "not finite",
                f"{one.other.name} gives {grad[place]} at {place} of {fine[0]}, "
                f"{two.other.name} a finite number",
            )


def no_change(case: Case) -> Iterator[Finding]:
    """Whether one side leaves parameters as they are."""
    for one in (case, case.reversed()):
        names = [name for name in case.differing if not one.values.grads[name].any()]
        if names:
            yield Finding("no gradient", f"{one.other.name} leaves {', '.join(names)} as it is")


def factor(case: Case) -> Iterator[Finding]:
    """Whether the gradients that differ are one number times the first's."""
    names = case.differing
    number = _projection(case.values.grads, case.base.grads, names)
    if number is None or number == 0:
        return
    left = case.left({name: number * case.base.grads[name] for name in names})
    kind = "sign" if abs(number + 1) < 1e-6 else "factor"
    text = f"{_which(case, names)} of {case.other.name} is {_number(number)} times "
    yield Finding(kind, text + f"that of {case.first.name}{_meaning(number, case)}", left)


def weight_decay(case: Case) -> Iterator[Finding]:
    """Whether the difference is a number times the parameters themselves."""
    names = [name for name in case.differing if np.any(case.point.params[name])]
    if names != case.differing:
        return
    base, params = case.base.grads, case.point.params
    differences = {name: case.values.grads[name] - base[name] for name in names}
    number = _projection(differences, params, names)
    if number is None:
        return
    left = case.left({name: base[name] + number * params[name] for name in names})
    yield Finding(
        "weight decay",
        f"{_which(case, names)} of {case.other.name} is that of {case.first.name} plus "
        f"{_number(number)} times the parameter: weight decay in one of them only",
        left,
    )


def transposed(case: Case) -> Iterator[Finding]:
    """Whether gradients that differ are transposed."""
    grads = case.base.grads
    turned = [n for n in case.differing if grads[n].ndim >= 2 and _is_square(grads[n])]
    if turned and turned == case.differing:
        left = case.left({name: grads[name].swapaxes(-1, -2) for name in turned})
        text = f"the {case.what} of {', '.join(turned)} is transposed in {case.other.name}"
        yield Finding("transposed", text, left)


def _is_square(array: np.ndarray) -> bool:
    return array.shape[-1] == array.shape[-2] > 1


def _projection(of: Leaves, on: Leaves, names: list[str]) -> float | None:
    """The number times on that is nearest to of, from the parameter with the most coordinates."""
    name = max(names, key=lambda name: on[name].size)
    one, two = on[name].ravel().astype("float64"), of[name].ravel().astype("float64")
    if not (np.isfinite(one) & np.isfinite(two)).all() or np.ptp(one) == 0:
        return None  # equal entries, as a single one, are always a number times each other
    return float(one @ two / (one @ one))


def _which(case: Case, names: list[str]) -> str:
    return (
        f"every {case.what}"
        if len(names) == len(case.distances)
        else f"the {case.what} of {', '.join(names)}"
    )


def _number(number: float) -> str:
    near = abs(number - 1)
    return f"1 {'+' if number > 1 else '-'} {near:.3g}" if near < 1e-3 else f"{number:.6g}"


def _meaning(number: float, case: Case) -> str:
    """What a factor is likely to be: the lengths of axes are what sums and means differ by."""
    for root, leaves in (("batch", case.point.batch), ("params", case.point.params)):
        for name, leaf in leaves.items():
            for axis, length in enumerate(leaf.shape):
                if length > 1 and abs(abs(number) / length - 1) < 1e-6:
                    return f": the length of axis {axis} of {root}.{name}, a sum for a mean"
                if length > 1 and abs(abs(number) * length - 1) < 1e-6:
                    return f": 1 / the length of axis {axis} of {root}.{name}, a mean for a sum"
    return ""
