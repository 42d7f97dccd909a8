"""The stored run: pytest-benchmark's JSON, with times of one call, ratios, void and left-out rows.

Keys beside pytest-benchmark's own:
  benchmarks[i].extra_info   the words of the cell; B or steps; the verdict of the last timed call;
                             distance of a training run, [steps, ULP]: see measure/distance.py;
                             calls, the number of calls in a block; conditions, those that are not
                             the first process's, in words; for each process rounds, their number,
                             and faults, the minor page faults of a call; for each of the others,
                             "baseline" | "elementwise" | "limit", beside, the seconds of a call in
                             each process, log_ratio, all paired ratios of each process in natural
                             logarithms, and ratio [value, low, high]
  void                       rows without their times, and the reason: void
  left_out                   rows that were not measured, with the reason
  processes                  each process: its name, conditions, state of the machine before and
                             after, drift of the calibration loop, or the reason why it failed
  failed                     the processes that have no part in the run, with the reason: a run with
                             one of them is partial
  schema                     the version of all this: see benchmarks/store/schema.py
  trajectories               the reference's training runs, as far as they are drawn
"""

import json
from copy import deepcopy
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np
from pytest_benchmark.stats import Stats

from benchmarks.analyse.intervals import SCATTER, Sample, logs, ratio, spread
from benchmarks.analyse.rows import WORDS
from benchmarks.measure import calibration
from benchmarks.measure.calls import training_problem
from benchmarks.store import schema
from benchmarks.store.conditions import differences
from benchmarks.store.files import Mistake
from benchmarks.store.machine import machine_folder
from benchmarks.store.shape import flaw

Run = dict[str, Any]
SCHEMA = schema.CURRENT


def next_path(results: Path, quick: bool) -> Path:
    """The file of the next run: results/own/<machine>/<number>_quick.json or _full.json.

    The folder of a run that was not finished has its number, too.
    """
    folder = machine_folder(results)
    taken = [int(p.name[:4]) for p in folder.glob("[0-9][0-9][0-9][0-9]_*")]
    return folder / f"{max(taken, default=0) + 1:04}_{'quick' if quick else 'full'}.json"


def unused(path: Path) -> Path:
    """The path of a run, or where another one was stored there meanwhile, one beside it."""
    others = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
    return next(p for p in chain([path], others) if not p.exists())


