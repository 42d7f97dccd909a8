"""A mistake in what is given to diagjac is one line that names it."""

import sys

import numpy as np
import pytest

import diagjac
from diagjac.__main__ import main

PARAMS = {"W": np.ones((3, 2)), "b": np.zeros(2)}
BATCH = {"X": np.ones((4, 3)) / 3}


def right(params, batch):
    rows = np.ones_like(batch["X"][:, :2]) / params["W"].dtype.type(4)
    return {"W": batch["X"].T @ rows + params["W"], "b": rows.sum(axis=0)}


def wrong(change):
    return lambda params, batch: change(right(params, batch), params, batch)


def in_place(grads, params, batch):
    batch["X"] *= 2
    return grads


def pop(grads, params, batch):
    params.pop("b")
    return grads


STREAM = np.random.default_rng(0)


def undecided(grads, params, batch):
    return grads | {"W": grads["W"] * STREAM.uniform()}


def scalar(loss):
    return lambda grads, params, batch: (loss, grads)


FUNCTIONS = {  # what the second function does, what the message says
    "a name is missing": (lambda g, p, b: {"W": g["W"]}, "the gradients lack b; params has W, b"),
    "a name is unknown": (lambda g, p, b: g | {"c": g["b"]}, "the gradients have the unknown c"),
    "another shape": (
        lambda g, p, b: g | {"b": g["b"][None]},
        r"two: the gradients have b of shape \(1, 2\), not \(2,\)",
    ),
    "another dtype": (
        lambda g, p, b: g | {"b": g["b"].astype("float32")},
        "two: the gradients have b as float32, not float64",
    ),
    "a loss of each example": (scalar(np.ones(4)), r"two: the loss has the shape \(4,\), not \(\)"),
    "a loss that is text": (scalar("1"), "two: the loss is str, not a scalar"),
    "it changes its input": (in_place, "two changes its input: batch, X"),
    "it takes a parameter away": (pop, "two changes its input: params, b"),
    "it is not deterministic": (undecided, "two is not deterministic: .* of W that differ"),
}


@pytest.mark.parametrize("case", FUNCTIONS)
def test_a_function_that_is_not_what_it_has_to_be(case):
    change, told = FUNCTIONS[case]
    with pytest.raises(ValueError, match=told) as raised:
        diagjac.check_gradients({"one": right, "two": wrong(change)}, PARAMS, BATCH)
    assert "\n" not in str(raised.value)


def check(functions=None, params=PARAMS, batch=BATCH, **words):
    diagjac.check_gradients(functions or {"one": right, "two": right}, params, batch, **words)


ARGUMENTS = {
    "one function": ({"functions": {"one": right}}, "functions is a dict of two or more functions"),
    "a list": ({"functions": [right, right]}, "functions is a dict of two or more functions"),
    "no function": ({"functions": {"one": right, "two": 3}}, "'two' is int, not a function"),
    "no name": ({"functions": {"one": right, 2: right}}, "a function is called 2, which is int"),
    "an unknown dtype": ({"dtype": "float16"}, "dtype is 'float16'; it can be float64 or float32"),
    "no parameters": ({"params": {}}, "params holds no array"),
    "whole numbers": ({"params": {"W": np.arange(3)}}, "params: W is int64; parameters are floats"),
    "nan": ({"params": {"W": np.array([1, np.nan])}}, "params: W holds nan or inf"),
    "complex numbers": ({"params": {"W": np.array([1j])}}, "W is an array of complex128"),
    "text": ({"batch": {"X": "text"}}, "X is str, not an array of real numbers"),
    "an object": ({"batch": {"X": object()}}, "X is object, not an array of real numbers"),
    "a number as key": ({"params": [np.ones(2), {3.5: np.ones(2)}]}, "a key of 1 is 3.5"),
    "a name twice": (
        {"params": {"a.b": np.ones(2), "a": {"b": np.ones(2)}}},
        "params: two of its arrays are called 'a.b'",
    ),
}


@pytest.mark.parametrize("case", ARGUMENTS)
def test_arguments_that_are_not_what_they_have_to_be(case):
    words, told = ARGUMENTS[case]
    with pytest.raises(ValueError, match=told) as raised:
        check(**words)
    assert "\n" not in str(raised.value)


def test_an_error_of_the_function_passes_with_its_name():
    with pytest.raises(ZeroDivisionError) as raised:
        check({"one": right, "two": wrong(lambda g, p, b: 1 / 0)})
    told = "This happened in the function called 'two', which is given arrays of numpy."
    assert raised.value.__notes__ == [told]


def test_a_framework_that_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "diagjac.frameworks.in_torch", raising=False)
    with pytest.raises(ValueError, match="'torch: new' is a function of torch, which is missing"):
        check({"one": right, "torch: new": right})


# --- losses that are differentiated


def test_losses_in_jax():
    jax = pytest.importorskip("jax")
    for loss, told in (
        (lambda p, b: b["X"] @ p["W"], r"jax: the loss has the shape \(4, 2\), not \(\)"),
        (lambda p, b: ((b["X"] @ p["W"]).sum(), 1), "jax: the loss is tuple, not a scalar"),
    ):
        with pytest.raises(ValueError, match=told):
            check({"one": right, "jax": jax.jit(loss)})


