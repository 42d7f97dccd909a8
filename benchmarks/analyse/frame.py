"""A stored run as a pandas DataFrame, from which all tables, figures and sentences are made.

from benchmarks.analyse.frame import load_run
rows = load_run("results/own/<machine>/0001_quick.json")
rows[rows.formulation == "dense"].pivot_table("/ elementwise", "backend", "B")
"""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from benchmarks.analyse.intervals import Ratio, apart
from benchmarks.analyse.merge import sample
from benchmarks.analyse.shards import joined
from benchmarks.store.run import CELL_WORDS, UNSHARDED, Check, Entry, Life, Run, load

C_LOOP = "native"
RATIOS = {"baseline": "/ reference"}  # the others: "/ " and their name
KNOWN_RATIOS = ("/ C", "/ reference", "/ elementwise", "/ traffic", "/ reading", "/ exponentials",
                "/ products", "/ numpy", "/ one device")  # fmt: skip
BOUNDS = ["/ reading", "/ exponentials"]  # of a large batch; the higher bound counts
STAGES = ("import", "to device", "trace", "compile", "first run", "steady", "to host", "numpy")
WHOLE = ["B", "steps", "examples", "features", "matrix_bytes", "devices"]
NUMBERS = ["seconds", "q1", "q3", "temporary_bytes", "formula_bytes", "received_bytes", "faults",
           "processes", "tolerance used", "break_even", *STAGES]  # fmt: skip
SHARDED = ["sharding", "collectives", "not_timed"]  # texts that load_run leaves out of other runs
TEXTS = ["group", "kind", *CELL_WORDS, "way", "conditions", "void", "caches", *SHARDED[1:]]
# Columns that load_run leaves out:
NESTED = ["nearest check", "log_ratio", "distance", "allowed", "exchanges"]


def rows_of(run: Run) -> pd.DataFrame:
    """A line for each timed row: seconds of one call, and ratios with " low" and " high".

    And one, without a time, for each row over several devices that could not be timed here. If the
    processes of a ratio have no common value, " from" and " to" are their range.

    way is the execution, with the device if it is not the CPU. Every column is always there; one
    that a kind of row does not have is empty.
    """
    return _table(_lines(run))


def load_run(path: str | Path) -> pd.DataFrame:
    """A line for each row of the run in path, also for void ones, which have no time.

    Raises Mistake if path is not a stored run.
    """
    return table(load(Path(path)))


def table(run: Run) -> pd.DataFrame:
    """The same of a run that is loaded."""
    void = [msgspec.to_builtins(row) for row in run.void]
    rows = _table([*_lines(run), *void])
    unused = [] if (rows.sharding != UNSHARDED).any() else SHARDED
    return rows.drop(columns=[*NESTED, "way", *unused]).dropna(axis="columns", how="all")


def export(path: Path, to: Path) -> None:
    """Write the table of a stored run as CSV, Parquet or Markdown, by the suffix of the file."""
    rows = load_run(path)
    if to.suffix == ".csv":
        rows.to_csv(to, index=False)
    elif to.suffix == ".parquet":
        rows.to_parquet(to, index=False)
    else:
        rows.to_markdown(to, index=False)


def own_conditions(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that were measured under the conditions of the run's first process."""
    return rows[rows.conditions == ""]


def costs(rows: pd.DataFrame) -> pd.DataFrame:
    """The dense gradients, under the run's own conditions, with a ratio to the elementwise form."""
    dense = (rows.kind == "gradient") & (rows.formulation == "dense")
    return own_conditions(rows[dense & rows["/ elementwise"].notna()])


def ratio_of(row: Any, title: str, suffix: str = "") -> Ratio:
    """A ratio of a row with its interval; suffix is that of its columns."""
    return Ratio(*(float(row[f"{title}{limit}{suffix}"]) for limit in ("", " low", " high")))


def over(rows: pd.DataFrame, values: str, words: list[str], by: str = "B") -> pd.DataFrame:
    """A line for each combination of the words, in the order of rows, a column for each size."""
    table = rows.pivot_table(values, words, by, "first", sort=False)
    lines = rows.drop_duplicates(words).set_index(words).index
    return table.reindex(lines).sort_index(axis="columns")


def nearest(checks: list[Check]) -> Check | None:
    """The check that came nearest to its tolerance."""
    return max(checks, key=share, default=None)


def share(check: Check) -> float:
    """Observed / allowed; if nothing is allowed, 0 or infinity."""
    if not check.allowed:
        return float("inf") if check.observed else 0.0
    return float(check.observed / check.allowed)


def _lines(run: Run) -> list[dict[str, Any]]:
    return [*map(_judged, joined([*map(_line, run.benchmarks)], run.shards))]


def _judged(line: dict[str, Any]) -> dict[str, Any]:
    """The line with its checks in brief."""
    check = nearest(line["checks"])
    return {name: value for name, value in line.items() if name != "checks"} | {
        "way": line["execution"] + ("" if line["device"] == "cpu" else f" {line['device']}"),
        "tolerance used": None if check is None else share(check), "nearest check": check,
        "allowed": [found.allowed for found in line["checks"]],
    }  # fmt: skip


def _line(entry: Entry) -> dict[str, Any]:
    row, stats = entry.extra_info, entry.stats
    found = msgspec.to_builtins(row)
    line = {name: found[name] for name in (*TEXTS, *NUMBERS, *WHOLE, *NESTED) if name in found}
    line |= {"group": entry.group, "seconds": stats.median, "q1": stats.q1, "q3": stats.q3}
    for name, values in row.ratio.items():
        title = RATIOS.get(name, f"/ {name}")
        line |= dict(zip((title, f"{title} low", f"{title} high"), values, strict=True))
        if name in row.log_ratio and (limits := apart(sample(row.log_ratio, name))):
            line |= dict(zip((f"{title} from", f"{title} to"), limits, strict=True))
    if isinstance(row, Life):
        line |= found["life"]
        line["break_even"] = row.break_even if row.compiles else None
        line["pays"] = _pays(row)
    return line | {
        "faults": float(np.median(row.faults or [0])), "processes": len(row.rounds),
        "checks": row.verdict.checks,
    }  # fmt: skip


def _pays(row: Life) -> str:
    """Whether compiling pays: "never" or "after" some steps; "" if nothing compiles."""
    return "" if not row.compiles else "never" if row.break_even is None else "after"


def _table(lines: list[dict[str, Any]]) -> pd.DataFrame:
    rows, limits = pd.DataFrame(lines), ("", " low", " high", " from", " to")
    ratios = [f"{name}{limit}" for name in KNOWN_RATIOS for limit in limits]
    wanted = dict.fromkeys([*TEXTS, *WHOLE, *NUMBERS, "pays", *ratios, *NESTED, *rows.columns])
    rows = rows.reindex(columns=list(wanted))
    words = [*TEXTS, "pays"]
    kinds = dict.fromkeys(WHOLE, "Int64") | dict.fromkeys([*NUMBERS, *ratios], "float64")
    rows = rows.astype(kinds)
    rows[words] = rows[words].astype(object).fillna("")
    return rows
