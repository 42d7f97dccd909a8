"""diagjac.check_training on runs in NumPy: which step and parameter part, and what is rounding."""

import numpy as np
import pytest

import diagjac

RATE, STEPS = 0.1, 6
stream = np.random.default_rng(5)
PARAMS = {"W": stream.normal(size=(4, 2)), "b": np.zeros(2)}
BATCHES = [
    {"X": stream.normal(size=(16, 4)), "Y": stream.normal(size=(16, 2))} for _ in range(STEPS)
]


def gradient(params, batch):
    A = np.tanh(batch["X"] @ params["W"] + params["b"])
    rows = 2 * (A - batch["Y"]) * (1 - A**2) / np.asarray(A.size, A.dtype)
    return {"W": batch["X"].T @ rows, "b": rows.sum(axis=0)}


def start(params):
    return {name: np.zeros_like(leaf) for name, leaf in params.items()}


def momentum(params, velocity, batch):
    grads = gradient(params, batch)
    velocity = {name: 0.9 * velocity[name] + grads[name] for name in params}
    return {name: params[name] - RATE * velocity[name] for name in params}, velocity


def in_place(params, velocity, batch):
    """The same by other roundings, with a state that is changed in place."""
    for name, grad in gradient(params, batch).items():
        velocity[name] *= 0.9
        velocity[name] += grad
    return {name: params[name] - velocity[name] * RATE for name in params}, velocity


def compare(one, two, **words):
    functions = {"one": (start, one), "two": (start, two)}
    return diagjac.compare_training(functions, PARAMS, BATCHES, **words)


@pytest.mark.parametrize("floats", ["float64", "float32"])
def test_two_ways_to_a_step_agree(floats):
    report = compare(momentum, in_place, dtype=floats)
    assert report.agrees, str(report)
    assert "two takes the steps of one" in str(report)
    assert f"the worst of {STEPS} steps" in str(report)


def late(step, wrong_step):
    """A step that is wrong once, in the step with that number."""

    def function(params, state, batch):
        new, velocity = step(params, {n: state[n] for n in params}, batch)
        count = state.get("count", 1)
        if count == wrong_step:
            new |= {"b": new["b"] * (1 + 1e-9)}
        return new, velocity | {"count": count + 1}

    return function


@pytest.mark.parametrize("number", [1, 4])
def test_the_first_step_and_its_parameter_are_named(number):
    functions = {"one": (start, momentum), "two": (start, late(momentum, number))}
    with pytest.raises(diagjac.Disagreement) as raised:
        diagjac.check_training(functions, PARAMS, BATCHES)
    [comparison] = raised.value.report.comparisons
    assert comparison.parted == number
    assert f"step {number} differs first, most in b; in all 1 of {STEPS} do" in str(raised.value)
    assert f"More than rounding explains, first after step {number}." in str(raised.value)


def test_a_new_state_is_told_from_one_that_is_late():
    report = compare(momentum, lambda p, s, b: (momentum(p, s, b)[0], s))
    [comparison] = report.comparisons
    assert comparison.parted == 2  # the first step has no state yet
    assert [f.kind for f in comparison.findings] == ["stale"]
    assert "with a new state: it is not kept" in str(report)


# --- chaos: x -> 4 x (1 - x) doubles a distance in each step


def chaotic(params, state, batch):
    return {"x": 4 * params["x"] * (1 - params["x"])}, state


def expanded(params, state, batch):
    return {"x": 4 * params["x"] - 4 * params["x"] ** 2}, state


def test_runs_that_rounding_parts_agree_step_by_step():
    """After 60 steps nothing is left of the free run, and each step is still right."""
    functions = {"one": (lambda p: None, chaotic), "two": (lambda p: None, expanded)}
    params, batches = {"x": np.array([0.3, 0.4, 0.61])}, [()] * 60
    report = diagjac.check_training(functions, params, batches)
    [comparison] = report.comparisons
    apart = [step[0].apart for step in comparison.free]
    assert apart[0] < 1e-15
    assert max(apart[-10:]) > 0.1
    assert "From there on rounding alone parts the runs" in str(report)


def test_a_wrong_step_is_found_in_chaos_too():
    def wrong(params, state, batch):
        return {"x": 3.9999999 * params["x"] * (1 - params["x"])}, state

    functions = {"one": (lambda p: None, chaotic), "two": (lambda p: None, wrong)}
    params, batches = {"x": np.array([0.3, 0.4, 0.61])}, [()] * 60
    report = diagjac.compare_training(functions, params, batches)
    assert report.comparisons[0].parted == 1


def test_inputs_are_left_as_they_are():
    before = {name: leaf.copy() for name, leaf in PARAMS.items()}
    compare(in_place, in_place)
    assert all(np.array_equal(PARAMS[name], leaf) for name, leaf in before.items())
