"""Every cell follows the reference, state by state."""

import numpy as np
import pytest

import backends
from reference.agreement import TOLERANCES, Check, Verdict, compare, state_errors
from tests.conformance.runs import COMPILED as OTHERS
from tests.conformance.runs import Subject, beginning

COMPILED = OTHERS | {"run": ("published", "even", "wide32")}


def test_every_state_of_the_run(subject, run, family, dtype, judge):
    problem, expected = run
    if subject.formulation == "jacrev":  # up to half a minute; benchmarks.verdicts judges all of it
        problem, expected = beginning(problem, expected, epochs=50)
        found = subject.train(problem)
    else:
        found = subject.trained(family, dtype)
    judge(compare(problem, found, expected, formulation=subject.formulation))


def test_both_ways_to_multiply_agree(model, backend, execution, device, family, dtype, judge):
    module = backends.load(backend)
    if not {"dense", "elementwise"} <= set(module.FORMULATIONS):
        pytest.skip(f"{backend} has only {', '.join(module.FORMULATIONS)}")
    dense, elementwise = (
        Subject(module, model, formulation, execution, device).trained(family, dtype)
        for formulation in ("dense", "elementwise")
    )
    kind = f"dense against elementwise, {'eager' if execution == 'eager' else 'compiled'}"
    observed = float(state_errors(dense, elementwise).max())
    judge(Verdict((Check(kind, observed, TOLERANCES[kind].allowed, "ULP"),)))


@pytest.mark.parametrize("family", ["even", "tiny", "wide", "wide32"])
def test_the_same_call_gives_the_same_bits(subject, run, family, dtype):
    first_run, second_run = subject.trained(family, dtype), subject.train(run[0])
    for first, second in zip(first_run, second_run, strict=True):
        assert (first is None and second is None) or np.array_equal(first, second)
