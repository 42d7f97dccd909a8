"""What a long run says of itself: a line for each process, and on a terminal the cell at work."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from time import perf_counter
from typing import Protocol

WIDTH = 79


class Named(Protocol):
    """A process to come."""

    @property
    def name(self) -> str: ...


class Progress:
    """The lines of one run of so many processes, one after the other."""

    def __init__(self, todo: Sequence[Named]) -> None:
        self.todo, self.number, self.start = todo, 0, 0.0
        self.log = Path()
        self.seconds: dict[str, list[float]] = {}  # of the processes of one kind that have ended

    def begin(self, log: Path) -> None:
        """The next process, whose pytest writes to the log."""
        self.number, self.log, self.start = self.number + 1, log, perf_counter()
        self._print(self._title(), end="" if sys.stdout.isatty() else " ")

    def show(self) -> None:
        """On a terminal: which cell it is at, how far the process is, how long the rest takes."""
        if sys.stdout.isatty():
            # The name of the row comes last: it is what a narrow terminal may cut.
            told = _joined(self._left(perf_counter() - self.start), _at(self.log))
            self._print(f"\r{f'{self._title()} {told}':{WIDTH}.{WIDTH}}", end="")

    def end(self, problem: str) -> None:
        """The process has ended, with or without a problem."""
        seconds = perf_counter() - self.start
        self.seconds.setdefault(_kind(self.todo[self.number - 1]), []).append(seconds)
        told = _joined(f"{seconds:.0f} s", self._left(0), problem)
        if sys.stdout.isatty():
            told = f"\r{f'{self._title()} {told}':{WIDTH}}"
        self._print(told)

    def _title(self) -> str:
        return f"[{self.number}/{len(self.todo)}] {self.todo[self.number - 1].name} ..."

    def _left(self, spent: float) -> str:
        """About how long the processes to come take, and what is left of this one."""
        if not self.seconds:
            return ""
        known = {kind: mean(times) for kind, times in self.seconds.items()}
        usual = mean(known.values())
        ended = sum(map(len, self.seconds.values()))
        left = sum(known.get(_kind(job), usual) for job in self.todo[ended:]) - spent
        return f"about {max(left, 0) / 60:.0f} min left" if ended < len(self.todo) else ""

    def _print(self, text: str, end: str = "\n") -> None:
        print(text, end=end, flush=True)


def _joined(*words: str) -> str:
    return ", ".join(filter(None, words))


def _kind(job: Named) -> str:
    return re.sub(r", process \d+ of \d+$", "", job.name)


def _at(log: Path) -> str:
    """The last row that the log names, and the share of the process that pytest tells."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    rows, shares = re.findall(r"\[([^\]\n]+-[^\]\n]+)\]", text), re.findall(r"\[ *(\d+)%\]", text)
    return f"{shares[-1] if shares else 0} % {rows[-1] if rows else ''}".strip()
