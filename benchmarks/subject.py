"""A cell ready to be timed: its arrays on its device, one call that ends synchronized."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

import backends
from backends import Cell
from reference import backprop
from reference.problems import Problem, make, tutorial

FEATURES = {"linear": 5, "logistic": 3}  # the tutorial's


@cache
def training_problem(model: str, dtype: str, quick: bool) -> tuple[Problem, Any]:
    """The tutorial's run (quick: the first tenth of logistic), and its trajectory."""
    p = tutorial(model)
    p = p if dtype == "float64" else p.astype(dtype)
    if quick and model == "logistic":
        p = Problem(p.model, p.W, p.b, p.X, p.Y, p.learning_rate, p.dJ_dJ0, 50, p.true_W, p.true_b)
    expected = backprop.train(p.model, p.W, p.b, p.X, p.Y, p.learning_rate, p.dJ_dJ0, p.epochs)
    return p, expected


@cache
def gradient_problem(model: str, dtype: str, B: int) -> tuple[Problem, Any]:
    """One batch of B examples, and the reference's gradient of it."""
    problem = make(
        model, examples=B, batch_size=B, features=FEATURES[model], epochs=1, seed=B, dtype=dtype
    )
    at = problem.W, problem.b, problem.X[0], problem.Y[0], problem.dJ_dJ0
    return problem, backprop.gradient(model, *at)


def train_call(cell: Cell, problem: Problem) -> Callable[[], Any]:
    """One whole training run of the cell."""
    module = backends.load(cell.backend)
    train = module.make_train(cell.model, cell.formulation, cell.execution)
    arrays = _on_device(cell, problem.W, problem.b, problem.X, problem.Y)
    numbers = problem.learning_rate, problem.dJ_dJ0, problem.epochs
    return lambda: module.synchronize(train(*arrays, *numbers))


def gradient_call(cell: Cell, problem: Problem) -> Callable[[], Any]:
    """One gradient of the cell on the problem's only batch."""
    module = backends.load(cell.backend)
    gradient = module.make_gradient(cell.model, cell.formulation, cell.execution)
    arrays = _on_device(cell, problem.W, problem.b, problem.X[0], problem.Y[0])
    return lambda: module.synchronize(gradient(*arrays, problem.dJ_dJ0))


def beside(cell: Cell) -> dict[str, Cell]:
    """The cells that a cell is compared with: its own elementwise form, and the baseline."""
    cells = {"baseline": Cell(cell.model, "reference", "eager", "cpu", "dense", cell.dtype)}
    if "elementwise" in backends.load(cell.backend).FORMULATIONS:
        cells["elementwise"] = cell._replace(formulation="elementwise")
    return {name: other for name, other in cells.items() if other != cell}


def to_numpy(cell: Cell, result: Any) -> Any:
    """The result of a call with NumPy arrays as its fields."""
    convert = backends.load(cell.backend).to_numpy
    return type(result)(*(None if field is None else convert(field) for field in result))


def _on_device(cell: Cell, *arrays: np.ndarray) -> list[Any]:
    module = backends.load(cell.backend)
    return [module.from_numpy(array, cell.device) for array in arrays]
