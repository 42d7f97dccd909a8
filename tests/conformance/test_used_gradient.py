"""The gradient of every cell, as training uses it."""

from reference import backprop
from reference.agreement import compare_gradient, used_gradient
from tests.conformance.runs import FORCED, beginning_with, places


@FORCED
def test_used_by_a_step_of_training(subject, run, judge):
    """From a step with a rate of 2^60: dW = (W_0 - W_1) / rate, and rounding of W hides nothing."""
    problem, trajectory = run
    rate = 2.0**60
    for j, k in places(problem):
        at = trajectory.W[j], trajectory.b[j]
        step = beginning_with(problem, k, *at, rate, subject.execution)
        used = used_gradient(subject.train(step), rate)
        expected = backprop.gradient(
            problem.model, step.W, step.b, step.X[0], step.Y[0], step.dJ_dJ0
        )
        judge(compare_gradient(problem, k, used, expected, step.W, step.b, subject.formulation))
