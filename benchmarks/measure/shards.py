"""The calls of cells that are sharded over several devices, and the verdicts on every copy."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

import backends
from backends import UNSHARDED, Cell
from benchmarks.measure import memory, structure
from benchmarks.measure.block import Call, prepare
from benchmarks.measure.calls import (
    gradient_of,
    gradient_problem,
    train_of,
    trajectory_of,
)
from benchmarks.measure.devices import rank
from benchmarks.measure.inputs import Draw, Supply, all_on_device, supply
from reference import backprop
from reference.agreement import Verdict, compare, compare_gradient
from reference.backprop import Gradient
from reference.problems import Problem, make

SHARD = 64  # examples of a device in the run that is judged


def agreed(cell: Cell) -> Callable[[float], float]:
    """A function that returns the first process's number in every process."""
    module = backends.of(cell)
    return lambda number: float(module.gathered([float(number)])[0][0])


def together(cell: Cell, given: Supply) -> Supply:
    """The supply, which returns when every process has its arguments."""
    module = backends.of(cell)

    def supplied(draws: Sequence[Draw]) -> list[tuple[Any, ...]]:
        found = given(draws)
        module.gathered([0.0])
        return found

    return supplied


@cache
def prepared(cell: Cell, B: int) -> Call:
    """The Call of the cell's gradient, warm in every process."""
    problem = gradient_problem(cell.model, cell.dtype, B)
    given = together(cell, supply(cell, problem, is_batch=True))
    return prepare(gradient_of(cell, problem), backends.of(cell), given, cell.device, agreed(cell))


@cache
def single(cell: Cell, B: int) -> Call:
    """The same gradient on one device, by the first process alone; the others wait."""
    own, problem = alone(cell), gradient_problem(cell.model, cell.dtype, B)
    given = supply(own, problem, is_batch=True)
    function = gradient_of(own, problem) if rank() == 0 else lambda W, *_: W
    return prepare(function, backends.of(own), given, cell.device, agreed(cell))


def alone(cell: Cell) -> Cell:
    """The cell on one device."""
    return cell._replace(sharding=UNSHARDED)


def obstacle(cell: Cell, B: int) -> str:
    """Why the row cannot be measured: B does not divide, or a process lacks memory; or ""."""
    if B % cell.devices:
        return f"no multiple of {cell.devices} devices"
    need = memory.need(cell.model, cell.formulation, B, np.dtype(cell.dtype).itemsize)
    why = memory.lack(cell.devices * need)
    everyone = backends.of(cell).gathered([float(bool(why))])
    return why or ("another process lacks memory" if any(lacks for (lacks,) in everyone) else "")


def flaw(cell: Cell, problem: Problem, temporary_bytes: int) -> str:
    """Why the gradient lacks the structure of its formulation, or "".

    A dense one forms at least its part of a B x B matrix on each device: B / n rows of it, or by
    the batch a block of (B / n) x (B / n).
    """
    B, n = problem.X.shape[1], cell.devices
    least = B * B // n // (n if cell.partition == "batch" else 1) * problem.dtype.itemsize
    if cell.formulation == "dense" and temporary_bytes < least:
        return f"it allocated {temporary_bytes} bytes, less than its part of a matrix, {least}"
    return structure.of_gradient(cell, problem)


def on_copies(cell: Cell, result: Any, judge: Callable[[Any], Verdict]) -> Verdict:
    """The verdict on every copy of a result, of this process's devices and of the others."""
    module = backends.of(cell)
    fields = [[] if field is None else module.copies(field) for field in result]
    count = max(map(len, fields))
    copies = [[field[i] if field else None for field in fields] for i in range(count)]
    verdicts = [judge(type(result)(*copy)) for copy in copies]
    verdict = next((v for v in verdicts if not v.passed), verdicts[0])
    passed = [bool(ok) for (ok,) in module.gathered([float(verdict.passed)])]
    if verdict.passed and not all(passed):
        return Verdict(obstacle=f"wrong in process {passed.index(False)}, right in this one")
    return verdict


def expected(problem: Problem) -> Gradient:
    """The reference's gradient of the problem's first batch."""
    p = problem
    return backprop.gradient(p.model, p.W, p.b, p.X[0], p.Y[0], p.dJ_dJ0)


def gradient_verdict(cell: Cell, problem: Problem, right: Gradient, result: Any) -> Verdict:
    """The verdict on a gradient of the problem's first batch, on all devices."""
    words = problem.W, problem.b, cell.formulation
    return on_copies(cell, result, lambda found: compare_gradient(problem, 0, found, right, *words))


@cache
def training_verdict(cell: Cell) -> Verdict:
    """The verdict on a training run of the cell, on all devices."""
    B = SHARD * cell.devices
    problem = make(
        cell.model, examples=2 * B, batch_size=B, features=3, epochs=20, seed=10, dtype=cell.dtype
    )
    arrays = all_on_device(cell, problem.W, problem.b, problem.X, problem.Y)
    result, right = train_of(cell, problem)(*arrays), trajectory_of(problem)
    return on_copies(
        cell, result, lambda found: compare(problem, found, right, formulation=cell.formulation)
    )
