"""What a timed call is given: parameters that no call was given before, and one of a few data sets.

An answer that is kept from an earlier call, or looked up by its inputs, is then a wrong one: the
parameters move so far that it fails its verdict. Whatever a call is given is made, put on the
device and synchronized before its block begins.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from backends import Cell, load
from reference.problems import Problem

SETS = 2  # of X and Y. All calls of a round have the same one, so that it is in the caches
SHRINK = 0.05  # at most; to grow could take a run beyond the rate up to which it is contractive
GOLDEN = (5**0.5 - 1) / 2  # its multiples leave 0 to 1 nowhere crowded: no two draws are close
NUMBERS = count(1)  # of this process: no draw comes twice

Supply = Callable[[Sequence["Draw"]], list[tuple[Any, ...]]]  # the arguments of a call for each


class Draw(NamedTuple):
    """Which parameters and which data a call is given."""

    number: int
    data: int


def draw(data: int) -> Draw:
    """A new draw; data counts from 0."""
    return Draw(next(NUMBERS), data % SETS)


def nothing(draws: Sequence[Draw]) -> list[tuple[Any, ...]]:
    """The supply of a call that is given nothing."""
    return [()] * len(draws)


def drawn(problem: Problem, draw: Draw) -> Problem:
    """The problem of a draw: its batches in another order, its W and b smaller by up to 5 %."""
    W, b = _parameters(problem, draw.number)
    X, Y = _data(problem, draw.data)
    return replace(problem, W=W, b=b, X=X, Y=Y)


def on_device(cell: Cell, *arrays: np.ndarray) -> list[Any]:
    """Copies of the arrays on the cell's device."""
    module = load(cell.backend)
    return [module.from_numpy(array, cell.device) for array in arrays]


def supply(cell: Cell, problem: Problem, is_batch: bool) -> Supply:
    """(W, b, X, Y) on the cell's device for each draw; with is_batch the first batch's X and Y."""
    module = load(cell.backend)
    sets = []
    for data in range(SETS):
        X, Y = _data(problem, data)
        sets.append(on_device(cell, X[0], Y[0]) if is_batch else on_device(cell, X, Y))

    def given(draws: Sequence[Draw]) -> list[tuple[Any, ...]]:
        found = [(*on_device(cell, *_parameters(problem, d.number)), *sets[d.data]) for d in draws]
        return [module.synchronize(arguments) for arguments in found]

    return given


def _data(problem: Problem, data: int) -> tuple[np.ndarray, np.ndarray]:
    return np.roll(problem.X, data, axis=0), np.roll(problem.Y, data, axis=0)


def _parameters(problem: Problem, number: int) -> tuple[np.ndarray, np.ndarray]:
    factor = problem.dtype.type(1 - SHRINK * (number * GOLDEN % 1))
    return problem.W * factor, problem.b * factor
