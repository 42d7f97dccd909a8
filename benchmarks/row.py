"""A measured row, as it is stored: a time counts only with the proof that the call was right."""

from typing import Any

import pytest

from backends import Cell
from benchmarks.rounds import Timed
from reference.agreement import Verdict


def keep(benchmark: Any, cell: Cell, timed: Timed, verdict: Verdict, **facts: Any) -> None:
    """Store the row with its verdict and facts; fail the test if it is void."""
    void = verdict.failure or timed.problem
    benchmark.extra_info |= cell._asdict() | timed.info | facts
    benchmark.extra_info |= {"verdict": verdict.as_dict(), "void": void}
    if void:
        pytest.fail(f"void: {void}")
