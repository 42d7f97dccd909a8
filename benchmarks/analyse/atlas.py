"""The atlas, made of what the frameworks gave: errors, findings, kinks, defaults."""

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import NamedTuple

import numpy as np

from backends import own_maps
from benchmarks.analyse.differences import AGREES, ALLOWED, Exact, classes, errors
from benchmarks.analyse.places import largest
from benchmarks.store.atlas import (
    DIGITS,
    FUNCTION,
    KINK,
    QUANTITIES,
    Default,
    Finding,
    Judged,
    Kink,
    Worst,
)  # fmt: skip
from reference import maps
from reference.formats import FORMATS, Format
from reference.maps import MAPS, Map

ORDINARY = 1e-4, 1e4  # the sizes of the numbers that count for the share of a finding
CAP = 1e18  # of an error in a curve, where it is infinite
CURVES = "float64", "float32"  # the dtypes that are drawn
OF_ERRORS = AGREES, DIGITS, FUNCTION  # the others are limits and conventions
SAME = 1e-12  # a call is a map of the catalog if it is nowhere farther from it


class Row(NamedTuple):
    """What one framework gave for a map: its values and its derivatives (2,n) at the points."""

    map: str
    dtype: str
    backend: str
    execution: str
    found: np.ndarray


class Truth(NamedTuple):
    """The points of a map in a dtype, and the exact value and derivative there."""

    x: np.ndarray
    is_special: np.ndarray
    exact: tuple[Exact, Exact]


def judged(row: Row, truth: Truth) -> Judged:
    """The largest errors over the sample of the classes OF_ERRORS, and the curves."""
    form, one = FORMATS[row.dtype], MAPS[row.map]
    worst, curves = [], []
    for quantity, found, exact in zip(QUANTITIES, row.found, truth.exact, strict=True):
        kinds = classes(truth.x, found, exact, form, _at_kinks(one, truth.x, quantity, form))
        ulp, sample = errors(found, exact, form), ~truth.is_special & (kinds != KINK)
        own = sample & np.isin(kinds, OF_ERRORS) & ~form.is_subnormal(truth.x)
        own &= ~form.is_subnormal(exact.head)  # where a lost 1e-323 is 2 ULP
        worst.append(_worst(one, quantity, truth.x[own], ulp[own]))
        curves.append([*largest(truth.x[sample], np.minimum(ulp[sample], CAP))])
    return Judged(
        map=row.map, backend=row.backend, execution=row.execution, dtype=row.dtype,
        value=worst[0], derivative=worst[1],
        curves=(curves[0], curves[1]) if row.dtype in CURVES else None,
    )  # fmt: skip


def findings(row: Row, truth: Truth) -> Iterator[Finding]:
    """One for each quantity and class of difference."""
    form, one = FORMATS[row.dtype], MAPS[row.map]
    for quantity, found, exact in zip(QUANTITIES, row.found, truth.exact, strict=True):
        kinds = classes(truth.x, found, exact, form, _at_kinks(one, truth.x, quantity, form))
        kinds[(kinds == KINK) & np.isin(truth.x, one.kinks)] = AGREES  # `kinks` shows them
        ulp = errors(found, exact, form)
        for kind in (kind for kind in np.unique(kinds) if kind != AGREES):
            yield _finding(row, truth, quantity, str(kind), kinds == kind, found, exact, ulp)


def kinks(rows: Iterable[Row], truths: dict[tuple[str, str], Truth]) -> list[Kink]:
    """What each framework gives at every kink."""
    made: dict[tuple[str, str, str], Kink] = {}
    for row in rows:
        truth = truths[row.map, row.dtype]
        for at in map(float, MAPS[row.map].kinks):
            here = np.flatnonzero(truth.x == at)
            if len(here):
                left, right = map(_text, _beside(truth, at))
                key = row.map, row.dtype, _text(at)
                kink = made.setdefault(key, Kink(*key, left, right, {}))
                kink.found[f"{row.backend} {row.execution}"] = _text(row.found[1][here[-1]])
    return list(made.values())


