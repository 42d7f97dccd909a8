"""The exponential that LLVM vectorizes, against extended precision."""

import math

import mpmath
import numpy as np
import pytest

LOG2 = math.log(2)


@pytest.fixture
def exp():
    pytest.importorskip("numba")
    from backends.vector_math import exp_of_negative

    return exp_of_negative


def test_within_one_ulp(exp):
    """The series and its rounding; the largest seen in 20,000 random arguments was 0.94 ULP."""
    x = -np.concatenate(
        [np.geomspace(1e-18, 700, 1000), np.arange(700), LOG2 * np.arange(0.5, 900)]
    )
    for value in x[x > -708].tolist():
        exact = mpmath.exp(mpmath.mpf(value))
        assert abs(exp(value) - exact) <= np.spacing(float(exact)), value


def test_at_the_ends(exp):
    assert exp(0.0) == exp(-0.0) == 1
    smallest = np.finfo(float).tiny
    assert smallest <= exp(-708.0) == exp(-1000.0) == exp(-np.inf) < 4e-308
    assert exp(np.float32(-1)) == exp(-1.0)
    assert np.isnan(exp(np.nan))
