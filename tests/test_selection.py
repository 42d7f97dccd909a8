"""The command line: words choose cells, and mistakes are reported before anything runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import backends
from tests.conformance.runs import FAMILIES

ROOT = Path(__file__).parents[1]


def run(*arguments, **environment):
    """Pytest with arguments, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *arguments],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def collect(*arguments):
    return run("--collect-only", *arguments)


def test_words_choose_cells():
    done = collect(
        "tests/conformance/test_trajectory.py", "--backend", "numpy", "--backend", "reference",
        "--model", "linear", "--formulation", "dense",
    )  # fmt: skip
    assert done.returncode == 0
    ids = [line for line in done.stdout.splitlines() if "test_every_state" in line]
    assert len(ids) == 2 * len(FAMILIES)
    assert all("linear-" in i and "-dense-" in i for i in ids)


@pytest.mark.parametrize(
    ("option", "allowed"),
    [
        ("backend", "reference, jax, numba, numpy, torch"),
        ("device", "cpu, cuda"),
        ("model", "linear, logistic"),
        ("formulation", "dense, elementwise, fused, autodiff, jacrev"),
        ("execution", "eager, step, block, run"),
        ("dtype", "float64, float32"),
    ],
)
def test_an_unknown_word_is_a_usage_error(option, allowed):
    done = collect(f"--{option}", "wrong")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"unknown {option} 'wrong'; one of: {allowed}" in done.stderr


def test_words_that_make_no_cell():
    done = collect("--backend", "numpy", "--execution", "run")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert (
        "no backend has the combination --backend numpy --execution run --dtype float64"
        in done.stderr
    )


@pytest.fixture
def without_jax(tmp_path):
    """A path on which jax is a package that fails to import, as a missing one does."""
    (tmp_path / "jax.py").write_text("raise ModuleNotFoundError(\"No module named 'jax'\")\n")
    return str(tmp_path)


def test_a_missing_framework_is_a_line_in_the_header(without_jax):
    done = run("tests/test_registry.py", "-v", "-k", "nothing", PYTHONPATH=without_jax)
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "not usable here: jax: ModuleNotFoundError: No module named 'jax'" in done.stdout
    there = [name for name in ("numba", "numpy", "torch") if name not in backends.unavailable()]
    assert f"backends: {', '.join(['reference', *there])}\n" in done.stdout


def test_a_missing_framework_asked_for_says_what_to_install(without_jax):
    done = run("--backend", "jax", PYTHONPATH=without_jax)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "backend 'jax' is not usable here" in done.stderr
    assert "pip install -e '.[jax]'" in done.stderr


def test_the_two_commands_keep_apart():
    tests, benchmarks = (
        collect("--backend", "numpy"),
        collect("--backend", "numpy", "--benchmark-only"),
    )
    assert "benchmarks/bench_" not in tests.stdout
    assert "tests/" not in benchmarks.stdout
    assert "bench_gradient.py" in benchmarks.stdout
