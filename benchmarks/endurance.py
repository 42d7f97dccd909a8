"""What the suite endures: long runs, kills at any moment, wrong input. Its figures, in one command.

    python -m benchmarks endurance [--faults N] [--seed N]    # about ten minutes

1. Every backend trains 100,000 steps in one run, and 1000 runs in one process: see endure.py.
2. Runs of two backends are ended at random moments, by SIGKILL, SIGTERM and SIGINT in turn. What
   had finished has to be in the run that python -m benchmarks report makes of the rest; nothing
   else in the folder may change.
3. The tests of wrong input, interruption, environments and properties.
"""

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import backends
import benchmarks.run
from benchmarks.store import journal
from benchmarks.store.run import is_partial, read

ROOT = Path(__file__).parents[1]
SIGNALS = signal.SIGKILL, signal.SIGTERM, signal.SIGINT
WORDS = "--quick", "--model", "linear", "--formulation", "dense", "-k", "B32 or training"
BACKENDS = "numpy", "reference"
TESTS = (
    "test_bad_input", "test_problems", "test_report", "test_schema", "test_interruption",
    "test_processes", "test_environments", "test_properties", "test_memory", "test_registry",
    "test_selection",
)  # fmt: skip
Figures = dict[str, Any]


def endured(backend: str) -> Figures:
    """What came of a backend in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.endure", backend]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    try:
        return dict(json.loads(done.stdout.splitlines()[-1]))
    except (IndexError, ValueError):
        return {"failed": [f"{backend} ended with {done.returncode}: {done.stderr[-500:]}"]}


def fault(folder: Path, number: int, seconds: float | None) -> tuple[int, int, list[str]]:
    """End a run after so many seconds, or not; rows finished, rows lost, and what is wrong."""
    path = folder / f"{number:04}_full.json"
    named = [word for name in BACKENDS for word in ("--backend", name)]
    command = [sys.executable, "-m", "benchmarks", "run", "--processes", "2", *named, *WORDS]
    before = _contents(folder)
    process = subprocess.Popen(
        [*command, "--benchmark-json", str(path)], cwd=ROOT,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(SIGNALS[number % len(SIGNALS)])
    code = process.wait()
    finished, shown, wrong = _left(path)
    if code == 0 and not path.exists():
        wrong.append(f"{path} is not there, though the run has ended well")
    now = _contents(folder)
    pages = {folder / "README.md", folder / "report.html"} if path.exists() else set()
    same = before.keys() - pages  # which show the newest run that is whole
    wrong += [f"{file} has changed" for file in same if now.get(file) != before[file]]
    return finished, max(finished - shown, 0), wrong


def _left(path: Path) -> tuple[int, int, list[str]]:
    """The rows that its processes had told when a run ended, those of what is made of it, flaws.

    The logs tell: a process that has ended says how many rows passed in its last line. The rows of
    the process under way are what may be lost.
    """
    left = path.with_suffix("")
    if not left.exists():  # it was whole, or had not begun
        return 0, 0, []
    if not (left / journal.JOURNAL).exists():  # the folder was made in that very instant
        return 0, 0, [f"{left} has parts"] if list(left.glob("*.json")) else []
    finished = sum(map(_told, left.glob("[0-9]*.log")))
    stored = benchmarks.run.finished(left)
    run = read(stored) if stored else None
    shown = sum(len(row["extra_info"]["rounds"]) for row in run["benchmarks"]) if run else 0
    whole = run is not None and not is_partial(run)
    return finished, shown, [f"{stored} is not said to be partial"] if whole else []


def _told(log: Path) -> int:
    """The rows of a process that has ended: "=== 12 passed, 3 skipped in 1.23s ===", or 0."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    found = re.match(r"=+ (\d+) passed.* in [\d.]+s", lines[-1]) if lines else None
    return int(found[1]) if found else 0


def _contents(folder: Path) -> dict[Path, bytes]:
    """The stored runs of before, and everything made from them."""
    return {path: path.read_bytes() for path in folder.glob("*") if path.is_file()}


def faults(count: int, seed: int) -> Figures:
    """So many runs ended at moments drawn from the time that a whole one takes, in one folder."""
    draw, total = random.Random(seed), {"faults": count, "finished": 0, "lost": 0}
    failed: list[str] = []
    with TemporaryDirectory() as place:
        for number in (0, 1):  # the first one fills the caches
            start = perf_counter()
            fault(Path(place), number, None)
            whole = perf_counter() - start
        for number in range(2, count + 2):
            finished, lost, wrong = fault(Path(place), number, draw.uniform(0, whole))
            total["finished"] += finished
            total["lost"] += lost
            failed += wrong
    return {**total, "failed": failed}


def tested() -> Figures:
    """The cases of the tests that a stranger's machine is about."""
    with TemporaryDirectory() as place:
        report = Path(place) / "junit.xml"
        files = [f"tests/{name}.py" for name in TESTS]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *files, f"--junitxml={report}"],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if not report.exists():
            return {"cases": 0, "skipped": 0, "failed": [done.stdout[-500:] + done.stderr[-500:]]}
        suite = ElementTree.parse(report).getroot()[0]
    bad = [case.get("name") for case in suite.iter("testcase") if len(case) and
           case[0].tag in ("failure", "error")]  # fmt: skip
    counts = {"cases": int(suite.get("tests", 0)), "skipped": int(suite.get("skipped", 0))}
    return {**counts, "failed": [f"test: {name}" for name in bad]}


def main(arguments: list[str] | None = None) -> int:
    """Try everything, print the figures, and return 1 if something failed or a row was lost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks endurance", allow_abbrev=False)
    parser.add_argument("--faults", type=int, default=30, help="runs that are ended (default 30)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default 0)")
    given = parser.parse_args(arguments)
    os.environ.pop("PYTEST_ADDOPTS", None)
    failed: list[str] = []
    for name in dict.fromkeys(cell.backend for cell in backends.cells(importing=False)):
        found = endured(name)
        failed += found.pop("failed")
        print(f"{name}: " + "; ".join(f"{key} {value}" for key, value in found.items()), flush=True)
    cut = faults(given.faults, given.seed)
    failed += cut["failed"] + [f"{cut['lost']} rows are lost"] * bool(cut["lost"])
    print(
        f"faults injected {cut['faults']}, rows that had finished {cut['finished']}, "
        f"rows lost {cut['lost']}", flush=True,
    )  # fmt: skip
    cases = tested()
    failed += cases["failed"]
    print(f"cases tried {cases['cases']}, of them skipped {cases['skipped']}")
    print("\n".join(["", *failed, f"{len(failed)} failures."]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
