"""Merge several processes into one run: rows are joined, ratios are over the processes."""

from copy import deepcopy
from typing import Any

import numpy as np
from pytest_benchmark.stats import Stats

from backends import UNSHARDED
from benchmarks.analyse.intervals import NOTHING, Sample, prior, ratio
from benchmarks.store.conditions import differences
from benchmarks.store.run import CELL_WORDS
from reference.structure import MATRICES

JSON = dict[str, Any]
LONG = 512  # examples of a batch


def merge(parts: list[JSON]) -> JSON:
    """Merge what several processes stored; a row that is void in one of them is void."""
    run = deepcopy(parts[0])
    run["processes"] = [process for part in parts for process in part["processes"]]
    run["failed"] = [process for part in parts for process in part["failed"]]
    run["left_out"] = _unique(row for part in parts for row in part["left_out"])
    if "shards" in run:  # older runs have none
        run["shards"] = _unique(row for part in parts for row in part.get("shards", []))
    run["trajectories"] = _unique(t for part in parts for t in part["trajectories"])
    rows: dict[tuple[str, str], list[JSON]] = {}
    void: dict[tuple[str, str], JSON] = {}
    for part in parts:
        first = next(one for one in parts if _over(one) == _over(part))
        other = differences(*(one["processes"][0]["conditions"] for one in (first, part)))
        for row in deepcopy(part["benchmarks"] + part["void"]):
            info = row.get("extra_info", row)
            info["conditions"] = other
            if other:  # the names are keys for other programs
                row["group"] += f", {other}"
                for name in row.keys() & {"name", "fullname"}:
                    row[name] += f" [{other}]"
            key = row["group"], _cell(info)
            if info["void"]:
                void.setdefault(key, row)
            else:
                rows.setdefault(key, []).append(row)
    run["void"] = list(void.values())
    run["benchmarks"] = [_joined(found) for key, found in rows.items() if key not in void]
    judge_together(run["benchmarks"])
    return run


def _over(part: JSON) -> set[tuple[str, str]]:
    """Backend and number of devices of a process whose batches are shared: they set conditions."""
    return {(one["backend"], one["sharding"].split("/")[1]) for one in part.get("shards", [])}


def sample(log_ratio: dict[str, Any], name: str) -> Sample:
    """The log-ratios of a row's times to those of a call timed beside it, such as baseline."""
    return [np.array(process) for process in log_ratio[name]]


def summarize(row: JSON, data: list[float]) -> None:
    """Add statistics to the row; data has the seconds of a call in each round."""
    stats = Stats()
    for seconds in data:
        stats.update(seconds)
    row["stats"] = {**stats.as_dict(), "data": data, "iterations": row["extra_info"]["calls"]}


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


def judge_together(rows: list[JSON]) -> None:
    """Add their ratios to the rows, each with the prior from the rows of its kind.

    If these have one process each, as large batches do, the prior is from all ratios of rows of
    this size. In the run of one process there is none.
    """
    samples: dict[tuple[Any, ...], list[Sample]] = {}
    for row in rows:
        for name in row["extra_info"]["log_ratio"]:
            for key in (_size(row), (*_size(row), name)):
                samples.setdefault(key, []).append(sample(row["extra_info"]["log_ratio"], name))
    priors = {key: prior(own) for key, own in samples.items()}
    for row in rows:
        info = row["extra_info"]
        info["ratio"] = {}
        for name in info["log_ratio"]:
            known = priors[(*_size(row), name)]
            known = priors[_size(row)] if known == NOTHING else known
            found = sample(info["log_ratio"], name)
            info["ratio"][name] = list(ratio(found, known))
            if len(found) > 1:  # of several processes only the medians count: half of the file
                info["log_ratio"][name] = [[float(np.median(process))] for process in found]


def _size(row: JSON) -> tuple[Any, ...]:
    """What decides how much processes differ: the memory layout of matrices and long vectors."""
    info = row["extra_info"]
    is_long = info.get("B", info.get("examples", 0)) > LONG
    return info["kind"] == "training", info["formulation"] in MATRICES, is_long


def _cell(info: JSON) -> str:
    return "-".join(info.get(word, UNSHARDED) for word in CELL_WORDS)


def _unique(found: Any) -> list[Any]:
    unique: list[Any] = []
    for thing in found:
        if thing not in unique:
            unique.append(thing)
    return unique
