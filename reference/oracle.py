"""The same gradient and trajectory in extended precision, with the float64 inputs taken as exact.

Everything is computed with mpmath at 160 bits, where rounding is 1e-48, in the textbook's formulas
without their matrices. A result is a pair of float64 arrays, whose sum is right to 106 bits. It is
stored as text, and needs no long double, which only some machines have.

    python -m reference.oracle

computes the published runs and stores a sample of their states beside this file.
"""

from collections.abc import Iterator
from pathlib import Path

import mpmath
import numpy as np
from numpy import ndarray as Array

from reference.agreement import Exact, Sample
from reference.backprop import Gradient
from reference.models import load
from reference.problems import Problem, published
from reference.words import MODELS

BITS = 160

_number = np.frompyfunc(mpmath.mpf, 1, 1)
_exp, _log = np.frompyfunc(mpmath.exp, 1, 1), np.frompyfunc(mpmath.log, 1, 1)


def gradient(model: str, W: Array, b: Array, X: Array, Y: Array, dJ_dJ0: float) -> Gradient:
    """The exact gradient of one batch, fields as Exact; shapes as in reference.backprop."""
    with mpmath.workprec(BITS):
        W, b, X, Y = map(_number, (W, b, X, Y))
        dW, db, loss = _gradient(model, W, b, X, Y, mpmath.mpf(dJ_dJ0))
        return Gradient(_exact(dW), _exact(db), _exact(loss))


def diagonals(model: str, W: Array, b: Array, X: Array, Y: Array) -> tuple[Exact, ...]:
    """The exact diagonals (B,) of the local Jacobians, in the order of the chain."""
    with mpmath.workprec(BITS):
        W, b, X, Y = map(_number, (W, b, X, Y))
        found, _, _ = load(model).exact((X @ W + b)[:, 0], Y[:, 0], _exp, _log)
        return tuple(map(_exact, found))


def sample(problem: Problem, every: int = 1) -> Sample:
    """The exact states of a run after 0, every, 2 * every, ... steps, and the last one."""
    steps = [j for j in range(problem.steps + 1) if j % every == 0 or j == problem.steps]
    wanted = {*steps}
    with mpmath.workprec(BITS):
        kept = [state for j, state in enumerate(_states(problem)) if j in wanted]
        return Sample(np.array(steps), _exact(np.array(kept)))


def stored(model: str) -> Sample:
    """The stored sample of a published run."""
    lines = _path(model).read_text().splitlines()
    rows = [line.split() for line in lines if not line.startswith("#")]
    numbers = np.array([[float.fromhex(word) for word in row[1:]] for row in rows])
    half = numbers.shape[1] // 2
    steps = np.array([int(row[0]) for row in rows])
    return Sample(steps, Exact(numbers[:, :half], numbers[:, half:]))


def _gradient(model: str, W: Array, b: Array, X: Array, Y: Array, c: mpmath.mpf) -> Gradient:
    """The chain on object arrays of mpf; c is the entry of dJ_dJ0."""
    _, slope, J0 = load(model).exact(X @ W + b, Y, _exp, _log)
    row = c * slope.T
    return Gradient((row @ X).T, row.sum(axis=1, keepdims=True), J0.sum() / len(X))


def _states(problem: Problem) -> Iterator[Array]:
    """W and b of every state in one (F+1,) array, beginning before the first step."""
    used = problem.dtype.type  # the numbers are rounded to W's dtype, then taken as exact
    rate, c = (mpmath.mpf(float(used(n))) for n in (problem.learning_rate, problem.dJ_dJ0))
    W, b, X, Y = (
        _number(a.astype(np.float64)) for a in (problem.W, problem.b, problem.X, problem.Y)
    )
    yield np.concatenate([W, b])[:, 0]
    for _ in range(problem.epochs):
        for X_k, Y_k in zip(X, Y, strict=True):
            dW, db, _ = _gradient(problem.model, W, b, X_k, Y_k, c)
            W, b = W - rate * dW, b - rate * db
            yield np.concatenate([W, b])[:, 0]


def _exact(array: Array) -> Exact:
    high = np.asarray(array).astype(np.float64)
    return Exact(high, np.asarray(np.asarray(array) - _number(high)).astype(np.float64))


def _path(model: str) -> Path:
    return Path(__file__).with_name(f"oracle_{model}.txt")


def _store(model: str) -> None:
    steps, (high, low) = sample(published(model), load(model).SAMPLED)
    lines = [
        f"# {model}: the exact states of the published run, from python -m reference.oracle",
        "# step, then W and b rounded to float64, then what the rounding left",
    ]
    for step, *numbers in zip(steps.tolist(), high.tolist(), low.tolist(), strict=True):
        lines.append(f"{step} " + " ".join(x.hex() for half in numbers for x in half))
    _path(model).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    for name in MODELS:
        _store(name)
