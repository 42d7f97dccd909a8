"""What dense costs, as a multiple of the elementwise time, by backend and size."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm

from benchmarks.analyse.frame import costs, over
from benchmarks.show.figures import style
from benchmarks.show.figures.hover import tell
from benchmarks.show.wording import digits, ratio
from benchmarks.store.run import Run
from reference.words import FIRST

NAME, TITLE = "ratio", "What dense costs: time of dense / time of elementwise"
MISSING = "No figure of what dense costs: the run has no dense gradient beside an elementwise one."
CAPTION = (
    "One gradient that forms its diagonal Jacobians as B x B matrices, in times of the elementwise "
    "one of the same backend and execution. 1: no more expensive. The intervals are in the table."
)
CALL = ["backend", "way"]


def draw(run: Run, rows: pd.DataFrame) -> Iterator[style.Drawing]:
    """One figure with a panel for each model and dtype."""
    dense = costs(rows)
    groups = dense.groupby(["model", "dtype"], sort=False)
    found = dict(sorted(groups, key=lambda group: group[0][0] != FIRST))  # as the answer is
    if not found:
        return
    lines = [len(own[CALL].drop_duplicates()) for own in found.values()]
    drawn = style.figure(10, 0.34 * sum(lines) + 0.8 * len(lines))
    panels = drawn.subplots(len(lines), 1, squeeze=False, height_ratios=lines)[:, 0]
    largest = dense["/ elementwise"].max()
    for axes, (key, own) in zip(panels, found.items(), strict=True):
        _panel(axes, own, LogNorm(1, max(largest, 2), clip=True))
        axes.set_title(f"{key[0]} gradient, {key[1]}", loc="left")
    yield style.Drawing(NAME, TITLE, CAPTION, style.svg(drawn, TITLE))


def _panel(axes: Any, rows: pd.DataFrame, norm: Any) -> None:
    """A line for each backend and execution, a column for each size."""
    table = over(rows, "/ elementwise", CALL)
    told = over(rows.assign(told=[_told(row) for _, row in rows.iterrows()]), "told", CALL)
    values, sizes, cells = table.to_numpy(), table.columns, list(table.index)
    colors = axes.pcolormesh(values, norm=norm, cmap="cividis", edgecolor="none")
    for (y, x), value in np.ndenumerate(values):
        dark = np.isfinite(value) and norm(value) < 0.5
        ink = style.INK if np.isnan(value) else "white" if dark else "black"
        words = "-" if np.isnan(value) else digits(value)
        axes.text(x + 0.5, y + 0.5, words, ha="center", va="center", color=ink)
    for y, (cell, texts) in enumerate(told.iterrows()):
        there = [x for x, text in enumerate(texts) if pd.notna(text)]
        places = [x + 0.5 for x in there], [y + 0.5] * len(there)
        tell(axes, style.driven(cell), *places, [texts.iloc[x] for x in there])
    axes.set_xticks(np.arange(len(sizes)) + 0.5, labels=[f"B = {B}" for B in sizes])
    axes.set_yticks(np.arange(len(cells)) + 0.5, labels=[style.driven(cell) for cell in cells])
    axes.invert_yaxis()
    axes.grid(False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    colors.set_rasterized(False)


def _told(row: Any) -> str:
    """What dense costs, with its interval."""
    return f"B = {row.B}: {ratio(row, '/ elementwise')}"
