"""The columns of the pages' tables: what a cell shows of a row, and what it sorts by."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from benchmarks.analyse.rows import WORDS
from benchmarks.show import answer, life_table
from benchmarks.show.memory_table import circumstances
from benchmarks.show.text import digits, duration, interval

Row = dict[str, Any]


class Entry(NamedTuple):
    """What a cell of a table shows, and the number that it sorts by, if it is not its words."""

    text: str
    order: float | None = None


Column = Callable[[Row], Entry]
EMPTY = Entry("", 1e300)  # it sorts last


def word_of(word: str) -> Column:
    """The words of a cell, by which one filters."""
    return lambda row: Entry(row[word])


def number_of(word: str) -> Column:
    """A whole number."""
    return lambda row: Entry(str(row[word]), row[word])


def ratio_of(name: str) -> Column:
    """A ratio with its interval; it sorts by its value."""

    def entry(row: Row) -> Entry:
        ratio = row["ratio"].get(name)
        return Entry(interval(ratio), ratio[0]) if ratio else EMPTY

    return entry


def stage_of(stage: str) -> Column:
    """The seconds of a stage of a life."""

    def entry(row: Row) -> Entry:
        text = life_table.time(row, stage)
        return EMPTY if text == "-" else Entry(_micro(text), row["life"][stage])

    return entry


def time(row: Row) -> Entry:
    """The median seconds of a call."""
    return Entry(_micro(duration(row["seconds"])), row["seconds"])


def per_example(row: Row) -> Entry:
    """The median seconds of a call for each example of its batch."""
    seconds = row["seconds"] / row["examples"]
    return Entry(_micro(duration(seconds)), seconds)


def steps(row: Row) -> Entry:
    """After how many steps compiling has paid."""
    text = life_table.steps(row)
    known = row["compiles"] and row["break_even"] is not None
    return Entry(text, row["break_even"] if known else EMPTY.order)


def matrices(row: Row) -> Entry:
    """The temporary memory of a call, in matrices of B x B."""
    if not row["matrix_bytes"]:
        return EMPTY
    count = row["temporary_bytes"] / row["matrix_bytes"]
    return Entry(f"{count:.2f}", count)


def faults(row: Row) -> Entry:
    """The minor page faults of a call."""
    count = float(np.median(row["faults"] or [0]))
    return Entry(f"{count:.0f}", count)


def conditions(row: Row) -> Entry:
    """What is not as in the run's first process."""
    return Entry(circumstances(row) if row["conditions"] else "")


def share(row: Row) -> Entry:
    """How much of the tolerance the nearest check uses."""
    if not row["verdict"]["checks"]:
        return EMPTY
    used = answer.share(answer.nearest(row))
    return Entry(f"{used:.0%}", used)


def check(row: Row) -> Entry:
    """The check that came nearest to what is allowed, in words."""
    if not row["verdict"]["checks"]:
        return Entry("")
    found = answer.nearest(row)
    observed, allowed = digits(found["observed"]), digits(found["allowed"])
    return Entry(f"{found['quantity']}: {observed} of {allowed} {found['unit']}")


def _micro(text: str) -> str:
    return text.replace(" us", " µs")


CELL: dict[str, Column] = {word: word_of(word) for word in WORDS}
AGREEMENT: dict[str, Column] = {"tolerance used": share, "nearest check": check}
