"""Tests of the clock: backends that cheat it, or are wrong in timed calls, have no times.

Each is a copy of a real backend with one place changed, timed beside an honest copy. No test
asserts a time.
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.mutants import BACKENDS, ELEMENTWISE, MUTANTS, Mutant

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
    # At B = 2048 the worker has 32 MB to fill and to multiply in every call. It cannot finish
    # between the return of the last call and the check.
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
    "dense_where_tests_look": Sentinel(
        MUTANTS["dense_up_to_256"], ("-k", "B1024"), "a Jacobian is no matrix: "
    ),
    "wrong_by_a_billionth": Sentinel(
        Mutant("numpy", ELEMENTWISE, ELEMENTWISE + " * (1 + 1e-9)"),
        ("-k", "B32"),
        "linear gradient ",
    ),
}


# What is put at the end of NumPy's file: a cheat, given the honest gradient; how the reason begins,
# or "" if the row is not void.
CHEATS = {
    "keeps_its_first_answer": (
        """
def cheat(gradient):
    kept = {}
    return lambda *given: kept.setdefault(len(given[2]), gradient(*given))
""",
        "linear gradient ",
    ),
    "knows_its_inputs": (
        """
import gc

def cheat(gradient):
    kept = {}
    def known(W, b, X, Y, dJ_dJ0):
        key = W.tobytes(), b.tobytes(), X.tobytes()
        assert gc.isenabled() or key not in kept, "these inputs have been under the clock before"
        kept[key] = gradient(W, b, X, Y, dJ_dJ0)
        return kept[key]
    return known
""",
        "",
    ),
    "waits_for_to_numpy": (
        """
class Later:
    def __init__(self, place, gradient, given):
        self.value = lambda: gradient(*given)[place]

def cheat(gradient):
    return lambda *given: Gradient(*(Later(place, gradient, given) for place in range(3)))

def to_numpy(array):
    return np.array(array.value() if isinstance(array, Later) else array)
""",
        "to_numpy takes ",
    ),
    "waits_for_is_ready": (
        """
class Later(Gradient):
    pass

waiting = []

def cheat(gradient):
    def put_off(*given):
        result = Gradient(*(np.empty(shape) for shape in ((len(given[0]), 1), (1, 1), ())))
        waiting[:] = [(result, gradient, given)]
        return result
    return put_off

def is_ready(tree):
    for result, gradient, given in waiting:
        for field, value in zip(result, gradient(*given)):
            field[...] = value
    waiting.clear()
    return True
""",
        "is_ready takes ",
    ),
    "goes_on_in_a_thread": (
        """
from concurrent.futures import ThreadPoolExecutor
worker = ThreadPoolExecutor(1)

def cheat(gradient):
    def work(result, given):
        for field, value in zip(result, gradient(*given)):
            field[...] = value
    def ask(*given):
        result = Gradient(*(np.empty(shape) for shape in ((len(given[0]), 1), (1, 1), ())))
        worker.submit(work, result, given)
        return result
    return ask
""",
        ("its threads go on ", "to_numpy takes ", "linear gradient "),  # whichever comes first
    ),
    "takes_all_processors": (
        """
import os
import threading

def cheat(gradient):
    def spread():
        os.sched_setaffinity(0, range(os.cpu_count()))
        threading.Event().wait()
    threading.Thread(target=spread, daemon=True).start()
    return gradient
""",
        "a thread may run on processors ",
    ),
    "writes_over_its_results": (
        """
def cheat(gradient):
    kept = {}
    def write_over(*given):
        result = gradient(*given)
        mine = kept.setdefault(len(given[2]), Gradient(*map(np.array, result)))
        for field, value in zip(mine, result):
            field[...] = value
        return mine
    return write_over
""",
        (
            "dW is not finite",
            "linear gradient ",
        ),  # later calls change the result that is judged
    ),
    "compiles_in_secret": (
        """
def cheat(gradient):
    import numba
    def anew(*given):
        numba.njit(lambda number: number + 1)(1.0)
        return gradient(*given)
    return anew
""",
        "something was compiled for ",
    ),
    "watches_the_collector": (
        """
import gc

def cheat(gradient):
    kept = {}
    def watch(*given):
        found = gradient(*given) if gc.isenabled() or not kept else kept[0]
        kept[0] = found
        return found
    return watch
""",
        "linear gradient ",
    ),
}
PUT_IN = """

honest = make_gradient


def make_gradient(model, formulation, execution):
    return cheat(honest(model, formulation, execution))
"""


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
    """All tests of a sentinel use one run of it, so they go to one worker of pytest-xdist.

    Compiling for two copies of a backend takes half a minute.
    """
    marks = [pytest.mark.xdist_group(name)]
    compiled = SENTINELS[name].change.backend != "numpy"
    return pytest.param(name, marks=[*marks, pytest.mark.slow] if compiled else marks)


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
    """Dense is right here, and its time, too; the elementwise form beside it is wrong."""
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


@pytest.fixture(scope="module")
def cheats(tmp_path_factory):
    """The rows of all cheats, timed and void ones, by their backends."""
    source = (BACKENDS / "numpy_backend.py").read_text()
    there = [name for name in CHEATS if name != "compiles_in_secret" or find_spec("numba")]
    sources = {name: source + CHEATS[name][0] + PUT_IN for name in there}
    words = "--formulation", "elementwise", "-k", "B1024", "--no-report"
    stored, _ = timed(tmp_path_factory.mktemp("cheats"), sources, *words)
    rows = {row["extra_info"]["backend"]: "" for row in stored["benchmarks"]}
    return rows | {row["backend"]: row["void"] for row in stored["void"]}


@pytest.mark.xdist_group("cheats")
@pytest.mark.parametrize("name", CHEATS)
def test_work_that_is_not_done_under_the_clock_has_no_time(cheats, name):
    if name == "takes_all_processors" and len(os.sched_getaffinity(0)) == 1:
        pytest.skip("there is one processor")
    if name not in cheats:
        pytest.skip("numba is not installed")
    _, reason = CHEATS[name]
    assert cheats[name].startswith(reason) if reason else cheats[name] == "", cheats[name]
