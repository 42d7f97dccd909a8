"""The arguments of timed calls: parameters that no earlier call got, and one of a few data sets.

So a result that is kept from an earlier call is wrong: the parameters change so much that it fails
its verdict. All arguments are made, put on the device and synchronized before their block begins.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from backends import Cell, of
from reference.problems import Problem

SETS = 2  # of X and Y. All calls of a round get the same one, so that it is in the caches
SHRINK = 0.05  # at most; with larger parameters a run might no longer be contractive
GOLDEN = (5**0.5 - 1) / 2  # its multiples modulo 1 are evenly spread: no two are close
NUMBERS = count(1)  # of the draws of this process; each comes once

Supply = Callable[[Sequence["Draw"]], list[tuple[Any, ...]]]  # the arguments of each draw


class Draw(NamedTuple):
    """Which parameters and which data set a call gets."""

    number: int
    data: int


def draw(data: int) -> Draw:
    """A new draw with this data set, counted from 0 and modulo SETS."""
    return Draw(next(NUMBERS), data % SETS)


def nothing(draws: Sequence[Draw]) -> list[tuple[Any, ...]]:
    """The supply of a call without arguments."""
    return [()] * len(draws)


def drawn(problem: Problem, draw: Draw) -> Problem:
    """The problem of a draw: its batches in another order, its W and b smaller by up to 5 %."""
    W, b = _parameters(problem, draw.number)
    X, Y = _data(problem, draw.data)
    return replace(problem, W=W, b=b, X=X, Y=Y)


def on_device(cell: Cell, *arrays: np.ndarray) -> list[Any]:
    """Copies of the arrays on the cell's device, whole on each if there are several."""
    module = of(cell)
    return [module.from_numpy(array, cell.device) for array in arrays]


def batch_on_device(cell: Cell, *arrays: np.ndarray) -> list[Any]:
    """Copies of X and Y, sharded by the batch if there are several devices."""
    module = of(cell)
    return [module.batch_from_numpy(array, cell.device) for array in arrays]


def all_on_device(
    cell: Cell, W: np.ndarray, b: np.ndarray, X: np.ndarray, Y: np.ndarray
) -> list[Any]:
    """Copies of the arguments that every gradient and run has."""
    return [*on_device(cell, W, b), *batch_on_device(cell, X, Y)]


def supply(cell: Cell, problem: Problem, is_batch: bool) -> Supply:
    """(W, b, X, Y) on the cell's device for each draw; with is_batch the first batch's X and Y."""
    module = of(cell)
    sets = []
    for data in range(SETS):
        X, Y = _data(problem, data)
        sets.append(batch_on_device(cell, *((X[0], Y[0]) if is_batch else (X, Y))))

    def given(draws: Sequence[Draw]) -> list[tuple[Any, ...]]:
        found = []
        for number, data in draws:  # without on_device, which would find the backend each time
            W, b = (module.from_numpy(a, cell.device) for a in _parameters(problem, number))
            found.append(module.synchronize((W, b, *sets[data])))
        return found

    return given


def _data(problem: Problem, data: int) -> tuple[np.ndarray, np.ndarray]:
    return np.roll(problem.X, data, axis=0), np.roll(problem.Y, data, axis=0)


def _parameters(problem: Problem, number: int) -> tuple[np.ndarray, np.ndarray]:
    factor = problem.dtype.type(1 - SHRINK * (number * GOLDEN % 1))
    return problem.W * factor, problem.b * factor
