"""How long one waits for a number of steps, import and compiling included, by framework."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.analyse.choice import candidates, uncertainty
from benchmarks.show.choice import NAME, TITLE, told, winners
from benchmarks.show.figures import style
from benchmarks.show.figures.hover import curve, tell
from benchmarks.show.wording import title
from benchmarks.store.run import Run

MISSING = (
    "No figure of which one to take: the run has no lives with cold and warm caches to compare."
)
CAPTION = (
    "Seconds from the first import to the result over the number of steps, of the fastest "
    "elementwise cell of each framework for that number; bands are 95 % intervals. In each panel: "
    "which cell is fastest of all, and from which number of steps on another one is."
)
STEPS = np.logspace(0, 7, 29)
TICKS = 1, 100, 10_000, 1_000_000
TOLD = slice(None, None, 4)  # the powers of ten


def draw(run: Run, rows: pd.DataFrame) -> Iterator[style.Drawing]:
    """One figure: a row of panels for each state of the caches, a panel for each size."""
    half, lines = uncertainty(rows), candidates(rows)
    if half is None:
        return
    caches, sizes = list(lines.caches.unique()), sorted(lines.B.unique())
    drawn = style.figure(10, 3.4 * len(caches) + 0.6)
    grid = drawn.subplots(len(caches), len(sizes), sharex=True, sharey=True, squeeze=False)
    looks = style.looks(lines)
    for panels, state in zip(grid, caches, strict=True):
        for axes, B in zip(panels, sizes, strict=True):
            own = lines[(lines.caches == state) & (lines.B == B)]
            axes.set_title(f"B = {B}, {state} caches")
            if len(own):
                _panel(axes, own, half, looks)
        panels[0].set_ylabel("from import to result")
    for axes in grid[-1]:
        axes.set_xlabel("steps")
    style.legend(drawn)
    yield style.Drawing(NAME, TITLE, CAPTION, style.svg(drawn, TITLE))


def _panel(axes: Any, lines: pd.DataFrame, half: float, looks: dict[str, Any]) -> None:
    """A line for each framework: of its cells the one that is done first."""
    for backend, own in lines.groupby("backend", sort=False):
        color, marker = looks[str(backend)]
        totals = own.start.to_numpy()[:, None] + own.step.to_numpy()[:, None] * STEPS
        least, ways = totals.min(axis=0), own.way.to_numpy()[totals.argmin(axis=0)]
        limits, gid = (least * np.exp(-half), least * np.exp(half)), curve(str(backend))
        axes.fill_between(STEPS, *limits, color=color, alpha=0.25, linewidth=0, gid=gid)
        axes.plot(STEPS, least, color=color, marker=marker, markevery=4, linewidth=1.1,
                  label=title(str(backend)), gid=gid)  # fmt: skip
        found = zip(STEPS[TOLD], least[TOLD], ways[TOLD], strict=True)
        texts = [f"{steps:,.0f} steps: {way}, {told(time, half)}" for steps, time, way in found]
        places = STEPS[TOLD].tolist(), least[TOLD].tolist()
        tell(axes, title(str(backend)), *places, texts, str(backend))
    axes.set_xscale("log")
    axes.set_xticks(TICKS, labels=[f"{steps:,}" for steps in TICKS])
    axes.minorticks_off()
    axes.margins(y=0.3)
    style.over_times(axes)
    words = "\n".join(winners(lines, half))
    shown = axes.text(0.03, 0.97, words, transform=axes.transAxes, va="top", fontsize=8)
    shown.set_in_layout(False)  # else it makes the panels narrow
