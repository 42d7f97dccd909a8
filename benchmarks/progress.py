"""What a long run says of itself: a line for each process, and on a terminal the row at work."""

import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from time import perf_counter
from typing import Protocol

from benchmarks.told import told

WIDTH = 79
NAME = 40  # columns of the name of a process: a backend from outside may be called anything
PROCESS, LARGE, HUGE, LIFE = "process", "large batches", "huge pages", "life"
# How long each part takes beside one process of the same backends: recorded of NumPy and JAX.
SHARES = {PROCESS: 1.0, LARGE: 0.3, HUGE: 0.15, LIFE: 0.5}


class Timed(Protocol):
    """A process to come: its name, what it measures, and of which backends."""

    @property
    def name(self) -> str: ...
    @property
    def part(self) -> str: ...
    @property
    def backends(self) -> tuple[str, ...]: ...


class Progress:
    """The lines of one run of so many processes, one after the other."""

    def __init__(self, todo: Sequence[Timed]) -> None:
        self.todo, self.number, self.start = todo, 0, 0.0
        self.file = Path()
        # Of the processes that have ended, for each part and its backends.
        self.seconds: dict[tuple[str, tuple[str, ...]], list[float]] = {}

    def begin(self, file: Path) -> None:
        """The next process, which tells in the file what it is at."""
        self.number, self.file, self.start = self.number + 1, file, perf_counter()
        self._print(self._title(), end="" if sys.stdout.isatty() else " ")

    def show(self) -> None:
        """On a terminal: how long the rest takes, how far the process is, and at which row."""
        if sys.stdout.isatty():
            # The name of the row comes last: it is what a narrow terminal may cut.
            line = f"{self._title()} {_joined(self._time_left(), _at(self.file))}"
            self._print(f"\r{line:{WIDTH}.{WIDTH}}", end="")

    def end(self, problem: str) -> None:
        """The process has ended, with or without a problem."""
        job, seconds = self.todo[self.number - 1], perf_counter() - self.start
        self.seconds.setdefault((job.part, job.backends), []).append(seconds)
        line = _joined(f"{seconds:.0f} s", self._time_left(ended=True), problem)
        if sys.stdout.isatty():
            line = f"\r{f'{self._title()} {line}':{WIDTH}}"
        self._print(line)

    def left(self, ended: bool = False) -> float | None:
        """About how many seconds the run still takes; None before every backend was seen once.

        A process that takes longer than expected counts as nearly done, and not against the rest.
        """
        now = [] if ended else [self._expected(self.todo[self.number - 1])]
        rest = [self._expected(job) for job in self.todo[self.number :]]
        spent = perf_counter() - self.start
        found = [max(seconds - spent, 0) for seconds in now if seconds is not None]
        found += [seconds for seconds in rest if seconds is not None]
        return sum(found) if len(found) == len(now + rest) else None

    def _expected(self, job: Timed) -> float | None:
        """The mean of those like it, or its share of processes of its backends; None if unknown."""
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
    """The row that a process is at, after the share of its rows that it has done."""
    at = told(file)
    return f"{100 * at['number'] // at['of']} % {at['row']}" if "row" in at else ""
