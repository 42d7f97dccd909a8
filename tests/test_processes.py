"""A run of several processes: whatever one of them does, the rows of the others stay."""

import json
import os
import runpy
import subprocess
import sys
from functools import partial
from pathlib import Path

import psutil
import pytest

from benchmarks.run import _why_nothing
from benchmarks.store.journal import JOURNAL, NOTHING
from benchmarks.told import FILE, tell, told
from tests import guests

pytestmark = pytest.mark.slow  # each runs benchmarks in processes of their own
ROOT = Path(__file__).parents[1]
SMALL = "--quick", "--model", "linear", "--formulation", "dense", "--processes", "1"


@pytest.fixture
def guest(tmp_path):
    """Write a copy of the NumPy backend whose training begins with some other code; its path."""
    return partial(guests.guest, tmp_path)


def run(path, *arguments):
    """A run into a file; what was stored, or None, and how the command ended."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "run", "--benchmark-json", str(path), *SMALL,
         *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return json.loads(path.read_text()) if path.exists() else None, done


def test_one_that_dies_is_reported_with_its_log(tmp_path, guest):
    dies = guest("dies", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    stored, done = run(tmp_path / "run.json", "--backend", dies, "--backend", "numpy")
    assert done.returncode == 1
    [failed] = stored["failed"]
    assert failed["name"] == "dies, process 1 of 1"
    assert "ended by signal 9, nothing stored, see " in failed["reason"]
    assert Path(failed["reason"].split("see ")[1]).exists()
    assert {row["extra_info"]["backend"] for row in stored["benchmarks"]} == {"numpy"}
    assert "failed: dies, process 1 of 1: ended by signal 9" in done.stdout


def test_one_that_hangs_is_ended(tmp_path, guest):
    hangs = guest("hangs", "import time; time.sleep(1e6)")
    stored, done = run(tmp_path / "run.json", "--backend", hangs, "--timeout", "4")
    assert done.returncode == 1
    assert stored is None
    assert "no end after 4 s, see " in done.stdout
    assert "nothing was measured" in done.stdout


def test_one_that_hangs_keeps_what_it_has(tmp_path, guest):
    """The linear run, of 9 batches, comes first and does not hang."""
    hangs = guest("hangs", "import time; time.sleep(0 if len(X) == 9 else 1e6)")
    arguments = "--backend", hangs, "--timeout", "15", "--model", "logistic"
    stored, done = run(tmp_path / "run.json", *arguments)
    assert done.returncode == 1
    assert {row["group"].split()[1] for row in stored["benchmarks"]} == {"linear"}
    assert stored["failed"]


def test_the_same_rows_are_joined(tmp_path):
    two = ("--processes", "2", "--backend", "numpy", "-k", "B32")
    stored, done = run(tmp_path / "run.json", *two)
    assert done.returncode == 0, done.stdout + done.stderr
    [row] = stored["benchmarks"]
    info = row["extra_info"]
    assert len(info["rounds"]) == 2
    assert row["stats"]["rounds"] == sum(info["rounds"])
    assert info["log_ratio"].keys() == {"baseline", "elementwise"} & info["beside"].keys()
    for pairs in info["log_ratio"].values():
        assert [len(found) for found in pairs] == [1] * len(info["rounds"]), "their medians"
    assert [p["name"] for p in stored["processes"]] == ["numpy", "numpy"]
    assert not (tmp_path / "run").exists(), "the parts are merged, the logs not needed"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--wrong"], "unrecognized arguments: --wrong"),
        (["--backend", "wrong"], "unknown backend 'wrong'; one of: reference, jax"),
        (["--processes", "0"], "a whole number of at least 1, got 0"),
        (["--threads", "1000"], "--threads 1000: this process may use 1 to "),
    ],
)
def test_a_mistake_is_told(tmp_path, arguments, message):
    stored, done = run(tmp_path / "run.json", *arguments)
    assert done.returncode == 2
    assert stored is None
    assert list(tmp_path.iterdir()) == []
    assert message in done.stdout + done.stderr


def test_where_there_is_nothing_to_measure_the_reason_is_told(tmp_path):
    stored, done = run(tmp_path / "run.json", "--backend", "numpy", "--execution", "run")
    assert (stored, done.returncode) == (None, 1)
    reason = "nothing to measure: no backend has the combination --backend numpy --model linear"
    assert reason in done.stdout
    [job] = json.loads((tmp_path / "run" / JOURNAL).read_text())["jobs"]
    assert (job["state"], job["reason"][: len(reason)]) == (NOTHING, reason)


@pytest.mark.parametrize(
    ("says", "named", "expected"),
    [
        ({"kind": "nothing", "reason": "no such cell"}, True, "no such cell"),
        ({"kind": "unusable", "reason": "no jax"}, False, "no jax"),
        ({"kind": "unusable", "reason": "no jax"}, True, ValueError("no jax")),
        ({"kind": "mistake", "reason": "too many threads"}, False, ValueError("too many threads")),
        ({}, False, ValueError("pytest's own words")),
    ],
)
def test_what_was_told_decides_whether_the_run_goes_on(tmp_path, says, named, expected):
    """A backend that is not usable ends a run only if it was asked for by name."""
    log = tmp_path / "01.log"
    log.write_text("pytest's own words\n")
    if isinstance(expected, ValueError):
        with pytest.raises(ValueError, match=f"^{expected}$"):
            _why_nothing(says, log, named)
    else:
        assert _why_nothing(says, log, named) == expected


def test_what_is_told_is_read_again(tmp_path, monkeypatch):
    """Only a process that a run has started writes, and a write that fails is no error."""
    monkeypatch.delenv(FILE, raising=False)
    tell(kind="nothing")
    for place in (tmp_path / "01.told", tmp_path / "no folder" / "01.told"):
        monkeypatch.setenv(FILE, str(place))
        tell(row="B32", number=0, of=2)
    assert told(tmp_path / "01.told") == {"row": "B32", "number": 0, "of": 2}
    assert told(tmp_path / "no folder" / "01.told") == {}
    assert list(tmp_path.iterdir()) == [tmp_path / "01.told"]


def test_without_groups_of_processes_one_is_ended_all_the_same(monkeypatch):
    """As on Windows, which has neither killpg nor a SIGINT for one process alone."""
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.delattr(os, "killpg", raising=False)
    there = runpy.run_path(str(ROOT / "benchmarks" / "run.py"))
    assert there["end_with_the_run"] is None
    for end in ("_interrupt", "_kill"):
        process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1e6)"])
        there[end](process)
        assert process.poll() is not None


PARENT = """
import subprocess, sys
code = "from benchmarks.measure.parent import end_with_the_parent as end; import time; end(); "
code += "print('ready', flush=True); time.sleep(1e6)"
child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="processes end with their parent on Linux only")
def test_a_process_ends_with_its_parent():
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate()
    assert psutil.wait_procs([child], timeout=30)[1] == []
