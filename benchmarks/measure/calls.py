"""The calls of a cell for timing: their arrays are on the device, and they end synchronized."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import backends
from backends import Cell
from benchmarks.measure.block import Call, prepare
from benchmarks.measure.inputs import SETS, all_on_device, supply
from reference import backprop
from reference.models import load
from reference.problems import Problem, make, published

QUICK_STEPS = 380  # at most: with more, the reference would take half of a quick run
FOLDER = Path(__file__).parents[2] / "examples"
C_LOOP = FOLDER / "native_backend.py"  # the C loop
EXAMPLES = C_LOOP, FOLDER / "optax_backend.py", FOLDER / "nn_backend.py"  # and typical user code


@cache
def training_problem(model: str, dtype: str, quick: bool) -> tuple[Problem, Any]:
    """The published run (quick: the epochs of it that fit into QUICK_STEPS), and its trajectory."""
    p = published(model)
    p = p if dtype == "float64" else p.astype(dtype)
    if quick:
        p = replace(p, epochs=min(p.epochs, QUICK_STEPS // len(p.X)))
    return p, trajectory_of(p)


def trajectory_of(p: Problem) -> Any:
    """The reference's trajectory of a problem."""
    return backprop.train(p.model, p.W, p.b, p.X, p.Y, p.learning_rate, p.dJ_dJ0, p.epochs)


@cache
def gradient_problem(model: str, dtype: str, B: int, F: int = 0) -> Problem:
    """A batch of B examples for each set of data; F features, as in the published run if 0."""
    F = F or load(model).RUN["features"]
    return make(
        model, examples=SETS * B, batch_size=B, features=F, epochs=1, seed=B + F, dtype=dtype
    )


def train_call(cell: Cell, problem: Problem) -> Callable[[], Any]:
    """One whole training run of the cell."""
    arrays = all_on_device(cell, problem.W, problem.b, problem.X, problem.Y)
    return partial(train_of(cell, problem), *arrays)


def gradient_call(cell: Cell, problem: Problem) -> Callable[[], Any]:
    """One gradient of the cell on the problem's first batch."""
    arrays = all_on_device(cell, problem.W, problem.b, problem.X[0], problem.Y[0])
    return partial(gradient_of(cell, problem), *arrays)


def gradient_and_arguments(cell: Cell, problem: Problem) -> tuple[Callable[..., Any], list[Any]]:
    """The function that computes one gradient of the cell, and its arguments."""
    module = backends.of(cell)
    gradient = module.make_gradient(cell.model, cell.formulation, cell.execution)
    arrays = all_on_device(cell, problem.W, problem.b, problem.X[0], problem.Y[0])
    return gradient, [*arrays, problem.dJ_dJ0]


def unprepared_training(cell: Cell, problem: Problem) -> Call:
    """The cell's training run, with different parameters in each call; it may not be warm."""
    given = supply(cell, problem, is_batch=False)
    return Call(train_of(cell, problem), backends.of(cell), 1, given, cell.device)


def timed_training(cell: Cell, problem: Problem) -> Call:
    """The same, warm."""
    call = unprepared_training(cell, problem)
    return prepare(call.function, call.module, call.supply, call.device)


def timed_gradient(cell: Cell, problem: Problem) -> Call:
    """The cell's gradient, warm, with new parameters in each call."""
    given = supply(cell, problem, is_batch=True)
    return prepare(gradient_of(cell, problem), backends.of(cell), given, cell.device)


@cache
def prepared_training(cell: Cell, quick: bool) -> Call:
    """The cell's published run, cached: a cell is also timed beside others."""
    return timed_training(cell, training_problem(cell.model, cell.dtype, quick)[0])


@cache
def prepared_gradient(cell: Cell, B: int) -> Call:
    """The cell's gradient of a batch of B."""
    return timed_gradient(cell, gradient_problem(cell.model, cell.dtype, B))


def train_of(cell: Cell, problem: Problem) -> Callable[..., Any]:
    """(W, b, X, Y) -> the trajectory, synchronized."""
    module = backends.of(cell)
    train = module.make_train(cell.model, cell.formulation, cell.execution)
    numbers = problem.learning_rate, problem.dJ_dJ0, problem.epochs
    synchronize = module.synchronize  # looking it up takes up to 3 us, which would be timed
    return lambda *arrays: synchronize(train(*arrays, *numbers))


def gradient_of(cell: Cell, problem: Problem) -> Callable[..., Any]:
    """(W, b, X, Y) -> the gradient, synchronized."""
    module = backends.of(cell)
    gradient = module.make_gradient(cell.model, cell.formulation, cell.execution)
    dJ_dJ0, synchronize = problem.dJ_dJ0, module.synchronize
    return lambda *arrays: synchronize(gradient(*arrays, dJ_dJ0))


def beside(cell: Cell) -> dict[str, Cell]:
    """The cells that a cell is compared with: its own elementwise form, and the baseline."""
    cells = {"baseline": Cell(cell.model, "reference", "eager", "cpu", "dense", cell.dtype)}
    if "elementwise" in backends.of(cell).FORMULATIONS:
        cells["elementwise"] = cell._replace(formulation="elementwise")
    return {name: other for name, other in cells.items() if other != cell}


def c_loop(cell: Cell) -> dict[str, Cell]:
    """The C loop over the same run, if there is a C compiler."""
    name = backends.add(C_LOOP)
    try:
        backends.load(name)
    except backends.Unavailable:
        return {}
    loop = Cell(cell.model, name, "run", "cpu", "fused", cell.dtype)
    return {} if cell == loop else {"C": loop}


def to_numpy(cell: Cell, result: Any) -> Any:
    """The result of a call with NumPy arrays as its fields."""
    convert = backends.of(cell).to_numpy
    return type(result)(*(None if field is None else convert(field) for field in result))
