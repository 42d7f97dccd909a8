"""A run in fresh processes: each holds one backend beside the baseline, and all are merged.

Memory lies differently in every process, which moves a time by more than its rounds show; so
each backend is measured in several, and the intervals are those over processes. What one process
loads or leaves behind cannot touch another backend, and one that dies takes only its own rows.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import backends
from benchmarks import report, store
from benchmarks.conditions import HUGE_PAGES
from benchmarks.progress import Progress
from benchmarks.subject import EXAMPLES

ROOT = Path(__file__).parents[1]
FILES = "benchmarks/bench_training.py", "benchmarks/bench_gradient.py"
LARGE = "benchmarks/bench_large.py"
EQUALIZED = "benchmarks/bench_gradient.py", "--formulation", "dense", "-k", "B1024 or B4096"
NOTHING_TO_DO = 4, 5  # of pytest: a usage error, nothing collected
NO_CELL, NOT_USABLE = "no cell exists here", "is not usable here"


class Job(NamedTuple):
    """One process: its name, the arguments of pytest, and what is added to the environment."""

    name: str
    arguments: tuple[str, ...]
    environment: dict[str, str]


class Outcome(NamedTuple):
    """What became of a job: the part that it stored, or None and a line on why there is none."""

    part: dict[str, Any] | None
    problem: str
    is_failure: bool


def jobs(names: list[str], examples: list[str], processes: int, quick: bool) -> Iterator[Job]:
    """Every backend in every pass, each pass beginning with another one; then what is asked once.

    The examples only train: they show what a run can cost, and their gradients are nothing new.
    Once: large batches, dense gradients with huge pages for every allocator, the life of the cells.
    """
    everyone = names + examples
    for turn in range(processes):
        first = turn % len(everyone)
        for name in everyone[first:] + everyone[:first]:
            title = f"{_title(name)}, process {turn + 1} of {processes}"
            files = FILES if name in names else FILES[:1]
            yield Job(title, (*files, "--backend", name), {})
    if quick:
        return
    for name in names:
        yield Job(f"{_title(name)}, large batches", (LARGE, "--backend", name), {})
    if sys.platform == "linux":
        for name in names:
            arguments = (*EQUALIZED, "--backend", name)
            yield Job(f"{_title(name)} with huge pages", arguments, HUGE_PAGES)
    chosen = [word for name in everyone for word in ("--backend", name)]
    yield Job("the life of the cells", ("benchmarks/bench_life.py", *chosen), {})


def run(path: Path, named: list[str], processes: int, timeout: float, options: list[str]) -> int:
    """Measure everything, store the merged run in path, show it; 0 if nothing failed or is void.

    Raises ValueError for options that pytest does not take, and for a backend that was named and
    is not there or not usable.
    """
    names = named or list(backends.names())
    examples = [] if named else list(map(str, EXAMPLES))
    todo = list(jobs(names, examples, processes, "--quick" in options))
    folder = path.absolute().with_suffix("")
    folder.mkdir(parents=True)
    parts, failed, progress = [], [], Progress(todo)
    try:
        for number, job in enumerate(todo, 1):
            base = folder / f"{number:02}"
            progress.begin(base.with_suffix(".log"))
            outcome = _measured(job, base, timeout, options, bool(named), progress.show)
            parts += [outcome.part] if outcome.part else []
            failed += [{"name": job.name, "reason": outcome.problem}] * outcome.is_failure
            progress.end(outcome.problem)
    except KeyboardInterrupt:
        failed.append({"name": "the run", "reason": f"interrupted in process {number}: {job.name}"})
        print("interrupted")
    except ValueError as mistake:
        if not parts:
            _remove(folder)
            raise
        failed.append({"name": job.name, "reason": str(mistake)})
    return _finish(path, folder, parts, failed)


def _measured(
    job: Job, base: Path, timeout: float, options: list[str], named: bool, show: Callable[[], None]
) -> Outcome:
    """Run the job in a process group of its own; its output goes to base.log."""
    part, log = base.with_suffix(".json"), base.with_suffix(".log")
    command = [sys.executable, "-m", "pytest", "--benchmark-only", "--no-report", "--verbose"]
    command += [*job.arguments, *options, f"--benchmark-json={part}"]
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | job.environment,
            stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            code = _wait(process, timeout, show)
        except subprocess.TimeoutExpired:
            return Outcome(None, f"no end after {timeout:.0f} s, see {log}", True)
        finally:
            _kill(process)
    if code in NOTHING_TO_DO:
        return Outcome(None, _why_nothing(log.read_text(), named), False)
    try:
        return Outcome(json.loads(part.read_text()), "", False)
    except (OSError, json.JSONDecodeError):
        how = f"ended by signal {-code}" if code < 0 else f"ended with {code}"
        return Outcome(None, f"{how}, nothing stored, see {log}", True)


def _wait(process: subprocess.Popen, timeout: float, show: Callable[[], None]) -> int:
    """The exit code; until then progress is shown every second."""
    end = perf_counter() + timeout
    while True:
        try:
            return process.wait(min(1, max(end - perf_counter(), 0)))
        except subprocess.TimeoutExpired:
            if perf_counter() >= end:
                raise
            show()


def _why_nothing(output: str, named: bool) -> str:
    """In pytest's words why there is nothing to measure. Raises ValueError for a mistake."""
    errors = re.findall(r"^(?:ERROR|python -m pytest: error): (.*)", output, re.MULTILINE)
    reason = errors[-1] if errors else NO_CELL
    if NO_CELL not in reason and (named or NOT_USABLE not in reason):
        raise ValueError(reason)
    return reason


def _kill(process: subprocess.Popen) -> None:
    """The process and whatever it has started, if it still runs."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _finish(
    path: Path, folder: Path, parts: list[dict[str, Any]], failed: list[dict[str, str]]
) -> int:
    if not parts:
        print(f"nothing was measured, the logs are in {folder}")
        return 1
    merged = store.merge(parts)
    merged["failed"] = failed
    path.write_text(json.dumps(merged, separators=(",", ":")) + "\n")
    print("\n".join(report.write(path)))
    if not failed:
        _remove(folder)
    return 1 if failed or merged["void"] else 0


def _remove(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


def _title(name: str) -> str:
    return Path(name).name.removesuffix("_backend.py")