def defaults(
    found: dict[str, dict[str, np.ndarray]], grid: np.ndarray, names: list[str]
) -> list[Default]:
    """Which of the named maps each call without options is; found is by backend and name."""
    every = dict.fromkeys(name for of_backend in found.values() for name in of_backend)
    wide = [name for name in names if every and _covers(MAPS[name], grid)]
    exact = {name: maps.exact(name, grid).value for name in wide if own_maps.has_formula(name)}
    made = []
    for name in every:
        own = {backend: calls[name] for backend, calls in found.items() if name in calls}
        apart = max((_distance(*pair) for pair in combinations(own.values(), 2)), default=0.0)
        named = {backend: _nearest(name, values, exact) for backend, values in own.items()}
        made.append(Default(name, named, _short(apart)))
    return made


def _nearest(name: str, values: np.ndarray, exact: dict[str, np.ndarray]) -> str:
    """The map that is nearest everywhere, if it is near enough; of equal ones that of the name."""
    far = {map: _distance(values, value) for map, value in exact.items()}
    best = min(far, key=lambda map: (far[map], not map.startswith(name)), default="")
    return best if best and far[best] <= SAME else ""


def _distance(values: np.ndarray, exact: np.ndarray) -> float:
    """The largest distance, relative to the second if that is above 1."""
    with np.errstate(all="ignore"):  # a map may be infinite somewhere
        far = np.abs(values - exact) / np.maximum(np.abs(exact), 1)
    return float(np.max(np.where(np.isnan(far), np.inf, far)))


def _covers(map: Map, grid: np.ndarray) -> bool:
    return bool(map.domain[0] <= grid[0] and map.domain[1] >= grid[-1])


def _at_kinks(map: Map, x: np.ndarray, quantity: str, form: Format) -> np.ndarray:
    """Where a derivative does not exist, or x may have been rounded to such a number."""
    near = np.zeros(len(x), bool)
    for kink in map.kinks:
        near |= np.abs(x - kink) <= (ALLOWED * form.ulp(np.array(kink)) if kink else 0)
    return near & (quantity == "derivative")


def _beside(truth: Truth, at: float) -> tuple[float, float]:
    """The exact derivatives at the nearest points to both sides; nan if there is none."""
    x, derivative = truth.x, truth.exact[1].head
    below, above = x < at, x > at
    left = derivative[below][np.argmax(x[below])] if below.any() else np.nan
    right = derivative[above][np.argmin(x[above])] if above.any() else np.nan
    return float(left), float(right)


def _worst(map: Map, quantity: str, x: np.ndarray, ulp: np.ndarray) -> Worst | None:
    """The largest finite error."""
    finite = np.isfinite(ulp)
    if not finite.any():
        return None
    at = np.argmax(np.where(finite, ulp, -1))
    return Worst(_short(ulp[at]), _exactly(x[at]), maps.near_zero(map, quantity, float(x[at])))


def _finding(
    row: Row, truth: Truth, quantity: str, kind: str, here: np.ndarray, found: np.ndarray,
    exact: Exact, ulp: np.ndarray,
) -> Finding:  # fmt: skip
    x, ordinary = truth.x, _ordinary(truth)
    with np.errstate(divide="ignore", invalid="ignore"):
        extreme = np.nan_to_num(np.abs(np.log10(np.abs(x))), nan=1e3, posinf=1e3)
    at = max(np.flatnonzero(here), key=lambda i: (ulp[i], -extreme[i]))  # of equals the usual one
    return Finding(
        map=row.map, backend=row.backend, execution=row.execution, dtype=row.dtype,
        quantity=quantity, kind=kind, x=_exactly(x[at]), found=_text(found[at]),
        exact=_text(FORMATS[row.dtype].rounded(exact.head)[at]),
        ulp=_short(ulp[at]) if np.isfinite(ulp[at]) else None,
        low=_text(np.min(x[here])), high=_text(np.max(x[here])), points=int(here.sum()),
        share=_short(np.mean(here[ordinary])) if ordinary.any() else 0.0,
    )  # fmt: skip


def _ordinary(truth: Truth) -> np.ndarray:
    size = np.abs(truth.x)
    return ~truth.is_special & (size >= ORDINARY[0]) & (size <= ORDINARY[1])


def _short(value: float) -> float:
    return float(f"{value:.3g}")


def _exactly(value: float) -> str:
    """The number itself, in as few digits as that takes."""
    return repr(float(value)).removesuffix(".0")


def _text(value: float) -> str:
    return f"{float(value):.9g}"
