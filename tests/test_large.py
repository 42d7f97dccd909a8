"""Large batches: what they are judged by, the bounds beside them, and their tables."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import backends
from benchmarks import bench_large
from benchmarks.analyse.scaling import growth
from benchmarks.measure import bounds
from benchmarks.measure.calls import gradient_problem
from benchmarks.show import render, tables
from reference import backprop
from reference.agreement import compare_gradient
from reference.models import load
from reference.words import DTYPES, MODELS
from tests import stored

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("digits", DTYPES)
def test_what_they_are_judged_by_is_the_gradient_of_the_reference(kind, digits):
    problem = gradient_problem(kind, digits, 64, 3)
    expected = bench_large.solution(problem)
    found = backprop.gradient(
        kind, problem.W, problem.b, problem.X[0], problem.Y[0], problem.dJ_dJ0
    )  # fmt: skip
    at = problem.W, problem.b
    assert compare_gradient(problem, 0, found, expected, *at, "elementwise").passed
    wrong = found._replace(dW=found.dW * problem.dtype.type(1 + 1e4 * np.finfo(digits).eps))
    assert not compare_gradient(problem, 0, wrong, expected, *at, "elementwise").passed


SHORT = """
def pytest_collection_finish():
    import numpy
    numpy.longdouble = numpy.float64
"""


def test_where_long_double_is_double_float64_is_not_judged(tmp_path):
    """As on Windows and some ARM: NumPy would judge itself. float64 still judges float32."""
    path = tmp_path / "run.json"
    (tmp_path / "short_plugin.py").write_text(SHORT)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "short_plugin", "--benchmark-only",
         "--backend=numpy", "--model=linear", "--formulation=fused", "--dtype=float64",
         "--dtype=float32", "--no-report", "-kB4096-F64", f"--benchmark-json={path}",
         "benchmarks/bench_large.py"],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    stored = json.loads(path.read_text())
    assert [row["extra_info"]["dtype"] for row in stored["benchmarks"]] == ["float32"]
    [left_out] = stored["left_out"]
    assert left_out["dtype"] == "float64"
    assert left_out["reason"] == "not judged: long double is double here"


@pytest.mark.parametrize("kind", MODELS)
def test_the_traffic_is_that_of_every_matrix_of_the_chain(kind):
    problem = gradient_problem(kind, "float64", 64, 3)
    forward = backends.load("reference").make_forward(kind)
    diagonals = forward(problem.W, problem.b, problem.X[0], problem.Y[0]).diagonals
    assert len(load(kind).JACOBIANS) == len(diagonals)


def test_the_bounds_do_what_they_are_called():
    problem = gradient_problem("logistic", "float64", 64, 3)
    z = np.linspace(-4, 4, 64)
    assert np.array_equal(bounds.exponentials(problem.Y[0], 2)(), [np.exp(z)] * 2)
    up, down = bounds.products(problem)()
    assert np.allclose(up, problem.X[0] @ problem.W[:, 0], rtol=1e-14)
    assert np.allclose(down, problem.Y[0, :, 0] @ problem.X[0], rtol=1e-14)
    [squares] = bounds.reading(problem.X[0], problem.Y[0])()
    assert squares == pytest.approx(((problem.X[0] ** 2).sum(), (problem.Y[0] ** 2).sum()))
    assert bounds.of_large(problem).keys() == {"reading", "products", "exponentials"}
    assert bounds.of_training(problem).keys() == {"reading", "exponentials"}
    assert bounds.of_training(gradient_problem("linear", "float64", 64)).keys() == {"reading"}


def test_a_call_that_is_faster_than_its_inputs_can_be_read_is_impossible():
    beside = {"elementwise": [9.0, 9.0], "reading": [1.0, 2.0, 3.0]}
    assert bounds.impossible(0.99, beside) == (
        "no call is so fast: it takes 0.99 s, its reading alone 2 s"
    )
    assert bounds.impossible(1.01, beside) == ""
    assert bounds.impossible(0.1, {"elementwise": [9.0], "exponentials": [9.0]}) == ""


def rows(*made):
    return stored.rows(stored.run(*made))


def large(B, seconds, F=3, **ratio):
    """A row with the given ratios and their intervals."""
    made = stored.large(B=B, F=F)
    made["stats"]["median"] = seconds
    made["extra_info"]["ratio"] = ratio
    return made


def test_the_exponent_is_the_slope_of_the_logarithms():
    sizes = (4096, 16384, 262144)
    assert growth(sizes, [3e-9 * B**1.25 for B in sizes]) == pytest.approx(1.25)


@pytest.mark.parametrize(
    ("ratio", "bound"),
    [
        ({"reading": [4.0, 3.9, 4.1], "exponentials": [2.5, 2.4, 2.6]}, "2.50 [2.40, 2.60]"),
        ({"reading": [4.0, 3.9, 4.1]}, "4.00 [3.90, 4.10]"),
        ({}, "-"),
    ],
)
def test_the_higher_bound_counts(ratio, bound):
    [table, _] = tables.large_batches(rows(large(65536, 1e-3, **ratio)))
    assert table.texts.iloc[0]["/ bound at 65536"] == bound


def test_the_tables():
    sizes = [large(B, 2e-9 * B, reading=[4, 3, 5], exponentials=[2, 1.5, 2.5], products=[3, 2, 4])
             for B in (4096, 65536)]  # fmt: skip
    wide = large(4096, 1.4e-3, 512, reading=[9, 8, 9.5], products=[1.2, 1.1, 1.3])
    lines = list(render.text(tables.large_batches(rows(*sizes, wide))))
    assert " ".join(lines[2].split()) == "numba step fused 2.00 2.00 1.00 2.00 [1.50, 2.50]"
    assert "numba step fused 512 1.40 1.20 [1.10, 1.30]" in [" ".join(x.split()) for x in lines]
    assert max(map(len, lines)) <= 80
    assert list(tables.large_batches(rows())) == []
