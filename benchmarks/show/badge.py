"""Whether a run can be believed: steady, noisy or unusable, and by how much, from the run alone."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.analyse.frame import costs
from benchmarks.show.circumstances import ALLOWED
from benchmarks.store.run import Run

SHORT = 512  # the largest B whose intervals count here: those of larger ones are memory layouts
NOISY = 0.05  # half of an interval, as a share of the ratio
UNUSABLE = 0.25
FEW = 0.1  # the share of processes that may drift in a steady run


class Badge(NamedTuple):
    """One word, and the reason in a sentence."""

    word: str
    reason: str


def badge(run: Run, rows: pd.DataFrame) -> Badge:
    """How steady the machine was, and how wide the intervals of what dense costs are."""
    drifts = [process.drift for process in run.processes]
    unsteady = sum(process.unstable for process in run.processes)
    half = _half(costs(rows))
    word = "steady" if unsteady <= FEW * len(drifts) and half <= NOISY else "noisy"
    word = "unusable" if half > UNUSABLE else word
    drift = f"The speed of the machine changed by more than {ALLOWED} in {unsteady} of "
    drift += f"{len(drifts)} processes ({max(drifts):.0%} at most)"
    width = f"; half of the ratios of short batches are known to {half:.1%} or better"
    return Badge(word, f"{drift}{width if half else ''}.")


def _half(dense: pd.DataFrame) -> float:
    """Half of the median interval of the ratios of short batches, or of all; 0 without any."""
    short = dense[dense.B <= SHORT]
    own = short if len(short) else dense
    if own.empty:
        return 0.0
    return float((np.log(own["/ elementwise high"] / own["/ elementwise low"]) / 2).median())
