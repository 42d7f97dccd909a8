"""The published data to the bit, the generated data in range, and every wrong value refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reference import backprop
from reference.models import load
from reference.problems import Problem, batched, make, published, tutorial
from reference.words import MODELS

GOLDEN = Path(__file__).parent / "golden"
SMALL = {"examples": 10, "batch_size": 4, "features": 2, "epochs": 1, "seed": 0}


TUTORIAL = ("linear", "logistic")


@pytest.mark.parametrize("kind", TUTORIAL)
def test_published_data_to_the_bit(kind):
    problem, golden = tutorial(kind), np.load(GOLDEN / f"{kind}.npz", allow_pickle=False)
    K, B, F = problem.X.shape
    assert len(golden["x"]) // B == K
    assert np.array_equal(problem.X.reshape(-1, F), golden["x"][: K * B])
    assert np.array_equal(problem.Y.reshape(-1, 1), golden["y"][: K * B])
    assert np.array_equal(problem.true_W, golden["true_W"])
    assert np.array_equal(problem.true_b, golden["true_b"])
    assert np.array_equal(problem.W[:, 0], golden["W"][0])
    assert problem.b[0, 0] == golden["b"][0]
    assert problem.steps == len(golden["J"])


def test_published_settings():
    linear, logistic = tutorial("linear"), tutorial("logistic")
    assert (linear.learning_rate, linear.dJ_dJ0, linear.epochs) == (0.03, 1 / 32, 30)
    assert (logistic.learning_rate, logistic.dJ_dJ0, logistic.epochs) == (0.01, 1 / 5000, 500)


def test_the_global_random_stream_is_left_alone():
    before = np.random.get_state(legacy=False)  # noqa: NPY002  # it is what must not change
    tutorial("linear")
    make("linear", **SMALL)
    after = np.random.get_state(legacy=False)  # noqa: NPY002
    assert np.array_equal(before["state"]["key"], after["state"]["key"])
    assert before["state"]["pos"] == after["state"]["pos"]


def test_the_published_run_of_poisson():
    """A seeded run of this project's own, of logistic's sizes; some numbers pin the data."""
    p, logistic = published("poisson"), tutorial("logistic")
    assert (p.X.shape, p.steps) == (logistic.X.shape, logistic.steps)
    assert (p.learning_rate, p.dJ_dJ0) == (logistic.learning_rate, logistic.dJ_dJ0)
    assert (p.Y.sum(), p.Y.max()) == (5648, 8)
    assert p.X[0, 0].tolist() == pytest.approx([0.87163527, 0.5439414, 0.90221508])
    with pytest.raises(ValueError, match="the tutorial has linear, logistic, got 'poisson'"):
        tutorial("poisson")


@pytest.mark.parametrize("features", [1, 5, 40])
def test_generated_runs_of_poisson_are_contractive_along_their_states(features):
    """There is no global bound: the largest eigenvalue is taken at every state, with its batch."""
    p = make("poisson", examples=50, batch_size=8, features=features, epochs=4, seed=3)
    run = backprop.train(p.model, p.W, p.b, p.X, p.Y, p.learning_rate, p.dJ_dJ0, p.epochs)
    largest = []
    for j in range(p.steps):
        X = p.X[j % len(p.X)]
        A = np.hstack([X, np.ones((8, 1))])
        hessian = p.dJ_dJ0 * A.T @ (np.exp(X @ run.W[j] + run.b[j]) * A)
        largest.append(p.learning_rate * np.linalg.eigvalsh(hessian)[-1])
    assert 0.4 < max(largest) <= 0.95 * (1 + 1e-9)


def test_a_run_of_poisson_that_no_rate_fits():
    x, y = np.full((4, 1), 800.0), np.zeros((4, 1))
    one = np.ones((1, 1))
    with pytest.raises(ValueError, match="learning_rate has to be given: the contractive one"):
        batched("poisson", x, y, one, one, batch_size=2, epochs=1)


@pytest.mark.parametrize("kind", TUTORIAL)
@pytest.mark.parametrize("c", [None, 1 / 50])
def test_generated_problems_are_contractive(kind, c):
    problem = make(kind, examples=50, batch_size=8, features=5, epochs=2, seed=3, dJ_dJ0=c)
    assert problem.X.shape == (6, 8, 5)
    assert problem.steps == 12
    assert problem.dJ_dJ0 == (c or 1 / 8)
    largest = []
    for X in problem.X:
        A = np.hstack([X, np.ones((8, 1))])
        hessian = (2 if kind == "linear" else 1 / 4) * problem.dJ_dJ0 * A.T @ A
        largest.append(problem.learning_rate * np.linalg.eigvalsh(hessian)[-1])
    assert max(largest) == pytest.approx(0.95)


def test_generated_data_are_distributed_like_the_tutorials():
    linear, logistic = (
        make(kind, examples=1000, batch_size=100, features=20, epochs=1, seed=5)
        for kind in TUTORIAL
    )
    assert abs(linear.X.mean()) < 0.1
    assert 0.9 < linear.X.std() < 1.1
    assert 0 <= logistic.X.min() < 0.1
    assert 0.9 < logistic.X.max() < 1
    assert set(logistic.Y.ravel()) == {0, 1}
    drawn = [a for p in (linear, logistic) for a in (p.W, p.b, p.true_W, p.true_b)]
    assert len({a.flat[0] for a in drawn[:4]}) == 4
    values = np.concatenate(drawn)
    assert -1 <= values.min() < -0.9
    assert 0.9 < values.max() <= 1


@pytest.mark.parametrize("kind", TUTORIAL)
def test_targets_come_from_the_true_parameters(kind):
    problem = make(kind, **SMALL)
    Z = problem.X @ problem.true_W + problem.true_b
    assert np.abs(problem.Y - (Z if kind == "linear" else Z > 0)).max() < 1e-14
    Z = np.array([[-1.0], [0.0], [1.0]])
    right = {"linear": [-1, 0, 1], "logistic": [0, 0, 1]}
    assert load(kind).targets(None, Z)[:, 0].tolist() == right[kind]


def test_counts_of_poisson_have_the_mean_of_their_parameters():
    p = make("poisson", examples=40_000, batch_size=100, features=2, epochs=1, seed=5)
    mean = np.exp(p.X @ p.true_W + p.true_b)
    assert np.array_equal(p.Y, np.floor(p.Y))
    standard_error = np.sqrt(mean.sum())
    assert abs(p.Y.sum() - mean.sum()) < 3 * standard_error


def test_given_numbers_are_kept():
    problem = make("linear", **SMALL, learning_rate=0.5, dJ_dJ0=0.125)
    assert (problem.learning_rate, problem.dJ_dJ0) == (0.5, 0.125)


def test_numbers_become_pythons_own():
    numbers = {"learning_rate": np.float32(0.5), "dJ_dJ0": np.float64(0.25), "epochs": np.int64(2)}
    problem = replace(make("linear", **SMALL), **numbers)
    found = [getattr(problem, name) for name in numbers]
    assert found == [0.5, 0.25, 2]
    assert [type(number) for number in found] == [float, float, int]


def test_a_seed_is_a_problem():
    first, again, other = (make("linear", **{**SMALL, "seed": s}) for s in (1, 1, 2))
    assert np.array_equal(first.X, again.X)
    assert not np.array_equal(first.X, other.X)


def test_arrays_are_read_only_copies():
    W = np.zeros((2, 1))
    problem = replace(make("linear", **SMALL), W=W)
    W[0] = 1
    assert problem.W[0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        problem.W[0] = 1


@pytest.mark.parametrize(
    "layout", [np.asfortranarray, lambda a: a.astype(">f8"), lambda a: np.repeat(a, 2, 1)[:, ::2]]
)
def test_any_layout_becomes_the_plain_one(layout):
    x, y = np.arange(8.0).reshape(4, 2), np.arange(4.0).reshape(4, 1)
    problem = batched("linear", layout(x), layout(y), x[:2, :1], y[:1], batch_size=2, epochs=1)
    assert np.array_equal(problem.X.reshape(4, 2), x)
    assert problem.X.flags.c_contiguous
    assert problem.X.dtype == np.dtype(np.float64)
    assert problem.X.dtype.isnative


def test_float32_in_every_array():
    problem = tutorial("logistic").astype("float32")
    arrays = (problem.W, problem.b, problem.X, problem.Y, problem.true_W, problem.true_b)
    assert {a.dtype for a in arrays} == {np.dtype(np.float32)}
    made = make("linear", **SMALL, dtype="float32")
    assert made.X.dtype == np.float32


def changed(name, value):
    return lambda: replace(make("logistic", **SMALL), **{name: value})


def own(model="linear", x=None, y=None, batch_size=2):
    """Four examples with one feature, all numbers 1, except what is given."""
    ones, one = np.ones((4, 1)), np.ones((1, 1))
    x, y = (ones if array is None else array for array in (x, y))
    return batched(model, x, y, one, one, batch_size=batch_size, epochs=1)


def at(array, value):
    array = array.copy()
    array.flat[1] = value
    return array


X = make("logistic", **SMALL).X
Y = make("logistic", **SMALL).Y
WRONG = {
    "model": (changed("model", "cubic"), r"unknown model 'cubic'; one of: linear, logistic"),
    "model type": (changed("model", 3), r"unknown model 3"),
    "batch larger than data": (
        lambda: make("linear", **{**SMALL, "batch_size": 11}),
        r"batch_size must be at most the 10 examples, got 11",
    ),
    "no batch": (changed("X", X[:0]), r"X must have shape \(K, B, F\), each at least 1, got \(0, "),
    "no example": (lambda: make("linear", **{**SMALL, "examples": 0}), r"examples .*1, got 0"),
    "no feature": (lambda: make("linear", **{**SMALL, "features": 0}), r"features .*1, got 0"),
    "no epoch": (changed("epochs", 0), r"epochs must be a whole number of at least 1, got 0"),
    "half an epoch": (changed("epochs", 1.5), r"epochs .*got 1.5"),
    "negative seed": (lambda: make("linear", **{**SMALL, "seed": -1}), r"seed .*least 0, got -1"),
    "shape of X": (changed("X", X[0]), r"X must have shape \(K, B, F\)"),
    "shape of Y": (changed("Y", Y[:, :3]), r"Y must have shape \(2, 4, 1\) .*got \(2, 3, 1\)"),
    "shape of W": (changed("W", np.zeros((3, 1))), r"W must have shape \(2, 1\)"),
    "shape of b": (changed("b", np.zeros(1)), r"b must have shape \(1, 1\) .*got \(1,\)"),
    "shape of true_W": (changed("true_W", np.zeros((3, 1))), r"true_W must have shape"),
    "nan": (changed("X", at(X, np.nan)), r"X must be finite, got nan at \(0, 0, 1\)"),
    "inf": (changed("W", at(np.zeros((2, 1)), -np.inf)), r"W must be finite, got -inf at \(1, 0\)"),
    "counts that are no whole numbers": (
        lambda: own("poisson", y=np.full((4, 1), 0.5)),
        r"counts of poisson must be whole numbers of 0 or more, got 0.5",
    ),
    "counts below 0": (lambda: own("poisson", y=-np.ones((4, 1))), r"0 or more, got -1.0"),
    "labels": (changed("Y", at(Y, 0.5)), r"labels of logistic must be 0 or 1, got 0.5"),
    "integers": (changed("Y", Y.astype(int)), r"Y must be one of float64, float32, got int64"),
    "half": (changed("W", np.zeros((2, 1), np.float16)), r"got float16"),
    "mixed": (changed("b", np.zeros((1, 1), np.float32)), r"share one dtype, got b of float32"),
    "list": (changed("W", [[0.0], [0.0]]), r"W must be a NumPy array, got list"),
    "rate zero": (changed("learning_rate", 0.0), r"learning_rate must be a positive number"),
    "rate negative": (changed("learning_rate", -0.1), r"learning_rate .*got -0.1"),
    "rate nan": (changed("learning_rate", float("nan")), r"learning_rate .*got nan"),
    "rate inf": (changed("learning_rate", float("inf")), r"learning_rate .*got inf"),
    "rate text": (changed("learning_rate", "0.1"), r"learning_rate .*got '0.1'"),
    "entry zero": (changed("dJ_dJ0", 0), r"dJ_dJ0 must be a positive number"),
    "rate lost in float32": (
        lambda: replace(make("linear", **SMALL, dtype="float32"), learning_rate=1e-60),
        r"learning_rate must be a positive number, finite in float32, got 1e-60",
    ),
    "model of made data": (lambda: make("cubic", **SMALL), r"unknown model 'cubic'"),
    "model of data of one's own": (lambda: own("cubic"), r"unknown model 'cubic'"),
    "nan in x": (lambda: own(x=np.full((4, 1), np.nan)), r"x must be finite, got nan at \(0, 0\)"),
    "inf in y": (lambda: own(y=np.full((4, 1), np.inf)), r"y must be finite, got inf at \(0, 0\)"),
    "batch of none": (lambda: own(batch_size=0), r"batch_size must be .* at least 1, got 0"),
    "no b": (changed("b", None), r"b must be a NumPy array, got NoneType"),
    "list for true_W": (changed("true_W", [[0.0]]), r"true_W must be a NumPy array, got list"),
    "model of a tutorial": (lambda: tutorial("cubic"), r"unknown model 'cubic'"),
    "list of data": (lambda: own(x=[[1.0]]), r"x must be a NumPy array, got list"),
    "entry of made data": (
        lambda: make("linear", **SMALL, dJ_dJ0=-1),
        r"dJ_dJ0 must be a positive number, finite in float64, got -1",
    ),
    "rate infinite in float32": (
        lambda: replace(make("linear", **SMALL, dtype="float32"), learning_rate=1e60),
        r"learning_rate must be a positive number, finite in float32, got 1e\+60",
    ),
    "dtype of a copy": (
        lambda: make("linear", **SMALL).astype("int32"),
        r"unknown dtype 'int32'; one of: float64, float32",
    ),
    "dtype": (lambda: make("linear", **SMALL, dtype="int32"), r"unknown dtype 'int32'"),
    "x flat": (lambda: own(x=np.ones(4)), r"x must have shape \(N, F\) and y \(N, 1\), got \(4,\)"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_value_is_named_with_what_is_allowed(case):
    build, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        build()


def test_a_problem_needs_no_truth():
    problem = make("linear", **SMALL)
    bare = Problem("linear", problem.W, problem.b, problem.X, problem.Y, 0.1, 0.25, 1)
    assert bare.true_W is None


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("seed", range(5))
def test_a_contractive_rate_fits_the_second_derivative_of_the_loss(kind, seed):
    """Of any model: rate times the largest eigenvalue of the Hessian, by differences of dJ0_dZ."""
    p = make(kind, examples=60, batch_size=20, features=4, epochs=5, seed=seed)
    exact = load(kind).exact
    run = backprop.train(p.model, p.W, p.b, p.X, p.Y, p.learning_rate, p.dJ_dJ0, p.epochs)
    products, h = [], 1e-5
    for j in range(p.steps):
        X, Y = p.X[j % 3], p.Y[j % 3]
        A, Z = np.hstack([X, np.ones_like(Y)]), X @ run.W[j] + run.b[j]
        up, down = (exact(Z + d, Y, np.exp, np.log)[1] for d in (h, -h))
        H = p.dJ_dJ0 * A.T @ ((up - down) / (2 * h) * A)
        products.append(p.learning_rate * np.linalg.eigvalsh(H)[-1])
    assert 0.1 < max(products) <= 1
