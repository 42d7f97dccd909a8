"""The stored run: pytest-benchmark's JSON, with times of one call, ratios, void and left-out rows.

Keys beside pytest-benchmark's own:
  benchmarks[i].extra_info   the words of the cell, B or steps, the verdict of the last timed call,
                             beside (seconds of a call of the others, round by round) and
                             ratio {"baseline" | "elementwise": [median, low, high]}
  void           rows whose verdict failed, without their times
  left_out       rows that were not measured, with the reason
  trajectories   the reference's training runs, as far as they are drawn
"""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.rounds import ratio
from benchmarks.subject import training_problem

SCALED = ("min", "max", "mean", "stddev", "median", "iqr", "q1", "q3", "ld15iqr", "hd15iqr")
PACKAGES = ("numpy", "scipy", "numba", "jax", "torch", "autograd", "pytest", "pytest-benchmark")


def next_path(results: Path, quick: bool) -> Path:
    """The file of the next run: results/<machine>/<number>_quick.json or _full.json."""
    folder = machine_folder(results)
    taken = [int(p.name[:4]) for p in folder.glob("[0-9][0-9][0-9][0-9]_*.json")]
    return folder / f"{max(taken, default=0) + 1:04}_{'quick' if quick else 'full'}.json"


def machine_folder(results: Path) -> Path:
    """results/<machine>, made if it is missing."""
    folder = results / f"{platform.system()}-{platform.machine()}-{platform.python_version()}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def versions() -> dict[str, str]:
    """The installed version of everything that takes part."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def complete(run: dict[str, Any], left_out: list[dict[str, Any]], quick: bool) -> None:
    """Turn what pytest-benchmark is about to store into the run described above, in place."""
    for row in run["benchmarks"]:
        _per_call(row)
        info = row["extra_info"]
        data = row["stats"]["data"]
        info["ratio"] = {name: ratio(data, times) for name, times in info["beside"].items()}
    void = [row for row in run["benchmarks"] if not row["extra_info"]["verdict"]["passed"]]
    run["benchmarks"] = [row for row in run["benchmarks"] if row not in void]
    run["void"] = [{"group": row["group"], **_without_times(row["extra_info"])} for row in void]
    run["left_out"] = left_out
    run["quick"] = quick
    trained = {
        (row["extra_info"]["model"], row["extra_info"]["dtype"])
        for row in run["benchmarks"]
        if "steps" in row["extra_info"]
    }
    run["trajectories"] = [_trajectory(model, dtype, quick) for model, dtype in sorted(trained)]


def _per_call(row: dict[str, Any]) -> None:
    """Divide the times of a block by its calls, as pytest-benchmark does for iterations."""
    calls, stats = row["extra_info"]["calls"], row["stats"]
    for key in SCALED:
        stats[key] /= calls
    stats["data"] = [seconds / calls for seconds in stats["data"]]
    stats["ops"] *= calls
    stats["iterations"] = calls


def _without_times(info: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in info.items() if key not in ("beside", "ratio", "calls")}


def _trajectory(model: str, dtype: str, quick: bool) -> dict[str, Any]:
    """What the figure of a training run shows: every step, since thinning out would alias it."""
    problem, trajectory = training_problem(model, dtype, quick)
    drawn = {"model": model, "dtype": dtype, "loss": _rounded(trajectory.loss)}
    if model == "logistic":
        return drawn | {"accuracy": _rounded(trajectory.accuracy)}
    tracks = np.hstack([trajectory.W[:-1, :, 0], trajectory.b[:-1, 0]]).T
    true = np.concatenate([np.asarray(problem.true_W), np.asarray(problem.true_b)])[:, 0]
    return drawn | {"parameters": _rounded(tracks), "true": _rounded(true)}


def _rounded(array: np.ndarray) -> Any:
    return np.round(array.astype(float), 6).tolist()
