"""Parts of the work of a gradient, as calls to be timed beside it.

Each is NumPy's fastest way to do one part of the work, and nothing else, without allocating memory.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from backends import Cell, load
from benchmarks.measure.block import Call, prepare
from reference.models import load as load_model
from reference.problems import Problem


def of_large(problem: Problem) -> dict[str, Call]:
    """Reading X and Y once, the products X W and row X, and exponentials, if the model has any."""
    functions = {"reading": reading(problem), "products": products(problem)}
    if len(load_model(problem.model).JACOBIANS) > 1:  # then Pred has an exponential
        functions["exponentials"] = exponentials(problem)
    return {name: _prepared(function) for name, function in functions.items()}


def of_dense(cell: Cell, B: int) -> dict[str, Call]:
    """The traffic: every B x B Jacobian written once and read once."""
    matrix, row = np.empty((B, B), cell.dtype), np.ones(B, cell.dtype)

    def traffic() -> None:
        for _ in range(len(load_model(cell.model).JACOBIANS)):
            matrix.fill(1)
            np.dot(row, matrix)

    return {"traffic": _prepared(traffic)}


def reading(problem: Problem) -> Callable[[], Any]:
    """Sums of squares, which the BLAS computes as fast as it can read."""
    x, y = problem.X[0].ravel(), problem.Y[0].ravel()
    return lambda: (np.dot(x, x), np.dot(y, y))


def exponentials(problem: Problem) -> Callable[[], Any]:
    """One exponential for each example."""
    z = np.linspace(-4, 4, problem.Y[0].size, dtype=problem.dtype)
    out = np.empty_like(z)
    return lambda: np.exp(z, out)


def products(problem: Problem) -> Callable[[], Any]:
    """The two matrix products of a gradient."""
    X, w, row = problem.X[0], problem.W[:, 0], problem.Y[0, :, 0]
    return lambda: (X @ w, row @ X)


def _prepared(function: Callable[[], Any]) -> Call:
    return prepare(function, load("numpy"))
