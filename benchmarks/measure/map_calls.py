"""The calls of an elementwise map for timing, each with another x, and what they should return."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

import backends
from backends import Cell, own_maps
from benchmarks.measure.block import Call, prepare
from benchmarks.measure.inputs import GOLDEN, SETS, SHRINK, Draw, Supply, on_device
from reference import maps
from reference.agreement import Check, Verdict
from reference.formats import FORMATS
from reference.maps import MAPS
from reference.structure import ANY, flaw

REACH = 4.0  # abs(x) at most: what activations and losses usually get
INSIDE = 0.01  # from the ends of a bounded domain, where some maps are infinite
# Of eps * max(1, abs(x), abs(result)): terms of that size, rounded so often, err by less. So it
# shows another function than the catalog's, but no small digits that a derivative has lost.
ALLOWED = 32


def arguments(name: str, dtype: str, n: int, draw: Draw) -> tuple[np.ndarray, np.ndarray]:
    """The row (1,n) and x (n,) of a draw; x is inside of the map's domain, and never the same."""
    low, high = (float(bound) for bound in MAPS[name].domain)
    low, high = max(low + INSIDE, -REACH), min(high - INSIDE, REACH)
    random = np.random.default_rng((n, draw.data % SETS))
    row, x = random.uniform(0.5, 1, (1, n)), random.uniform(low, high, n)
    middle = min(max(0.0, low), high)
    x = middle + (x - middle) * (1 - SHRINK * (draw.number * GOLDEN % 1))
    return row.astype(dtype), x.astype(dtype)


def supply(cell: Cell, n: int) -> Supply:
    """(row, x) on the cell's device for each draw."""
    module = backends.load(cell.backend)

    def given(draws: Sequence[Draw]) -> list[tuple[Any, ...]]:
        found = [on_device(cell, *arguments(cell.model, cell.dtype, n, draw)) for draw in draws]
        return [tuple(module.synchronize(tuple(arrays))) for arrays in found]

    return given


def function_of(cell: Cell) -> Callable[..., Any]:
    """The function of row and x of a cell, whose model is the name of a map."""
    return own_maps.make(cell.backend, cell.model, cell.formulation, cell.execution)


@cache
def prepared(cell: Cell, n: int) -> Call:
    """The call of a cell, warm and cached, since a cell is also timed beside others."""
    module, function = backends.load(cell.backend), function_of(cell)
    synchronize = module.synchronize  # see calls.py

    def synchronized(row: Any, x: Any) -> Any:
        return synchronize(function(row, x))

    return prepare(synchronized, module, supply(cell, n), cell.device)


def beside(cell: Cell) -> dict[str, Cell]:
    """The cells that a cell is timed beside: its own elementwise form, and NumPy's."""
    cells = {}
    if "elementwise" in backends.load(cell.backend).FORMULATIONS:
        cells["elementwise"] = cell._replace(formulation="elementwise")
    if cell.model in own_maps.of("numpy"):
        cells["numpy"] = Cell(cell.model, "numpy", "eager", "cpu", "elementwise", cell.dtype)
    return {name: other for name, other in cells.items() if other != cell}


def judge(n: int, draw: Draw, cell: Cell, result: Any) -> Verdict:
    """The verdict on what a call with this draw returned: its value, and the row pulled back."""
    row, x = (array.astype(float) for array in arguments(cell.model, cell.dtype, n, draw))
    expected = _expected(cell.model, cell.dtype, n, draw)
    if expected is None:
        return Verdict(obstacle="not judged: the map has neither a formula nor a NumPy form")
    to_numpy = backends.load(cell.backend).to_numpy
    found = to_numpy(result[0]).astype(float), to_numpy(result[1]).astype(float)[0] / row[0]
    eps = FORMATS[cell.dtype].eps
    checks = []
    for quantity, own, exact in zip(("value", "derivative"), found, expected, strict=True):
        unit = eps * np.maximum(np.maximum(np.abs(x), np.abs(exact)), 1)
        error = np.abs(own - exact) / unit
        worst = float(np.max(np.where(np.isnan(error), np.inf, error)))
        checks.append(Check(quantity, worst, ALLOWED, "eps * max(1, abs(x), abs(result))"))
    return Verdict(tuple(checks))


@cache
def _expected(name: str, dtype: str, n: int, draw: Draw) -> tuple[np.ndarray, np.ndarray] | None:
    """The value and the derivative at a draw's x: NumPy's in float64, or by the formula."""
    x = arguments(name, dtype, n, draw)[1].astype(float)
    if name in own_maps.of("numpy"):
        value, pulled = own_maps.make("numpy", name, "elementwise", "eager")(np.ones((1, n)), x)
        return value, pulled[0]
    if not own_maps.has_formula(name):
        return None
    exact = maps.exact(name, x)
    return exact.value, exact.derivative


def structure(cell: Cell, n: int) -> str:
    """Why the call lacks the structure of its formulation, or "": an infinite row shows a matrix.

    x is one number at which the derivative is neither 0 nor infinite: 0 times infinity would be nan
    without a matrix.
    """
    draw = Draw(0, 0)
    expected = _expected(cell.model, cell.dtype, n, draw)
    if expected is None or cell.formulation == "autodiff":
        return ""
    x = arguments(cell.model, cell.dtype, n, draw)[1]
    usable = x[np.isfinite(expected[1]) & (np.abs(expected[1]) > 1e-3)]
    if not len(usable):
        return ""
    arrays = on_device(cell, np.full((1, n), np.inf, cell.dtype), np.full(n, usable[0]))
    module = backends.load(cell.backend)
    with np.errstate(all="ignore"):
        pulled = module.to_numpy(module.synchronize(function_of(cell)(*arrays))[1])
    return flaw(cell.formulation, ANY, pulled)


def memory(cell: Cell, n: int) -> dict[str, int]:
    """The bytes that a call allocates, and those of its matrix."""
    arrays = on_device(cell, *arguments(cell.model, cell.dtype, n, Draw(0, 0)))
    module = backends.load(cell.backend)
    return {"temporary_bytes": module.temporary_bytes(function_of(cell), *arrays)}
