"""Many gradients, warm and without the garbage collector, as in timed calls: each is judged."""

import gc
from functools import cache

import pytest

from benchmarks.measure.inputs import Draw, drawn
from reference import backprop
from reference.agreement import compare_gradient
from tests.conformance.runs import solved, with_own_gradient

CALLS = 3000  # a gradient that is wrong once in a thousand calls passes with a chance of 5 %
FEW = 50
select = with_own_gradient


@cache
def asked(model, dtype, i):
    """W and b that no other call has, as in timed calls, and the reference's gradient there."""
    p = drawn(solved("even", model, dtype)[0], Draw(i, data=0))
    return p.W, p.b, backprop.gradient(model, p.W, p.b, p.X[0], p.Y[0], p.dJ_dJ0)


@pytest.fixture
def no_collector():
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("calls", [FEW, pytest.param(CALLS, marks=pytest.mark.slow)])
def test_every_one_is_right(subject, model, dtype, calls):
    problem, _ = solved("even", model, dtype)
    gradient = subject.module.make_gradient(model, subject.formulation, subject.execution)
    X, Y = subject.put(problem.X[0], problem.Y[0])
    found = []
    for i in range(calls):
        W, b = subject.put(*asked(model, dtype, i)[:2])
        found.append(subject.module.synchronize(gradient(W, b, X, Y, problem.dJ_dJ0)))
    for i, result in enumerate(found):  # after all calls: no later one has changed it
        W, b, expected = asked(model, dtype, i)
        verdict = compare_gradient(
            problem, 0, subject.get(result), expected, W, b, subject.formulation
        )  # fmt: skip
        assert verdict.passed, f"call {i}: {verdict}"
