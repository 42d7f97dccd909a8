"""The problems that every cell is judged on, and a cell that is called with NumPy arrays."""

from dataclasses import replace
from functools import cache, partial
from typing import NamedTuple

import numpy as np
import pytest

import backends
from backends.contract import Forward, Trajectory
from reference import backprop
from reference.models import load
from reference.problems import contractive_rate, make, one_step, published


def of_the_tutorial(model):
    """The published run; if it is not the tutorial's, only its beginning, which takes less time.

    The verdicts of make prove are on whole runs.
    """
    p = published(model)
    return p if load(model).TUTORIAL else replace(p, X=p.X[:3], Y=p.Y[:3], epochs=50)


def from_zeros(model):
    """All terms of a loss are equal at first: added one by one they all round the same way."""
    p = make(model, examples=2048, batch_size=1024, features=2, epochs=2, seed=14)
    return replace(p, W=np.zeros_like(p.W), b=np.zeros_like(p.b))


def of_one_kind(model, share):
    """From zeros, with Y = 1 for this share of the examples, else 0: nearly all terms are equal."""
    p = from_zeros(model)
    Y = np.zeros_like(p.Y)
    Y[:, : round(share * 1024)] = 1
    return replace(p, Y=Y)


def growing(model):
    """A run whose abs(Z) grows from 1 to 20 and more: a loss with log(1 - P) loses digits late."""
    p = make(model, examples=300, batch_size=100, features=3, epochs=40, seed=16)
    if model != "logistic":
        return p
    X, W = 20 * p.X, p.W / 20
    rate = contractive_rate(replace(p, X=X, W=W))
    return replace(p, X=X, W=W, learning_rate=rate, epochs=400)


def swinging(model):
    """A run that begins at Z = -20, and later has Z = 15 where Y is 0: e^Z is largest late."""
    p = make(model, examples=62, batch_size=31, features=10, epochs=5, seed=2800)
    if model != "logistic":
        return p
    Z = np.abs(p.X @ p.W + p.b).max()
    p = replace(p, W=p.W * (20 / Z), b=p.b * (20 / Z))
    return replace(p, learning_rate=contractive_rate(p))


FAMILIES = {
    "published": of_the_tutorial,
    "even": partial(make, examples=512, batch_size=256, features=3, epochs=20, seed=10),
    "tiny": partial(make, examples=4, batch_size=1, features=1, epochs=60, seed=11),
    "wide": partial(
        make, examples=32, batch_size=7, features=40, epochs=6, seed=12, dJ_dJ0=1 / 32
    ),  # 32 = 4 * 7 + 4: the remainder is dropped
    "wide32": partial(
        make, examples=18, batch_size=7, features=40, epochs=12, seed=13, dtype="float32"
    ),
    "zeros": from_zeros,
    "B100": partial(make, examples=300, batch_size=100, features=3, epochs=1, seed=17),
    "B1000": partial(make, examples=2000, batch_size=1000, features=3, epochs=2, seed=18),
    "B300 float32": partial(
        make, examples=900, batch_size=300, features=3, epochs=1, seed=19, dtype="float32"
    ),
    "B1000 float32": partial(
        make, examples=1000, batch_size=1000, features=3, epochs=3, seed=20, dtype="float32"
    ),
    "2 % of one kind": partial(of_one_kind, share=0.02),
    "all of one kind": partial(of_one_kind, share=0),
    "growing": growing,
    "swinging": swinging,
}
# torch.compile takes about three seconds for each new shape, dtype or number of steps of each cell,
# XLA half a second. So compiled executions are judged on these families; slow tests judge them on
# the others. The tests of a file with COMPILED are judged on its families.
COMPILED = {"step": ("even",), "block": ("even",), "run": ("even", "wide32")}
LONG = 1000  # steps: a run of more takes longer than compiling


