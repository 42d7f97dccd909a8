"""The gradient of every cell, as it is returned."""

import numpy as np
import pytest

from reference import backprop
from reference.agreement import TOLERANCES, compare_gradient, masses
from reference.problems import make
from tests.conformance.runs import FAMILIES, FORCED, places, with_own_gradient

select = with_own_gradient


@FORCED
def test_returned_at_the_states_of_the_reference(subject, run, judge):
    problem, trajectory = run
    for j, k in places(problem):
        at = trajectory.W[j], trajectory.b[j], problem.X[k], problem.Y[k], problem.dJ_dJ0
        expected = backprop.gradient(problem.model, *at)
        found, way = subject.gradient(*at), subject.formulation
        judge(compare_gradient(problem, k, found, expected, *at[:2], way))


def test_returned_for_a_batch_of_many_parts(subject, model, dtype, judge):
    """As the sum over 100 examples at a time, for which the textbook's matrices are small."""
    if subject.formulation != "fused":
        pytest.skip("divides no batch")
    B = 57_500  # the last part is shorter, and halved twice it has an odd number of examples
    problem = make(model, examples=B, batch_size=B, features=3, epochs=1, seed=21, dtype=dtype)
    W, b, X, Y, c = problem.W, problem.b, problem.X[0], problem.Y[0], problem.dJ_dJ0
    at = W.astype(np.float64), b.astype(np.float64)
    parts = [
        backprop.gradient(model, *at, *(a[i : i + 100].astype(np.float64) for a in (X, Y)), c)
        for i in range(0, B, 100)
    ]
    dW, db, loss = (np.array(field) for field in zip(*parts, strict=True))
    fields = dW.sum(axis=0), db.sum(axis=0), loss.mean()
    expected = backprop.Gradient(*(field.astype(dtype) for field in fields))
    judge(compare_gradient(problem, 0, subject.gradient(W, b, X, Y, c), expected, W, b, "fused"))


@pytest.mark.parametrize("family", FAMILIES)
def test_against_complex_steps(subject, run, judge):
    """Im J(w + ih) / h, without cancellation: with h = 1e-200 it is exact except for rounding.

    It differentiates the loss, so it rounds as autodiff does. The families have both values of
    dJ_dJ0, 1/B and 1/N.
    """
    problem, trajectory = run
    h, W, b = 1e-200, trajectory.W[0], trajectory.b[0]
    w = np.concatenate([W, b]).astype(np.float64)
    X, Y = (array[0].astype(np.float64) for array in (problem.X, problem.Y))
    c = float(problem.dtype.type(problem.dJ_dJ0))

    def J0(w):
        return backprop.forward(problem.model, w[:-1], w[-1:], X, Y)[1]

    steps = 1j * h * np.eye(len(w))[..., None]
    derivatives = np.array([c * J0(w + step).sum().imag / h for step in steps])[:, None]
    fields = derivatives[:-1], derivatives[-1:], J0(w).mean()
    expected = backprop.Gradient(*(field.astype(problem.dtype) for field in fields))
    found = subject.gradient(W, b, problem.X[0], problem.Y[0], problem.dJ_dJ0)
    judge(compare_gradient(problem, 0, found, expected, W, b, "autodiff"))


@pytest.mark.parametrize("family", ["published", "tiny", "wide"])
def test_against_central_differences(subject, run):
    """(J(w + h) - J(w - h)) / 2h, J evaluated in float64 by the reference."""
    problem, trajectory = run
    if problem.dtype != np.float64:
        pytest.skip("a difference of 1e-5 is lost in float32")
    h, W, b, k = 1e-5, trajectory.W[0], trajectory.b[0], 0
    X, Y, c = problem.X[k], problem.Y[k], problem.dJ_dJ0

    def J(w):
        return c * backprop.forward(problem.model, w[:-1], w[-1:], X, Y)[1].sum()

    w = np.concatenate([W, b])
    steps = h * np.eye(len(w))[..., None]
    differences = np.array([J(w + d) - J(w - d) for d in steps])[:, None] / (2 * h)
    found = subject.gradient(W, b, X, Y, c)
    scale = masses(problem, k, W, b)
    error = np.abs(np.concatenate(found[:2]) - differences)
    allowed = TOLERANCES["central difference"].allowed
    assert (error <= allowed * np.concatenate(scale[:2])).all()
