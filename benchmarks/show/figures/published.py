"""The published training runs, as the reference computes them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.show.figures import style
from benchmarks.show.figures.hover import tell
from benchmarks.show.wording import digits, file_name
from benchmarks.store.run import Run

MISSING = "No figures of the published training runs: the run has none."
CAPTION = "The published run of {model} regression as the reference trains it: {what}"
PARAMETERS = (
    "the loss of each step's batch, and below it the parameters, with the true values dotted."
)
ACCURACY = (
    "the loss and the accuracy on each step's batch; the band spans the smallest and the largest "
    "of {stretch} steps, the line is their mean."
)
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B87A00", "#3B94CB", "#7A6FD0")
POINTS = 600  # at most, across a figure
TOLD = 10  # of them


def draw(run: Run, _: pd.DataFrame) -> Iterator[style.Drawing]:
    """One figure for each training run."""
    for trajectory in run.trajectories:
        if not trajectory.loss:
            continue
        model, steps = trajectory.model, len(trajectory.loss)
        title = f"The published run of {model} regression, {steps} steps ({trajectory.dtype})"
        drawn = style.figure(10, 5.5)
        top, bottom = drawn.subplots(2, 1, sharex=True, height_ratios=(2, 3))
        _curve(top, "loss", trajectory.loss)
        top.set_ylabel("loss J of the batch")
        what = PARAMETERS if trajectory.parameters else ACCURACY
        if trajectory.parameters:
            _parameters(bottom, trajectory.parameters, trajectory.true)
        elif trajectory.accuracy:
            _curve(bottom, "accuracy", trajectory.accuracy)
            bottom.set_ylabel("accuracy on the batch")
        bottom.set_xlabel("step")
        caption = CAPTION.format(model=model, what=what.format(stretch=_stretch(steps)))
        name = file_name("training", model, trajectory.dtype)
        yield style.Drawing(name, title, caption, style.svg(drawn, title))


def _stretch(steps: int) -> int:
    return -(-steps // POINTS)


def _curve(axes: Any, name: str, values: list[float]) -> None:
    """Every step; if there are more than POINTS, the range and the mean of each stretch."""
    stretch = _stretch(len(values))
    starts = np.arange(0, len(values), stretch)
    if stretch > 1:
        low, high = (f.reduceat(values, starts) for f in (np.minimum, np.maximum))
        axes.fill_between(starts, low, high, color=COLORS[0], alpha=0.35, linewidth=0)
    counts = np.diff([*starts, len(values)])
    means = np.add.reduceat(values, starts) / counts
    axes.plot(starts, means, color=COLORS[0], linewidth=1)
    name = f"mean {name} of {stretch} steps" if stretch > 1 else name
    _tell(axes, name, starts.tolist(), means.tolist())


def _tell(axes: Any, name: str, steps: list[int], values: list[float]) -> None:
    """The values of a few steps of a curve."""
    every = slice(None, None, -(-len(steps) // TOLD))
    steps, values = steps[every], values[every]
    pairs = zip(steps, values, strict=True)
    told = [f"{name} at step {at}: {digits(value)}" for at, value in pairs]
    tell(axes, name, steps, values, told)


def _parameters(axes: Any, tracks: list[list[float]], true: list[float]) -> None:
    """Each parameter over the steps, with its true value; the last one is b."""
    names = [f"W[{i}]" for i in range(len(tracks) - 1)] + ["b"]
    for i, (label, track, value) in enumerate(zip(names, tracks, true, strict=False)):
        color = style.INK if label == "b" else COLORS[i % len(COLORS)]
        axes.plot(track, color=color, label=label)
        _tell(axes, label, list(range(len(track))), track)
        axes.axhline(value, color=color, linestyle=":", linewidth=1)
    axes.set_ylabel("parameters (dotted: true values)")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
