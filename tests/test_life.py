"""The life of a cell: all its stages, break-even, and caches that are really cold or warm."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import backends
from benchmarks.bench_life import environment, files
from benchmarks.measure.life import STAGES, break_even, compiles
from benchmarks.show import tables
from tests import stored

ROOT = Path(__file__).parents[1]
CELL = "linear-{}-cpu-elementwise-float64"
LIFE = dict.fromkeys(STAGES, 0.25) | {"trace": 1.0, "compile": 2.0, "first run": 1.5}


def live(*arguments, **variables):
    """The program in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.measure.life", *arguments],
        cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def lived(words, **variables):
    """What it prints for a cell."""
    done = live(CELL.format(words), **variables)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        ({"steady": 0.5, "numpy": 1.0}, 800),  # 4 s, and every 100 steps save 0.5 s
        ({"steady": 0.5, "numpy": 1.0, "trace": None}, 600),
        ({"steady": 0.5, "numpy": 1.0, "compile": 2.001}, 801),
        ({"steady": 5.0, "numpy": 6.0}, 0),  # the first call was no slower than a steady one
        ({"steady": 1.0, "numpy": 1.0}, None),
        ({"steady": 1.0, "numpy": 0.5}, None),
    ],
)
def test_break_even(changes, steps):
    assert break_even(LIFE | changes, steps=100) == steps


@pytest.mark.parametrize(
    ("driven", "spent", "expected"),
    [
        ("eager", {}, False),  # NumPy
        ("run", {}, False),  # C, which its backend has compiled before
        ("eager", {"trace": 0.0, "compile": 0.0}, False),  # PyTorch
        ("eager", {"trace": 0.0, "compile": 0.1}, True),
        ("run", {"compile": 0.0}, True),  # Numba with warm caches
    ],
)
def test_what_compiles(driven, spent, expected):
    assert compiles(driven, spent) is expected


def test_a_life_has_every_stage(tmp_path):
    found = lived("numpy-eager", **environment(tmp_path))
    assert tuple(found["life"]) == STAGES
    assert found["life"].pop("trace") is None
    assert found["life"].pop("compile") is None
    assert all(seconds > 0 for seconds in found["life"].values())
    assert found["verdict"]["passed"]
    assert (found["void"], found["break_even"], found["compiles"]) == ("", 0, False)
    assert found["threads"].startswith("1 in each pool")
    assert not files(tmp_path)


def test_caches_are_cold_and_then_warm(tmp_path):
    if "jax" in backends.unavailable():
        pytest.skip(backends.unavailable()["jax"])
    cold = lived("jax-run", **environment(tmp_path))
    written = files(tmp_path)
    warm = lived("jax-run", **environment(tmp_path))
    assert cold["life"]["trace"] > 0
    assert cold["life"]["compile"] > 0
    assert cold["verdict"]["passed"]
    assert warm["verdict"]["passed"]
    assert cold["compiles"]
    assert warm["compiles"]
    assert written, "the cold one fills the caches"
    assert files(tmp_path) == written, "the warm one adds nothing"
    assert {path.relative_to(tmp_path).parts[0] for path in written} == {"jax"}


def test_warm_numba_compiles_nothing():
    if "numba" in backends.unavailable():
        pytest.skip(backends.unavailable()["numba"])
    lived("numba-run")  # its cache is the one of all tests, since filling another takes long
    found = lived("numba-run")
    assert found["life"]["compile"] == 0
    assert found["life"]["trace"] is None
    assert found["compiles"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("linear", "no backend has the combination linear;"),
        ("linear-wrong-run-cpu-fused-float64", "unknown backend 'wrong'"),
        ("linear-numpy-run-cpu-fused-float64", "no backend has the combination linear-numpy-run"),
    ],
)
def test_a_mistake_is_told(words, message):
    done = live(words)
    assert done.returncode == 2
    assert message in done.stderr


def test_a_table_for_each_state_of_the_caches():
    life = {"life": LIFE, "break_even": 12345}
    rows = [stored.life("jax run", caches, **life) for caches in ("cold", "warm")]
    rows += [stored.life("jax step", "warm", **life | {"break_even": None})]
    rows += [stored.life("numpy eager", "warm", **life | {"break_even": 0, "compiles": False})]
    cold, warm = tables.LIFE.by_group(stored.rows(stored.run(*rows)))
    assert cold.title == "Life logistic float64, cold caches, in seconds"
    assert cold.texts["pays after"].to_list() == ["12300"]
    assert warm.texts["pays after"].to_list() == ["12300", "never", "-"]
    assert warm.texts["compile"].to_list() == ["2.00", "2.00", ""], "nothing compiles in NumPy"


def test_no_rows_no_table():
    assert list(tables.LIFE.by_group(stored.rows(stored.run()))) == []


FORKS = """
import os, sys
from pathlib import Path
os.register_at_fork(before=lambda: print("forked"))
from backends import Cell
from benchmarks.bench_life import live
cell = Cell("linear", "numpy", "eager", "cpu", "elementwise", "float64")
print(live(cell, 1, Path(sys.argv[1])).returncode)
"""


def test_a_life_is_started_without_a_fork(tmp_path):
    """JAX warns of a fork, since its threads may hold a lock, and a warning is an error here."""
    done = subprocess.run(
        [sys.executable, "-c", FORKS, str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.split() == ["0"], done.stderr
