"""Runs that are ended at random moments, by SIGKILL, SIGTERM and SIGINT in turn.

The rows that had finished have to be in the run that python -m benchmarks report makes of what is
left; nothing else in the folder may change.
"""

import json
import random
import re
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from benchmarks import run as runner
from benchmarks.store import journal
from benchmarks.store.run import is_partial, read

ROOT = Path(__file__).parents[2]
SIGNALS = signal.SIGKILL, signal.SIGTERM, signal.SIGINT
CHOSEN = "--quick", "--model", "linear", "--formulation", "dense", "-k", "B32 or training"
BACKENDS = "numpy", "reference"


def fault(folder: Path, number: int, seconds: float | None) -> tuple[int, int, list[str]]:
    """End a run after these seconds, None for never; rows finished, rows lost, and errors."""
    path = folder / f"{number:04}_full.json"
    named = [word for name in BACKENDS for word in ("--backend", name)]
    command = [sys.executable, "-m", "benchmarks", "run", "--processes", "2", *named, *CHOSEN]
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
        wrong.append(f"{path} is missing, though the run has succeeded")
    now = _contents(folder)
    pages = {folder / "README.md", folder / "report.html"} if path.exists() else set()
    same = before.keys() - pages  # they show the newest complete run
    wrong += [f"{file} has changed" for file in same if now.get(file) != before[file]]
    return finished, max(finished - shown, 0), wrong


def _left(path: Path) -> tuple[int, int, list[str]]:
    """The rows that had finished when a run was ended, the rows of the run made of it, and errors.

    The last line in the log of a process that has finished says how many rows passed. Rows of the
    process under way may be lost.
    """
    left = path.with_suffix("")
    if not left.exists():  # it was complete, or had not begun
        return 0, 0, []
    if not (left / journal.JOURNAL).exists():  # the run was ended just after it made the folder
        return 0, 0, [f"{left} has parts"] if list(left.glob("*.json")) else []
    finished = sum(map(_told, left.glob("[0-9]*.log")))
    jobs = json.loads((left / journal.JOURNAL).read_bytes())["jobs"]
    is_whole = len(list(left.glob("[0-9]*.json"))) == len(jobs)  # it ended after the last process
    stored = runner.finished(left)
    run = read(stored) if stored else None
    shown = sum(len(row["extra_info"]["rounds"]) for row in run["benchmarks"]) if run else 0
    if run is None or is_partial(run) != is_whole:
        return finished, shown, []
    return finished, shown, [f"{stored} is {'' if is_whole else 'not '}marked as partial"]


def _told(log: Path) -> int:
    """The rows of a process that has finished: "=== 12 passed, 3 skipped in 1.23s ===", or 0."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    found = re.match(r"=+ (\d+) passed.* in [\d.]+s", lines[-1]) if lines else None
    return int(found[1]) if found else 0


def _contents(folder: Path) -> dict[Path, bytes]:
    """The files of a folder and their contents."""
    return {path: path.read_bytes() for path in folder.glob("*") if path.is_file()}


def faults(count: int, seed: int) -> dict[str, Any]:
    """End count runs in one folder, each at a random moment of the time that a whole run takes."""
    draw, total = random.Random(seed), {"faults": count, "finished": 0, "lost": 0}
    failed: list[str] = []
    # What a shell starts in the background ignores Ctrl-C, and so do the processes it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
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
