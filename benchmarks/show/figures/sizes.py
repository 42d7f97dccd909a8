"""One gradient over the batch size, dense and elementwise, with what follows from it."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.analyse import rows as query
from benchmarks.analyse import scaling as crossing
from benchmarks.show.figures import style
from benchmarks.show.text import file_name

MISSING = "No figure of a gradient over the batch size: the run has no dense gradients."
CAPTION = (
    "Time of one {model} gradient ({dtype}) over the batch size B, a panel for each backend and "
    "execution: dense solid, elementwise dashed. The vertical lines join them where dense "
    "becomes slower by 2, 10 and 100, interpolated between the measured ratios."
)
NOTE = (
    "Points: medians. Bands: the middle half of the rounds. B^p: growth of the time from "
    "B = {first} on, least squares of logarithms."
)
COLUMNS = 3
Row = dict[str, Any]


def draw(run: dict[str, Any]) -> Iterator[style.Drawing]:
    """One figure for each model and dtype."""
    for (model, dtype), rows in query.default_gradients(run).items():
        cells = dict.fromkeys(query.driven(row) for row in query.costs(rows))
        if cells:
            title = f"One {model} gradient over the batch size ({dtype})"
            drawn = _panels(rows, list(cells))
            caption = CAPTION.format(model=model, dtype=dtype)
            name = file_name("gradient", model, dtype)
            yield style.Drawing(name, title, caption, style.svg(drawn, title))


def _panels(rows: list[Row], cells: list[tuple[str, str]]) -> Any:
    columns = min(len(cells), COLUMNS)
    height = -(-len(cells) // columns)
    drawn = style.figure(10, 3.1 * height + 0.3)
    grid = drawn.subplots(height, columns, sharex=True, sharey=True, squeeze=False)
    looks = style.looks(rows)
    for axes, cell in zip(grid.flat, cells, strict=False):
        own = [row for row in rows if query.driven(row) == cell]
        _panel(axes, own, *looks[cell[0]])
        axes.set_title(style.driven(cell), color=looks[cell[0]][0], fontweight="bold")
    for axes in grid.flat[len(cells) :]:
        axes.set_visible(False)
    for axes in grid[:, 0]:
        axes.set_ylabel("time of one gradient")
    drawn.supxlabel(NOTE.format(first=crossing.FITTED), fontsize=8)
    return drawn


def _panel(axes: Any, rows: list[Row], color: str, marker: str) -> None:
    """Dense solid, elementwise dashed, and between them where dense is so much slower."""
    style.over_sizes(axes, (row["B"] for row in rows))
    axes.tick_params(labelbottom=True)
    for formulation in ("dense", "elementwise"):
        own = [row for row in rows if row["formulation"] == formulation]
        if own:  # dense may have been measured alone, beside its elementwise form
            _curve(axes, sorted(own, key=lambda row: row["B"]), formulation, color, marker)
    costs = sorted(query.costs(rows), key=lambda row: row["B"])
    told = ["dense is slower"]
    for found in crossing.crossings(costs):
        told.append(f"{found.factor}x: {found.words}")
        if found.size:
            _below(axes, costs, found.size, found.factor)
    axes.text(0.03, 0.97, "\n".join(told), transform=axes.transAxes, va="top", fontsize=8)
    axes.margins(x=0.12, y=0.15)
    style.over_times(axes)


def _curve(axes: Any, own: list[Row], formulation: str, color: str, marker: str) -> None:
    x, y = [r["B"] for r in own], [r["seconds"] for r in own]
    axes.fill_between(x, [r["q1"] for r in own], [r["q3"] for r in own], color=color, alpha=0.3)
    axes.plot(
        x, y, style.line(formulation), color=color, marker=marker,
        markerfacecolor=color if formulation == "dense" else "none",
    )  # fmt: skip
    growth = crossing.exponent(own)
    words = f"{formulation}{f', B^{growth}' if growth else ''}"
    if formulation == "dense":
        place = {"xy": (x[-1], y[-1]), "xytext": (4, 6), "va": "bottom"}
    else:
        place = {"xy": (0.98, 0.03), "xycoords": "axes fraction", "xytext": (0, 0), "va": "bottom"}
    axes.annotate(words, textcoords="offset points", ha="right", fontsize=8, color=color, **place)


def _below(axes: Any, dense: list[Row], size: float, factor: int) -> None:
    """The vertical line from dense down to where elementwise is, and the factor between them."""
    x, y = np.log([[row["B"], row["seconds"]] for row in dense]).T
    high = float(np.exp(np.interp(np.log(size), x, y)))
    axes.vlines(size, high / factor, high, color=style.INK, linewidth=1)
    label = {"xytext": (-3, 2), "textcoords": "offset points", "ha": "right", "fontsize": 8}
    axes.annotate(f"{factor}x", (size, high), **label)
