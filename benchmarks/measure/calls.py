"""A cell ready to be timed: its arrays on its device, calls that end synchronized."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import backends
from backends import Cell
from benchmarks.measure.rounds import Call, prepare
from reference import backprop
from reference.problems import Problem, make, tutorial

QUICK = 20  # epochs of 500, or the reference alone would take half of a quick run
FEATURES = {"linear": 5, "logistic": 3}  # the tutorial's
FOLDER = Path(__file__).parents[2] / "examples"
C_LOOP = FOLDER / "native_backend.py"  # what the machine can do
EXAMPLES = C_LOOP, FOLDER / "optax_backend.py", FOLDER / "nn_backend.py"  # and what people write


@cache
def training_problem(model: str, dtype: str, quick: bool) -> tuple[Problem, Any]:
    """The tutorial's run (quick: QUICK epochs of logistic), and its trajectory."""
    p = tutorial(model)
    p = p if dtype == "float64" else p.astype(dtype)
    if quick and model == "logistic":
        p = Problem(
            p.model, p.W, p.b, p.X, p.Y, p.learning_rate, p.dJ_dJ0, QUICK, p.true_W, p.true_b
        )
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
    function, arguments = gradient_and_arguments(cell, problem)
    return lambda: module.synchronize(function(*arguments))


def gradient_and_arguments(cell: Cell, problem: Problem) -> tuple[Callable[..., Any], list[Any]]:
    """What makes one gradient of the cell, and what it is called with."""
    module = backends.load(cell.backend)
    gradient = module.make_gradient(cell.model, cell.formulation, cell.execution)
    arrays = _on_device(cell, problem.W, problem.b, problem.X[0], problem.Y[0])
    return gradient, [*arrays, problem.dJ_dJ0]


@cache
def prepared_training(cell: Cell, quick: bool) -> Call:
    """The cell's training run, warm; kept, since a cell is also timed beside others."""
    problem, _ = training_problem(cell.model, cell.dtype, quick)
    return prepare(train_call(cell, problem), backends.load(cell.backend))


@cache
def prepared_gradient(cell: Cell, B: int) -> Call:
    """The cell's gradient of a batch of B, warm."""
    problem, _ = gradient_problem(cell.model, cell.dtype, B)
    return prepare(gradient_call(cell, problem), backends.load(cell.backend))


def beside(cell: Cell) -> dict[str, Cell]:
    """The cells that a cell is compared with: its own elementwise form, and the baseline."""
    cells = {"baseline": Cell(cell.model, "reference", "eager", "cpu", "dense", cell.dtype)}
    if "elementwise" in backends.load(cell.backend).FORMULATIONS:
        cells["elementwise"] = cell._replace(formulation="elementwise")
    return {name: other for name, other in cells.items() if other != cell}


def limit(cell: Cell) -> dict[str, Cell]:
    """The C loop over the same run, where there is a C compiler: what a machine can do."""
    name = backends.add(C_LOOP)
    try:
        backends.load(name)
    except backends.Unavailable:
        return {}
    limit = Cell(cell.model, name, "run", "cpu", "fused", cell.dtype)
    return {} if cell == limit else {"limit": limit}


def to_numpy(cell: Cell, result: Any) -> Any:
    """The result of a call with NumPy arrays as its fields."""
    convert = backends.load(cell.backend).to_numpy
    return type(result)(*(None if field is None else convert(field) for field in result))


def _on_device(cell: Cell, *arrays: np.ndarray) -> list[Any]:
    module = backends.load(cell.backend)
    return [module.from_numpy(array, cell.device) for array in arrays]
