"""A learning rate that is too large: every cell stops being finite in the same step."""

from dataclasses import replace
from functools import cache

import pytest

from reference.agreement import compare, first_not_finite
from tests.conformance.runs import FAMILIES, trajectory_of

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy warns of each overflow
RATE = 1e9  # times the contractive rate: an error grows by about this factor in a step


def select(cells, config):
    return [cell for cell in cells if cell.model == "linear"]


@cache
def diverging(dtype):
    """A linear run that overflows; the logistic one saturates instead: see test_saturation.py.

    It has the shapes of the family "even", for which everything is compiled already.
    """
    problem = FAMILIES["even"]("linear", dtype=dtype)
    rate = RATE * problem.learning_rate
    problem = replace(problem, learning_rate=rate)
    return problem, trajectory_of(problem)


def test_a_run_that_diverges_is_reported_with_its_step(subject, dtype):
    problem, expected = diverging(dtype)
    step = first_not_finite(expected)
    assert 0 < step < problem.steps - 1
    found = subject.train(problem)
    verdict = compare(problem, found, expected, formulation=subject.formulation)
    assert not verdict.passed
    assert str(verdict).startswith(f"diverges in step {step}, as the reference does: ")
