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
        W, b, X, Y = trajectory.W[j], trajectory.b[j], problem.X[k], problem.Y[k]
        found = subject.train(beginning_with(problem, k, W, b, rate, subject.execution))
        expected = backprop.gradient(problem.model, W, b, X, Y, problem.dJ_dJ0)
        used, way = used_gradient(found, rate), subject.formulation
        judge(compare_gradient(problem, k, used, expected, W, b, way))
