"""Stress tests in one command: long runs, runs killed at random moments, wrong input.

    python -m benchmarks endurance [--quick] [--problems N] [--faults N] [--seed N]

1. Every backend trains 100,000 steps in one run, and 1000 runs in one process: see long.py.
2. Every backend is judged on problems that are drawn at random: see drawn.py.
3. Runs of two backends are ended at random moments: see faults.py.
4. The tests that TESTS names: wrong input, interruption, environments, properties and others.

With --quick it takes five minutes: a tenth of the steps, 20 problems of each backend, 3 runs that
are ended, and not the tests of 4, which pytest runs.
"""

import argparse
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import backends
from tests.endurance.faults import faults
from tests.endurance.long import STEPS

ROOT = Path(__file__).parents[2]
TESTS = (
    "test_bad_input", "test_problems", "test_report", "test_schema", "test_interruption",
    "test_processes", "test_environments", "test_properties", "test_memory", "test_registry",
    "test_selection",
)  # fmt: skip
Figures = dict[str, Any]


def endured(test: str, backend: str, *arguments: str) -> Figures:
    """The figures of a backend from a module of this folder, run in a process of its own."""
    command = [sys.executable, "-m", f"tests.endurance.{test}", backend, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    try:
        return dict(json.loads(done.stdout.splitlines()[-1]))
    except (IndexError, ValueError):
        return {"failed": [f"{backend} ended with {done.returncode}: {done.stderr[-500:]}"]}


def tested() -> Figures:
    """The numbers of cases tried and skipped in TESTS, and the cases that failed."""
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
    """Run all of it, print the figures, and return 1 if something failed or a row was lost."""
    given = _parser().parse_args(arguments)
    os.environ.pop("PYTEST_ADDOPTS", None)
    failed: list[str] = []
    problems = given.problems if given.problems is not None else 20 if given.quick else 1000
    for name in dict.fromkeys(cell.backend for cell in backends.cells(importing=False)):
        steps = f"--steps={STEPS // 10 if given.quick else STEPS}"
        asked = f"--count={problems}", f"--seed={given.seed}"
        for found in (endured("long", name, steps),
                      endured("drawn", name, *asked)):  # fmt: skip
            failed += found.pop("failed")
            shown = "; ".join(f"{key} {value}" for key, value in found.items())
            print(f"{name}: {shown}", flush=True)
    count = given.faults if given.faults is not None else 3 if given.quick else 30
    cut = faults(count, given.seed)
    failed += cut["failed"] + [f"{cut['lost']} rows are lost"] * bool(cut["lost"])
    print(
        f"faults injected {cut['faults']}, rows that had finished {cut['finished']}, "
        f"rows lost {cut['lost']}", flush=True,
    )  # fmt: skip
    if not given.quick:
        cases = tested()
        failed += cases["failed"]
        print(f"cases tried {cases['cases']}, of them skipped {cases['skipped']}")
    print("\n".join(["", *failed, f"{len(failed)} failures."]))
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks endurance", allow_abbrev=False,
        description="long runs, kills and wrong input; exits with 1 if something failed",
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="a small part of it")
    parser.add_argument("--problems", type=int, help="of each backend (1000, with --quick 20)")
    parser.add_argument("--faults", type=int, help="runs that are ended (30, with --quick 3)")
    parser.add_argument("--seed", type=int, default=0, help="of moments and problems (default 0)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
