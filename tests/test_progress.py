"""What a long run says of itself, with a clock of the test's own."""

import re
import sys
from types import SimpleNamespace

import pytest

from benchmarks import progress
from benchmarks.progress import Progress

NAMES = "jax, process 1 of 2", "numba, process 1 of 2", "jax, process 2 of 2", "the life"


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(progress, "perf_counter", lambda: clock.now)
    return clock


def go_through(clock, log, seconds):
    """All processes, each of so many seconds, the second with a problem."""
    shown = Progress([SimpleNamespace(name=name) for name in NAMES])
    for number, spent in enumerate(seconds):
        shown.begin(log)
        clock.now += spent
        shown.show()
        shown.end("ended by signal 9" if number == 1 else "")


def test_a_line_for_each_process(clock, tmp_path, capsys):
    go_through(clock, tmp_path / "log", (120, 60, 180, 30))
    assert capsys.readouterr().out.splitlines() == [
        "[1/4] jax, process 1 of 2 ... 120 s, about 6 min left",
        "[2/4] numba, process 1 of 2 ... 60 s, about 4 min left, ended by signal 9",
        "[3/4] jax, process 2 of 2 ... 180 s, about 2 min left",
        "[4/4] the life ... 30 s",
    ]


def test_on_a_terminal_the_row_at_work(clock, tmp_path, capsys, monkeypatch):
    log = tmp_path / "log"
    log.write_text(
        "benchmarks/bench_gradient.py::test_gradient[B32-linear-jax-step] PASSED     [ 41%]\n"
        "benchmarks/bench_gradient.py::test_gradient[B64-linear-jax-step] "
    )
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    go_through(clock, log, (120, 60, 180, 30))
    shown = [line.rstrip() for line in re.split("[\r\n]+", capsys.readouterr().out)]
    assert max(map(len, shown)) < 80
    assert "[1/4] jax, process 1 of 2 ... 41 % B64-linear-jax-step" in shown
    assert "[2/4] numba, process 1 of 2 ... 60 s, about 4 min left, ended by signal 9" in shown
    assert "[2/4] numba, process 1 of 2 ... about 5 min left, 41 % B64-linear-jax-step" in shown
