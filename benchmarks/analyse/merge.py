"""Merge several processes into one run: rows are joined, ratios are over the processes."""

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

import numpy as np
from pytest_benchmark.stats import Stats

from benchmarks.analyse.intervals import SCATTER, Sample, ratio, spread
from benchmarks.store.conditions import differences
from benchmarks.store.run import CELL_WORDS

JSON = dict[str, Any]


def merge(parts: list[JSON]) -> JSON:
    """Merge what several processes stored; a row that is void in one of them is void."""
    run = deepcopy(parts[0])
    run["processes"] = [process for part in parts for process in part["processes"]]
    run["failed"] = [process for part in parts for process in part["failed"]]
    run["left_out"] = _unique(row for part in parts for row in part["left_out"])
    run["trajectories"] = _unique(t for part in parts for t in part["trajectories"])
    rows: dict[tuple[str, str], list[JSON]] = {}
    void: dict[tuple[str, str], JSON] = {}
    for part in parts:
        other = differences(run["processes"][0]["conditions"], part["processes"][0]["conditions"])
        for row in deepcopy(part["benchmarks"] + part["void"]):
            info = row.get("extra_info", row)
            info["conditions"] = other
            row["group"] += f", {other}" if other else ""
            key = row["group"], _cell(info)
            if info["void"]:
                void.setdefault(key, row)
            else:
                rows.setdefault(key, []).append(row)
    run["void"] = list(void.values())
    run["benchmarks"] = [_joined(found) for key, found in rows.items() if key not in void]
    _widen(run["benchmarks"])
    return run


def sample(log_ratio: dict[str, Any], name: str) -> Sample:
    """The log-ratios of a row's times to those of a call timed beside it, such as baseline."""
    return [np.array(process) for process in log_ratio[name]]


def scatter(log_ratios: Iterable[dict[str, Any]]) -> float:
    """The standard deviation of ratios between the processes of a run, at least SCATTER."""
    samples = [sample(own, name) for own in log_ratios for name in own]
    return max(SCATTER, spread(samples))


def summarize(row: JSON, data: list[float]) -> None:
    """Add statistics and ratios to the row; data has the seconds of a call in each round."""
    stats = Stats()
    for seconds in data:
        stats.update(seconds)
    row["stats"] = {**stats.as_dict(), "data": data, "iterations": row["extra_info"]["calls"]}
    info = row["extra_info"]
    logs = info["log_ratio"]
    info["ratio"] = {name: list(ratio(sample(logs, name))) for name in logs}


def _joined(rows: list[JSON]) -> JSON:
    """Join the rows of several processes, without the single times, as pytest-benchmark does."""
    first, infos = rows[0], [row["extra_info"] for row in rows]
    info = first["extra_info"]
    for key in ("rounds", "faults"):
        info[key] = [of_process for i in infos for of_process in i[key]]
    names = [name for name in info["beside"] if all(name in i["beside"] for i in infos)]
    for key in ("beside", "log_ratio"):
        info[key] = {n: [of_process for i in infos for of_process in i[key][n]] for n in names}
    info["verdict"] = info["verdict"] | {"checks": _worst([i["verdict"] for i in infos])}
    summarize(first, [seconds for row in rows for seconds in row["stats"]["data"]])
    del first["stats"]["data"]
    return first


def _worst(verdicts: list[JSON]) -> list[JSON]:
    """For each check the one that observed most; all processes make the same checks."""
    each = zip(*(verdict.get("checks", []) for verdict in verdicts), strict=True)
    return [max(same, key=lambda check: check["observed"]) for same in each]


def _widen(rows: list[JSON]) -> None:
    """Widen intervals of one process by the differences between processes in other rows.

    These are of the same formulation, if there are such rows: the memory layout of B x B numbers
    changes a dense time by ten times as much as the others.
    """
    logs: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        info = row["extra_info"]
        logs.setdefault(info["formulation"], []).append(info["log_ratio"])
    every = scatter(log_ratio for found in logs.values() for log_ratio in found)
    own = {formulation: scatter(found) for formulation, found in logs.items() if _several(found)}
    for row in rows:
        for name in _ratios(row):
            if len(found := sample(row["extra_info"]["log_ratio"], name)) == 1:
                between = own.get(row["extra_info"]["formulation"], every)
                _ratios(row)[name] = list(ratio(found, between))


def _several(log_ratios: list[dict[str, Any]]) -> bool:
    """Whether a ratio of these was measured in several processes."""
    return any(len(processes) > 1 for own in log_ratios for processes in own.values())


def _ratios(row: JSON) -> dict[str, list[float]]:
    found: dict[str, list[float]] = row["extra_info"]["ratio"]
    return found


def _cell(info: JSON) -> str:
    return "-".join(info[word] for word in CELL_WORDS)


def _unique(found: Any) -> list[Any]:
    unique: list[Any] = []
    for thing in found:
        if thing not in unique:
            unique.append(thing)
    return unique
