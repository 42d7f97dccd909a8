"""What a dense gradient allocates, as text, and what it takes with huge pages for all."""

from typing import Any

import numpy as np

from benchmarks.show.text import microseconds, name, over_sizes
from benchmarks.store.conditions import HUGE_PAGES

Row = dict[str, Any]


def table(heading: str, rows: list[Row]) -> list[str]:
    """What one dense call allocates, its page faults, and its time with huge pages for all."""
    dense = [row for row in rows if row["matrix_bytes"]]
    if not dense:
        return []
    plain = [row for row in dense if not row["conditions"]]
    lines = [
        *over_sizes(f"{heading}: temporary memory in matrices of B x B", plain, _matrices), "",
        *over_sizes(f"{heading}: minor page faults of one call", plain, _faults),
    ]  # fmt: skip
    with_others = {(r["B"], name(r)) for r in dense if r["conditions"]}
    twice = [row for row in dense if (row["B"], name(row)) in with_others]
    twice.sort(key=lambda row: [name(row), row["conditions"]])
    for what, show in (("us", _time), ("minor page faults", _faults)) if twice else ():
        lines += ["", *over_sizes(f"{heading}: {what} of one call", twice, show, _label)]
    return lines


def circumstances(row: Row) -> str:
    """The conditions of a row that are not those of the run, in few words."""
    words = row["conditions"]
    return "huge pages" if all(word in words for word in HUGE_PAGES.values()) else words


def _label(row: Row) -> str:
    """The cell, and what is not as in the first process."""
    return ", ".join(filter(None, [name(row), circumstances(row)]))


def _time(row: Row) -> str:
    return microseconds(row["seconds"])


def _matrices(row: Row) -> str:
    return f"{row['temporary_bytes'] / row['matrix_bytes']:.2f}"


def _faults(row: Row) -> str:
    return f"{np.median(row['faults']):.0f}"
