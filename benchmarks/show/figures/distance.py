"""How far every training run is from the reference, over its steps."""

from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import matplotlib
import pandas as pd

from benchmarks.analyse.frame import own_conditions
from benchmarks.show.figures import style
from benchmarks.show.figures.hover import curve, tell
from benchmarks.show.wording import digits, title, titled
from benchmarks.store.run import Run

NAME, TITLE = "distance", "Distance from the reference over the steps"
MISSING = "No figure of the distance from the reference over the steps: the run did not store it."
CAPTION = (
    "The largest distance of the parameters (W, b) from the reference's up to each step, normwise: "
    "in ULP of the largest abs(W, b) so far. Every cell is a line, the thinner the more of the run "
    "one call carries; lines that agree lie on each other. The thick line above is the tolerance. "
    "The axis is linear up to 1/4 ULP, and logarithmic from there on."
)
LINEAR = 0.25
WIDTHS = {"eager": 1.8, "step": 1.3, "block": 1.0, "run": 0.8}
TOLERANCE: dict[str, Any] = {"color": style.INK, "linewidth": 2.5, "alpha": 0.5}


def draw(run: Run, rows: pd.DataFrame) -> Iterator[style.Drawing]:
    """One figure: a column for each model and dtype, a panel for each backend."""
    every = own_conditions(rows[rows.distance.notna()])
    found = dict(list(every.groupby(["model", "dtype"], sort=False)))
    if not found:
        return
    backends = list(every.backend.unique())
    drawn = style.figure(10, 1.15 * len(backends) + 0.9)
    grid = drawn.subplots(len(backends), len(found), sharex="col", sharey=True, squeeze=False)
    looks = style.looks(every)
    for j, ((model, dtype), own) in enumerate(found.items()):
        grid[0, j].set_title(f"{model} run, {dtype}")
        grid[-1, j].set_xlabel("step")
        for i, backend in enumerate(backends):
            _panel(grid[i, j], own[own.backend == backend], looks[backend][0])
    for axes, backend in zip(grid[:, 0], backends, strict=True):
        axes.set_ylabel(f"{title(backend)}\nULP", color=looks[backend][0])
    _legend(drawn, every)
    yield style.Drawing(NAME, TITLE, CAPTION, style.svg(drawn, TITLE))


def _panel(axes: Any, rows: pd.DataFrame, color: str) -> None:
    """The cells of one backend, in the line style of their formulation, and their tolerance."""
    for _, row in rows.iterrows():
        (steps, ulp), own = row.distance, (row.backend, row.formulation)
        axes.plot(
            [0, *steps], [*ulp[:1], *accumulate(ulp, max)], drawstyle="steps-pre", color=color,
            linewidth=WIDTHS.get(row.execution, 1.0), linestyle=style.line(row.formulation),
            gid=curve(*own),
        )  # fmt: skip
        if ulp:
            at = ulp.index(max(ulp))
            told = f"{titled(row)}: {digits(ulp[at])} ULP, up to step {steps[at]:.0f}"
            tell(axes, "largest distance", [steps[at]], [ulp[at]], [told], *own)
    axes.set_yscale("symlog", linthresh=LINEAR, linscale=0.5, base=2)
    ticks = {0: "0", 0.25: "1/4", 1: "1", 4: "4", 16: "16"}
    axes.set_yticks(list(ticks), labels=list(ticks.values()))
    axes.minorticks_off()
    allowed = [first for of_row in rows.allowed for first in of_row[:1]]
    if not allowed:
        return
    axes.axhline(min(allowed), **TOLERANCE)
    largest = max(max(ulp, default=0) for _, ulp in rows.distance)
    words = f"largest {digits(largest)}, allowed {digits(min(allowed))} ULP"
    axes.text(0.995, 0.8, words, transform=axes.transAxes, ha="right", va="top", fontsize=8)
    axes.set_ylim(-0.08, 1.5 * max([*allowed, largest]))


def _legend(drawn: Any, rows: pd.DataFrame) -> None:
    """The line of each formulation, and the tolerance's."""
    words = rows.formulation.unique()
    lines = {
        word: matplotlib.lines.Line2D([], [], color=style.INK, linestyle=style.line(word))
        for word in words
    } | {"tolerance": matplotlib.lines.Line2D([], [], **TOLERANCE)}
    style.legend(drawn, lines)