def test_losses_in_torch():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    for loss, told in (
        (lambda p, b: b["X"] @ p["W"], r"torch: the loss has the shape \(4, 2\), not \(\)"),
        (
            lambda p, b: float((b["X"] @ p["W"].detach()).sum()),
            "torch: the loss depends on no parameter",
        ),
        (lambda p, b: (b["X"] @ p["W"].detach()).sum(), "torch: the loss depends on no parameter"),
        (lambda p, b: (b["X"].mul_(2) @ p["W"]).sum() + p["b"].sum(), "changes its input"),
        (lambda p, b: torch.dropout(p["W"], 0.5, True).sum(), "torch is not deterministic"),
    ):
        with pytest.raises(ValueError, match=told):
            check({"one": right, "torch": loss})


# --- training


def step(params, state, batch):
    return {name: leaf * 0.9 for name, leaf in params.items()}, state


def nothing(params):
    return None


RUNS = {
    "no pair": ({"one": (nothing, step), "two": step}, "'two' is not a pair of functions"),
    "one run": ({"one": (nothing, step)}, "functions is a dict of two or more pairs"),
    "no state": (
        {"one": (nothing, step), "two": (nothing, lambda p, s, b: p)},
        r"two: step returns \(params, state\)",
    ),
    "another shape": (
        {"one": (nothing, step), "two": (nothing, lambda p, s, b: (p | {"b": p["b"][0]}, s))},
        r"two: the parameters have b of shape \(\), not \(2,\)",
    ),
    "not deterministic": (
        {"one": (nothing, step), "two": (nothing, lambda p, s, b: (undecided(p, p, b), s))},
        "two is not deterministic: the same step gave two values of W",
    ),
}


@pytest.mark.parametrize("case", RUNS)
def test_runs_that_are_not_what_they_have_to_be(case):
    functions, told = RUNS[case]
    with pytest.raises(ValueError, match=told):
        diagjac.check_training(functions, PARAMS, [BATCH])


@pytest.mark.parametrize("batches", [[], None, 3])
def test_no_batches(batches):
    with pytest.raises(ValueError, match="batches is a list of one batch or more"):
        diagjac.check_training({"one": (nothing, step), "two": (nothing, step)}, PARAMS, batches)


# --- the command

HELD = """
import numpy as np
params, batch = {"w": np.array([0.3, 0.7])}, ()
def one(params, batch):
    return {"w": 2 * params["w"]}
def two(params, batch):
    return {"w": params["w"] + CHANGE * params["w"]}
functions = {"one": one, "two": two}
"""
STEPS = """
import numpy as np
params, batches = {"w": np.array([0.3, 0.7])}, [0.5, 0.25]
def start(params):
    return None
def step(params, state, batch):
    return {"w": params["w"] * batch}, state
functions = {"one": (start, step), "two": (start, step)}
"""
KINK = """
import numpy as np
params, batch = {"w": np.array([0.7, -0.7])}, np.full((1, 2), 0.3)
def one(params, batch):
    return {"w": batch[0] * (batch[0] @ params["w"] > 0)}
functions = {"one": one, "two": one}
"""
FILES = {
    "agree": (HELD.replace("CHANGE", "1.0"), 0, "two has the gradients of one"),
    "differ": (HELD.replace("CHANGE", "1.1"), 1, "two has other gradients than one"),
    "training": (STEPS, 0, "two takes the steps of one"),
    "cannot tell": (KINK, 3, "cannot be told"),
}


@pytest.mark.parametrize("case", FILES)
def test_the_exit_code_of_a_file(tmp_path, capsys, case):
    text, code, told = FILES[case]
    path = tmp_path / "mine.py"
    path.write_text(text)
    assert main(["check", str(path)]) == code
    assert told in capsys.readouterr().out


MISTAKES = {
    "no such name": ("params = 1\n", "mine.py: it has no functions, batch; it is a Python file"),
    "a wrong name": (HELD.replace("CHANGE", "1.0") + "params = {}", "params holds no array"),
    "its own error": ("raise ValueError('mine')", "ValueError: mine"),
    "another error": (HELD, "NameError: name 'CHANGE' is not defined"),
    "no Python": ("functions =", "SyntaxError"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_in_the_file(tmp_path, capsys, case):
    text, told = MISTAKES[case]
    path = tmp_path / "mine.py"
    path.write_text(text)
    assert main(["check", str(path)]) == 2
    assert told in capsys.readouterr().err


def test_no_file(tmp_path, capsys):
    assert main(["check", str(tmp_path / "none.py")]) == 2
    assert capsys.readouterr().err.endswith("none.py: there is no such file\n")


@pytest.mark.parametrize("words", [["check", "--help"], ["--help"]])
def test_the_help_names_the_exit_codes(capsys, words):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "0 they agree, 1 they differ, 2 a mistake in the file or arguments, 3 cannot tell" in out
