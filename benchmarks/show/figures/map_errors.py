"""The picture of a map: the error of its value and derivative over x, a line for each framework."""

from collections.abc import Iterator
from typing import Any

import matplotlib
import numpy as np

from benchmarks.analyse.differences import ALLOWED
from benchmarks.analyse.places import place
from benchmarks.show.atlas_words import label
from benchmarks.show.figures import style
from benchmarks.show.wording import file_name
from benchmarks.store.atlas import QUANTITIES, Atlas, Judged

CAPTION = (
    "The largest error at each place, in ULP of the exact result, flushed numbers and the edge of "
    "the range included; the axis is linear from 0 to 1. The "
    f"line at {ALLOWED} ULP is the limit of what is called a difference. A point at the upper edge "
    "has no correct digit, or is no number. Between 1e-4 and 1e4 each power of ten has the same "
    "width; the hundreds beyond are drawn a hundred times narrower."
)
LINES = {"eager": "-", "step": "--"}
SPARSE = 7  # one point of so many has a marker: with all of them the page would be large
TOP = 1e17  # above it an error is drawn at the edge
TICKS = {
    "-1e300": -1e300, "-1e4": -1e4, "-100": -100, "-1": -1, "-0.01": -0.01, "0": 0, "0.01": 0.01,
    "1": 1, "100": 100, "1e4": 1e4, "1e300": 1e300,
}  # fmt: skip


def draw(atlas: Atlas) -> Iterator[style.Drawing]:
    """One figure for each map: a column for value and derivative, a line for each dtype."""
    for described in atlas.maps:
        rows = [row for row in atlas.judged if row.map == described.name and row.curves is not None]
        if rows:
            with matplotlib.rc_context(style.RC):
                svg = style.svg(_figure(rows), f"{described.name}: error over x")
            yield style.Drawing(file_name(described.name), described.name, CAPTION, svg)


def _figure(rows: list[Judged]) -> Any:
    dtypes = list(dict.fromkeys(row.dtype for row in rows))
    drawn = style.figure(10, 2.0 * len(dtypes) + 0.6)
    grid = drawn.subplots(len(dtypes), len(QUANTITIES), sharex=True, sharey=True, squeeze=False)
    for line, dtype in zip(grid, dtypes, strict=True):
        own = [row for row in rows if row.dtype == dtype]
        for number, axes in enumerate(line):
            _panel(axes, own, number)
        line[0].set_ylabel(f"{dtype}\nULP")
    for axes, quantity in zip(grid[0], QUANTITIES, strict=True):
        axes.set_title(quantity)
    low, high = _limits(rows)
    ticks = dict(zip(TICKS, place(np.array([*TICKS.values()])), strict=True))
    ticks = {name: at for name, at in ticks.items() if low <= at <= high}
    for axes in grid[-1]:
        axes.set_xticks([*ticks.values()], labels=[*ticks], fontsize=8)
        axes.set_xlim(low, high)
    style.legend(drawn)
    return drawn


def _panel(axes: Any, rows: list[Judged], number: int) -> None:
    for first, row in enumerate(rows):
        assert row.curves is not None
        places, errors = row.curves[number]
        color, marker = style.LOOKS.get(row.backend, (style.INK, "o"))
        axes.plot(
            places, np.minimum(errors, TOP), LINES[row.execution], color=color, linewidth=1,
            marker=marker, markevery=(first, SPARSE), markersize=4, alpha=0.85,
            markerfacecolor=style.face(row.execution, color),
            label=label(f"{row.backend} {row.execution}"),
        )  # fmt: skip
    axes.set_yscale("symlog", linthresh=1)
    axes.axhline(ALLOWED, color=style.INK, linewidth=2, alpha=0.4)
    axes.set_yticks([0, 1, 1e4, 1e8, 1e12, 1e16], labels=["", "1", "1e4", "1e8", "1e12", "1e16"])
    axes.minorticks_off()
    axes.set_ylim(0, 2 * TOP)


def _limits(rows: list[Judged]) -> tuple[float, float]:
    """A little more than the smallest and the largest place with a point."""
    places = [p for row in rows if row.curves for curve in row.curves for p in curve[0]]
    return min(places, default=-1) - 0.3, max(places, default=1) + 0.3