def is_slow(shape, execution, compiled=COMPILED):
    """Whether a test of this shape, a family or a B, compiles code that no other test compiles."""
    return shape is not None and shape not in compiled.get(execution, (shape,))


def is_left_to_runs(shape, execution):
    """A block is the loop of a run over fewer steps: only the run has the slow shapes."""
    return execution == "block" and is_slow(shape, execution)


def beyond(model):
    """Four times the contractive rate: free runs drift apart, so it is judged state by state."""
    problem = FAMILIES["wide"](model)
    return replace(problem, learning_rate=4 * problem.learning_rate)


@cache
def solved(family, model, dtype):
    """A problem of the family, and its trajectory in the reference."""
    problem = beyond(model) if family == "beyond" else FAMILIES[family](model)
    problem = problem if dtype == "float64" else problem.astype(dtype)
    return problem, trajectory_of(problem)


def beginning(problem, trajectory, epochs):
    """The first epochs of a run, if it has more."""
    problem = replace(problem, epochs=min(epochs, problem.epochs))
    S, (W, b, *records) = problem.steps, trajectory
    return problem, Trajectory(
        W[: S + 1], b[: S + 1], *(None if r is None else r[:S] for r in records)
    )


def trajectory_of(p):
    return backprop.train(
        p.model, p.W, p.b, p.X, p.Y, p.learning_rate, p.dJ_dJ0, p.epochs
    )  # fmt: skip


FORCED = pytest.mark.parametrize("family", [*FAMILIES, "beyond"])  # at the reference's states


def places(problem):
    """The first, the middle and the last step: each with its batch."""
    steps = (0, problem.steps // 2, problem.steps - 1)
    return [(j, j % len(problem.X)) for j in steps]


def beginning_with(problem, k, W, b, rate, execution):
    """A problem whose first step is from W (F,1), b (1,1) with batch k and another learning rate.

    Blocks and runs are compiled for a number of steps: theirs has as many as the problem.
    """
    if execution not in ("block", "run") or problem.steps > LONG:
        return one_step(problem, k, W, b, rate)
    X, Y = (np.roll(array, -k, axis=0) for array in (problem.X, problem.Y))
    return replace(problem, W=W, b=b, X=X, Y=Y, learning_rate=rate)


def with_own_gradient(cells, config):
    """Without blocks and runs where there are steps: their gradient is that of the step."""
    return [
        cell for cell in cells
        if cell.execution not in ("block", "run")
        or "step" not in backends.load(cell.backend).EXECUTIONS
    ]  # fmt: skip


class Subject(NamedTuple):
    """A cell that takes and returns NumPy arrays, through its own from_numpy and to_numpy."""

    module: object
    model: str
    formulation: str
    execution: str
    device: str

    def put(self, *arrays):
        return [self.module.from_numpy(array, self.device) for array in arrays]

    def get(self, result):
        result = self.module.synchronize(result)
        fields = (None if a is None else self.module.to_numpy(a) for a in result)
        return type(result)(*fields)

    def forward(self, W, b, X, Y):
        Pred, J0, diagonals = self.module.make_forward(self.model)(*self.put(W, b, X, Y))
        return self.module.synchronize(Forward(Pred, J0, tuple(diagonals)))

    def gradient(self, W, b, X, Y, dJ_dJ0):
        make = self.module.make_gradient
        function = make(self.model, self.formulation, self.execution)
        return self.get(function(*self.put(W, b, X, Y), dJ_dJ0))

    @cache  # noqa: B019  # while the tests run: most of them use the same runs
    def trained(self, family, dtype):
        """The trajectory of the first run of a family in this process."""
        return self.train(solved(family, self.model, dtype)[0])

    def train(self, p):
        function = self.module.make_train(self.model, self.formulation, self.execution)
        arrays = self.put(p.W, p.b, p.X, p.Y)
        return self.get(function(*arrays, p.learning_rate, p.dJ_dJ0, p.epochs))
