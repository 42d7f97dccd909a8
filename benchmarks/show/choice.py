"""Which one do I take? The fastest cell of each framework, import and compiling included."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmarks.analyse.choice import (
    STEPS,
    Crossing,
    candidates,
    crossings,
    fastest,
    uncertainty,
    usual,
)
from benchmarks.show.tables import Table
from benchmarks.show.wording import between, interval, title
from reference.problems import published
from reference.words import FIRST

NAME, TITLE = "choice", "Which one do I take?"
CAVEATS = (
    "Seconds from the first import to the result, of the cell of each framework that is done "
    "first. Caches: cold, the first process ever; warm, every later one. What comes before the "
    "steps was measured once, in one process; the intervals come from how far import and steady "
    "run of the same cell differ between two processes. Elementwise cells of logistic regression "
    "only, with 3 features, on one thread. At other sizes than that of the published run a step "
    "is one gradient without the update, what comes before it is that of the published run, and "
    "blocks and whole runs were not measured: a framework may do better there than is shown. As "
    "most people write it: the time of the published run, without import and compiling, divided "
    "by that of the framework's fastest elementwise cell."
)
USUAL = "as most people write it"


def table(rows: pd.DataFrame) -> Iterator[Table]:
    """A line for each state of the caches, size and framework; none without lives to compare."""
    half, lines = uncertainty(rows), candidates(rows)
    if half is None:
        return
    first = fastest(lines, STEPS[0])
    texts = {
        "caches": first.caches.to_list(), "B": first.B.map(str).to_list(),
        "framework": first.backend.map(title).to_list(),
    }  # fmt: skip
    numbers = {"B": first.B.astype(float).to_list()}
    for steps in STEPS:
        own = fastest(lines, steps)
        heading = f"{steps:,} steps"
        texts[heading] = [f"{row.way}, {told(row.total, half)}" for _, row in own.iterrows()]
        numbers[heading] = own.total.to_list()
    size = published(FIRST).X.shape[1]
    texts[USUAL] = [
        _usual(rows, row.backend) if size == row.B else "" for _, row in first.iterrows()
    ]
    yield Table(
        NAME, TITLE, CAVEATS, pd.DataFrame(texts, dtype=object), pd.DataFrame(numbers)
    ).filled()


def told(seconds: float, half: float) -> str:
    """A time with its interval."""
    return between(seconds, seconds * np.exp(-half), seconds * np.exp(half))


def winners(lines: pd.DataFrame, half: float) -> list[str]:
    """Which cell is fastest of all for a few steps, and which ones from where on, a line each."""
    first, *others = crossings(lines, half)
    return [f"{title(first.backend)} {first.way} first", *map(_from, others)]


def _from(found: Crossing) -> str:
    high = "no limit" if np.isinf(found.high) else _steps(found.high)
    limits = f"[{_steps(found.low)}, {high}]"
    return f"{title(found.backend)} {found.way} from {_steps(found.value)} {limits} steps"


def _steps(count: float) -> str:
    return f"{float(f'{count:.2g}'):,.0f}"


def _usual(rows: pd.DataFrame, backend: str) -> str:
    return "; ".join(f"{words} {interval(*ratio)}" for words, ratio in usual(rows, backend))
