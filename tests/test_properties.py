"""Data of any shape, dtype, layout and size give a right verdict or a clear error."""

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import backends
from reference import backprop
from reference.agreement import compare, compare_gradient
from reference.problems import Problem, batched
from reference.words import DTYPES, MODELS
from tests.conformance.runs import Subject, trajectory_of

CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
settings.register_profile(  # the same cases everywhere, and no time limit
    "diagjac", deadline=None, derandomize=True, database=None, suppress_health_check=CHECKS
)
settings.load_profile("diagjac")


def plain(array):
    return array


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def swapped(array):
    return array.astype(array.dtype.newbyteorder())


def every_second(array):
    return np.repeat(array, 2, axis=0)[::2]


def backwards(array):
    return array[::-1].copy()[::-1]


def unaligned(array):
    raw = np.zeros(array.nbytes + 1, np.uint8)
    view = raw[1:].view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


LAYOUTS = [plain, np.asfortranarray, read_only, swapped, every_second, backwards, unaligned]
ANY = st.one_of(st.floats(), st.sampled_from([0.0, 1.0, 1e-310, 1e300, -1e300, 1e154]))


@st.composite
def given_data(draw, numbers, dtype=None):
    """What a Problem is made from, with one layout for all arrays; it may be invalid in any way."""
    dtype = dtype or draw(st.sampled_from(DTYPES))
    N, F = draw(st.integers(1, 40)), draw(st.integers(1, 6))
    model, layout = draw(st.sampled_from(MODELS)), draw(st.sampled_from(LAYOUTS))
    x = draw(arrays(np.float64, (N, F), elements=numbers))
    targets = {"logistic": st.sampled_from([0.0, 1.0]), "poisson": st.integers(0, 9).map(float)}
    y = draw(arrays(np.float64, (N, 1), elements=targets.get(model, numbers)))
    W = draw(arrays(np.float64, (F, 1), elements=numbers))
    b = draw(arrays(np.float64, (1, 1), elements=numbers))
    with np.errstate(over="ignore"):
        placed = [layout(array.astype(dtype)) for array in (x, y, W, b)]
    batch = draw(st.integers(1, N))
    return model, *placed, {"batch_size": batch, "epochs": draw(st.integers(1, 3))}


MODERATE = given_data(st.floats(-1.5, 1.5, width=32))  # Z below 16, where float32 saturates


@given(MODERATE)
def test_every_layout_is_the_same_problem(drawn):
    model, x, y, W, b, sizes = drawn
    before = [array.copy() for array in (x, y, W, b)]
    problem = batched(model, x, y, W, b, **sizes)
    kept = problem.X.size // x.shape[1]
    assert np.array_equal(problem.X.reshape(kept, -1), x[:kept])
    assert np.array_equal(problem.Y.reshape(kept, 1), y[:kept])
    assert np.array_equal(problem.W, W)
    for array in (problem.W, problem.b, problem.X, problem.Y):
        flags = array.flags
        assert flags.c_contiguous
        assert flags.aligned
        assert not flags.writeable
        assert array.dtype.isnative
    assert all(map(np.array_equal, before, (x, y, W, b))), "an input has changed"


def first_execution(name):
    module = backends.load(name)
    formulation = "elementwise" if "elementwise" in module.FORMULATIONS else "dense"
    return Subject(module, "", formulation, module.EXECUTIONS[0], "cpu")


@settings(max_examples=20)
@given(drawn=MODERATE)
def test_a_right_verdict(backend, drawn):
    """Every backend agrees with the reference, in all states and in the first gradient."""
    model, x, y, W, b, sizes = drawn
    problem = batched(model, x, y, W, b, **sizes)
    subject = first_execution(backend)._replace(model=model)
    verdict = compare(problem, subject.train(problem), trajectory_of(problem))
    assert verdict.passed, str(verdict)
    at = problem.W, problem.b, problem.X[0], problem.Y[0], problem.dJ_dJ0
    expected = backprop.gradient(model, *at)
    verdict = compare_gradient(problem, 0, subject.gradient(*at), expected, *at[:2], "elementwise")
    assert verdict.passed, str(verdict)


@settings(max_examples=300)
@given(given_data(ANY))
def test_a_verdict_or_a_clear_error(drawn):
    """With any numbers: nan, infinities, ones that overflow in the first product."""
    model, x, y, W, b, sizes = drawn
    try:
        problem = batched(model, x, y, W, b, **sizes)
    except ValueError as error:
        text = str(error)
        assert "must be" in text or "learning_rate has to be given" in text, text
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy warns of each overflow
        found = first_execution("numpy")._replace(model=model).train(problem)
        verdict = compare(problem, found, trajectory_of(problem), formulation="elementwise")
    assert verdict.passed or "not finite" in verdict.obstacle, str(verdict)


@settings(max_examples=200)
@given(
    shapes=st.lists(st.lists(st.integers(0, 3), max_size=4).map(tuple), min_size=4, max_size=4),
    dtypes=st.lists(st.sampled_from(["f8", "f4", ">f8", "f2", "i8", "c16", "O", "U1", "?"]),
                    min_size=4, max_size=4),
)  # fmt: skip
def test_any_shapes_and_dtypes_together(shapes, dtypes):
    W, b, X, Y = (np.zeros(shape, dtype) for shape, dtype in zip(shapes, dtypes, strict=True))
    try:
        problem = Problem("linear", W, b, X, Y, 0.1, 0.5, 1)
    except ValueError as error:
        assert "must" in str(error)  # noqa: PT017
    else:
        assert trajectory_of(problem).W.shape == (problem.steps + 1, problem.X.shape[2], 1)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_reaches_a_device(backend, device, dtype, layout):
    """With the same values, in native bytes, whatever its layout."""
    module = backends.load(backend)
    array = layout(np.arange(12, dtype=dtype).reshape(4, 3))
    back = module.to_numpy(module.from_numpy(array, device))
    assert np.array_equal(back, array)
    assert back.dtype == np.dtype(dtype)
