"""A test of the harness: it measures known ratios and times, on a quiet and on a busy machine.

python -m benchmarks self-test prints each figure beside its target, and ends with 1 if one is
missed. Every comparison runs the code of a benchmark: the fixture, prepare and measure, the
stored JSON with its ratios. The slowed call makes UNITS + 1 pullbacks of a real cell, the other one
UNITS, which is exactly 1 % more work in about a block. The sleep measures its own time.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import Any, NamedTuple

import numpy as np
import pytest

import backends
from backends import Cell
from benchmarks.analyse.intervals import Ratio
from benchmarks.measure.block import prepare
from benchmarks.measure.rounds import measure
from benchmarks.measure.row import keep
from reference.agreement import Check, Verdict

CELL = Cell("linear", "numpy", "eager", "cpu", "elementwise", "float64")
B = 256
UNITS = 100  # pullbacks in a call, as long as about a block or two
ROUNDS = 200
SLEEP = 1e-2  # seconds; waking up takes 10 us
SLEEPS = 10  # rounds
ROW, DIAGONAL = np.random.default_rng(0).random((1, B)), np.random.default_rng(1).random(B)
TRIALS = 100
LOADS = ("quiet", "bursts")
BURSTS = """
import os, sys, time
import psutil
psutil.Process().cpu_affinity([])  # all processors, whatever the parent is pinned to
while os.getppid() == int(sys.argv[1]):
    end = time.perf_counter() + 0.05
    while time.perf_counter() < end:
        pass
    time.sleep(0.05)
"""

HALF_WIDTH = 3e-3  # allowed for the median of the intervals
CONTAINS_1, DETECTED, SLEPT = 93, 95, 95  # trials of 100


class Figure(NamedTuple):
    """A figure that was observed under a load, and its target, as text."""

    name: str
    load: str
    observed: str
    target: str
    is_met: bool


# --- the measurements


@pytest.fixture(scope="module", params=LOADS)
def load(request: pytest.FixtureRequest) -> Iterator[str]:
    """The load; bursts: another process computes half of the time, on any processor."""
    if request.param == "quiet":
        yield request.param
        return
    busy = subprocess.Popen([sys.executable, "-c", BURSTS, str(os.getpid())])
    try:
        yield request.param
        assert busy.poll() is None, "the busy process has ended"
    finally:
        busy.kill()
        busy.wait()


@pytest.mark.parametrize("units", [UNITS, UNITS + 1], ids=["same", "slowed"])
@pytest.mark.parametrize("trial", range(TRIALS))
def test_ratio(benchmark, load, units, trial):
    benchmark.group = f"{'same' if units == UNITS else 'slowed'}, {load}"
    call = prepare(pullbacks(UNITS), backends.load(CELL.backend))
    own = call if units == UNITS else call._replace(function=pullbacks(units))
    timed = measure(benchmark, own, {"other": call}, ROUNDS)
    wrong = int(np.count_nonzero(timed.result != ROW * DIAGONAL))
    keep(benchmark, CELL, timed, Verdict((Check("wrong products", wrong, 0, "numbers"),)))


def pullbacks(count: int) -> Callable[[], Any]:
    """A call that makes count pullbacks of the cell."""
    pullback = backends.load(CELL.backend).PULLBACKS[CELL.formulation]

    def call() -> Any:
        for _ in range(count):
            row = pullback(ROW, DIAGONAL)
        return row

    return call


@pytest.mark.parametrize("trial", range(TRIALS))
def test_sleep(benchmark, load, trial):
    benchmark.group = f"sleep, {load}"
    own, other = Sleeper(), Sleeper()
    module = backends.load(CELL.backend)
    call, beside = (prepare(sleeper, module) for sleeper in (own, other))
    own.seconds.clear()
    other.seconds.clear()
    timed = measure(benchmark, call, {"sleep": beside}, SLEEPS)
    known = {"own": own.seconds[:SLEEPS], "sleep": other.seconds}  # own goes on: it is looked at
    missing = abs(len(other.seconds) - SLEEPS)
    verdict = Verdict((Check("sleeps too few or too many", missing, 0, "calls"),))
    keep(benchmark, CELL, timed, verdict, known=known)


class Sleeper:
    """A call that sleeps, and records how long."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self) -> None:
        start = perf_counter()
        sleep(SLEEP)
        self.seconds.append(perf_counter() - start)


