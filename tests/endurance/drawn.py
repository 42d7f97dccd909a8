"""One backend on problems drawn at random: what fails, and how near the others come to failing.

python -m tests.endurance.drawn BACKEND --count 1000 prints one JSON object: the problems, the
verdicts, the largest share of each tolerance with the cell and the problem, and what failed.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

import backends
from backends import Cell
from benchmarks.measure.calls import gradient_call, to_numpy, train_call, trajectory_of
from reference import backprop
from reference.agreement import Verdict, compare, compare_gradient
from reference.backprop import Trajectory
from reference.problems import Problem, contractive_rate, make
from reference.words import DTYPES

# B, F, K, epochs: few, since JAX compiles each; some do not fill chunks of 64, 128 and 512.
SHAPES = (
    (1, 1, 4, 10), (7, 3, 3, 1), (31, 10, 2, 5), (100, 3, 3, 1), (100, 5, 3, 6), (300, 3, 2, 3),
    (300, 10, 3, 1), (600, 3, 2, 2), (1000, 2, 1, 4), (1100, 5, 1, 2),
)  # fmt: skip
KINDS = ("drawn", "zeros", "rare", "large")
LONGEST = 128  # the largest B for jacrev


def drawn(seed: int, models: tuple[str, ...]) -> tuple[str, Problem]:
    """A problem and its kind: as drawn, from W = b = 0, few or no Y = 1, or large abs(Z)."""
    stream = np.random.default_rng(seed)
    B, F, K, epochs = SHAPES[stream.integers(len(SHAPES))]
    model, dtype, kind = (str(stream.choice(words)) for words in (models, DTYPES, KINDS))
    p = make(
        model, examples=K * B, batch_size=B, features=F, epochs=epochs, seed=seed, dtype=dtype
    )  # fmt: skip
    if kind == "zeros":
        p = replace(p, W=np.zeros_like(p.W), b=np.zeros_like(p.b))
    elif kind == "rare":
        Y = (stream.random(p.Y.shape) < stream.choice([0, 0.02, 0.1])).astype(dtype)
        p = replace(p, Y=Y, W=np.zeros_like(p.W), b=np.zeros_like(p.b))
    elif kind == "large" and model == "logistic":  # up to 30, below where Pred rounds to 1
        Z = np.abs(p.X @ p.W + p.b).max()
        most = stream.uniform(5, 30 if dtype == "float64" else 12)
        p = replace(p, W=p.W * p.dtype.type(most / Z), b=p.b * p.dtype.type(most / Z))
    return kind, replace(p, learning_rate=contractive_rate(p))


def cells(backend: str, B: int) -> list[Cell]:
    """Each formulation in the default execution, for batches of B."""
    module = backends.load(backend)
    found = backends.cells(backend=[backend], execution=[module.EXECUTIONS[0]])
    return [c for c in found if c.formulation != "jacrev" or B <= LONGEST]


def verdicts(cell: Cell, p: Problem, expected: Trajectory) -> Iterator[Verdict]:
    """Of the run, and of the gradients at the first and the last state of the expected one."""
    yield compare(p, to_numpy(cell, train_call(cell, p)()), expected, formulation=cell.formulation)
    for j in (0, p.steps - 1):
        k, W, b = j % len(p.X), expected.W[j], expected.b[j]
        at = replace(p, W=W, b=b, X=p.X[k : k + 1], Y=p.Y[k : k + 1])
        right = backprop.gradient(p.model, W, b, p.X[k], p.Y[k], p.dJ_dJ0)
        found = to_numpy(cell, gradient_call(cell, at)())
        yield compare_gradient(p, k, found, right, W, b, cell.formulation)


def judge(backend: str, count: int, seed: int) -> dict[str, Any]:
    """The object that is printed."""
    models = tuple(dict.fromkeys(cell.model for cell in backends.cells(backend=[backend])))
    failed: list[str] = []
    worst: dict[str, tuple[float, str]] = {}
    judged = 0
    for number in range(seed, seed + count):
        kind, p = drawn(number, models)
        expected = trajectory_of(p)
        for cell in cells(backend, p.X.shape[1]):
            cell = cell._replace(dtype=p.dtype.name)
            if cell.model != p.model:
                continue
            for verdict in verdicts(cell, p, expected):
                judged += 1
                place = f"{cell} {kind} {p.X.shape} seed {number}"
                failed += [f"{place}: {verdict.failure}"] * bool(verdict.failure)
                for check in verdict.checks:
                    share = check.observed / (check.allowed or 1)
                    worst[check.quantity] = max(
                        worst.get(check.quantity, (-1.0, "")), (share, place)
                    )
    shares = {quantity: f"{share:.0%}, {place}" for quantity, (share, place) in worst.items()}
    return {"problems": count, "verdicts": judged, "failed": failed, "largest shares": shares}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.endurance.drawn", description=__doc__)
    parser.add_argument("backend")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print(json.dumps(judge(given.backend, given.count, given.seed)))
