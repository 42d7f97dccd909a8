"""The chain factor by factor, against extended precision: a failure names the factor."""

import numpy as np
import pytest

from reference import oracle
from reference.agreement import Exact, diagonal_allowed
from reference.models import load
from tests.conformance.runs import solved


def at_state(family, model, dtype, j=1):
    problem, trajectory = solved(family, model, dtype)
    return trajectory.W[j], trajectory.b[j], problem.X[j], problem.Y[j]


def in_float64(arrays):
    return [array.astype(np.float64) for array in arrays]


def largest_ulp(found, exact):
    """The largest error, in ULP of the largest value, in the dtype of what was found."""
    return np.abs(exact.error(found)).max() / np.spacing(np.abs(found).max())


@pytest.mark.parametrize("family", ["wide", "wide32"])
def test_each_diagonal_is_the_exact_one(subject, family, model, dtype):
    given = at_state(family, model, dtype)
    found = [subject.module.to_numpy(d) for d in subject.forward(*given).diagonals]
    exact, allowed = oracle.diagonals(model, *in_float64(given)), diagonal_allowed(model, *given)
    for name, diagonal, right in zip(load(model).DIAGONALS, found, exact, strict=True):
        observed = largest_ulp(diagonal, right)
        print(f"{name}: {observed:.2g} of {allowed:.3g} ULP")
        assert observed <= allowed, f"{name} is off by {observed:.3g} ULP"


def test_each_partial_product_is_the_exact_one(subject, model, dtype):
    """The row after each factor, multiplied up from the diagonals that the backend gave."""
    given = at_state("wide", model, dtype)
    exact = oracle.diagonals(model, *in_float64(given))
    row, right, allowed = np.ones(1, dtype), np.ones(1), diagonal_allowed(model, *given)
    found = [subject.module.to_numpy(d) for d in subject.forward(*given).diagonals]
    for name, diagonal, factor in zip(load(model).DIAGONALS, found, exact, strict=True):
        row, right = row * diagonal, right * factor.high
        observed = largest_ulp(row, Exact(right, np.zeros_like(right)))
        # A row is a product of up to two diagonals, and their relative errors add.
        assert observed <= 2 * allowed, f"the row after {name} is off by {observed:.3g} ULP"
