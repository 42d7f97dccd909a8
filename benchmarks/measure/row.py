"""A measured row, as it is stored: with its verdict, and void if its result is wrong."""

from collections.abc import Mapping
from statistics import median
from types import MappingProxyType
from typing import Any

import pytest

from backends import Cell
from benchmarks.measure import bounds
from benchmarks.measure.rounds import Timed
from reference.agreement import Verdict


def keep(
    benchmark: Any,
    cell: Cell,
    timed: Timed,
    verdict: Verdict,
    others: Mapping[str, Verdict] = MappingProxyType({}),
    flaw: str = "",
    kind: str = "call",
    **facts: Any,
) -> None:
    """Store the row with its verdict and facts; fail the test if it is void.

    others are the verdicts on the cells that it was timed beside; if one fails, the row is void.
    flaw says why the cell does not have the structure of its formulation.
    benchmarks/store/run.py describes each kind and its facts.
    """
    beside = (f"beside {name}: {v.failure}" for name, v in others.items() if v.failure)
    seconds = median(benchmark.stats.stats.data) / timed.info["calls"]
    too_fast = bounds.impossible(seconds, timed.info["beside"]) if cell.device == "cpu" else ""
    void = verdict.failure or timed.problem or flaw or too_fast or next(beside, "")
    benchmark.extra_info |= {"kind": kind} | cell._asdict() | timed.info | facts
    benchmark.extra_info |= {"verdict": verdict.as_dict(), "void": void}
    if void:
        pytest.fail(f"void: {void}")


def unfinished(item: Any, error: Any, words: tuple[str, ...]) -> list[dict[str, Any]]:
    """The void row of a test that raised an error before its row was stored, with that error."""
    params = dict(item.callspec.params) if hasattr(item, "callspec") else {}
    params.setdefault("model", params.get("map"))  # the name of a map is its model
    benchmark = item.funcargs.get("benchmark")
    if (
        not params.keys() >= {*words}
        or params["model"] is None
        or "verdict" in getattr(benchmark, "extra_info", {})
    ):
        return []
    group = getattr(benchmark, "group", None) or item.name
    why = " ".join(f"{error.typename}: {error.value}".split())
    kind = getattr(item.module, "KIND", "call")
    row = {"kind": kind, "group": group, "conditions": "", "void": why}
    row |= {"sharding": params["sharding"]} if "sharding" in params else {}
    return [{word: params[word] for word in words} | row]
