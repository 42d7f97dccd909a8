"""The comparison must notice what it exists to notice, before and beside any tolerance."""

import json
from dataclasses import replace

import numpy as np
import pytest

from reference.agreement import _too_close, compare, compare_gradient
from reference.backprop import Trajectory, gradient
from reference.problems import Problem
from tests.conformance.runs import solved


@pytest.fixture
def pair():
    return solved("tiny", "logistic", "float64")


def edited(trajectory, field, edit):
    array = getattr(trajectory, field).copy()
    return trajectory._replace(**{field: edit(array)})


def put(index, value):
    def edit(array):
        array[index] = value
        return array

    return edit


def test_equal_passes_and_says_what_is_allowed(pair):
    problem, right = pair
    verdict = compare(problem, right, right)
    assert verdict.passed
    assert "state 0 of " in str(verdict)
    assert " at " not in str(verdict)
    assert json.loads(json.dumps(verdict.as_dict()))["passed"] is True


STRUCTURE = {
    "nan in a state": ("W", put((5, 0, 0), np.nan), "W is not finite, first at (5, 0, 0)"),
    "inf in the loss": ("loss", put(7, np.inf), "loss is not finite, first at 7"),
    "a state missing": ("W", lambda a: a[:-1], "instead of float64[241, 1, 1]"),
    "broadcast": ("b", lambda a: a[:, :, 0], "b is float64[241, 1] instead of float64[241, 1, 1]"),
    "one number": ("loss", lambda a: a[:1], "loss is float64[1] instead of float64[240]"),
    "float32": ("W", lambda a: a.astype(np.float32), "W is float32"),
    "empty": ("loss", lambda a: a[:0], "loss is float64[0]"),
}


@pytest.mark.parametrize("case", STRUCTURE)
def test_structure_comes_before_values(case, pair):
    problem, right = pair
    field, edit, message = STRUCTURE[case]
    verdict = compare(problem, edited(right, field, edit), right)
    assert not verdict.passed
    assert message in str(verdict)
    assert not compare(problem, right, edited(right, field, edit)).passed


def test_missing_accuracy_and_another_type(pair):
    problem, right = pair
    assert str(compare(problem, right._replace(accuracy=None), right)) == "accuracy is missing"
    assert "got a tuple" in str(compare(problem, tuple(right), right))


VALUES = {
    "a late state": ("W", lambda a: put((200, 0, 0), a[200, 0, 0] * (1 + 1e-13))(a), "state 200"),
    "one bias": ("b", lambda a: put((9, 0, 0), a[9, 0, 0] + 1e-13)(a), "state 9"),
    "one loss": ("loss", lambda a: put(3, a[3] + 1e-12)(a), "step 3"),
    "one accuracy": ("accuracy", lambda a: put(4, 1 - a[4])(a), "step 4"),
    "no share": ("accuracy", lambda a: put(4, a[4] + 0.01)(a), "step 4"),
}


@pytest.mark.parametrize("case", VALUES)
def test_a_small_difference_is_found_and_placed(case, pair):
    problem, right = pair
    field, edit, where = VALUES[case]
    verdict = compare(problem, edited(right, field, edit), right)
    assert not verdict.passed
    assert f"first at {where}" in str(verdict)


def test_an_example_on_the_boundary_counts_either_way():
    """Z is exactly 0 for one example: its class is decided by rounding alone."""
    problem, right = solved("tiny", "logistic", "float64")
    X = problem.X.copy()
    X.flags.writeable = True
    X[4] = -right.b[4] / right.W[4]
    moved = replace(problem, X=X)
    flipped = edited(right, "accuracy", lambda a: put(4, 1 - a[4])(a))
    checks = {c.quantity: c for c in compare(moved, flipped, right).checks}
    assert checks["accuracy"].passed
    assert not {c.quantity: c for c in compare(problem, flipped, right).checks}["accuracy"].passed


def test_a_state_may_be_off_by_what_the_gradient_tolerance_moves_it():
    """X = 1 and Y = 3 at W = 1, b = 0: the mass of dW is 2 (3 + 1) = 8, that of the loss 16.

    A step moves W by rate (6 + sqrt(B) + sqrt(F)) u * 8 = 16 u, which is 8 ULP of W = 1. The second
    batch is used at W = 1/2, but the largest state so far is what the unit is taken from.
    """
    one = np.ones((1, 1))
    X = np.ones((2, 1, 1))
    problem = Problem("linear", one, 0 * one, X, 3 * X, 0.25, 1.0, 1)
    W = np.array([1.0, 0.5, 0.5])[:, None, None]
    run = Trajectory(W, 0 * W, np.ones(2), None)
    assert [c.allowed for c in compare(problem, run, run).checks] == [16 + 8, 90]


@pytest.mark.parametrize(
    ("apart", "unit", "close"), [(0, 15, 1), (0, 16, 0), (8, 31, 1), (8, 32, 0)]
)
def test_too_close_to_call_is_nearer_than_rounding_can_move(apart, unit, close):
    """X = W = 1 and b = unit u - 1, so that Z = unit u: beyond 12 u + 4 u it is no tie.

    What the parameters are apart is added, here 8 u in W and as much in b.
    """
    u = 2.0**-53
    one, b = np.ones((1, 1)), np.full((1, 1), unit * u - 1)
    problem = Problem("logistic", one, b, one[None], one[None], 1.0, 1.0, 1)
    expected = Trajectory(one[None], b[None], None, None)
    moved = Trajectory(one[None] - apart * u, b[None] + apart * u, None, None)
    assert _too_close(problem, moved, expected, 0) == close


@pytest.mark.parametrize("kind", ["linear", "logistic"])
def test_a_gradient_wrong_by_a_trillionth_fails(kind):
    problem, run = solved("published", kind, "float64")
    W, b = run.W[0], run.b[0]
    right = gradient(kind, W, b, problem.X[0], problem.Y[0], problem.dJ_dJ0)
    wrong = right._replace(dW=right.dW * (1 + 1e-12))
    assert compare_gradient(problem, 0, right, right, W, b).passed
    assert "first at coordinate 0" in str(compare_gradient(problem, 0, wrong, right, W, b))
    wrong = right._replace(loss=right.loss + 1e-12)
    assert "first at batch 0" in str(compare_gradient(problem, 0, wrong, right, W, b))
    nan = right._replace(db=right.db * np.nan)
    assert "db is not finite" in str(compare_gradient(problem, 0, nan, right, W, b))
