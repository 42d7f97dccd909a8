"""Which cell is fastest for a size and a number of steps, with import and compiling included.

start is what a fresh process takes beyond its steps: import, copies, trace, compile, and what the
first call takes beyond a further one. step is what each step takes. Both are from the lives of the
cells, which are elementwise. A life has the size of the published run. At other sizes a step is the
gradient of one batch, which leaves out the update; blocks and whole runs were not measured there.

A stage is measured once, in one process. How far that may be off is estimated from the import and
the steady run of the same cell in its two processes, with empty and with filled caches: these do
not depend on caches.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.analyse.frame import own_conditions, ratio_of
from benchmarks.analyse.intervals import Ratio, quotient
from reference.problems import published
from reference.words import DTYPES, FIRST

SIZES = 32, 256, 4096
STEPS = 100, 10_000, 1_000_000
BEFORE = ("import", "to device", "trace", "compile", "first run", "to host")
SAME = "import", "steady"  # stages that do not depend on the caches
FEW = 4  # pairs of processes; with fewer there is no interval, and so no number
USUAL = {  # as most people write it, by backend: backend, execution and formulation
    "jax": (("optax", "step", "fused"), ("jax", "step", "autodiff")),
    "torch": (("nn", "eager", "fused"), ("torch", "eager", "autodiff")),
}
KEY = ["caches", "B", "backend", "way"]


class Crossing(NamedTuple):
    """From how many steps on another cell is faster: value and 95 % interval."""

    backend: str
    way: str
    value: float
    low: float
    high: float


def candidates(rows: pd.DataFrame) -> pd.DataFrame:
    """A line for each state of the caches, size and cell: start and step, in seconds."""
    lives, problem = _elementwise(_of(rows, "life")), published(FIRST)
    own = problem.X.shape[1]
    start = lives[list(BEFORE)].fillna(0).sum(axis="columns") - lives.steady
    lives = lives.assign(start=start, step=lives.steady / problem.steps, B=own)
    gradients = _elementwise(_of(rows, "gradient"))
    gradients = gradients[gradients.B.isin(SIZES) & (own != gradients.B)]
    gradients = gradients[["backend", "way", "B", "seconds"]].rename(columns={"seconds": "step"})
    others = lives[["caches", "backend", "way", "start"]].merge(gradients, on=["backend", "way"])
    found = pd.concat([lives[[*KEY, "start", "step"]], others[[*KEY, "start", "step"]]])
    return found.sort_values(KEY, kind="stable").reset_index(drop=True)


def uncertainty(rows: pd.DataFrame) -> float | None:
    """Half the 95 % interval of a time that was measured once, as a share; None if not known."""
    lives = _elementwise(_of(rows, "life"))
    pairs = lives.pivot_table(list(SAME), ["backend", "way"], "caches")
    if not {"cold", "warm"} <= {*pairs.columns.get_level_values(-1)}:
        return None
    found = [np.log(pairs[stage].cold / pairs[stage].warm).dropna() for stage in SAME]
    differences = np.concatenate(found)
    if len(differences) < FEW:
        return None
    deviation = np.sqrt(np.mean(differences**2) / 2)  # of one measurement: they differ by two
    return float(stats.t.ppf(0.975, len(differences)) * deviation)


def fastest(lines: pd.DataFrame, steps: float) -> pd.DataFrame:
    """Of each framework, size and state of the caches the cell that is done first, and when."""
    timed = lines.assign(total=lines.start + steps * lines.step)
    return timed.loc[timed.groupby(["caches", "B", "backend"], sort=False).total.idxmin()]


def crossings(lines: pd.DataFrame, half: float) -> list[Crossing]:
    """From one step on which cell is fastest of all, of one size and one state of the caches."""
    first = lines.loc[(lines.start + lines.step).idxmin()]
    found = [Crossing(first.backend, first.way, 1, 1, 1)]
    while True:
        faster = lines[(lines.step < first.step) & (lines.start > first.start)]
        if faster.empty:
            return found
        at = (faster.start - first.start) / (first.step - faster.step)
        other = lines.loc[at.idxmin()]
        found.append(Crossing(other.backend, other.way, *crossing(first, other, half)))
        first = other


def crossing(one: pd.Series, other: pd.Series, half: float) -> Ratio:
    """After how many steps other has caught up with one, with its 95 % interval.

    It is the ratio of two differences, with independent errors of the same share in all four times:
    Fieller's interval. Its upper limit is infinite if the steps of both may take the same time.
    """
    ahead, gain = other.start - one.start, one.step - other.step
    of_ahead = half**2 * (one.start**2 + other.start**2)
    of_gain = half**2 * (one.step**2 + other.step**2)
    a, b, c = gain**2 - of_gain, ahead * gain, ahead**2 - of_ahead
    root = np.sqrt(max(b * b - a * c, 0))
    low = max((c / (b + root)) if b + root else 0.0, 0.0)
    return Ratio(ahead / gain, low, (b + root) / a if a > 0 else float("inf"))


def usual(rows: pd.DataFrame, backend: str) -> list[tuple[str, Ratio]]:
    """A training run as most people write it, beside the fastest elementwise one of the backend.

    Without import and compiling. Quotients of two ratios to the reference, which was timed beside
    both; none where the processes of one of them have no common value.
    """
    trained = _of(rows, "training")
    trained = trained[trained["/ reference"].notna() & trained["/ reference from"].isna()]
    best = _elementwise(trained[trained.backend == backend])
    if best.empty:
        return []
    best = best.loc[best.seconds.idxmin()]
    found = []
    for words in USUAL.get(backend, ()):
        cells = zip(trained.backend, trained.execution, trained.formulation, strict=True)
        for _, row in trained[[cell == words for cell in cells]].iterrows():
            ratios = ratio_of(row, "/ reference"), ratio_of(best, "/ reference")
            found.append((" ".join(words), quotient(*ratios)))
    return found


def _of(rows: pd.DataFrame, kind: str) -> pd.DataFrame:
    """The rows of a kind, of the model and dtype that are shown where there is room for one."""
    own = own_conditions(rows[(rows.kind == kind) & (rows.model == FIRST)])
    return own[own["dtype"] == DTYPES[0]]


def _elementwise(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows.formulation == "elementwise"]
