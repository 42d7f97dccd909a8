"""The comparison must notice every wrong structure and every difference beyond a tolerance."""

import json
from dataclasses import replace

import numpy as np
import pytest

from reference import oracle
from reference.agreement import (
    TOLERANCES,
    Check,
    Exact,
    Sample,
    Verdict,
    _too_close,
    compare,
    compare_gradient,
    masses,
)
from reference.backprop import Gradient, Trajectory, gradient
from reference.problems import Problem, make
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
    assert not any(check.first for check in verdict.checks)
    assert all(check.unit == TOLERANCES[check.quantity].unit for check in verdict.checks)
    assert json.loads(json.dumps(verdict.as_dict()))["passed"] is True


def test_a_verdict_in_words():
    wrong = Check("state", 20.0, 16.0, "ULP", "step 2", "step 1")
    right = Check("loss", 1.0, 2.0, "u", "step 3")
    text = "state 20 exceeds 16 ULP, worst at step 2, first at step 1; loss 1 of 2 u"
    assert str(Verdict((wrong, right))) == text
    assert Verdict((wrong, right, wrong)).failure == f"{wrong}; {wrong}"
    assert Verdict((right,)).failure == ""
    assert Verdict().failure == "nothing was checked"
    assert Verdict(obstacle="W is missing").failure == "W is missing"


STRUCTURE = {
    "nan in a state": (
        "W", put((5, 0, 0), np.nan),
        "diverges in step 4, the reference does not: W is not finite, first at (5, 0, 0)",
    ),
    "inf in the loss": (
        "loss", put(7, np.inf),
        "diverges in step 7, the reference does not: loss is not finite, first at 7",
    ),
    "nan at the start": ("b", put((0, 0, 0), np.nan), "diverges in step 0, the reference"),
    "a state missing": ("W", lambda a: a[:-1], "instead of float64[241, 1, 1]"),
    "broadcast": ("b", lambda a: a[:, :, 0], "b is float64[241, 1] instead of float64[241, 1, 1]"),
    "one number": ("loss", lambda a: a[:1], "loss is float64[1] instead of float64[240]"),
    "float32": ("W", lambda a: a.astype(np.float32), "W is float32"),
    "empty": ("loss", lambda a: a[:0], "loss is float64[0]"),
}  # fmt: skip


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
    assert str(compare(problem, right, right._replace(loss=None))) == "loss is not None"
    message = "got a tuple instead of a Trajectory"
    assert str(compare(problem, tuple(right), right)) == message
    nan = edited(right, "W", put((5, 0, 0), np.nan))
    message = "does not diverge, the reference does in step 4: "
    message += "the expected W is not finite, first at (5, 0, 0)"
    assert str(compare(problem, right, nan)) == message


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
    assert f"worst at {where}" in str(verdict)
    assert f"first at {where}" in str(verdict)


def test_an_example_on_the_boundary_counts_either_way():
    """Z is exactly 0 for one example: its class is decided by rounding alone."""
    problem, right = solved("tiny", "logistic", "float64")
    X = problem.X.copy()
    X.flags.writeable = True
    X[3] = -right.b[3] / right.W[3]
    moved = replace(problem, X=X)
    flipped = edited(right, "accuracy", lambda a: put(3, 1 - a[3])(a))
    checks = {c.quantity: c for c in compare(moved, flipped, right).checks}
    assert checks["accuracy"].passed
    assert not {c.quantity: c for c in compare(problem, flipped, right).checks}["accuracy"].passed


def test_a_state_may_be_off_by_what_the_gradient_tolerance_moves_it():
    """X = 1 and Y = 3 at W = 1, b = 0: the mass of dW is 2 (3 + 1) = 8, that of the loss 4^2.

    A step moves W by rate (allowed + sqrt(B) + sqrt(F)) u * 8, and a ULP of 1 is 2 u: the rate is
    1/4 here. The second batch is used at W = 1/2, but the unit is that of the largest state so far.
    The last state is larger, and the largest loss is 2.
    """
    one = np.ones((1, 1))
    X = np.ones((2, 1, 1))
    problem = Problem("linear", one, 0 * one, X, 3 * X, 0.25, 1.0, 1)
    W = np.array([1.0, 0.5, 4.0])[:, None, None]
    run = Trajectory(W, 0 * W, np.array([2.0, 0.5]), None)
    off = run._replace(W=W + 2.0**-50 * (W < 1), loss=run.loss + 2.0**-50)
    assert [c.observed for c in compare(problem, off, run).checks] == [4, 4]
    allowed = {name: tolerance.allowed for name, tolerance in TOLERANCES.items()}
    assert [c.allowed for c in compare(problem, run, run).checks] == [
        allowed["state"] + allowed["linear gradient"] + 2,
        allowed["loss"] + (allowed["batch loss"] + 2) * 8,
    ]
    exact = Sample(np.array([1]), Exact(np.array([[0.5, 2.0**-40]]), np.zeros((1, 2))))
    check = compare(problem, run, run, exact).checks[1]
    assert (check.observed, check.worst) == (2.0**12, "state 1 coordinate 1")
    assert check.allowed == allowed["exact state"] + allowed["linear gradient"] + 2


