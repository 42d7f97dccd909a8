"""Parts of the work of a gradient, as calls to be timed beside it.

Each is NumPy's fastest way to do one part of the work, and nothing else, without allocating memory.
"""

from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from backends import Cell, load
from benchmarks.measure.block import Call, prepare
from reference.models import load as load_model
from reference.problems import Problem

# No program does without these. Exponentials are not among them: without AVX-512 NumPy computes
# them one by one, and Numba and XLA several at a time.
UNAVOIDABLE = "reading", "traffic"
POSSIBLE = 0.5  # of their time: NumPy's own calls take some, and a processor may be disturbed


def of_large(problem: Problem) -> dict[str, Call]:
    """Reading the first batch once, its products X W and row X, and its exponentials, if any."""
    X, Y = problem.X[0], problem.Y[0]
    functions = {"reading": reading(X, Y), "products": products(problem)}
    return _prepared(functions | _exponentials(problem, Y, 1))


def of_training(problem: Problem) -> dict[str, Call]:
    """Reading all batches once an epoch, and an exponential for each example and epoch, if any."""
    functions = {"reading": reading(problem.X, problem.Y, problem.epochs)}
    return _prepared(functions | _exponentials(problem, problem.Y, problem.epochs))


def impossible(seconds: float, beside: dict[str, list[float]]) -> str:
    """That a call of so many seconds cannot have done its work, with the reason, or "".

    beside has the seconds in each round of what was timed beside it.
    """
    for name in UNAVOIDABLE:
        if name in beside and seconds < POSSIBLE * (least := median(beside[name])):
            return f"no call is so fast: it takes {seconds:.2g} s, its {name} alone {least:.2g} s"
    return ""


def of_dense(cell: Cell, B: int) -> dict[str, Call]:
    """The traffic: every B x B Jacobian written once and read once."""
    matrix, row = np.empty((B, B), cell.dtype), np.ones(B, cell.dtype)

    def traffic() -> None:
        for _ in range(len(load_model(cell.model).JACOBIANS)):
            matrix.fill(1)
            np.dot(row, matrix)

    return _prepared({"traffic": traffic})


def reading(X: np.ndarray, Y: np.ndarray, times: int = 1) -> Callable[[], Any]:
    """Sums of squares, which the BLAS computes as fast as it can read."""
    x, y = X.ravel(), Y.ravel()
    return lambda: [(np.dot(x, x), np.dot(y, y)) for _ in range(times)]


def exponentials(Y: np.ndarray, times: int = 1) -> Callable[[], Any]:
    """One exponential for each example."""
    z = np.linspace(-4, 4, Y.size, dtype=Y.dtype)
    out = np.empty_like(z)
    return lambda: [np.exp(z, out) for _ in range(times)]


def products(problem: Problem) -> Callable[[], Any]:
    """The two matrix products of a gradient."""
    X, w, row = problem.X[0], problem.W[:, 0], problem.Y[0, :, 0]
    return lambda: (X @ w, row @ X)


def _exponentials(problem: Problem, Y: np.ndarray, times: int) -> dict[str, Callable[[], Any]]:
    has_some = len(load_model(problem.model).JACOBIANS) > 1  # one lies between Z and Pred
    return {"exponentials": exponentials(Y, times)} if has_some else {}


def _prepared(functions: dict[str, Callable[[], Any]]) -> dict[str, Call]:
    return {name: prepare(function, load("numpy")) for name, function in functions.items()}
