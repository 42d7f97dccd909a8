"""Once Pred rounds to 0 or 1 the textbook's form is 0/0.

dense, elementwise, autodiff and jacrev then become nan in the same step as the textbook. fused has
P - Y and a softplus loss, which are right for every Z. This difference is documented.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from reference import oracle
from reference.agreement import compare_gradient, used_gradient
from tests.conformance.runs import FAMILIES, beginning_with, trajectory_of

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy warns of each nan


def select(cells, config):
    return [cell for cell in cells if cell.model == "logistic"]


@cache
def saturated(dtype):
    """A run with one large example in each batch, whose P rounds to 0 or 1 in some step.

    It has the shapes of the family "even", for which everything is compiled already.
    """
    problem = FAMILIES["even"]("logistic", dtype=dtype)
    X = problem.X.copy()
    X[:, 0] *= 40
    problem = replace(problem, X=X, learning_rate=2.0)
    return problem, trajectory_of(problem)


def first_not_finite(array):
    """The first index of an array's first axis at which a value is not finite."""
    bad = ~np.isfinite(array.reshape(len(array), -1)).all(axis=1)
    return int(bad.argmax()) if bad.any() else None


def test_the_same_first_step_or_none(subject, dtype, judge):
    problem, expected = saturated(dtype)
    step = first_not_finite(expected.loss)
    assert 0 < step < problem.steps
    assert first_not_finite(expected.W) == step + 1
    found = subject.train(problem)
    if subject.formulation == "fused":
        assert first_not_finite(found.loss) is first_not_finite(found.W) is None
        for j in (step, problem.steps - 1):
            judge_gradients(subject, problem, found, j, judge)
    else:
        assert first_not_finite(found.loss) == step
        assert first_not_finite(found.W) == step + 1


def judge_gradients(subject, problem, run, j, judge):
    """The gradient at state j of the cell's own run, as returned and as used, is the exact one."""
    k = j % len(problem.X)
    at = run.W[j], run.b[j], problem.X[k], problem.Y[k]
    c = problem.dJ_dJ0
    exact = oracle.gradient("logistic", *(a.astype(np.float64) for a in at), c)
    judge(compare_gradient(problem, k, subject.gradient(*at, c), exact, *at[:2], "fused"))
    step = beginning_with(problem, k, *at[:2], 2.0**60, subject.execution)
    used = used_gradient(subject.train(step), 2.0**60)
    judge(compare_gradient(problem, k, used, exact, *at[:2], "fused"))
