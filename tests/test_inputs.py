"""The inputs of timed calls: none comes twice, and no answer is right for others."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from backends import Cell
from backends.loading import Loaded
from benchmarks.measure import map_calls
from benchmarks.measure.calls import (
    gradient_problem,
    timed_gradient,
    timed_training,
    trajectory_of,
)
from benchmarks.measure.inputs import SETS, draw, drawn
from reference import backprop
from reference.agreement import compare, compare_gradient
from reference.models import load
from reference.problems import published
from reference.words import MODELS


def gradient(p):
    return backprop.gradient(p.model, p.W, p.b, p.X[0], p.Y[0], p.dJ_dJ0)


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("B", [32, 1024])
def test_no_gradient_is_right_for_other_parameters(kind, precision, B):
    """Neither that of the previous draw nor any other of a hundred, with the same X and Y."""
    problem = gradient_problem(kind, precision, B)
    problems = [drawn(problem, draw(0)) for _ in range(100)]
    answers = [gradient(p) for p in problems]
    order = np.argsort([p.W.flat[0] for p in problems])
    for i, j in [*pairwise(range(100)), *pairwise(order.tolist())]:
        at = problems[j].W, problems[j].b
        assert compare_gradient(problems[j], 0, answers[j], answers[j], *at).passed
        assert not compare_gradient(problems[j], 0, answers[i], answers[j], *at).passed


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("kind", MODELS)
def test_no_run_is_right_for_other_parameters_or_data(kind, precision):
    problem = replace(published(kind).astype(precision), epochs=1)
    problems = [drawn(problem, draw(number)) for number in range(2 * SETS)]
    answers = [trajectory_of(p) for p in problems]
    for i, j in [(0, 1), (1, 2), (0, SETS), (1, SETS + 1)]:
        assert compare(problems[j], answers[j], answers[j]).passed
        assert not compare(problems[j], answers[i], answers[j]).passed


@pytest.mark.parametrize("kind", MODELS)
def test_a_drawn_problem_is_one_of_the_same_kind(kind):
    """The same examples in another order, and parameters that are a few per cent smaller."""
    problem = published(kind)
    found = [drawn(problem, draw(number)) for number in range(SETS)]
    for p in found:
        assert sorted(p.X.ravel()) == sorted(problem.X.ravel())
        assert (p.W / problem.W >= 0.95).all()
        assert (p.W / problem.W < 1).all()
    assert not np.array_equal(found[0].X, found[1].X)
    assert load(kind).RUN["features"] == found[0].X.shape[2]


def test_no_draw_comes_twice():
    found = [draw(0).number for _ in range(1000)]
    assert len(set(found)) == 1000


def looked_up(*_):
    raise AssertionError("a name of the backend is looked up in every call")


@pytest.mark.parametrize("name", ["reference", "numpy"])  # with a base, and without
def test_no_name_of_a_backend_is_looked_up_while_time_is_taken(monkeypatch, name):
    """That takes up to 3 us, as long as a short call."""
    cell = Cell("linear", name, "eager", "cpu", "dense", "float64")
    short = replace(published("linear"), epochs=1)
    calls = [timed_gradient(cell, gradient_problem("linear", "float64", 8))]
    calls += [timed_training(cell, short)]
    if name == "numpy":
        calls += [map_calls.prepared(cell._replace(model="relu"), 8)]
    given = [call.given(draw(0)) for call in calls]
    monkeypatch.setattr(Loaded, "__getattr__", looked_up)
    for call, arguments in zip(calls, given, strict=True):
        call.block(arguments)
