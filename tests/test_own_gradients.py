"""diagjac.check_gradients on functions in NumPy: what it says, and what it counts."""

import tracemalloc

import numpy as np
import pytest

import diagjac
from diagjac.distance import LIMIT, worst_limit
from diagjac.unit import DRAWS

B, FEATURES, C = 24, 5, 3
stream = np.random.default_rng(3)
PARAMS = {"layers": [{"W": stream.normal(size=(FEATURES, C))}], "b": stream.normal(size=C)}
BATCH = {"X": stream.normal(size=(B, FEATURES)), "labels": stream.integers(0, C, B)}


def gradient(params, batch):
    """Softmax regression by P - Y."""
    X, labels = batch["X"], batch["labels"]
    Z = X @ params["layers"][0]["W"] + params["b"]
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    P = E / E.sum(axis=1, keepdims=True)
    rows = (P - np.eye(C, dtype=P.dtype)[labels]) / np.asarray(B, P.dtype)
    loss = -np.log(P[np.arange(B), labels]).mean()
    return loss, {"layers": [{"W": X.T @ rows}], "b": rows.sum(axis=0)}


def by_jacobians(params, batch):
    """The same with the Jacobian diag(p) - p p^T of each example."""
    X, labels = batch["X"], batch["labels"]
    Z = X @ params["layers"][0]["W"] + params["b"]
    E = np.exp(Z)
    P = E / E.sum(axis=1)[:, None]
    jacobian = P[:, :, None] * (np.eye(C, dtype=P.dtype) - P[:, None, :])
    examples = np.arange(B)
    rows = -jacobian[examples, labels] / P[examples, labels, None] / np.asarray(B, P.dtype)
    return {"layers": [{"W": np.einsum("bf,bc->fc", X, rows)}], "b": rows.sum(axis=0)}


def changed(change):
    """The gradient after a change of W's and b's."""

    def function(params, batch):
        loss, grads = gradient(params, batch)
        W, b = change(grads["layers"][0]["W"], grads["b"])
        return loss, {"layers": [{"W": W}], "b": b}

    return function


def compare(*functions, params=PARAMS, batch=BATCH, **words):
    named = dict(zip("abc", functions, strict=False))
    return diagjac.compare_gradients(named, params, batch, **words)


@pytest.mark.parametrize("floats", ["float64", "float32"])
def test_two_ways_to_a_gradient_agree(floats):
    report = compare(gradient, by_jacobians, dtype=floats)
    assert report.agrees, str(report)
    assert [d.name for d in report.comparisons[0].distances] == ["layers.0.W", "b"]
    assert any(d.apart > 0 for d in report.comparisons[0].distances)


def test_the_assertion_has_the_report_as_its_message():
    functions = {"right": gradient, "wrong": changed(lambda W, b: (W, b * (1 + 1e-9)))}
    with pytest.raises(AssertionError) as raised:
        diagjac.check_gradients(functions, PARAMS, BATCH)
    assert isinstance(raised.value, diagjac.Disagreement)
    assert str(raised.value) == str(raised.value.report)
    assert "wrong has other gradients than right" in str(raised.value)
    assert "differs: b (most units first); agrees: layers.0.W" in str(raised.value)
    assert "the gradient of b of wrong is 1 + 1e-09 times that of right" in str(raised.value)


def test_each_function_is_compared_with_the_first():
    report = compare(gradient, by_jacobians, changed(lambda W, b: (-W, -b)))
    assert [c.verdict for c in report.comparisons] == ["agrees", "differs"]
    assert report.verdict == "differs"


def test_one_coordinate_is_found_by_the_worst():
    """Among many an error of 1e-12 in one is nothing in the root mean square of all."""
    many = {"w": np.random.default_rng(0).normal(size=100_000)}

    def squares(params, batch):
        return {"w": 2 * params["w"]}

    def wrong(params, batch):
        grad = 2 * params["w"]
        grad[77] *= 1 + 1e-12
        return {"w": grad}

    [distance] = compare(squares, wrong, params=many, batch=()).comparisons[0].distances
    assert distance.units < LIMIT
    assert distance.worst > worst_limit(100_000)
    assert distance.where == (77,)
    assert distance.verdict == "differs"


def test_the_same_seed_makes_the_same_report():
    one, two, other = (str(compare(gradient, by_jacobians, seed=seed)) for seed in (1, 1, 2))
    assert one == two != other


def test_a_gradient_that_is_zero_in_both():
    report = compare(changed(lambda W, b: (W, 0 * b)), changed(lambda W, b: (W, -0.0 * b)))
    assert report.agrees
    assert "agrees: 0 in both" in str(report)


