"""What backends/__init__.py requires of every backend, besides the right numbers."""

from dataclasses import replace

import numpy as np
import pytest

import backends
from reference import backprop
from reference.agreement import TOLERANCES, diagonal_allowed
from reference.models import load
from tests.conformance.runs import solved


def test_arrays_survive_the_way_to_the_device_and_back(backend, device, dtype):
    module = backends.load(backend)
    array = np.arange(6, dtype=dtype).reshape(2, 3)
    there = module.from_numpy(array, device)
    array[0, 0] = -1  # from_numpy must have copied
    back = module.to_numpy(there)
    assert (back.dtype, back.shape, type(back)) == (array.dtype, (2, 3), np.ndarray)
    assert np.array_equal(back.ravel(), np.arange(6))
    assert platform(there) == device


def platform(array):
    """The kind of device that an array is on; gpu, a word of JAX, is cuda here."""
    device = getattr(array, "device", "cpu")
    kind = getattr(device, "platform", getattr(device, "type", device))
    return {"gpu": "cuda"}.get(kind, kind)


@pytest.mark.parametrize("family", ["wide", "wide32"])
def test_the_forward_pass_and_its_diagonals(subject, family, model, dtype):
    """Pred, J0 and each local Jacobian, each against that of the reference."""
    problem, trajectory = solved(family, model, dtype)
    W, b, X, Y = trajectory.W[1], trajectory.b[1], problem.X[1], problem.Y[1]
    Pred, J0, diagonals = subject.forward(W, b, X, Y)
    right = backends.load("reference").make_forward(model)(W, b, X, Y)
    assert len(diagonals) == len(right.diagonals)
    for found, expected in zip([Pred, J0, *diagonals], [*right[:2], *right[2]], strict=True):
        assert platform(found) == subject.device
        value = subject.module.to_numpy(found)
        assert (value.shape, value.dtype) == (expected.shape, expected.dtype)
        allowed = diagonal_allowed(model, W, b, X, Y) * np.spacing(np.abs(expected).max())
        assert np.abs(value - expected).max() <= allowed


def test_results_are_on_the_device_and_inputs_unchanged(subject, model, dtype):
    problem, _ = solved("even", model, dtype)
    given = subject.put(problem.W, problem.b, problem.X, problem.Y)
    train = subject.module.make_train(model, subject.formulation, subject.execution)
    gradient = subject.module.make_gradient(model, subject.formulation, subject.execution)
    batch = subject.put(problem.W, problem.b, problem.X[0], problem.Y[0])
    trained = train(*given, problem.learning_rate, problem.dJ_dJ0, problem.epochs)
    assert subject.module.is_ready(subject.module.synchronize(trained))
    results = [*trained, *gradient(*batch, problem.dJ_dJ0)]
    assert all(platform(a) == subject.device for a in results if a is not None)
    for array, before in zip(given, (problem.W, problem.b, problem.X, problem.Y), strict=True):
        assert np.array_equal(subject.module.to_numpy(array), before)
    assert np.array_equal(subject.module.to_numpy(batch[2]), problem.X[0])


def test_accuracy_belongs_to_one_of_the_models(subject, model, dtype):
    """If W and b are zeros every Pred is exactly 1/2, which predicts class 0."""
    problem, _ = solved("even", model, dtype)
    zero = replace(problem, W=np.zeros_like(problem.W), b=np.zeros_like(problem.b))
    accuracy = subject.train(zero).accuracy
    if not load(model).HAS_ACCURACY:
        assert accuracy is None
    else:
        zeros = np.count_nonzero(problem.Y[0] == 0)
        assert 0 < zeros < problem.Y[0].size
        assert np.rint(accuracy[0] * problem.Y[0].size) == zeros


def test_another_value_is_not_the_last_one(subject, model, dtype):
    """A compiler may have taken a number for a constant, or an earlier result may be kept."""
    problem, _ = solved("even", model, dtype)
    at = problem.W, problem.b, problem.X[0], problem.Y[0]
    allowed = TOLERANCES["gradient of another value"].allowed
    for value in (problem.dJ_dJ0, problem.dJ_dJ0 * 2, problem.dJ_dJ0):
        right = backprop.gradient(model, *at, value).dW
        found = subject.gradient(*at, value).dW
        assert np.abs(found - right).max() <= allowed * np.abs(right).max()


def test_makers_are_memoized_and_check_names(subject, model):
    module = subject.module
    words = model, subject.formulation, subject.execution
    assert module.make_forward(model) is module.make_forward(model)
    with pytest.raises(ValueError, match="unknown model 'cubic'; one of: linear, logistic"):
        module.make_forward("cubic")
    if subject.execution in ("block", "run") and "step" in module.EXECUTIONS:
        one_call = model, subject.formulation, "step"
        assert module.make_gradient(*words) is module.make_gradient(*one_call)
    for maker in (module.make_gradient, module.make_train):
        assert maker(*words) is maker(*words)
        for place, word in enumerate(("model", "formulation", "execution")):
            wrong = [*words[:place], "wrong", *words[place + 1 :]]
            with pytest.raises(ValueError, match=f"unknown {word} 'wrong'; one of: "):
                maker(*wrong)