# --- the figures


def main() -> int:
    """Measure, and print every figure beside its target; return 1 if one is missed."""
    start = perf_counter()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "run.json"
        done = subprocess.run(  # a new process: threads cannot be set after NumPy is imported
            [sys.executable, "-m", "pytest", __file__, "-q", "--benchmark-only", "--no-report",
             "--backend", CELL.backend, "--benchmark-json", str(path)],
            cwd=Path(__file__).parents[1], check=False,
        )  # fmt: skip
        if done.returncode:
            print("the measurement itself has failed: see above")
            return 1
        run = json.loads(path.read_text())
    found = list(figures(run))
    print(f"{TRIALS} comparisons each, {perf_counter() - start:.0f} s in all, {_state(run)}\n")
    print("\n".join(table(found)))
    return 0 if all(figure.is_met for figure in found) else 1


def figures(run: dict[str, Any]) -> Iterator[Figure]:
    """Every figure of a stored run of this file."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in run["benchmarks"]:
        rows.setdefault(row["group"], []).append(row)
    for load in LOADS:
        same, slowed = (
            [Ratio(*row["extra_info"]["ratio"]["other"]) for row in rows[f"{name}, {load}"]]
            for name in ("same", "slowed")
        )
        half = float(np.median([(ratio.high - ratio.low) / 2 for ratio in same]))
        middle = float(np.median([ratio.value for ratio in slowed]))
        error = [_error(row) for row in rows[f"sleep, {load}"]]
        yield _count("same call: 1 is in its interval", load, CONTAINS_1, _contain(same, 1))
        yield Figure(
            "same call: half-width, the median", load, f"{half:.2%}", f"<= {HALF_WIDTH:.1%}",
            half <= HALF_WIDTH,
        )  # fmt: skip
        detected = [ratio.low > 1 for ratio in slowed]
        yield _count(f"slowed by 1 %, found {middle - 1:.2%}: detected", load, DETECTED, detected)
        within = [abs(e) <= HALF_WIDTH for e in error]
        worst = f"sleep, off by {max(error, key=abs):.2%} at most: within {HALF_WIDTH:.1%}"
        yield _count(worst, load, SLEPT, within)


def table(found: Iterable[Figure]) -> Iterator[str]:
    """The figures as lines of text."""
    yield f"{'':47}{'load':8}{'observed':>12}{'target':>10}"
    for name, load, observed, target, is_met in found:
        yield f"{name:47}{load:8}{observed:>12}{target:>10}  {'met' if is_met else 'MISSED'}"


def _count(name: str, load: str, target: int, trials: list[bool]) -> Figure:
    count = sum(trials)
    is_met = count >= target and len(trials) == TRIALS
    return Figure(name, load, f"{count} of {len(trials)}", f">= {target}", is_met)


def _contain(ratios: list[Ratio], truth: float) -> list[bool]:
    return [ratio.low <= truth <= ratio.high for ratio in ratios]


def _error(row: dict[str, Any]) -> float:
    """The relative error of the time that the harness reports for the sleep: the worse side."""
    info = row["extra_info"]
    shown = row["stats"]["median"], info["beside"]["sleep"][0]
    known = info["known"]["own"], info["known"]["sleep"]
    errors = [seconds / float(np.median(k)) - 1 for seconds, k in zip(shown, known, strict=True)]
    return max(errors, key=abs)


def _state(run: dict[str, Any]) -> str:
    [process] = run["processes"]
    loads = f"load {process['before']['load'][0]} before, {process['after']['load'][0]} after"
    return f"{process['conditions']['threads']}, {loads}"


if __name__ == "__main__":
    sys.exit(main())