def read(path: Path) -> Run:
    """The stored run in path, in the current form. Raises Mistake if there is no whole one."""
    try:
        run = json.loads(path.read_bytes())
        json.dumps(run, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except OSError as error:
        raise Mistake(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise Mistake(f"{path}: no JSON, or not all of it: {error}") from None
    if problem := flaw(run):
        raise Mistake(f"{path}: not a stored run of this suite: {problem}")
    try:
        return schema.upgraded(run)
    except ValueError as error:
        raise Mistake(f"{path}: no run that this version of the suite reads: {error}") from None


def is_partial(run: Run) -> bool:
    """Whether a process that was to be measured has no part in the run."""
    return bool(run.get("failed"))


def complete(run: Run, left_out: list[dict[str, Any]], quick: bool, process: Run) -> None:
    """Turn what pytest-benchmark is about to store into the run of one process, in place.

    A row without a verdict was not finished: the process was interrupted in it, or it failed.
    """
    rows, kept = [row for row in run["benchmarks"] if "verdict" in row["extra_info"]], []
    run |= {"schema": SCHEMA, "failed": []}
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
    run["benchmarks"] = kept
    _judge_drift(process)
    trained = {(r["extra_info"]["model"], r["extra_info"]["dtype"]) for r in kept if _trains(r)}
    run["trajectories"] = [_trajectory(model, dtype, quick) for model, dtype in sorted(trained)]


def merge(parts: list[Run]) -> Run:
    """One run of what several processes stored; a row that is void in one of them is void."""
    run = deepcopy(parts[0])
    run["processes"] = [process for part in parts for process in part["processes"]]
    run["failed"] = [process for part in parts for process in part["failed"]]
    run["left_out"] = _unique(row for part in parts for row in part["left_out"])
    run["trajectories"] = _unique(t for part in parts for t in part["trajectories"])
    rows: dict[tuple[str, str], list[Run]] = {}
    void: dict[tuple[str, str], Run] = {}
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


def sample(info: Run, name: str) -> Sample:
    """The log-ratios of a row's times to those of baseline, elementwise or limit."""
    return [np.array(process) for process in info["log_ratio"][name]]


def scatter(rows: list[Run]) -> float:
    """What the ratios of a run differ by between its processes, at least what one process hides."""
    infos = [row["extra_info"] for row in rows]
    samples = [sample(info, name) for info in infos for name in info.get("log_ratio", {})]
    return max(SCATTER, spread(samples))


def _count_by_call(row: Run) -> None:
    """The row of one process, as measured block by block, in seconds of a call and in ratios."""
    info = row["extra_info"]
    data = [seconds / info["calls"] for seconds in row["stats"]["data"]]
    info["rounds"], info["faults"] = [len(data)], [float(np.median(info["faults"]))]
    info["log_ratio"] = {
        name: [np.round(pairs, 4).tolist() for pairs in logs([data], [times])]
        for name, times in info["beside"].items()
    }
    info["beside"] = {name: [float(np.median(times))] for name, times in info["beside"].items()}
    _summarize(row, data)


def _joined(rows: list[Run]) -> Run:
    """The row of several processes; as pytest-benchmark does, it leaves out the single times."""
    first, infos = rows[0], [row["extra_info"] for row in rows]
    info = first["extra_info"]
    for key in ("rounds", "faults"):
        info[key] = [of_process for i in infos for of_process in i[key]]
    names = [name for name in info["beside"] if all(name in i["beside"] for i in infos)]
    for key in ("beside", "log_ratio"):
        info[key] = {n: [of_process for i in infos for of_process in i[key][n]] for n in names}
    info["verdict"] = info["verdict"] | {"checks": _worst([i["verdict"] for i in infos])}
    _summarize(first, [seconds for row in rows for seconds in row["stats"]["data"]])
    del first["stats"]["data"]
    return first


def _worst(verdicts: list[Run]) -> list[Run]:
    """Of each check that the processes made the one that observed most; all have the same ones."""
    each = zip(*(verdict.get("checks", []) for verdict in verdicts), strict=True)
    return [max(same, key=lambda check: check["observed"]) for same in each]


def _widen(rows: list[Run]) -> None:
    """Give the ratios of one process what those of several differ by between them."""
    between = scatter(rows)
    for row in rows:
        for name in _ratios(row):
            if len(found := sample(row["extra_info"], name)) == 1:
                _ratios(row)[name] = list(ratio(found, between))


def _ratios(row: Run) -> dict[str, list[float]]:
    found: dict[str, list[float]] = row["extra_info"]["ratio"]
    return found


def _summarize(row: Run, data: list[float]) -> None:
    """Statistics and ratios of the seconds of a call, round by round."""
    stats = Stats()
    for seconds in data:
        stats.update(seconds)
    row["stats"] = {**stats.as_dict(), "data": data, "iterations": row["extra_info"]["calls"]}
    info = row["extra_info"]
    info["ratio"] = {name: list(ratio(sample(info, name))) for name in info["log_ratio"]}


def _judge_drift(process: Run) -> None:
    loops = process["calibration"]
    process["drift"] = calibration.drift(loops) if loops else 0.0
    process["unstable"] = process["drift"] > calibration.LIMIT


def _cell(info: Run) -> str:
    return "-".join(info[word] for word in WORDS)


def _trains(row: Run) -> bool:
    return "steps" in row["extra_info"]


def _unique(found: Any) -> list[Any]:
    unique: list[Any] = []
    for thing in found:
        if thing not in unique:
            unique.append(thing)
    return unique


def _without_times(info: Run) -> Run:
    times = ("beside", "calls", "faults")
    return {key: value for key, value in info.items() if key not in times}


def _trajectory(model: str, dtype: str, quick: bool) -> Run:
    """What the figure of a training run shows: every step, since thinning out would alias it."""
    problem, trajectory = training_problem(model, dtype, quick)
    drawn = {"model": model, "dtype": dtype, "loss": _rounded(trajectory.loss)}
    if trajectory.accuracy is not None:
        return drawn | {"accuracy": _rounded(trajectory.accuracy)}
    tracks = np.hstack([trajectory.W[:-1, :, 0], trajectory.b[:-1, 0]]).T
    true = np.concatenate([np.asarray(problem.true_W), np.asarray(problem.true_b)])[:, 0]
    return drawn | {"parameters": _rounded(tracks), "true": _rounded(true)}


def _rounded(array: np.ndarray) -> Any:
    return np.round(array.astype(float), 6).tolist()
