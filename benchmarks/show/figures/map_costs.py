"""What the Jacobian of an elementwise map costs: does the cost of dense depend on the map?"""

from collections.abc import Iterator
from typing import Any

import pandas as pd
from matplotlib.lines import Line2D

from benchmarks.analyse.frame import own_conditions
from benchmarks.show.figures import style
from benchmarks.show.wording import digits, file_name
from benchmarks.store.run import Run

MISSING = ""  # maps are measured only on request
NAME = "maps"
TITLE = "One call of each elementwise map over its size ({dtype})"
CAPTION = (
    "Time of a call that returns the value of a map and a row pulled back through its Jacobian, "
    "over the number n of elements; a panel for each framework and execution, and in it a line for "
    "each map and formulation. Where the dense lines of all maps lie on each other, the cost of "
    "dense does not depend on the map. The numbers: the slowest map as a multiple of the fastest."
)
ROOM = 12  # times the longest time, for the text above it
FORMULATIONS = "dense", "elementwise", "autodiff", "jacrev"


def draw(run: Run, rows: pd.DataFrame) -> Iterator[style.Drawing]:
    """One figure for each dtype."""
    maps = own_conditions(rows[rows.kind == "map"])
    for dtype, own in maps.groupby("dtype", sort=False):
        cells = list(dict.fromkeys(zip(own.backend, own.way, strict=True)))
        columns = min(len(cells), 3)
        lines = -(-len(cells) // columns)
        drawn = style.figure(10, 3.3 * lines + 0.4)
        grid = drawn.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
        for axes, cell in zip(grid.flat, cells, strict=False):
            _panel(axes, own[(own.backend == cell[0]) & (own.way == cell[1])], style.looks(own))
            axes.set_title(style.driven(cell), fontweight="bold")
        low, high = grid[0, 0].get_ylim()  # of all panels
        grid[0, 0].set_ylim(low, ROOM * high)
        for axes in grid.flat[len(cells) :]:
            axes.set_visible(False)
        style.legend(drawn, _handles(own), columns=4)
        title = TITLE.format(dtype=dtype)
        yield style.Drawing(file_name(NAME, str(dtype)), title, CAPTION, style.svg(drawn, title))


def _panel(axes: Any, rows: pd.DataFrame, looks: dict[str, tuple[str, str]]) -> None:
    style.over_sizes(axes, rows.B, "size n")
    for (_, formulation), own in rows.groupby(["model", "formulation"], sort=False):
        own = own.sort_values("B")
        color, _ = looks[own.backend.iloc[0]]
        axes.plot(own.B, own.seconds, linestyle=style.line(formulation), color=color, linewidth=0.9)
    told = [text for word in FORMULATIONS if (text := _spread(rows, word))]
    axes.text(0.03, 0.97, "\n".join(told), transform=axes.transAxes, va="top", fontsize=8)
    style.over_times(axes)


def _spread(rows: pd.DataFrame, formulation: str) -> str:
    """The slowest map as a multiple of the fastest, at the smallest and the largest size."""
    own = rows[rows.formulation == formulation]
    if own.model.nunique() < 2:
        return ""
    times = own.groupby("B").seconds
    ratios = times.max() / times.min()
    ends = [f"{digits(ratios[B])} at {B}" for B in dict.fromkeys((own.B.min(), own.B.max()))]
    return f"{formulation}, slowest map / fastest: {', '.join(ends)}"


def _handles(rows: pd.DataFrame) -> dict[str, Any]:
    words = [word for word in FORMULATIONS if word in {*rows.formulation}]
    return {word: Line2D([], [], color=style.INK, linestyle=style.line(word)) for word in words}