# --- where nothing can be told


def relu_gradient(slope):
    def function(params, batch):
        Z = batch["X"] @ params["w"]
        return {"w": batch["X"].T @ slope(Z).astype(Z.dtype) / len(Z)}

    return function


KINK = {
    "params": {"w": np.array([1.0, -1.0])},
    "batch": {"X": np.outer(np.arange(1, 9) / 3, [1, 1])},
}


@pytest.mark.parametrize("floats", ["float64", "float32"])
def test_on_a_kink_nothing_can_be_told(floats):
    """All Z are exactly 0: rounding decides which slope is taken."""
    with pytest.raises(diagjac.Disagreement, match="cannot be told") as raised:
        diagjac.check_gradients(
            {"one": relu_gradient(lambda Z: Z > 0), "two": relu_gradient(lambda Z: Z >= 0)},
            **KINK,
            dtype=floats,
        )
    assert raised.value.report.verdict == "cannot tell"
    assert "An input lies on a kink" in str(raised.value)


@pytest.mark.parametrize("floats", ["float64", "float32"])
def test_even_the_same_function_cannot_be_told_on_a_kink(floats):
    function = relu_gradient(lambda Z: Z > 0)
    assert compare(function, function, **KINK, dtype=floats).verdict == "cannot tell"


@pytest.mark.parametrize(
    ("floats", "steps"), [("float64", 30), ("float64", 60), ("float32", 18), ("float32", 30)]
)
def test_a_chaotic_function_cannot_be_told(floats, steps):
    """A distance doubles in each step: some digits are left at first, later none."""

    def iterated(params, batch):
        x = params["x"]
        for _ in range(steps):
            x = 4 * x * (1 - x)
        return {"x": x}

    params = {"x": np.array([0.3, 0.4, 0.61])}
    report = compare(iterated, iterated, params=params, batch=(), dtype=floats)
    assert report.verdict == "cannot tell"


def with_nan(*places):
    def change(W, b):
        W = W.copy()
        W[places] = np.nan
        return W, b

    return changed(change)


def test_nan_in_one_differs_and_in_both_nothing_is_known():
    assert compare(gradient, with_nan(1, 2)).verdict == "differs"
    assert compare(with_nan(1, 2), gradient).verdict == "differs"
    assert compare(with_nan(1, 2), with_nan(0, 0)).verdict == "differs"
    assert compare(with_nan(1, 2), with_nan(1, 2)).verdict == "cannot tell"
    assert "b gives nan at (1, 2) of layers.0.W" in str(compare(gradient, with_nan(1, 2)))


def noise(scale):
    """A gradient that is 0 but for rounding: a sum of numbers and of their negatives."""

    def function(params, batch):
        x = scale * batch["X"][:, 0]
        zero = sum(x * params["w"][0]) - sum((x * params["w"][0])[::-1])
        return {"w": np.array([zero], x.dtype), "v": 2 * params["v"]}

    return function


@pytest.mark.parametrize("floats", ["float64", "float32"])
def test_a_gradient_that_is_zero_but_for_rounding_is_told_from_a_kink(floats):
    params = {"w": np.array([1.7]), "v": np.ones(2)}
    report = compare(noise(1), noise(-1), params=params, dtype=floats)
    assert report.comparisons[0].distances[0].verdict == "agrees, vanishes", str(report)
    assert "agrees: 0 but for rounding" in str(report)


def test_a_function_that_loses_digits_is_named():
    hilbert = 1 / (1 + np.add.outer(np.arange(5), np.arange(5)))

    def lossy(params, batch):
        return {"w": np.linalg.solve(hilbert, hilbert @ params["w"])}

    def exact(params, batch):
        return {"w": params["w"]}

    report = compare(exact, lossy, params={"w": np.linspace(0.3, 0.7, 5)}, batch=())
    assert report.agrees
    assert "note: b loses digits that a keeps" in str(report)


# --- what it costs


@pytest.mark.slow
def test_calls_and_memory_of_a_large_model():
    """A pair takes 2 * (2 + DRAWS) gradients, and a few copies of the parameters."""
    count = 0

    def squares(params, batch):
        nonlocal count
        count += 1
        return {"w": 2 * params["w"]}

    params = {"w": np.random.default_rng(0).normal(size=10_000_000)}
    tracemalloc.start()
    report = compare(squares, squares, params=params, batch=())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert report.agrees
    assert count == 2 * (2 + DRAWS) == 36
    assert peak < 10 * params["w"].nbytes
