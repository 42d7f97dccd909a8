"""The run of one process, made from the JSON of pytest-benchmark."""

from typing import Any

import numpy as np

from benchmarks.analyse.intervals import logs
from benchmarks.analyse.merge import judge_together, summarize
from benchmarks.measure import calibration
from benchmarks.measure.calls import training_problem
from benchmarks.store import schema

JSON = dict[str, Any]


def complete(run: JSON, left_out: list[dict[str, Any]], quick: bool, process: JSON) -> None:
    """Turn the JSON of pytest-benchmark into the run of one process, in place.

    Rows without a verdict are left out: they were interrupted or raised an error.
    """
    rows, kept = [row for row in run["benchmarks"] if "verdict" in row["extra_info"]], []
    run |= {"schema": schema.CURRENT, "failed": []}
    process["calibration"] = [s for row in rows for s in row["extra_info"].pop("calibration")]
    run |= {"void": [], "left_out": left_out, "quick": quick, "processes": [process]}
    for row in rows:
        info = row["extra_info"]
        info["conditions"] = ""
        if info["void"]:
            run["void"].append({"group": row["group"], **_without_times(info)})
        else:
            kept.append(row)
            _count_by_call(row)
    judge_together(kept)
    run["benchmarks"] = kept
    _judge_drift(process)
    infos = [row["extra_info"] for row in kept]
    trained = {(i["model"], i["dtype"]) for i in infos if i["kind"] == "training"}
    run["trajectories"] = [_trajectory(model, dtype, quick) for model, dtype in sorted(trained)]


def _count_by_call(row: JSON) -> None:
    """Turn the seconds of blocks into seconds of a call, and add the ratios of the row."""
    info = row["extra_info"]
    data = [seconds / info["calls"] for seconds in row["stats"]["data"]]
    info["rounds"], info["faults"] = [len(data)], [float(np.median(info["faults"]))]
    info["log_ratio"] = {
        name: [np.round(pairs, 4).tolist() for pairs in logs([data], [times])]
        for name, times in info["beside"].items()
    }
    info["beside"] = {name: [float(np.median(times))] for name, times in info["beside"].items()}
    summarize(row, data)


def _judge_drift(process: JSON) -> None:
    loops = process["calibration"]
    process["drift"] = calibration.drift(loops) if loops else 0.0
    process["unstable"] = process["drift"] > calibration.DRIFT_ALLOWED


def _without_times(info: JSON) -> JSON:
    times = ("beside", "calls", "faults")
    return {key: value for key, value in info.items() if key not in times}


def _trajectory(model: str, dtype: str, quick: bool) -> JSON:
    """What the figure of a training run shows: every step, since a selection would alias."""
    problem, trajectory = training_problem(model, dtype, quick)
    drawn = {"model": model, "dtype": dtype, "loss": _rounded(trajectory.loss)}
    if trajectory.accuracy is not None:
        return drawn | {"accuracy": _rounded(trajectory.accuracy)}
    tracks = np.hstack([trajectory.W[:-1, :, 0], trajectory.b[:-1, 0]]).T
    true = np.concatenate([np.asarray(problem.true_W), np.asarray(problem.true_b)])[:, 0]
    return drawn | {"parameters": _rounded(tracks), "true": _rounded(true)}


def _rounded(array: np.ndarray) -> Any:
    return np.round(array.astype(float), 6).tolist()