def test_masses_by_hand():
    """X = -1 for both examples: Z = -1/2 in linear, and log(3) in logistic, where P = 3/4."""
    X, b, Y = np.full((1, 2, 1), -1.0), np.full((1, 1), -1.0), np.array([[[0.0], [1.0]]])
    W = np.full((1, 1), -0.5)
    linear = masses(Problem("linear", W, b, X, 3 * Y, 1.0, 0.5, 1), 0, W, b)
    assert [a.item() for a in linear] == [6, 6, (1.5**2 + 4.5**2) / 2]
    log3, log4 = np.log([3, 4])
    W = np.full((1, 1), -1 - log3)
    problem, s = Problem("logistic", W, b, X, Y, 1.0, 0.5, 1), 2 + log3
    m = 0.5 * (0.75 + 0.25 + 2 * 0.75 + 2 * 0.75 * 0.25 * s)
    loss = 1 + log4 - log3 / 2 + s
    run = Trajectory(np.stack([W, 4 * W]), np.stack([b, b]), np.ones(1), np.ones(1))
    units = TOLERANCES["logistic gradient"].allowed + 1 + np.sqrt(2)
    autodiff = 0.5 * 2.25, 1.5
    ways = {"fused": (0, 0), "dense": (0, 1.5), "autodiff": autodiff, "jacrev": autodiff}
    for kind, (more, lost) in ways.items():
        found = [a.item() for a in masses(problem, 0, W, b, kind)]
        assert found == pytest.approx([m + more, m + more, loss + lost])
        # Against arrays the loss mass has the textbook's lost, against exact numbers its own.
        right = gradient("logistic", W, b, X[0], Y[0], 0.5)
        exact = oracle.gradient("logistic", W, b, X[0], Y[0], 0.5)
        off = Gradient(right.dW + 2.0**-30, right.db, right.loss + 2.0**-30)
        for expected, of_loss in ((right, 1.5), (exact, lost)):
            checks = compare_gradient(problem, 0, off, expected, W, b, kind).checks
            right_masses = m + more, loss + of_loss
            assert [2.0**23 / c.observed for c in checks] == pytest.approx(right_masses)
        # W moves by units u * mass. Its ULP is that of its next value, 8.4: 16 u.
        state = compare(problem, run, run, formulation=kind).checks[0]
        assert state.allowed - TOLERANCES["state"].allowed == pytest.approx(units * (m + more) / 16)


def test_a_gradient_is_measured_in_u_of_its_masses():
    """The linear masses by hand above: 6, 6 and 11.25; all numbers here are exact."""
    X, b, Y = np.full((1, 2, 1), -1.0), np.full((1, 1), -1.0), np.array([[[0.0], [3.0]]])
    W = np.full((1, 1), -0.5)
    problem = Problem("linear", W, b, X, Y, 1.0, 0.5, 1)
    right = gradient("linear", W, b, X[0], Y[0], 0.5)
    found = Gradient(right.dW + 6 * 2.0**-50, right.db, right.loss + 11.25 * 2.0**-48)
    of_gradient, of_loss = compare_gradient(problem, 0, found, right, W, b).checks
    assert (of_gradient.observed, of_loss.observed) == (8, 32)
    sums = 1 + np.sqrt(2)
    assert of_gradient.allowed == TOLERANCES["linear gradient"].allowed + sums
    assert of_loss.allowed == TOLERANCES["batch loss"].allowed + sums


@pytest.mark.parametrize("kind", ["linear", "logistic"])
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_a_gradient_against_the_exact_one(kind, precision):
    p = make(kind, examples=8, batch_size=8, features=2, epochs=1, seed=2, dtype=precision)
    at = p.W, p.b, p.X[0], p.Y[0]
    exact = oracle.gradient(kind, *(a.astype(np.float64) for a in at), p.dJ_dJ0)
    found = gradient(kind, *at, p.dJ_dJ0)
    assert compare_gradient(p, 0, found, exact, p.W, p.b).passed
    wrong = found._replace(db=found.db * (1 + 500 * np.finfo(precision).eps))
    assert not compare_gradient(p, 0, wrong, exact, p.W, p.b).passed


@pytest.mark.parametrize(
    ("apart", "unit", "close"), [(0, 15, 1), (0, 16, 0), (8, 31, 1), (8, 32, 0)]
)
def test_too_close_to_call_is_nearer_than_rounding_can_move(apart, unit, close):
    """X = W = 1 and b = unit u - 1, so that Z = unit u: from 12 u + 4 u on it is no tie.

    The distance of the parameters is added, here 8 u in W and as much in b.
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
