"""One gradient over the batch size, dense and elementwise, and where dense becomes slower."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from benchmarks.analyse import scaling
from benchmarks.analyse.frame import costs, own_conditions
from benchmarks.show.figures import style
from benchmarks.show.figures.hover import curve, tell
from benchmarks.show.wording import digits, file_name
from benchmarks.store.run import Run
from reference.models import load
from reference.words import MODELS

MISSING = "No figure of a gradient over the batch size: the run has no dense gradients."
CAPTION = (
    "Time of one {model} gradient ({dtype}) over the batch size B, a panel for each backend and "
    "execution; bands are the middle half of the rounds. The vertical lines join dense and "
    "elementwise where dense becomes slower by 2, 10 and 100, interpolated between the measured "
    "ratios. Dense has regimes rather than one slope: matrices that stay in a cache, matrices in "
    "memory, and matrices in fresh pages (ringed), which the system fills with zeros first. "
    "Dotted: writing and reading each matrix once, in memory that is there already, at the speeds "
    "measured beside the largest sizes."
)
TRAFFIC = "writing and reading each matrix once"
RING = "fresh pages: the call has page faults"
RINGS: dict[str, Any] = {"linestyle": "none", "marker": "o", "mfc": "none", "markersize": 11}
COLUMNS = 3


def draw(run: Run, rows: pd.DataFrame) -> Iterator[style.Drawing]:
    """One figure for each model and dtype."""
    gradients = own_conditions(rows[rows.kind == "gradient"])
    for (model, dtype), own in gradients.groupby(["model", "dtype"], sort=False):
        if cells := _calls(costs(own)):
            title = f"One {model} gradient over the batch size ({dtype})"
            both = [style.svg(_panels(own, cells, linear), title) for linear in (False, True)]
            caption = CAPTION.format(model=model, dtype=dtype)
            yield style.Drawing(file_name("gradient", model, dtype), title, caption, *both)


def _calls(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """Backend and execution of the rows, each pair once."""
    return list(dict.fromkeys(zip(rows.backend, rows.way, strict=True)))


def _panels(rows: pd.DataFrame, cells: list[tuple[str, str]], linear: bool) -> Any:
    columns = min(len(cells), COLUMNS)
    height = -(-len(cells) // columns)
    drawn = style.figure(10, 3.1 * height + 0.3)
    grid = drawn.subplots(height, columns, sharex=True, sharey=True, squeeze=False)
    looks = style.looks(rows)
    for axes, cell in zip(grid.flat, cells, strict=False):
        own = rows[(rows.backend == cell[0]) & (rows.way == cell[1])]
        _panel(axes, own, *looks[cell[0]], linear)
        axes.set_gid(curve(cell[0]))
        axes.set_title(style.driven(cell), color=looks[cell[0]][0], fontweight="bold")
    for axes in grid.flat[len(cells) :]:
        axes.set_visible(False)
    for axes in grid.flat[: len(cells)]:  # they share the axis, which has to fit all of them
        style.over_times(axes, linear)
    for axes in grid[:, 0]:
        axes.set_ylabel("time of one gradient")
    style.legend(drawn, _handles(), columns=2)
    return drawn


def _handles() -> dict[str, Any]:
    """What a line or a ring means, whatever its color."""
    lines = {
        "dense": {"linestyle": style.line("dense"), "marker": "o"},
        "elementwise": {"linestyle": style.line("elementwise"), "marker": "o", "mfc": "none"},
        TRAFFIC: {"linestyle": ":"},
        RING: RINGS,
    }
    return {name: Line2D([], [], color=style.INK, **look) for name, look in lines.items()}


def _panel(axes: Any, rows: pd.DataFrame, color: str, marker: str, linear: bool) -> None:
    """Dense solid, elementwise dashed, and lines where dense becomes slower by a factor."""
    style.over_sizes(axes, rows.B, linear=linear)
    axes.tick_params(labelbottom=True)
    for formulation in ("dense", "elementwise"):
        own = rows[rows.formulation == formulation].sort_values("B")
        if len(own):  # elementwise may have no rows of its own
            _curve(axes, own, formulation, color, marker)
    dense = costs(rows).sort_values("B")
    fresh = dense[dense.faults > 0]
    axes.plot(fresh.B, fresh.seconds, color=style.INK, **RINGS)
    told = [_traffic(axes, row) for _, row in dense[dense["/ traffic"].notna()].iterrows()]
    told.append("dense is slower")
    for found in scaling.crossings(dense):
        told.append(f"{found.factor}x: {found.words}")
        if found.size:
            _below(axes, dense, found.size, found.factor)
    axes.margins(x=0.12, y=0.15)
    axes.text(0.03, 0.97, "\n".join(filter(None, told)), transform=axes.transAxes, va="top",
              fontsize=8)  # fmt: skip


def _curve(axes: Any, own: pd.DataFrame, formulation: str, color: str, marker: str) -> None:
    backend, x, y = own.backend.iloc[0], own.B.to_list(), own.seconds.to_list()
    axes.fill_between(x, own.q1, own.q3, color=color, alpha=0.3, gid=curve(formulation))
    axes.plot(
        x, y, style.line(formulation), color=color, marker=marker, gid=curve(formulation),
        markerfacecolor=color if formulation == "dense" else "none",
    )  # fmt: skip
    told = [f"B = {row.B}: {style.middle_half(row)}" for _, row in own.iterrows()]
    tell(axes, f"{style.driven((backend, own.way.iloc[0]))} {formulation}", x, y, told,
         backend, formulation)  # fmt: skip


def _traffic(axes: Any, row: Any) -> str:
    """The line of the traffic at the speed that was measured beside a dense row; the speed."""
    seconds = row.seconds / row["/ traffic"]
    sizes = row.B * np.array([0.5, 1.0])
    axes.plot(sizes, seconds * (sizes / row.B) ** 2, ":", color=style.INK)
    if row.model not in MODELS:  # of another version of the suite: how many matrices it has?
        return ""
    speed = 2 * len(load(row.model).JACOBIANS) * row.matrix_bytes / seconds
    return f"traffic at {row.B}: {digits(speed / 1e9)} GB/s"


def _below(axes: Any, dense: pd.DataFrame, size: float, factor: int) -> None:
    """The vertical line from dense down to elementwise."""
    x, y = np.log(dense[["B", "seconds"]].to_numpy(float)).T
    high = float(np.exp(np.interp(np.log(size), x, y)))
    axes.vlines(size, high / factor, high, color=style.INK, linewidth=1)
