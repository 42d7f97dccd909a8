"""The textbook: its worked example, the published runs, and its gradient by independent means."""

import doctest

import numpy as np
import pytest

from reference import backprop
from reference.agreement import compare, masses
from reference.backprop import Trajectory
from reference.problems import make, tutorial
from reference.words import MODELS
from tests.conformance.runs import solved
from tests.test_problems import GOLDEN


def test_the_worked_example():
    outcome = doctest.testmod(backprop)
    assert outcome.attempted > 10
    assert outcome.failed == 0


@pytest.mark.parametrize("kind", ["linear", "logistic"])
def test_the_trajectories_of_the_tutorial(kind, judge):
    problem, found = solved("published", kind, "float64")
    golden = np.load(GOLDEN / f"{kind}.npz", allow_pickle=False)
    accuracy = golden["accuracy"] if kind == "logistic" else None
    states = golden["W"][..., None], golden["b"][:, None, None]
    judge(compare(problem, found, Trajectory(*states, golden["J"], accuracy)))


def test_the_published_last_states():
    """The figures that the tutorial ends with, to the digits that it prints."""
    linear = solved("published", "linear", "float64")[1]
    W = [0.09762714, 0.43037874, 0.2055269, 0.08976624, -0.15269032]
    assert np.abs(linear.W[-1, :, 0] - W).max() < 1e-8
    assert abs(linear.b[-1, 0, 0] - 0.29178818) < 1e-8
    logistic = solved("published", "logistic", "float64")[1]
    assert np.abs(logistic.W[-1, :, 0] - [0.98224622, 1.25369203, -0.85394007]).max() < 1e-8
    assert abs(logistic.b[-1, 0, 0] + 0.16898016) < 1e-8
    assert abs(logistic.loss[-1] - 0.50122943) < 1e-8
    assert logistic.accuracy[-1] == 0.77734375


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("c", [1 / 32, 1 / 100])
def test_gradient_by_complex_step(kind, c):
    """Im J(w + ih) / h has no cancellation: with h = 1e-200 it is exact except for rounding.

    Its rounding errors are those of the gradient itself: 64 u * mass for both together.
    """
    p = make(kind, examples=100, batch_size=32, features=5, epochs=1, seed=7, dJ_dJ0=c)
    dW, db, _ = backprop.gradient(kind, p.W, p.b, p.X[0], p.Y[0], c)
    h, w = 1e-200, np.concatenate([p.W, p.b])
    moved = [w + 1j * h * e[:, None] for e in np.eye(6)]
    steps = [
        c * backprop.forward(kind, m[:-1], m[-1:], p.X[0], p.Y[0])[1].sum().imag / h for m in moved
    ]
    error = np.abs(np.concatenate([dW, db])[:, 0] - steps)
    mass = np.concatenate(masses(p, 0, p.W, p.b)[:2])[:, 0]
    assert (error <= 64 * 2.0**-53 * mass).all()


def test_the_two_readings_differ_by_their_ratio():
    p = tutorial("logistic")
    at = "logistic", p.W, p.b, p.X[0], p.Y[0]
    ratio = backprop.gradient(*at, 1 / 256).dW / backprop.gradient(*at, 1 / 5000).dW
    assert np.abs(ratio - 19.53125).max() < 1e-13


def test_unknown_model():
    p = tutorial("linear")
    with pytest.raises(ValueError, match="unknown model 'cubic'; one of: linear, logistic"):
        backprop.gradient("cubic", p.W, p.b, p.X[0], p.Y[0], 1.0)
