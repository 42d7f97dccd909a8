"""What a long run prints of its progress, with a made-up clock."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import progress
from benchmarks.progress import HUGE, LARGE, LIFE, PROCESS, Progress
from benchmarks.run import jobs
from benchmarks.told import FILE, tell


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(progress, "perf_counter", lambda: clock.now)
    return clock


def job(name, part, *backends):
    return SimpleNamespace(name=name, part=part, backends=backends)


TODO = [
    job("jax, process 1 of 2", PROCESS, "jax"),
    job("numba, process 1 of 2", PROCESS, "numba"),
    job("jax, process 2 of 2", PROCESS, "jax"),
    job("the life", LIFE, "jax", "numba"),
]


def go_through(clock, file, seconds, todo=TODO):
    """All processes, each with its seconds, the second with a problem."""
    shown = Progress(todo)
    for number, spent in enumerate(seconds):
        shown.begin(file)
        clock.now += spent
        shown.show()
        shown.end("ended by signal 9" if number == 1 else "")


@pytest.fixture
def told(tmp_path, monkeypatch):
    """The file in which a process says that it is at the third of five rows."""
    monkeypatch.setenv(FILE, str(tmp_path / "01.told"))
    tell(row="B64-linear-jax-step", number=2, of=5)
    return tmp_path / "01.told"


@pytest.fixture
def terminal(monkeypatch):
    stdout = SimpleNamespace(isatty=lambda: True)
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stdout=stdout))


def lines(capsys):
    return [line.rstrip() for line in re.split("[\r\n]+", capsys.readouterr().out)]


def test_a_line_for_each_process(clock, tmp_path, capsys):
    """The time that is left is not printed until both backends have run."""
    go_through(clock, tmp_path / "none", (120, 60, 180, 30))
    assert capsys.readouterr().out.splitlines() == [
        "[1/4] jax, process 1 of 2 ... 120 s",
        "[2/4] numba, process 1 of 2 ... 60 s, about 4 min left, ended by signal 9",
        "[3/4] jax, process 2 of 2 ... 180 s, about 2 min left",
        "[4/4] the life ... 30 s",
    ]


def test_on_a_terminal_the_row_at_work(clock, told, capsys, terminal):
    go_through(clock, told, (120, 60, 100, 30))
    shown = lines(capsys)
    assert max(map(len, shown)) < 80
    assert "[1/4] jax, process 1 of 2 ... 40 % B64-linear-jax-step" in shown
    assert "[2/4] numba, process 1 of 2 ... 60 s, about 4 min left, ended by signal 9" in shown
    assert "[3/4] jax, process 2 of 2 ... about 2 min left, 40 % B64-linear-jax-step" in shown


def test_a_long_name_leaves_room_for_the_time(clock, told, capsys, terminal):
    todo = [job(f"{'x' * 70}, process {turn} of 2", PROCESS, "x") for turn in (1, 2)]
    go_through(clock, told, (36000, 12000), todo)
    assert f"[2/2] {'x' * 40} ... about 400 min left, 40 % B64" in lines(capsys)


# --- the time that is left, on real runs

# The seconds of each process of make bench on two processors; the first pass has empty caches.
QUICK = [9, 30, 42, 15, 30, 21, 16, 16, 37, 9, 20, 18, 33, 9, 16]
QUICK_JOBS = list(jobs(["reference", "jax", "numba", "numpy", "torch"], [], 3, True))
# The parts of a full run: processor seconds, since others used the machine, too.
PARTS = {
    (PROCESS, ("jax",)): 101, (LARGE, ("jax",)): 27, (HUGE, ("jax",)): 12,
    (PROCESS, ("numpy",)): 54, (LARGE, ("numpy",)): 18, (HUGE, ("numpy",)): 8,
    (LIFE, ("jax", "numpy")): 82,
}  # fmt: skip
FULL_JOBS = list(jobs(["jax", "numpy"], [], 3, False))
FULL = [PARTS[job.part, job.backends] for job in FULL_JOBS]


def estimates(clock, todo, seconds):
    """The time said to be left, and the true one, at every second from the first that says it."""
    shown = Progress(todo)
    for number, spent in enumerate(seconds):
        shown.begin(Path("none"))
        for second in range(spent):
            if (left := shown.left()) is not None:
                yield left, sum(seconds[number:]) - second
            clock.now += 1
        shown.end("")


@pytest.mark.parametrize(
    ("todo", "seconds", "backends"),
    [(QUICK_JOBS, QUICK, 5), (FULL_JOBS, FULL, 2), (FULL_JOBS[4:], FULL[4:], 2)],
    ids=["quick", "full", "full, one pass"],
)
def test_the_time_that_is_left_is_steady_and_right(clock, todo, seconds, backends):
    """It is printed as soon as every backend has run, and never grows by half."""
    found = list(estimates(clock, todo, seconds))
    assert len(found) == sum(seconds[backends:])
    lowest = found[0][0]
    for left, truth in found:
        assert left <= 1.5 * lowest
        assert truth - 30 <= left <= 1.5 * truth + 30
        lowest = min(lowest, left)
