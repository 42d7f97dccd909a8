"""Rows of maps: measured only with --map, judged, and void if they are another function."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from backends import Cell, load, own_maps
from benchmarks.measure import map_calls
from benchmarks.measure.inputs import Draw
from benchmarks.run import jobs
from benchmarks.show import tables
from benchmarks.store.run import load as load_run
from reference.maps import MAPS
from tests import stored

ROOT = Path(__file__).parents[1]
DRAW = Draw(3, 1)


def measure(*arguments, **environment):
    words = [sys.executable, "-m", "pytest", "-q", "--benchmark-only", *arguments]
    return subprocess.run(
        words, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


@pytest.mark.slow  # two collections in processes of their own
def test_without_map_no_map_is_measured_and_with_it_nothing_else():
    words = "--collect-only", "--backend", "numpy", "--backend", "reference"
    given = measure(*words, "--map", "relu", "--map", "elu")
    without = measure(*words, "benchmarks/bench_maps.py")
    assert "bench_maps.py::" not in without.stdout
    ids = [line for line in given.stdout.splitlines() if "::" in line]
    assert ids
    assert all("bench_maps.py::test_map" in line and "numpy" in line for line in ids)


def test_an_unknown_map_is_a_usage_error():
    done = measure("--collect-only", "--map", "wrong")
    assert done.returncode == 4
    assert "unknown map 'wrong'; one of: square, " in done.stderr


@pytest.mark.slow  # measures a run of its own
def test_a_row_is_stored_and_shown(tmp_path):
    path = tmp_path / "0001_quick.json"
    done = measure("--map", "relu", "--backend", "numpy", "--quick", f"--benchmark-json={path}")
    assert done.returncode == 0, done.stdout + done.stderr
    run = load_run(path)
    rows = {(e.extra_info.formulation, e.extra_info.B): e.extra_info for e in run.benchmarks}
    assert {*rows} == {(f, n) for f in ("dense", "elementwise") for n in (32, 256, 1024)}
    assert rows["dense", 1024].matrix_bytes == 8 * 1024**2
    assert rows["dense", 1024].temporary_bytes >= 8 * 1024**2
    assert "elementwise" in rows["dense", 32].ratio
    assert all(row.verdict.passed for row in rows.values())
    text = path.with_suffix(".txt").read_text()
    assert "map relu float64: us of one call" in text
    assert (tmp_path / "0001_quick_maps_float64.svg").exists()


def test_a_run_of_maps_measures_nothing_else():
    made = list(jobs(["numpy", "jax"], ["native"], 2, False, maps=True))
    assert len(made) == 4
    assert {job.arguments[0] for job in made} == {"benchmarks/bench_maps.py"}


# --- calls and verdicts


def cell(name="gelu_erf", formulation="elementwise", dtype="float64"):
    return Cell(name, "numpy", "eager", "cpu", formulation, dtype)


@pytest.mark.parametrize("name", MAPS)
def test_arguments_are_inside_of_the_domain_and_never_the_same(name):
    low, high = map(float, MAPS[name].domain)
    draws = [map_calls.arguments(name, "float64", 64, Draw(number, 0))[1] for number in range(1, 9)]
    for x in draws:
        assert ((x > low) & (x < high)).all()
    assert len({x.tobytes() for x in draws}) == len(draws)


def found(name, changed):
    """What a cell returns, with its value and row changed."""
    row, x = map_calls.arguments(name, "float64", 64, DRAW)
    function = own_maps.make("numpy", name, "elementwise", "eager")
    return changed(*function(row, x))


def test_a_right_result_passes_and_another_function_fails():
    right = found("gelu_erf", lambda value, pulled: (value, pulled))
    assert map_calls.judge(64, DRAW, cell(), right).passed
    for changed in (
        lambda value, pulled: (value * (1 + 1e-13), pulled),
        lambda value, pulled: (value, pulled * (1 + 1e-13)),
        lambda value, pulled: (value, np.where(pulled > 0, pulled, np.nan)),
        lambda value, pulled: (value[::-1], pulled),
    ):
        assert not map_calls.judge(64, DRAW, cell(), found("gelu_erf", changed)).passed
    tanh = found("gelu_tanh", lambda value, pulled: (value, pulled))
    assert not map_calls.judge(64, DRAW, cell(), tanh).passed


def test_the_structure_of_a_map_is_seen(monkeypatch):
    for formulation in ("dense", "elementwise"):
        assert map_calls.structure(cell("relu", formulation), 32) == ""
    module = load("numpy")
    swapped = {"dense": "elementwise", "elementwise": "dense"}
    for formulation, other in swapped.items():
        made = module.make_map("relu", other, "eager")
        monkeypatch.setattr(map_calls, "function_of", lambda _, made=made: made)
        assert "matrix" in map_calls.structure(cell("relu", formulation), 32)


def test_tables_of_maps():
    rows = []
    for name in ("relu", "elu"):
        for n in (32, 1024):
            for formulation, times in (("dense", 8.0), ("elementwise", 1.0)):
                words = f"{name} jax step cpu {formulation} float64"
                facts = {"B": n, "temporary_bytes": 8 * n * n, "matrix_bytes": 8 * n * n}
                beside = {"elementwise": times} if times > 1 else {}
                rows.append(stored.row(f"map {name} float64: n = {n}", words, 1e-6 * times, beside,
                                       **facts))  # fmt: skip
    made = stored.rows(stored.run(*rows))
    titles = [table.title for table in tables.everything(made)]
    assert "map relu float64: us of one call" in titles
    assert "map elu float64: time / time of elementwise" in titles
