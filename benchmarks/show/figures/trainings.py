"""The training runs: time by backend, formulation and execution."""

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from benchmarks.analyse.frame import C_LOOP, own_conditions
from benchmarks.show.figures import style
from benchmarks.show.figures.hover import curve, tell
from benchmarks.show.wording import title
from benchmarks.store.run import Run

NAME, TITLE = "training_times", "Training runs: time by backend and by what one call carries"
MISSING = "No figure of the training runs: the run has none."
CAPTION = (
    "Time of a whole training run (median; the line through a point spans the middle half of the "
    "rounds). What one call into the framework carries grows from left to right: eager an "
    "operation, step a compiled step, block a compiled block of steps, run the whole run. "
    "Dashed: the C loop, as it was timed beside the others."
)
EXECUTIONS = {
    "eager": "a call: one operation",
    "step": "a call: one step",
    "block": "a call: a block of steps",
    "run": "a call: the whole run",
}
FORMULATIONS = ("dense", "jacrev", "autodiff", "elementwise", "fused")


def draw(run: Run, rows: pd.DataFrame) -> Iterator[style.Drawing]:
    """One figure: a row of panels for each model and dtype, a panel for each execution."""
    trainings = own_conditions(rows[rows.kind == "training"])
    if len(trainings):
        both = [style.svg(_panels(trainings, linear), TITLE) for linear in (False, True)]
        yield style.Drawing(NAME, TITLE, CAPTION, *both)


def _panels(trainings: pd.DataFrame, linear: bool) -> Any:
    found = dict(list(trainings.groupby(["model", "dtype"], sort=False)))
    executions = _in_order(EXECUTIONS, trainings.way)
    drawn = style.figure(10, 3.2 * len(found) + 0.6)
    grid = drawn.subplots(len(found), len(executions), sharey="row", sharex=True, squeeze=False)
    for panels, (key, own) in zip(grid, found.items(), strict=True):
        _row_of_panels(panels, own, executions, linear)
        panels[0].set_ylabel(f"{key[0]}, {key[1]}\ntime of {own.steps.iloc[0]} steps")
    style.legend(drawn)
    return drawn


def _in_order(known: Iterable[str], found: pd.Series) -> list[str]:
    """The words that are found: the known ones in their order, then the others, sorted."""
    known = list(known)
    return [word for word in known if (found == word).any()] + sorted({*found} - {*known})


def _row_of_panels(panels: Any, rows: pd.DataFrame, executions: list[str], linear: bool) -> None:
    formulations = _in_order(FORMULATIONS, rows.formulation)
    looks = style.looks(rows)
    c_loop = (rows.seconds / rows["/ C"]).median()
    for axes, execution in zip(panels, executions, strict=True):
        own = rows[rows.way == execution]
        backends = list(own.backend.unique())
        for i, backend in enumerate(backends):
            shift = 0.12 * (i - (len(backends) - 1) / 2)
            _points(axes, own[own.backend == backend], formulations, shift, looks)
        if pd.notna(c_loop):
            color = looks[C_LOOP][0]
            axes.axhline(c_loop, color=color, linestyle="--", linewidth=1)
            label = {"xytext": (0, 3), "textcoords": "offset points", "fontsize": 8}
            if not linear:  # there it would lie on the fast cells
                axes.annotate("C loop", (-0.5, c_loop), color=color, **label)
        axes.set_xticks(range(len(formulations)), labels=formulations, rotation=30, ha="right")
        axes.set_xlim(-0.6, len(formulations) - 0.4)
        axes.set_title("\n".join(filter(None, [execution, EXECUTIONS.get(execution)])))
        axes.tick_params(labelbottom=True)
    for axes in panels:  # they share the axis, which has to fit all of them
        style.over_times(axes, linear)


def _points(
    axes: Any, rows: pd.DataFrame, formulations: list[str], shift: float, looks: dict[str, Any]
) -> None:
    """One backend in one execution: a point for each formulation, joined by a line."""
    rows = rows.assign(place=rows.formulation.map(formulations.index)).sort_values("place")
    backend = rows.backend.iloc[0]
    color, marker = looks[backend]
    x = (rows.place + shift).to_list()
    axes.vlines(x, rows.q1, rows.q3, color=color, gid=curve(backend))
    axes.plot(
        x, rows.seconds.to_list(), color=color, marker=marker, linewidth=0.8,
        markersize=7, label=title(backend), gid=curve(backend),
    )  # fmt: skip
    told = [f"{title(backend)}: {style.middle_half(row)}" for _, row in rows.iterrows()]
    tell(axes, title(backend), x, rows.seconds.to_list(), told, backend)
