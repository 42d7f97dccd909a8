"""What one dense gradient allocates, against the B x B matrix that it should form."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.analyse import rows as query
from benchmarks.show.figures import style
from benchmarks.show.text import titled

NAME, TITLE = "memory", "Memory of one dense gradient, in matrices of B x B"
MISSING = "No figure of the memory: the run has no dense gradients."
CAPTION = (
    "Bytes that one gradient allocates beyond its inputs and outputs, over those of one B x B "
    "matrix: 8 B^2 in float64, the prediction, drawn at 1. Two local Jacobians alive at a time "
    "are 2. Small batches have the vectors on top."
)
UNITS = ("B", "KiB", "MiB", "GiB")
Row = dict[str, Any]


def draw(run: dict[str, Any]) -> Iterator[style.Drawing]:
    """One figure, a panel for each model and dtype."""
    found = {
        key: [row for row in rows if row["matrix_bytes"]]
        for key, rows in query.default_gradients(run).items()
    }
    found = {key: rows for key, rows in found.items() if rows}
    if not found:
        return
    drawn = style.figure(10, 4.4)
    panels = drawn.subplots(1, max(len(found), 2), sharey=True, squeeze=False)[0]
    for axes, (key, rows) in zip(panels, found.items(), strict=False):
        _panel(axes, rows)
        axes.set_title(f"{key[0]} gradient, {key[1]}")
    for axes in panels[len(found) :]:
        axes.set_visible(False)
    panels[0].set_ylabel("temporary memory / one B x B matrix")
    style.legend(drawn, columns=4)
    yield style.Drawing(NAME, TITLE, CAPTION, style.svg(drawn, TITLE))


def _panel(axes: Any, rows: list[Row]) -> None:
    """A curve for each cell; the sizes with the bytes of their matrix."""
    looks = style.looks(rows)
    for key in dict.fromkeys((*query.driven(row), row["formulation"]) for row in rows):
        own = [row for row in rows if (*query.driven(row), row["formulation"]) == key]
        own.sort(key=lambda row: row["B"])
        color, marker = looks[key[0]]
        axes.plot(
            [r["B"] for r in own], [r["temporary_bytes"] / r["matrix_bytes"] for r in own],
            linestyle=style.line(key[2]), color=color, marker=marker, label=titled(own[0]),
            markerfacecolor=style.face(key[1], color), linewidth=1.1,
        )  # fmt: skip
    matrix = {row["B"]: row["matrix_bytes"] for row in rows}
    style.over_sizes(axes, matrix, "batch size B, and the bytes of one matrix")
    axes.set_xticks(sorted(matrix), labels=[f"{B}\n{_bytes(matrix[B])}" for B in sorted(matrix)])
    axes.axhline(1, color=style.INK, linewidth=2.5, alpha=0.5, zorder=1)
    axes.text(max(matrix), 0.93, "predicted: one matrix", ha="right", va="top", fontsize=8)
    axes.set_ylim(0, 1.08 * max([2, *(r["temporary_bytes"] / r["matrix_bytes"] for r in rows)]))


def _bytes(count: int) -> str:
    power = min(int(np.log2(max(count, 1)) // 10), len(UNITS) - 1)
    return f"{count / 1024**power:.3g} {UNITS[power]}"
