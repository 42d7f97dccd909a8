"""How far every training run is from the reference, over its steps."""

from collections.abc import Iterator
from typing import Any

import matplotlib

from benchmarks.analyse import rows as query
from benchmarks.show.figures import style
from benchmarks.show.text import digits, title

NAME, TITLE = "distance", "Distance from the reference over the steps"
MISSING = "No figure of the distance from the reference over the steps: the run did not store it."
CAPTION = (
    "The largest distance of the parameters (W, b) from the reference's within each stretch of "
    "steps, normwise: in ULP of the largest abs(W, b) so far. Every cell is a line; lines that "
    "agree lie on each other. The thick line above is the tolerance. The axis is linear up to "
    "1/4 ULP, and logarithmic from there on."
)
LINEAR = 0.25
TOLERANCE: dict[str, Any] = {"color": style.INK, "linewidth": 2.5, "alpha": 0.5}
Row = dict[str, Any]


def draw(run: dict[str, Any]) -> Iterator[style.Drawing]:
    """One figure: a column for each model and dtype, a panel for each backend."""
    found = {k: [r for r in rows if "distance" in r] for k, rows in query.trainings(run).items()}
    found = {key: rows for key, rows in found.items() if rows}
    if not found:
        return
    every = [row for rows in found.values() for row in rows]
    backends = list(dict.fromkeys(row["backend"] for row in every))
    drawn = style.figure(10, 1.15 * len(backends) + 0.9)
    grid = drawn.subplots(len(backends), len(found), sharex="col", sharey=True, squeeze=False)
    looks = style.looks(every)
    for j, ((model, dtype), rows) in enumerate(found.items()):
        grid[0, j].set_title(f"{model} run, {dtype}")
        grid[-1, j].set_xlabel("step")
        for i, backend in enumerate(backends):
            _panel(grid[i, j], [r for r in rows if r["backend"] == backend], looks[backend][0])
    for axes, backend in zip(grid[:, 0], backends, strict=True):
        axes.set_ylabel(f"{title(backend)}\nULP", color=looks[backend][0])
    _legend(drawn, every)
    yield style.Drawing(NAME, TITLE, CAPTION, style.svg(drawn, TITLE))


def _panel(axes: Any, rows: list[Row], color: str) -> None:
    """The cells of one backend, their line that of the formulation, and their tolerance."""
    for row in rows:
        steps, ulp = row["distance"]
        axes.plot(
            [0, *steps], [*ulp[:1], *ulp], drawstyle="steps-pre", color=color, linewidth=1.1,
            linestyle=style.line(row["formulation"]),
        )  # fmt: skip
    axes.set_yscale("symlog", linthresh=LINEAR, linscale=0.5, base=2)
    ticks = {0: "0", 0.25: "1/4", 1: "1", 4: "4", 16: "16"}
    axes.set_yticks(list(ticks), labels=list(ticks.values()))
    axes.minorticks_off()
    allowed = [check["allowed"] for row in rows for check in row["verdict"]["checks"][:1]]
    if not allowed:
        return
    axes.axhline(min(allowed), **TOLERANCE)
    largest = max(max(row["distance"][1], default=0) for row in rows)
    words = f"largest {digits(largest)}, allowed {digits(min(allowed))} ULP"
    axes.text(0.995, 0.8, words, transform=axes.transAxes, ha="right", va="top", fontsize=8)
    axes.set_ylim(-0.08, 1.5 * max([*allowed, largest]))


def _legend(drawn: Any, rows: list[Row]) -> None:
    """The line of each formulation, and the tolerance's."""
    words = dict.fromkeys(row["formulation"] for row in rows)
    lines = {
        word: matplotlib.lines.Line2D([], [], color=style.INK, linestyle=style.line(word))
        for word in words
    } | {"tolerance": matplotlib.lines.Line2D([], [], **TOLERANCE)}
    style.legend(drawn, lines)
