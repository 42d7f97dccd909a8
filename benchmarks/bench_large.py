"""One gradient of a large batch, timed beside parts of its work: reading, exponentials, products.

Without dense cells and without the baseline: at B = 65536 a Jacobian has 34 GB.
"""

from functools import cache, partial

import numpy as np
import pytest

from backends import Cell, load
from backends.numpy_backend import PARTS, chain, pullback_elementwise
from benchmarks import bench_gradient
from benchmarks.measure import bounds
from benchmarks.measure.calls import gradient_problem, timed_gradient
from benchmarks.measure.inputs import drawn
from benchmarks.measure.memory import lack
from benchmarks.measure.rounds import measure
from benchmarks.measure.row import keep
from reference.agreement import Exact
from reference.backprop import Gradient
from reference.models import load as load_model

KIND = "large"
# B and F; 0 is the F of the published run.
SIZES = ((4096, 0), (16384, 0), (65536, 0), (262144, 0), (4096, 64), (4096, 512))
FORMULATIONS = "elementwise", "fused"
ARRAYS = 20  # of the size of a batch, that a gradient may hold at the same time


def select(cells, config):
    """Elementwise and fused cells; with --quick none."""
    if config.getoption("quick"):
        return []
    cells = bench_gradient.select(cells, config)
    return [cell for cell in cells if cell.formulation in FORMULATIONS]


def rounds(B):
    """The number of rounds, always even; a call takes up to a few milliseconds."""
    return 2 * int(np.clip(2e6 / B, 10, 30))


def solution(problem):
    """The gradient of the first batch, as Exact, from the elementwise chain in long double."""
    arrays = problem.W, problem.b, problem.X[0], problem.Y[0]
    W, b, X, Y = (array.astype(np.longdouble) for array in arrays)
    c = np.longdouble(problem.dtype.type(problem.dJ_dJ0))
    forward = PARTS[problem.model].forward
    found, _ = chain(forward, pullback_elementwise, W, b, X, Y, c)
    return Gradient(*map(exact, found))


def unjudged(dtype):
    """Why this dtype cannot be judged here, or "": long double must be longer than the dtype."""
    is_longer = np.finfo(np.longdouble).eps < np.finfo(dtype).eps
    return "" if is_longer else "not judged: long double is double here"


def exact(number):
    """The array as the sum of two float64 arrays."""
    high = np.asarray(number, np.float64)
    return Exact(high, np.asarray(number - high, np.float64))


@cache
def bounds_of(model, dtype, B, F):
    return bounds.of_large(gradient_problem(model, dtype, B, F))


@cache
def prepared(cell, B, F):
    """The Call of the cell's gradient, warm."""
    return timed_gradient(cell, gradient_problem(cell.model, cell.dtype, B, F))


@pytest.mark.parametrize(("B", "F"), SIZES, ids=[f"B{B}-F{F or 'own'}" for B, F in SIZES])
def test_large(benchmark, leave_out, model, backend, execution, device, formulation, dtype, B, F):
    cell = Cell(model, backend, execution, device, formulation, dtype)
    F = F or load_model(model).RUN["features"]
    benchmark.group = f"large {model} {dtype}: B = {B}, F = {F}"
    if why := lack(ARRAYS * B * (F + 2) * 8):
        leave_out(cell, f"B = {B}, F = {F}: {why}")
    if why := unjudged(dtype):
        leave_out(cell, why)
    own = cell._replace(formulation="elementwise")
    has_own = formulation != "elementwise" and "elementwise" in load(backend).FORMULATIONS
    partners = {"elementwise": own} if has_own else {}
    others = {name: prepared(other, B, F) for name, other in partners.items()}
    others |= bounds_of(model, dtype, B, F)
    timed = measure(benchmark, prepared(cell, B, F), others, rounds(B))
    problem = drawn(gradient_problem(model, dtype, B, F), timed.draw)
    judged = partial(bench_gradient.judge, problem, solution(problem))
    verdicts = {name: judged(other, timed.others[name]) for name, other in partners.items()}
    verdict = judged(cell, timed.result)
    keep(benchmark, cell, timed, verdict, verdicts, kind=KIND, examples=B, features=F)
