"""What is free for a process, within made-up limits and a real one, and what a row needs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from benchmarks.measure import memory
from benchmarks.measure.memory import free, lack, need, within_limits

ROOT = Path(__file__).parents[1]

NAMES = {  # of limit, use, and reclaimable memory, in version 2 and 1
    "": ("memory.max", "memory.current", "inactive_file"),
    "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


@pytest.fixture(params=NAMES, ids=["version 2", "version 1"])
def controllers(request):
    return request.param


def limited(folder, controllers, limit, used, reclaimable):
    names = NAMES[controllers]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\n{names[2]} {reclaimable}\n")


def left(tmp_path, controllers, path="/user/job"):
    own = tmp_path / "own"
    own.write_text(f"4:cpu:/elsewhere\n7:{controllers}:{path}\n")
    return sorted(within_limits(tmp_path / "cgroup", own))


def test_every_limit_on_the_way_up_counts(tmp_path, controllers):
    top = tmp_path / "cgroup" / controllers
    limited(top / "user" / "job", controllers, 1000, 300, 100)
    limited(top / "user", controllers, 5000, 4900, 0)
    limited(top / "other", controllers, 10, 0, 0)
    limited(tmp_path, controllers, 1, 1, 0)  # above all cgroups
    assert left(tmp_path, controllers) == [100, 800]


@pytest.mark.parametrize("limit", ["max", "", "no number"])
def test_without_a_limit_nothing_is_said(tmp_path, controllers, limit):
    limited(tmp_path / "cgroup" / controllers / "user" / "job", controllers, limit, 300, 100)
    assert left(tmp_path, controllers) == []


def test_more_than_the_limit_is_nothing_left(tmp_path, controllers):
    limited(tmp_path / "cgroup" / controllers / "user" / "job", controllers, 200, 300, 0)
    assert left(tmp_path, controllers) == [0]


def test_without_cgroups_nothing_is_said(tmp_path):
    assert list(within_limits(tmp_path, tmp_path / "missing")) == []


def test_free_is_no_more_than_the_machine_has():
    assert 0 < free() <= psutil.virtual_memory().total


@pytest.mark.parametrize(
    ("words", "matrices"),
    [
        (("linear", "dense"), 2), (("logistic", "dense"), 3), (("logistic", "jacrev"), 4),
        (("linear", "elementwise"), 1), (("logistic", "fused"), 2),  # of the baseline beside it
    ],
)  # fmt: skip
def test_what_a_gradient_needs(words, matrices):
    assert need(*words, 4096, 8) == matrices * 4096**2 * 8
    assert need(*words, 2**40, 8) == matrices * 2**83, "whole numbers do not overflow"


def test_what_is_lacking_is_told_with_both_figures(monkeypatch):
    monkeypatch.setattr(memory, "free", lambda: 2**30)
    assert lack(2**29) == ""
    assert lack(2**31) == "needs 2 GiB, and 2 times that is more than the 1 GiB free"


LIMITED = """
def pytest_collection_finish():
    import resource, scipy.stats, psutil
    room = psutil.Process().memory_info().vms + 2**28
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
"""


@pytest.mark.skipif(memory.resource is None, reason="this system has no limits")
def test_rows_without_room_are_left_out_with_the_figure(tmp_path):
    """Under a real limit of the address space, which is less than the memory of the machine."""
    (tmp_path / "limiting_plugin.py").write_text(LIMITED)
    path = tmp_path / "run.json"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "limiting_plugin", "--benchmark-only",
         "--backend=numpy", "--no-report",
         "--model=linear", "--formulation=dense", "-kB32- or B4096", f"--benchmark-json={path}",
         "benchmarks/bench_gradient.py"],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    stored = json.loads(path.read_text())
    assert {row["extra_info"]["B"] for row in stored["benchmarks"]} == {32}
    [left_out] = stored["left_out"]
    assert left_out["reason"].startswith("B = 4096: needs 0.25 GiB, and 2 times that is more than ")
