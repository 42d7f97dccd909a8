"""Gradients over several devices: what a device forms over their number, and the time."""

from collections.abc import Callable, Iterator
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from benchmarks.analyse.shards import FORMULAS
from benchmarks.show.devices import CELL, NOT_MEASURED, ONE, Scaling, prepared, scalings
from benchmarks.show.figures import style
from benchmarks.show.figures.hover import curve, tell
from benchmarks.show.wording import amount, file_name, ratio, title
from benchmarks.store.run import Run

MISSING = ""  # batches are shared only on request
CAPTION = (
    "One {model} gradient ({dtype}) of a batch that n devices share, over n: of the same batch "
    "(B = ...), and of one that grows with n (B = ... n). Above: the bytes that it forms on each "
    "device, and three formulas: B^2/n of a matrix that is divided, (B/n)^2 of a matrix of each "
    "device's own examples, B/n of a vector. Below, where each device has a processor: the time, "
    "beside the same gradient on one device, with its interval; 1/n would be n times as fast."
)
FORMULATIONS = "dense", "elementwise"
FORMULA: dict[str, Any] = {"color": style.INK, "linewidth": 2.5, "alpha": 0.5, "zorder": 1}


def draw(run: Run, rows: pd.DataFrame) -> Iterator[style.Drawing]:
    """One figure for each model and dtype, a column of panels for each way to scale."""
    every = prepared(rows)
    for (model, dtype), own in every.groupby(["model", "dtype"], sort=False):
        own = own[own.formulation.isin(FORMULATIONS)]
        found = list(scalings(own)) if own.devices.nunique() > 1 else []
        if found:
            heading = f"One {model} gradient over several devices ({dtype})"
            caption = CAPTION.format(model=model, dtype=dtype)
            drawn = style.svg(_panels(found, own[ONE].notna().any()), heading)
            yield style.Drawing(file_name("devices", model, dtype), heading, caption, drawn)


def _panels(found: list[Scaling], is_timed: bool) -> Any:
    drawn = style.figure(10, 6.2 if is_timed else 4)
    grid = drawn.subplots(
        1 + is_timed, len(found), squeeze=False, sharex="col", sharey="row",
        height_ratios=(3, 2)[: 1 + is_timed],
    )  # fmt: skip
    for axes, scaling in zip(grid[0], found, strict=True):
        axes.set_title(scaling.words)
        _bytes(axes, scaling.rows)
    grid[0, 0].set_ylabel("formed on a device")
    if is_timed:
        for axes, scaling in zip(grid[1], found, strict=True):
            _times(axes, scaling.rows)
        grid[1, 0].set_ylabel("time / one device")
    for axes, scaling in zip(grid[-1], found, strict=True):
        style.over_sizes(axes, scaling.rows.devices, "devices n")
    style.legend(drawn, _handles(found[0].rows), columns=4)
    return drawn


def _bytes(axes: Any, rows: pd.DataFrame) -> None:
    """What is formed on a device, and the formulas."""
    size = np.dtype(rows["dtype"].iloc[0]).itemsize
    places = sorted({*zip(rows.devices, rows.B, strict=True)})
    for name, numbers in FORMULAS.items():
        _predicted(axes, name, {n: size * numbers(B, n) for n, B in places})
    _curves(axes, rows, "temporary_bytes", _formed)
    axes.set_yscale("log", base=2)
    axes.yaxis.set_major_locator(matplotlib.ticker.LogLocator(base=16))
    axes.yaxis.set_major_formatter(lambda count, _: amount(count))


def _times(axes: Any, rows: pd.DataFrame) -> None:
    """The time beside that on one device."""
    _predicted(axes, "1/n", {n: 1 / n for n in sorted({*rows.devices})})
    timed = rows[rows[ONE].notna()]
    for _, row in timed.iterrows():
        limits = row[[f"{ONE} low", f"{ONE} high"]].to_list()
        color, gid = style.looks(rows)[row.backend][0], curve(row.backend, row.formulation)
        axes.plot([row.devices] * 2, limits, color=color, linewidth=1, gid=gid)
    _curves(axes, timed, ONE, lambda row: ratio(row, ONE))
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda times, _: f"{times:g}")
    if missing := sorted({*rows.devices} - {*timed.devices}):
        words = f"n = {', '.join(map(str, missing))}: {NOT_MEASURED}"
        axes.text(0.97, 0.95, words, transform=axes.transAxes, ha="right", va="top", fontsize=8)


def _predicted(axes: Any, name: str, over: dict[int, float]) -> None:
    """A formula over n, with its name at the last n."""
    axes.plot(list(over), list(over.values()), **FORMULA)
    end = list(over.items())[-1]
    axes.annotate(name, end, (9, 0), textcoords="offset points", va="center", fontsize=8)


def _curves(axes: Any, rows: pd.DataFrame, values: str, show: Callable[[Any], str]) -> None:
    """A curve for each cell, with open markers if each device has its own examples."""
    looks = style.looks(rows)
    for (backend, _, formulation, partition), own in rows.groupby(CELL, sort=False):
        own = own.sort_values("devices")
        (color, marker), words = looks[backend], (backend, formulation)
        x, y = own.devices.to_list(), own[values].to_list()
        axes.plot(
            x, y, linestyle=style.line(formulation), color=color, marker=marker, linewidth=1.1,
            markerfacecolor=_face(partition, color), gid=curve(*words),
        )  # fmt: skip
        told = [f"n = {row.devices}, B = {row.B}: {show(row)}" for _, row in own.iterrows()]
        tell(axes, own.cell.iloc[0], x, y, told, *words)


def _formed(row: Any) -> str:
    return f"{amount(row.temporary_bytes)}, {row['/ formula']:.2f} of {row.formula}"


def _face(partition: str, color: str) -> str:
    return "none" if partition == "batch" else color


def _handles(rows: pd.DataFrame) -> dict[str, Any]:
    """What colors, lines and markers mean."""
    looks: dict[str, dict[str, Any]] = {
        title(backend): {"color": color, "marker": marker, "linestyle": "none"}
        for backend, (color, marker) in style.looks(rows).items() if backend in {*rows.backend}
    }  # fmt: skip
    looks |= {word: {"color": style.INK, "linestyle": style.line(word)} for word in FORMULATIONS}
    for partition in dict.fromkeys(rows.partition):
        face = _face(partition, style.INK)
        looks[partition] = {"color": style.INK, "marker": "o", "mfc": face, "linestyle": "none"}
    looks["formula"] = FORMULA
    return {name: Line2D([], [], **look) for name, look in looks.items()}
