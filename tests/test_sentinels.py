"""The clock under test: backends that cheat it, or compute wrongly under it, have no times.

Each is a copy of a real backend with one place changed, timed beside an honest copy. No test asks
how long anything took.
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.mutants import BACKENDS, ELEMENTWISE, Mutant

ROOT = Path(__file__).parents[1]
TIMES = {"beside", "calls", "faults", "rounds", "ratio", "stats", "calibration"}


class Sentinel(NamedTuple):
    """A change that must be flagged, the cells it is seen in, and how the reason begins."""

    change: Mutant
    arguments: tuple[str, ...]
    reason: str


JITTED = "    return gradient\n\n\ndef make_train"
BOXED = "        return Gradient(dW, db, X.dtype.type(loss))"
SENTINELS = {
    # At B = 2048 the worker has 32 MB to fill and to multiply, once a call: it cannot be done in
    # the instant between the return of the last call and the look at it.
    "forgets_to_wait": Sentinel(
        Mutant("jax", "return jax.block_until_ready(tree)", "return tree", "dense", "step"),
        ("-k", "B2048"),
        "its output was not ready when the clock stopped",
    ),
    "compiles_anew": Sentinel(
        Mutant(
            "jax",
            JITTED,
            "    def anew(*arguments):\n"
            "        return jax.jit(lambda *given: differentiate(*given)[0])(*arguments)\n\n"
            "    anew.lower = gradient.lower\n" + JITTED.replace("gradient", "anew", 1),
            "elementwise",
            "step",
        ),
        ("-k", "B1024"),
        "something was compiled for ",
    ),
    "specializes_anew": Sentinel(
        Mutant(
            "numba",
            BOXED,
            "        numba.njit(lambda number: number + 1)(1.0)\n" + BOXED,
            "elementwise",
            "step",
        ),
        ("-k", "B1024"),
        "something was compiled for ",
    ),
    "wrong_by_a_billionth": Sentinel(
        Mutant("numpy", ELEMENTWISE, ELEMENTWISE + " * (1 + 1e-9)"),
        ("-k", "B32"),
        "linear gradient ",
    ),
}


def timed(folder, sources, *arguments):
    """Time backends of these sources, by their names; what is stored, and how pytest ended."""
    path, command = folder / "run.json", []
    for name, source in sources.items():
        (folder / f"{name}_backend.py").write_text(source)
        command += ["--backend", str(folder / f"{name}_backend.py")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "benchmarks/bench_gradient.py", "-q", "--benchmark-only",
         "--benchmark-json", str(path), "--model", "linear", *command, *arguments],
        cwd=ROOT, env={**os.environ, "MPLBACKEND": "agg"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert path.exists(), done.stdout + done.stderr
    return json.loads(path.read_text()), done


def together(name):
    """All tests of a sentinel look at one run of it: they are for one worker of pytest-xdist."""
    return pytest.param(name, marks=pytest.mark.xdist_group(name))


@pytest.fixture(scope="module", params=[together(name) for name in SENTINELS])
def run(request, tmp_path_factory):
    """A sentinel's name, what was stored of it and of its honest copy, and how pytest ended."""
    change, arguments, _ = SENTINELS[request.param]
    if not find_spec(change.backend):
        pytest.skip(f"{change.backend} is not installed")
    honest = (BACKENDS / f"{change.backend}_backend.py").read_text()
    words = ("--formulation", change.formulation, "--execution", change.execution)
    sources = {request.param: change.source(), "honest": honest}
    folder = tmp_path_factory.mktemp(request.param)
    return request.param, *timed(folder, sources, *words, *arguments)


def test_it_is_void_and_the_honest_copy_is_not(run):
    name, stored, done = run
    assert [row["backend"] for row in stored["void"]] == [name], done.stdout
    assert [row["extra_info"]["backend"] for row in stored["benchmarks"]] == ["honest"]
    assert done.returncode == pytest.ExitCode.TESTS_FAILED


def test_it_has_a_reason_and_no_time(run):
    name, stored, _ = run
    [row] = stored["void"]
    assert row["void"].startswith(SENTINELS[name].reason)
    assert not TIMES & row.keys()
    [row] = stored["benchmarks"]
    assert row["extra_info"].keys() > TIMES - {"stats", "calibration"}
    assert row["stats"]["median"] > 0


def test_it_is_printed_with_its_reason(run, tmp_path):
    name, stored, done = run
    [row] = stored["void"]
    [line] = [line for line in done.stdout.splitlines() if line.startswith("void: ")]
    assert name in line
    assert line.endswith(row["void"])


def test_what_is_wrong_says_by_how_much(run):
    name, stored, _ = run
    [row] = stored["void"]
    is_wrong = name.startswith("wrong")
    assert row["verdict"]["passed"] is not is_wrong
    assert ("exceeds" in row["void"]) is is_wrong


def test_a_ratio_to_a_wrong_cell_is_none(tmp_path):
    """Dense is right here, and its time too; the elementwise form beside it is not."""
    wrong = SENTINELS["wrong_by_a_billionth"].change.source()
    stored, _ = timed(tmp_path, {"wrong": wrong}, "-k", "B32", "--formulation", "dense")
    assert stored["benchmarks"] == []
    [row] = stored["void"]
    assert row["verdict"]["passed"]
    assert row["void"].startswith("beside elementwise: linear gradient ")


def test_honest_rows_alone_are_a_success(tmp_path):
    honest = (BACKENDS / "numpy_backend.py").read_text()
    stored, done = timed(tmp_path, {"honest": honest}, "-k", "B32", "--no-report")
    assert done.returncode == 0, done.stdout
    assert stored["void"] == []
    assert len(stored["benchmarks"]) == 3
