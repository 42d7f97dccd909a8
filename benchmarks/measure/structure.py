"""Whether a timed cell has the structure of its formulation, at the size that was timed."""

from typing import Any

import numpy as np

import backends
from backends import Cell
from benchmarks.measure.calls import to_numpy
from benchmarks.measure.inputs import all_on_device
from reference.problems import Problem
from reference.structure import JUDGED, RATE, Probe, flaw, probes


def of_gradient(cell: Cell, problem: Problem) -> str:
    """Why the gradient lacks the structure of its formulation at the problem's shape, or ""."""
    module = backends.of(cell)
    gradient = module.make_gradient(cell.model, cell.formulation, cell.execution)

    def dW(p: Probe) -> Any:
        arrays = all_on_device(cell, p.W, p.b, p.X[0], p.Y[0])
        return to_numpy(cell, module.synchronize(gradient(*arrays, p.dJ_dJ0))).dW

    return _first(cell, problem, dW)


def of_training(cell: Cell, problem: Problem) -> str:
    """The same for the first step of a run of the problem's shape."""
    module = backends.of(cell)
    train = module.make_train(cell.model, cell.formulation, cell.execution)
    # One epoch is enough; only a run keeps its epochs, or it would be compiled again.
    epochs = problem.epochs if cell.execution == "run" else 1

    def state(p: Probe) -> Any:
        arrays = all_on_device(cell, p.W, p.b, p.X, p.Y)
        run = module.synchronize(train(*arrays, RATE, p.dJ_dJ0, epochs))
        return to_numpy(cell, run).W[1]

    return _first(cell, problem, state)


def _first(cell: Cell, problem: Problem, found: Any) -> str:
    if cell.formulation not in JUDGED:
        return ""
    shown = probes(cell.model, problem.X.shape, cell.dtype)
    with np.errstate(all="ignore"):  # the numbers are infinite on purpose
        flaws = [flaw(cell.formulation, shows, found(probe)) for shows, probe in shown.items()]
    return next(filter(None, flaws), "")
