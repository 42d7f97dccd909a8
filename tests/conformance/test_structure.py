"""Dense forms every Jacobian as a matrix, elementwise none: shown by zero times infinity."""

import pytest

from reference.structure import RATE, flaw, probes
from tests.conformance.runs import solved

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy warns of each nan


def flaws_of_gradient(subject, shape, dtype):
    """What is wrong with the structure of a gradient of the shape (K,B,F), by probe."""
    found = {}
    for shows, p in probes(subject.model, shape, dtype).items():
        gradient = subject.gradient(p.W, p.b, p.X[0], p.Y[0], p.dJ_dJ0)
        found[shows] = flaw(subject.formulation, shows, gradient.dW)
    return {shows: text for shows, text in found.items() if text}


def flaws_of_training(subject, shape, epochs, dtype, k):
    """What is wrong with the structure of step k of a run, by probe."""
    found = {}
    train = subject.module.make_train(subject.model, subject.formulation, subject.execution)
    for shows, p in probes(subject.model, shape, dtype, k).items():
        arrays = subject.put(p.W, p.b, p.X, p.Y)
        states = subject.get(train(*arrays, RATE, p.dJ_dJ0, epochs)).W
        found[shows] = flaw(subject.formulation, shows, states[k + 1])
    return {shows: text for shows, text in found.items() if text}


def test_every_gradient_has_the_structure_it_is_called_by(subject, dtype):
    shape = solved("even", subject.model, dtype)[0].X.shape
    assert not flaws_of_gradient(subject, shape, dtype)


@pytest.mark.parametrize("B", [3, 100, 600])
def test_so_has_a_gradient_of_any_size(subject, dtype, B):
    """The structure must hold at any size, not only at those of other tests."""
    assert not flaws_of_gradient(subject, (1, B, 5), dtype)


@pytest.mark.parametrize("k", [0, 1])
def test_every_step_of_training_has_it(subject, dtype, k):
    problem, _ = solved("even", subject.model, dtype)
    if not probes(subject.model, problem.X.shape, dtype, k):
        pytest.skip(f"{subject.model} has no probe of a later step")
    assert not flaws_of_training(subject, problem.X.shape, problem.epochs, dtype, k)
