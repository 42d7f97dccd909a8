"""The comparison must notice what it exists to notice, before and beside any tolerance."""

import json
from dataclasses import replace

import numpy as np
import pytest

from reference.agreement import compare, compare_gradient
from reference.backprop import Gradient, gradient
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


@pytest.mark.parametrize("kind", ["linear", "logistic"])
def test_a_gradient_wrong_by_a_trillionth_fails(kind):
    problem, run = solved("published", kind, "float64")
    W, b = run.W[0], run.b[0]
    right = gradient(kind, W, b, problem.X[0], problem.Y[0], problem.dJ_dJ0)
    wrong = Gradient(right.dW * (1 + 1e-12), right.db, right.loss)
    assert compare_gradient(problem, 0, right, right, W, b).passed
    assert not compare_gradient(problem, 0, wrong, right, W, b).passed
    assert not compare_gradient(
        problem, 0, right._replace(loss=right.loss + 1e-12), right, W, b
    ).passed
    nan = right._replace(db=right.db * np.nan)
    assert "db is not finite" in str(compare_gradient(problem, 0, nan, right, W, b))
