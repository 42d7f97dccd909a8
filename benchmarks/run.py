"""A run in fresh processes: each measures one backend and the baseline, and all are merged.

The memory layout differs between processes, and changes a time by more than its rounds show. So
each backend is measured in several processes, and intervals are over processes. A backend cannot
disturb the process of another one, and a process that fails loses only its own rows.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import backends
from benchmarks.analyse.merge import merge
from benchmarks.measure.calls import EXAMPLES
from benchmarks.measure.parent import end_with_the_parent
from benchmarks.measure.threads import usable_processors
from benchmarks.progress import HUGE, LARGE, LIFE, PROCESS, Progress
from benchmarks.show import report
from benchmarks.store import journal
from benchmarks.store.conditions import HUGE_PAGES
from benchmarks.store.files import claim, put
from benchmarks.store.journal import FAILED, MEASURED, NOTHING, RunFolder
from benchmarks.store.run import is_partial, load, unused
from benchmarks.told import FILE, MISTAKE, UNUSABLE, told
from reference.words import check_name

ROOT = Path(__file__).parents[1]
FILES = "benchmarks/bench_training.py", "benchmarks/bench_gradient.py"
MAP_FILES = ("benchmarks/bench_maps.py",)  # with --map, in place of all others
SHARDS = "benchmarks/bench_shards.py"  # with --devices, in place of all others
TORCHRUN = "torch.distributed.run", "--standalone"
LARGE_BATCHES = "benchmarks/bench_large.py"
EQUALIZED = "benchmarks/bench_gradient.py", "--formulation", "dense", "-k", "B1024 or B4096"
TOLD = ".told"  # suffix of the file to which a process writes its current row
# Options and plugins of the user would reach every process: they choose rows, or change times. And
# with PYTEST_XDIST_WORKER, where a test starts a run, pytest-benchmark measures nothing.
OF_PYTEST = "PYTEST_"
ONLY_NAMED = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
GRACE = 20  # seconds for an interrupted process to store its rows
USAGE_ERROR, NOTHING_COLLECTED = 4, 5  # exit codes of pytest


class Job(NamedTuple):
    """One process: its name, what it measures of which backends, and how pytest is started.

    part is a word of benchmarks/progress.py; environment holds the variables to add, launcher the
    arguments of Python that start pytest in several processes.
    """

    name: str
    part: str
    backends: tuple[str, ...]
    arguments: tuple[str, ...]
    environment: dict[str, str]
    launcher: tuple[str, ...] = ()


class Outcome(NamedTuple):
    """How a job ended: a word of store/journal.py, and a line on why it stored nothing, if so."""

    state: str
    problem: str


def jobs(
    names: list[str], examples: list[str], processes: int, quick: bool, maps: bool = False
) -> Iterator[Job]:
    """Each backend in so many processes, every time in another order; then what is measured once.

    Once: large batches, dense gradients with huge pages for every allocator, the life of the cells.
    The examples only train: their gradients show nothing new. A quick run leaves them out; the C
    loop is timed beside every training run all the same. With maps only these are measured.
    --backend=PATH needs the =: pytest would look for its settings beside a PATH that stands alone.
    """
    everyone = names if quick or maps else names + examples
    of_backend = MAP_FILES if maps else FILES
    for turn in range(processes):
        first = turn % len(everyone)
        for name in everyone[first:] + everyone[:first]:
            title = f"{_title(name)}, process {turn + 1} of {processes}"
            files = of_backend if name in names else FILES[:1]
            yield Job(title, PROCESS, (name,), (*files, f"--backend={name}"), {})
    if quick or maps:
        return
    for name in names:
        arguments = LARGE_BATCHES, f"--backend={name}"
        yield Job(f"{_title(name)}, large batches", LARGE, (name,), arguments, {})
    if sys.platform == "linux":
        for name in names:
            words = (*EQUALIZED, f"--backend={name}")
            yield Job(f"{_title(name)} with huge pages", HUGE, (name,), words, HUGE_PAGES)
    chosen = "benchmarks/bench_life.py", *(f"--backend={name}" for name in everyone)
    yield Job("the life of the cells", LIFE, tuple(everyone), chosen, {})


def sharded_jobs(names: list[str], devices: int, processes: int) -> Iterator[Job]:
    """Each backend that can shard a batch, over 1, 2, 4, ... and so many devices.

    Several times where a device has a processor for itself; else no time is measured, and once is
    enough.
    """
    counts = sorted({*(2**i for i in range(devices.bit_length()) if 2**i < devices), devices})
    able = [name for name in names if name in backends.over_devices()]
    enough = len(usable_processors())
    for turn in range(processes):
        for count in counts:
            for name in able if turn == 0 or count <= enough else ():
                title = f"{name} over {count} devices, process {turn + 1} of {processes}"
                files = SHARDS, f"--backend={name}", f"--devices={count}"
                launcher = (*TORCHRUN, f"--nproc-per-node={count}", "-m") if name == "torch" else ()
                yield Job(title, PROCESS, (name,), files, {}, launcher)


def run(
    path: Path,
    named: list[str],
    processes: int,
    timeout: float,
    options: list[str],
    devices: int | None = None,
) -> int:
    """Measure everything, store the merged run in path, show it; 0 if nothing failed or is void.

    With devices only batches that are sharded over up to so many are measured. Raises ValueError
    for options that pytest rejects and for a named backend that is missing or not usable, or cannot
    shard a batch; Mistake, before anything runs, if path cannot be written.
    """
    for name in named if devices else ():
        check_name("backend over several devices", name, backends.over_devices())
    claim(path)
    names = [_absolute(name) for name in named] or list(backends.names())
    for name in names:
        if name.endswith(".py"):
            print(f"runs the code of {name}")
    examples = [] if named else list(map(str, EXAMPLES))
    maps = any(option.split("=")[0] == "--map" for option in options)
    if devices:
        todo = list(sharded_jobs(names, devices, processes))
    else:
        todo = list(jobs(names, examples, processes, "--quick" in options, maps))
    made, progress, number = RunFolder(path, [job.name for job in todo]), Progress(todo), 1
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # as for Ctrl-C
    try:
        for number, job in enumerate(todo, 1):
            progress.begin(made.base(number).with_suffix(TOLD))
            outcome = _measured(
                job, made.base(number), timeout, options, bool(named), progress.show
            )
            made.note(number, *outcome)
            progress.end(outcome.problem)
    except KeyboardInterrupt:
        made.note(number, FAILED, "interrupted")
        print("interrupted")
    except ValueError as mistake:
        if not journal.gather(made.folder).parts:
            journal.remove(made.folder)
            raise
        made.note(number, FAILED, str(mistake))
    finally:
        signal.signal(signal.SIGTERM, before)
    return show(finished(made.folder), made.folder)


def finished(folder: Path) -> Path | None:
    """Store what the folder holds as a run; its file, or None if nothing was measured.

    A run that lacks a process is partial: a name with _full or _quick gets _partial instead. Raises
    Mistake if the folder is not that of a run.
    """
    gathered = journal.gather(folder)
    if not gathered.parts:
        return None
    merged = merge(gathered.parts)
    merged["failed"] += gathered.failed
    path = gathered.path
    if is_partial(merged):
        path = path.with_name(re.sub(r"_(full|quick)\.json$", "_partial.json", path.name))
    path = unused(path)
    put(path, json.dumps(merged, separators=(",", ":")) + "\n")
    if not gathered.failed:
        journal.remove(folder)
    return path


def show(path: Path | None, folder: Path) -> int:
    """Show the run of a folder; 0 if nothing failed or is void."""
    if path is None:
        print(f"nothing was measured, the logs are in {folder}")
        return 1
    print("\n".join(report.write(path)))
    run = load(path)
    return 1 if run.failed or run.void else 0


def _end_with_the_run() -> None:
    end_with_the_parent()
    # In the background of a shell SIGINT is ignored, and children inherit that: see _interrupt.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


# For preexec_fn: on Linux each process is killed when the run ends, in whatever way.
end_with_the_run = _end_with_the_run if sys.platform == "linux" else None


def _measured(
    job: Job, base: Path, timeout: float, options: list[str], named: bool, show: Callable[[], None]
) -> Outcome:
    """Run the job in a process group of its own; its output goes to base.log."""
    part, log, says = (base.with_suffix(suffix) for suffix in (".json", ".log", TOLD))
    command = [sys.executable, "-m", *job.launcher, "pytest", "-p", "pytest_benchmark.plugin"]
    command += ["--benchmark-only", "--no-report", "--verbose", *job.arguments, *options]
    command += [f"--benchmark-json={part}"]
    environment = {n: v for n, v in os.environ.items() if not n.startswith(OF_PYTEST)}
    environment |= job.environment | ONLY_NAMED | {FILE: str(says)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment,
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True, preexec_fn=end_with_the_run,
        )  # fmt: skip
        try:
            code = _wait(process, timeout, show)
        except subprocess.TimeoutExpired:
            _interrupt(process)
            return Outcome(FAILED, f"no end after {timeout:.0f} s, see {log}")
        finally:
            _kill(process)
    if code == NOTHING_COLLECTED:
        return Outcome(NOTHING, "nothing to measure: the options select no row")
    if code == USAGE_ERROR or (job.launcher and "kind" in told(says)):  # torchrun ends with 1
        return Outcome(NOTHING, _why_nothing(told(says), log, named))
    if part.exists():  # a part is written completely or not at all
        return Outcome(MEASURED, "")
    how = f"ended by signal {-code}" if code < 0 else f"ended with {code}"
    return Outcome(FAILED, f"{how}, nothing stored, see {log}")


def _wait(process: subprocess.Popen, timeout: float, show: Callable[[], None]) -> int:
    """Wait for the exit code, and show progress every second."""
    end = perf_counter() + timeout
    while True:
        try:
            return process.wait(min(1, max(end - perf_counter(), 0)))
        except subprocess.TimeoutExpired:
            if perf_counter() >= end:
                raise
            show()


def _why_nothing(says: dict[str, str], log: Path, named: bool) -> str:
    """Why there is nothing to measure. Raises ValueError, with the reason, for a mistake."""
    if not says:  # pytest itself rejected an option, and says so in its log
        raise ValueError(log.read_text(encoding="utf-8", errors="replace").strip())
    if says["kind"] == MISTAKE or (named and says["kind"] == UNUSABLE):
        raise ValueError(says["reason"])
    return says["reason"]


def _interrupt(process: subprocess.Popen) -> None:
    """Interrupt a process, and give it time to store its rows."""
    with suppress(subprocess.TimeoutExpired):
        process.send_signal(signal.SIGTERM if sys.platform == "win32" else signal.SIGINT)
        process.wait(GRACE)


def _kill(process: subprocess.Popen) -> None:
    """Kill the process, and all processes that it has started, if they still run."""
    if sys.platform == "win32":  # no process groups there
        process.kill()
    else:
        with suppress(ProcessLookupError, PermissionError):  # PermissionError: macOS, if all ended
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _absolute(name: str) -> str:
    """The name of a backend; a path is made absolute."""
    return str(Path(name).absolute()) if name.endswith(".py") else name


def _title(name: str) -> str:
    return Path(name).name.removesuffix("_backend.py")
