"""The figures of a stored run, each made from its JSON alone."""

import matplotlib
import pandas as pd

from benchmarks.analyse.shards import KIND
from benchmarks.show.figures import (
    choice,
    devices,
    distance,
    life,
    map_costs,
    memory,
    published,
    ratios,
    sizes,
    style,
    trainings,
)
from benchmarks.store.run import Run

FIGURES = sizes, ratios, trainings, life, choice, distance, memory, published, map_costs, devices


def draw(run: Run, rows: pd.DataFrame) -> tuple[list[style.Drawing], list[str]]:
    """Every figure that the run has data for, and a sentence for each one that is missing.

    None is missed in a run of batches that several devices share: it measures nothing else.
    """
    modules = (devices,) if run.shards and {*rows.kind} <= {KIND} else FIGURES
    drawings: list[style.Drawing] = []
    missing: list[str] = []
    with matplotlib.rc_context(style.RC):
        for module in modules:
            drawn = list(module.draw(run, rows))
            drawings += drawn
            missing += [] if drawn or not module.MISSING else [module.MISSING]
    return drawings, missing
