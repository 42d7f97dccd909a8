"""Every cell follows the reference, state by state."""

import numpy as np
import pytest

import backends
from reference.agreement import Check, Verdict, compare, state_errors
from tests.conformance.runs import Subject


def test_every_state_of_the_run(subject, run, family, dtype, judge):
    problem, expected = run
    found = subject.trained(family, dtype)
    judge(compare(problem, found, expected, formulation=subject.formulation))


def test_both_ways_to_multiply_agree(model, backend, execution, device, family, dtype, judge):
    """Dense against elementwise: a product with exact zeros is exact where it is materialized.

    A compiler may fuse or reorder what follows the product, and then a sum differs in its last
    bits; 4 ULP are room for that, a quarter of what another backend is allowed.
    """
    module = backends.load(backend)
    if not {"dense", "elementwise"} <= set(module.FORMULATIONS):
        pytest.skip(f"{backend} has only {', '.join(module.FORMULATIONS)}")
    dense, elementwise = (
        Subject(module, model, formulation, execution, device).trained(family, dtype)
        for formulation in ("dense", "elementwise")
    )
    allowed = 0 if execution == "eager" else 4
    observed = float(state_errors(dense, elementwise).max())
    judge(Verdict((Check(f"dense-elementwise {execution}", observed, allowed, "ULP"),)))


def test_the_same_call_gives_the_same_bits(subject, run, family, dtype):
    again = subject.train(run[0])
    for first, second in zip(subject.trained(family, dtype), again, strict=True):
        assert (first is None and second is None) or np.array_equal(first, second)
