"""Two processes that share a batch, of which one is lost: the other ends, and its rows are kept.

They share a loopback address and the variables of torchrun, as processes of two machines would.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import backends
from benchmarks.measure.processes import GONE, START, UNFINISHED
from benchmarks.store.run import load

pytestmark = pytest.mark.slow  # a row takes seconds, and a peer that does not come a minute
ROOT = Path(__file__).parents[2]
ROWS = "--quick", "--model", "linear", "--devices", "2"  # six rows
LIMIT = 240  # seconds, below those of a row: a lost process is noticed earlier


def command(path, backend):
    return [
        sys.executable, "-m", "pytest", "--benchmark-only", "--no-report", *ROWS,
        f"--backend={backend}", f"--benchmark-json={path}",
    ]  # fmt: skip


def start(path, backend, rank, port):
    """One of two processes; its output goes to a file beside that of the run."""
    variables = {
        "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
    }  # fmt: skip
    with log(path, rank).open("w") as output:
        return subprocess.Popen(
            command(path, backend), cwd=ROOT, env=os.environ | variables, stdout=output,
            stderr=subprocess.STDOUT,
        )  # fmt: skip


def log(path, rank):
    return path.with_name(f"{rank}.log")


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def wait_for_a_row(path, process):
    """The stored run once it has a row."""
    while not (path.exists() and load(path).shards):
        assert process.poll() is None, "it ended before a row was stored"
        time.sleep(0.05)
    return load(path)


def check_what_is_kept(before, after):
    """No row is lost, and it is said why the others are missing."""
    count = len(before.shards)
    assert 0 < count <= len(after.shards) < 6
    assert after.shards[:count] == before.shards
    assert all(row.void == "" for row in after.shards)
    assert after.benchmarks[: len(before.benchmarks)] == before.benchmarks


@pytest.fixture(params=["jax", "torch"])
def library(request):
    if request.param in backends.unavailable():
        pytest.skip(f"{request.param} is not installed")
    return request.param


@pytest.fixture
def two(library, tmp_path):
    """Both processes, and the file of their run; neither is left behind."""
    path, port = tmp_path / "run.json", free_port()
    pair = [start(path, library, rank, port) for rank in (0, 1)]
    yield path, pair
    for process in pair:
        process.kill()
        process.wait()


def test_a_killed_process_ends_the_other(two):
    path, (first, second) = two
    before = wait_for_a_row(path, first)
    second.kill()
    assert first.wait(LIMIT) == 1
    after = load(path)
    check_what_is_kept(before, after)
    [failed] = after.failed
    assert failed.reason == GONE
    [void] = after.void
    text = log(path, 0).read_text()
    assert void.void in text
    assert f"Interrupted: {GONE}" in text
    assert "Traceback" not in text


def test_the_one_that_stores_the_run_is_killed(two, library):
    path, (first, second) = two
    before = wait_for_a_row(path, first)
    first.kill()
    code = second.wait(LIMIT)
    # JAX itself aborts a process whose coordinator, the first process, is gone: code -6.
    assert code in ((1,) if library == "torch" else (1, -signal.SIGABRT))
    after = load(path)
    check_what_is_kept(before, after)
    [failed] = after.failed
    assert failed.reason == UNFINISHED


def test_a_process_that_never_comes_is_not_awaited_for_ever(library, tmp_path):
    """Each of the two alone: the first listens, the second looks for it."""
    ports, paths = (
        [free_port(), free_port()],
        [tmp_path / f"{rank}" / "run.json" for rank in (0, 1)],
    )
    for path in paths:
        path.parent.mkdir()
    alone = [start(path, library, rank, ports[rank]) for rank, path in enumerate(paths)]
    for rank, (process, path) in enumerate(zip(alone, paths, strict=True)):
        assert process.wait(LIMIT) == 1
        text = log(path, rank).read_text()
        where = f"127.0.0.1:{ports[rank]}"
        [line] = [one for one in text.splitlines() if one.startswith("no connection")]
        assert line.startswith(f"no connection with all processes at {where} within {START} s")
        assert "Traceback" not in text
        assert not path.exists()


def test_a_killed_process_of_a_whole_run(tmp_path):
    """One of two that torchrun has started: the run ends with 1, and keeps the rows of before."""
    if "torch" in backends.unavailable():
        pytest.skip("torch is not installed")
    path = tmp_path / "run.json"
    with log(path, 0).open("w") as output:
        run = subprocess.Popen(
            [sys.executable, "-m", "benchmarks", "run", "--backend=torch", *ROWS,
             "--processes=1", f"--benchmark-json={path}"],
            cwd=ROOT, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    before = wait_for_a_row(tmp_path / "run" / "02.json", run)  # of the job over two devices
    [second] = [one for one in psutil.Process(run.pid).children(recursive=True) if is_second(one)]
    second.kill()
    assert run.wait(LIMIT) == 1
    [path] = tmp_path.glob("run*.json")
    after = load(path)
    over_two = [row for row in after.shards if row.sharding.endswith("/2")]
    assert len(before.shards) <= len(over_two) < 6
    assert over_two[: len(before.shards)] == before.shards
    assert [failed.reason for failed in after.failed] == [GONE]
    assert f"failed: torch: {GONE}" in log(path, 0).read_text()


def is_second(process):
    """Whether it is the second of the processes that share the batch."""
    try:
        return process.environ().get("RANK") == "1"
    except psutil.Error:  # it has ended
        return False
