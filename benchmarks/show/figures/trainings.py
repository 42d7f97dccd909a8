"""The training runs: time by backend, formulation, and by what one call carries."""

from collections.abc import Iterator
from statistics import median
from typing import Any

from benchmarks.analyse import rows as query
from benchmarks.show.figures import style
from benchmarks.show.text import title

NAME, TITLE = "training_times", "Training runs: time by backend and by what one call carries"
MISSING = "No figure of the training runs: the run has none."
CAPTION = (
    "Time of a whole training run (median; the line through a point spans the middle half of the "
    "rounds). What one call into the framework carries grows from left to right: eager an "
    "operation, step a compiled step, block a compiled block of steps, run the whole run. "
    "Dashed: the C loop, which is the limit, as it was timed beside the others."
)
EXECUTIONS = {
    "eager": "a call: one operation",
    "step": "a call: one step",
    "block": "a call: a block of steps",
    "run": "a call: the whole run",
}
FORMULATIONS = ("dense", "jacrev", "autodiff", "elementwise", "fused")
Row = dict[str, Any]


def draw(run: dict[str, Any]) -> Iterator[style.Drawing]:
    """One figure: a row of panels for each model and dtype, a panel for each execution."""
    found = query.trainings(run)
    if not found:
        return
    rows = [row for own in found.values() for row in own]
    executions = [e for e in EXECUTIONS if any(query.driven(row)[1] == e for row in rows)]
    executions += sorted({query.driven(row)[1] for row in rows} - {*EXECUTIONS})
    drawn = style.figure(10, 3.2 * len(found) + 0.6)
    grid = drawn.subplots(len(found), len(executions), sharey="row", sharex=True, squeeze=False)
    for panels, (key, own) in zip(grid, found.items(), strict=True):
        _row_of_panels(panels, own, executions)
        panels[0].set_ylabel(f"{key[0]}, {key[1]}\ntime of {own[0]['steps']} steps")
    style.legend(drawn)
    yield style.Drawing(NAME, TITLE, CAPTION, style.svg(drawn, TITLE))


def _row_of_panels(panels: Any, rows: list[Row], executions: list[str]) -> None:
    found = {row["formulation"] for row in rows}
    formulations = [f for f in FORMULATIONS if f in found] + sorted(found - {*FORMULATIONS})
    looks = style.looks(rows)
    limit = [row["seconds"] / row["ratio"]["limit"][0] for row in rows if "limit" in row["ratio"]]
    for axes, execution in zip(panels, executions, strict=True):
        own = [row for row in rows if query.driven(row)[1] == execution]
        backends = list(dict.fromkeys(row["backend"] for row in own))
        for i, backend in enumerate(backends):
            shift = 0.12 * (i - (len(backends) - 1) / 2)
            _points(axes, [r for r in own if r["backend"] == backend], formulations, shift, looks)
        if limit:
            seconds, color = median(limit), looks[query.LIMIT][0]
            axes.axhline(seconds, color=color, linestyle="--", linewidth=1)
            label = {"xytext": (0, 3), "textcoords": "offset points", "fontsize": 8}
            axes.annotate("C loop", (-0.5, seconds), color=color, **label)
        axes.set_xticks(range(len(formulations)), labels=formulations, rotation=30, ha="right")
        axes.set_xlim(-0.6, len(formulations) - 0.4)
        axes.set_title("\n".join(filter(None, [execution, EXECUTIONS.get(execution)])))
        axes.tick_params(labelbottom=True)
        style.over_times(axes)


def _points(
    axes: Any, rows: list[Row], formulations: list[str], shift: float, looks: dict[str, Any]
) -> None:
    """One backend in one execution: a point a formulation, joined in their order."""
    rows = sorted(rows, key=lambda row: formulations.index(row["formulation"]))
    color, marker = looks[rows[0]["backend"]]
    x = [formulations.index(row["formulation"]) + shift for row in rows]
    axes.vlines(x, [r["q1"] for r in rows], [r["q3"] for r in rows], color=color)
    axes.plot(
        x, [r["seconds"] for r in rows], color=color, marker=marker, linewidth=0.8,
        markersize=7, label=title(rows[0]["backend"]),
    )  # fmt: skip
