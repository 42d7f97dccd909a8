"""What one dense gradient allocates, against the B x B matrix that it should form."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from benchmarks.analyse.frame import own_conditions
from benchmarks.show.figures import style
from benchmarks.show.figures.hover import curve, tell
from benchmarks.show.wording import amount, titled
from benchmarks.store.run import Run

NAME, TITLE = "memory", "Memory of one dense gradient, in matrices of B x B"
MISSING = "No figure of the memory: the run has no dense gradients."
CAPTION = (
    "Bytes that one gradient allocates beyond its inputs and outputs, over those of one B x B "
    "matrix: 8 B^2 in float64, the prediction, drawn at 1. Two local Jacobians alive at a time "
    "are 2. Small batches have the vectors on top."
)


def draw(run: Run, rows: pd.DataFrame) -> Iterator[style.Drawing]:
    """One figure, a panel for each model and dtype, two beside each other."""
    dense = own_conditions(rows[(rows.kind == "gradient") & (rows.matrix_bytes > 0)])
    dense = dense.assign(matrices=dense.temporary_bytes / dense.matrix_bytes)
    found = dict(list(dense.groupby(["model", "dtype"], sort=False)))
    if not found:
        return
    lines = -(-len(found) // 2)
    drawn = style.figure(10, 3.4 * lines + 1)
    panels = drawn.subplots(lines, 2, sharey=True, squeeze=False).flat
    for axes, (key, own) in zip(panels, found.items(), strict=False):
        _panel(axes, own)
        axes.set_title(f"{key[0]} gradient, {key[1]}")
    panels[0].set_ylim(0, 1.08 * max(2, dense.matrices.max()))  # of all panels
    for axes in panels[len(found) :]:
        axes.set_visible(False)
    panels[0].set_ylabel("temporary memory / one B x B matrix")
    style.legend(drawn, columns=4)
    yield style.Drawing(NAME, TITLE, CAPTION, style.svg(drawn, TITLE))


def _panel(axes: Any, rows: pd.DataFrame) -> None:
    """A curve for each cell; the axis shows the sizes and the bytes of their matrix."""
    looks = style.looks(rows)
    for (backend, way, formulation), own in rows.groupby(
        ["backend", "way", "formulation"], sort=False
    ):
        own = own.sort_values("B")
        (color, marker), words = looks[backend], (backend, formulation)
        x, y = own.B.to_list(), own.matrices.to_list()
        axes.plot(
            x, y, linestyle=style.line(formulation), color=color, marker=marker, linewidth=1.1,
            label=titled(own.iloc[0]), markerfacecolor=style.face(way, color), gid=curve(*words),
        )  # fmt: skip
        told = [f"{titled(row)}, B = {row.B}: {row.matrices:.2f}" for _, row in own.iterrows()]
        tell(axes, "matrices", x, y, told, *words)
    matrix = dict(zip(rows.B, rows.matrix_bytes, strict=True))
    style.over_sizes(axes, matrix, "batch size B, and the bytes of one matrix")
    axes.set_xticks(sorted(matrix), labels=[f"{B}\n{amount(matrix[B])}" for B in sorted(matrix)])
    axes.axhline(1, color=style.INK, linewidth=2.5, alpha=0.5, zorder=1)
    axes.text(max(matrix), 0.93, "predicted: one matrix", ha="right", va="top", fontsize=8)
