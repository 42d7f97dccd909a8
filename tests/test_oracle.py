"""The oracle itself: against another arithmetic, and the stored sample against a new one."""

from dataclasses import replace

import numpy as np
import pytest

from reference import oracle
from reference.agreement import compare
from reference.models import load
from reference.problems import make, published
from reference.words import MODELS
from tests.conformance.runs import trajectory_of


@pytest.mark.parametrize("kind", MODELS)
def test_the_stored_sample_begins_with_the_exact_run(kind):
    """Its first two states computed anew; the whole of it takes two minutes."""
    stored, problem, every = oracle.stored(kind), published(kind), load(kind).SAMPLED
    assert stored.steps[-1] == problem.steps
    begun = oracle.sample(replace(problem, epochs=every // len(problem.X)), every)
    assert begun.steps.tolist() == stored.steps[:2].tolist()
    assert np.array_equal(begun.states.high, stored.states.high[:2])
    assert np.array_equal(begun.states.low, stored.states.low[:2])


def test_a_sample_has_one_state_in_so_many_and_the_last():
    problem = make("linear", examples=8, batch_size=2, features=1, epochs=2, seed=6)
    whole, some = oracle.sample(problem), oracle.sample(problem, 3)
    assert whole.steps.tolist() == list(range(9))
    assert some.steps.tolist() == [0, 3, 6, 8]
    assert np.array_equal(some.states.high, whole.states.high[some.steps])
    assert np.array_equal(some.states.low, whole.states.low[some.steps])


def test_what_is_stored_is_read_again(tmp_path, monkeypatch):
    problem = make("linear", examples=8, batch_size=2, features=1, epochs=3, seed=6)
    kept = oracle._path("linear").read_text().splitlines()
    monkeypatch.setattr(oracle, "published", {"linear": problem}.get)
    monkeypatch.setattr(oracle, "_path", lambda name: tmp_path / f"{name}.txt")
    oracle._store("linear")
    read, right = oracle.stored("linear"), oracle.sample(problem, 9)
    assert read.steps.tolist() == right.steps.tolist() == [0, 9, 12]
    assert np.array_equal(read.states.high, right.states.high)
    assert np.array_equal(read.states.low, right.states.low)
    lines = (tmp_path / "linear.txt").read_text().splitlines()
    assert [line[0] == "#" for line in lines] == [True, True, False, False, False]
    assert lines[:2] == kept[:2]


@pytest.mark.parametrize("kind", MODELS)
def test_the_published_runs_against_the_stored_sample(kind, judge):
    problem = published(kind)
    found = trajectory_of(problem)
    judge(compare(problem, found, found, oracle.stored(kind)))


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_generated_runs_against_every_exact_state(kind, precision, judge):
    problem = make(
        kind,
        examples=64,
        batch_size=16,
        features=5,
        epochs=6,
        seed=31,
        dtype=precision,
        dJ_dJ0=1 / 64,
    )
    found = trajectory_of(problem)
    judge(compare(problem, found, found, oracle.sample(problem)))


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="long double is no wider here")
@pytest.mark.parametrize("kind", MODELS)
def test_long_double_agrees_to_its_own_precision(kind):
    """The same gradient in 64-bit mantissas: within 64 of its u times the largest value."""
    p = make(kind, examples=32, batch_size=32, features=5, epochs=1, seed=5)
    exact = oracle.gradient(kind, p.W, p.b, p.X[0], p.Y[0], p.dJ_dJ0)
    W, b, X, Y = (a.astype(np.longdouble) for a in (p.W, p.b, p.X[0], p.Y[0]))
    Z = X @ W + b
    row = {"linear": 2 * (Z - Y), "logistic": 1 / (1 + np.exp(-Z)) - Y, "poisson": np.exp(Z) - Y}
    dW = np.longdouble(p.dJ_dJ0) * (X.T @ row[kind])
    error = np.abs((dW - exact.dW.high) - exact.dW.low).max()
    assert error <= 64 * 2.0**-64 * np.abs(exact.dW.high).max()


def test_an_exact_pair_is_closer_than_a_rounded_number():
    with oracle.mpmath.workprec(oracle.BITS):
        third = oracle._exact(oracle._number(np.array([1.0])) / 3)
    assert third.high[0] == 1 / 3
    assert 0 < abs(third.low[0]) < np.spacing(1 / 3)
    assert third.error(third.high)[0] == -third.low[0]
