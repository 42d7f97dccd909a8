"""The life of the cells: what a user waits for in a fresh process, stage by stage."""

from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import matplotlib
import pandas as pd

from benchmarks.analyse.frame import own_conditions
from benchmarks.show.figures import style
from benchmarks.show.figures.hover import curve, tell
from benchmarks.show.wording import steps, titled
from benchmarks.store.run import Run

NAME, TITLE = "life", "The life of a cell: what a first training run takes, stage by stage"
MISSING = "No figure of the life of the cells: the run did not measure it."
CAPTION = (
    "Each bar is one fresh process, from importing NumPy and the framework to the first training "
    "run's result; first run is what remains of the first call after tracing and compiling. "
    "Behind it the whole, what every further run takes, and after how many steps compiling has "
    "paid, against eager NumPy."
)
STAGES = {  # dark to light, with a hatch where neighbors would be alike in greyscale
    "import": ("#757b82", ""),
    "to device": ("#000000", ""),
    "trace": ("#B87A00", "\\\\\\\\"),
    "compile": ("#D55E00", "////"),
    "first run": ("#56B4E9", ""),
    "to host": ("#000000", ""),
}


def draw(run: Run, rows: pd.DataFrame) -> Iterator[style.Drawing]:
    """One figure: a panel for each group of rows and formulation."""
    own = own_conditions(rows[rows.kind == "life"])
    own = own.assign(total=own[list(STAGES)].fillna(0).sum(axis="columns"))
    found = dict(list(own.groupby(["group", "formulation"], sort=False)))
    if not found:
        return
    lines = [len(own) for own in found.values()]
    drawn = style.figure(10, 0.36 * sum(lines) + 0.9 * len(lines) + 0.4)
    panels = drawn.subplots(len(lines), 1, squeeze=False, height_ratios=lines)[:, 0]
    for axes, ((group, formulation), own) in zip(panels, found.items(), strict=True):
        _panel(axes, own)
        axes.set_title(f"{group}, {formulation}", loc="left")
    _legend(drawn)
    yield style.Drawing(NAME, TITLE, CAPTION, style.svg(drawn, TITLE))


def _panel(axes: Any, rows: pd.DataFrame) -> None:
    """A bar for each cell, the shortest on top."""
    rows = rows.sort_values("total", kind="stable")
    for y, (_, row) in enumerate(rows.iterrows()):
        stages = {stage: row[stage] for stage in STAGES if pd.notna(row[stage])}
        ends = list(accumulate(stages.values()))
        for (stage, width), end in zip(stages.items(), ends, strict=True):
            color, hatch = STAGES[stage]
            axes.barh(y, width, left=end - width, height=0.7, color=color, hatch=hatch,
                      edgecolor="white", linewidth=0, gid=curve(row.backend))  # fmt: skip
        label = {"xytext": (6, 0), "textcoords": "offset points", "va": "center", "fontsize": 8}
        axes.annotate(_words(row), (row.total, y), gid=curve(row.backend), **label)
        told = [f"{stage}: {style.time(seconds)}" for stage, seconds in stages.items()]
        tell(axes, titled(row), ends, [y] * len(ends), told, row.backend)
    axes.set_yticks(
        range(len(rows)),
        labels=[style.driven(cell) for cell in zip(rows.backend, rows.way, strict=True)],
    )
    axes.invert_yaxis()
    axes.set_xlim(0, 1.75 * max(rows.total.max(), 1e-9))
    axes.set_xlabel("seconds from the first import")
    axes.grid(axis="y", visible=False)


def _words(row: Any) -> str:
    pays = steps(row)
    words = [style.time(row.total), f"then {style.time(row.steady)} a run"]
    if pays == "never":
        words.append("compiling never pays")
    elif pays != "-":
        words.append(f"compiling pays after {pays} steps")
    return ", ".join(words)


def _legend(drawn: Any) -> None:
    """The stages without the copies, which are too short to be seen."""
    patches = {
        stage: matplotlib.patches.Patch(facecolor=color, hatch=hatch, edgecolor="white")
        for stage, (color, hatch) in STAGES.items()
        if not stage.startswith("to ")
    }
    style.legend(drawn, patches)
