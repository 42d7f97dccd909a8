"""The progress of a run: a line for each process, and on a terminal the current row."""

import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from time import perf_counter
from typing import Protocol

from benchmarks.told import told

WIDTH = 79
NAME = 40  # columns for the name of a process; a backend's name may be long
PROCESS, LARGE, HUGE, LIFE = "process", "large batches", "huge pages", "life"
# The time of each part relative to one process of the same backends: measured with NumPy and JAX.
SHARES = {PROCESS: 1.0, LARGE: 0.3, HUGE: 0.15, LIFE: 0.5}


class Timed(Protocol):
    """A process of the run: its name, what it measures, and its backends."""

    @property
    def name(self) -> str: ...
    @property
    def part(self) -> str: ...
    @property
    def backends(self) -> tuple[str, ...]: ...


class Progress:
    """Prints the progress of a run, whose processes run one after the other."""

    def __init__(self, todo: Sequence[Timed]) -> None:
        self.todo, self.number, self.start = todo, 0, 0.0
        self.file = Path()
        # Seconds of the processes that have ended, by part and backends.
        self.seconds: dict[tuple[str, tuple[str, ...]], list[float]] = {}

    def begin(self, file: Path) -> None:
        """Begin with the next process, which writes its current row to the file."""
        self.number, self.file, self.start = self.number + 1, file, perf_counter()
        self._print(self._title(), end="" if sys.stdout.isatty() else " ")

    def show(self) -> None:
        """On a terminal, print the time left, the share of rows done, and the current row."""
        if sys.stdout.isatty():
            # The name of the row comes last: a long line is cut.
            line = f"{self._title()} {_joined(self._time_left(), _at(self.file))}"
            self._print(f"\r{line:{WIDTH}.{WIDTH}}", end="")

    def end(self, problem: str) -> None:
        """Print that the process has ended, and its problem, if any."""
        job, seconds = self.todo[self.number - 1], perf_counter() - self.start
        self.seconds.setdefault((job.part, job.backends), []).append(seconds)
        line = _joined(f"{seconds:.0f} s", self._time_left(ended=True), problem)
        if sys.stdout.isatty():
            line = f"\r{f'{self._title()} {line}':{WIDTH}}"
        self._print(line)

    def left(self, ended: bool = False) -> float | None:
        """The estimated seconds until the run ends; None before every backend has run once.

        A process that takes longer than expected counts as nearly done.
        """
        now = [] if ended else [self._expected(self.todo[self.number - 1])]
        rest = [self._expected(job) for job in self.todo[self.number :]]
        spent = perf_counter() - self.start
        found = [max(seconds - spent, 0) for seconds in now if seconds is not None]
        found += [seconds for seconds in rest if seconds is not None]
        return sum(found) if len(found) == len(now + rest) else None

    def _expected(self, job: Timed) -> float | None:
        """The mean time of such processes, or one estimated with SHARES; None if unknown."""
        if own := self.seconds.get((job.part, job.backends)):
            return mean(own)
        seen = [self.seconds.get((PROCESS, (name,))) for name in job.backends]
        known = [mean(times) for times in seen if times]
        return SHARES[job.part] * sum(known) if len(known) == len(seen) else None

    def _time_left(self, ended: bool = False) -> str:
        left = self.left(ended)
        if left is None or (ended and self.number == len(self.todo)):
            return ""
        return f"about {left / 60:.0f} min left" if left >= 60 else "under a minute left"

    def _title(self) -> str:
        return f"[{self.number}/{len(self.todo)}] {self.todo[self.number - 1].name:.{NAME}} ..."

    def _print(self, text: str, end: str = "\n") -> None:
        print(text, end=end, flush=True)


def _joined(*words: str) -> str:
    return ", ".join(filter(None, words))


def _at(file: Path) -> str:
    """The share of rows that a process has done, and its current row."""
    at = told(file)
    return f"{100 * at['number'] // at['of']} % {at['row']}" if "row" in at else ""
