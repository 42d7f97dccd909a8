"""What is asked of a stored run again and again: its rows, and some of them."""

from collections.abc import Iterable
from typing import Any

Run = dict[str, Any]
Row = dict[str, Any]
WORDS = ("model", "backend", "execution", "device", "formulation", "dtype")
LIMIT = "native"  # the C loop


def rows_of(run: Run) -> list[Row]:
    """The timed rows: the words of the cell, group, B or steps, seconds of a call, ratio."""
    return [
        {"group": row["group"], "seconds": row["stats"]["median"], **quartiles(row["stats"])}
        | row["extra_info"]
        for row in run["benchmarks"]
    ]


def quartiles(stats: dict[str, Any]) -> dict[str, float]:
    """The seconds of a call between which the middle half of the rounds lies."""
    return {name: stats[name] for name in ("q1", "q3")}


def groups(run: Run) -> Iterable[str]:
    """The comparisons of a run, in the order in which they were measured."""
    found = dict.fromkeys(row["group"] for row in run["benchmarks"] + run["void"])
    return [group for group in found if not group.startswith(("life", "large"))]


def by_problem(rows: Iterable[Row]) -> dict[tuple[str, str], list[Row]]:
    """The rows by model and dtype."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row["model"], row["dtype"]), []).append(row)
    return found


def gradients(run: Run) -> dict[tuple[str, str], list[Row]]:
    """The rows of single gradients, by model and dtype."""
    return by_problem(row for row in rows_of(run) if "B" in row)


def default_gradients(run: Run) -> dict[tuple[str, str], list[Row]]:
    """Those that were measured under the run's own conditions, by model and dtype."""
    return by_problem(row for row in rows_of(run) if "B" in row and not row["conditions"])


def trainings(run: Run) -> dict[tuple[str, str], list[Row]]:
    """The rows of training runs under the run's own conditions, by model and dtype."""
    return by_problem(row for row in rows_of(run) if "steps" in row and not row["conditions"])


def lives(run: Run) -> dict[str, list[Row]]:
    """The rows of the life of a cell, by group."""
    found: dict[str, list[Row]] = {}
    for row in rows_of(run):
        if "life" in row and not row["conditions"]:
            found.setdefault(row["group"], []).append(row)
    return found


def costs(rows: Iterable[Row]) -> list[Row]:
    """The dense rows with a ratio to the elementwise form."""
    return [r for r in rows if r["formulation"] == "dense" and "elementwise" in r["ratio"]]


def driven(row: Row) -> tuple[str, str]:
    """Backend and execution, with the device where it is not the CPU."""
    device = "" if row["device"] == "cpu" else f" {row['device']}"
    return row["backend"], row["execution"] + device


def processes(run: Run) -> int:
    """In how many processes a backend was measured: that of the row with the most."""
    return max((len(row["extra_info"]["rounds"]) for row in run["benchmarks"]), default=0)
