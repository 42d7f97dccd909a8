"""A stored run as text: one table a comparison, and the answer in a sentence."""

from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import Any

import numpy as np

NAMES = {"numpy": "NumPy", "numba": "Numba", "jax": "JAX", "torch": "PyTorch"}
Row = dict[str, Any]


def rows_of(run: dict[str, Any]) -> list[Row]:
    """The timed rows: the words of the cell, group, B or steps, seconds of a call, ratio."""
    return [
        {"group": row["group"], "seconds": row["stats"]["median"], **row["extra_info"]}
        for row in run["benchmarks"]
    ]


def report(run: dict[str, Any]) -> list[str]:
    """Everything: a table for each comparison, what is missing, and the answer."""
    lines = []
    for group in groups(run):
        lines += [*comparison(run, group), ""]
    return [*lines, *missing(run), *answer(run)]


def summary(run: dict[str, Any]) -> list[str]:
    """What fits a terminal: the training runs whole, the gradients as one table a model."""
    lines = []
    for group in groups(run):
        if group.startswith("training"):
            lines += [*comparison(run, group), ""]
    gradients = [row for row in rows_of(run) if "B" in row]
    for key in dict.fromkeys((row["model"], row["dtype"]) for row in gradients):
        rows = [row for row in gradients if (row["model"], row["dtype"]) == key]
        title = f"gradient {' '.join(key)}"
        lines += [*over_sizes(f"{title}: us of one call", rows, _microseconds), ""]
        dense = [row for row in rows if "elementwise" in row["ratio"] and _is_dense(row)]
        if dense:
            lines += [*over_sizes(f"{title}: dense / elementwise", dense, _times), ""]
    return [*lines, *missing(run), *answer(run)]


def groups(run: dict[str, Any]) -> Iterable[str]:
    """The comparisons of a run, in the order in which they were measured."""
    return dict.fromkeys(row["group"] for row in run["benchmarks"] + run["void"])


def comparison(run: dict[str, Any], group: str) -> Iterator[str]:
    """One table: each cell with its time, and its ratios to the baseline and to elementwise."""
    yield f"{group}, median of one call; ratios with their 95 % interval"
    yield f"{'cell':25}{'time':>8}{'/ reference':>24}{'/ elementwise':>22}"
    rows = [row for row in rows_of(run) if row["group"] == group]
    for row in sorted(rows, key=lambda row: row["seconds"]):
        ratios = row["ratio"]
        shown = f"{_interval(ratios.get('baseline')):>24}{_interval(ratios.get('elementwise')):>22}"
        yield f"{name(row):25}{duration(row['seconds']):>8}{shown}".rstrip()
    for row in run["void"]:
        if row["group"] == group:
            yield f"{name(row):25}    void: {row['void']}"


def over_sizes(title: str, rows: list[Row], show: Any) -> Iterator[str]:
    """One table over the batch sizes: a line for each cell."""
    sizes = sorted({row["B"] for row in rows})
    yield title
    yield f"{'B =':24}" + "".join(f"{B:>7}" for B in sizes)
    for cell in dict.fromkeys(name(row) for row in rows):
        found = {row["B"]: show(row) for row in rows if name(row) == cell}
        yield f"{cell:24}" + "".join(f"{found.get(B, '-'):>7}" for B in sizes)


def missing(run: dict[str, Any]) -> list[str]:
    """A line for each row that is void or was left out."""
    lines = [f"void: {r['group']}, {name(r)}: {r['void']}" for r in run["void"]]
    lines += [f"left out: {name(r)}, {r['reason']}" for r in run["left_out"]]
    return [*lines, ""] if lines else []


def answer(run: dict[str, Any]) -> list[str]:
    """The closing sentence: what dense costs in each backend, and whether all rows agree."""
    rows = [row for row in rows_of(run) if _is_dense(row) and "elementwise" in row["ratio"]]
    costs: dict[str, str] = {}
    for row in rows:  # the first execution of a backend is what its users get by default
        if row["model"] == "logistic" and row.get("B") == 256:
            costs.setdefault(row["backend"], f"{_times(row)} in {_title(row['backend'])}")
    count, void = len(run["benchmarks"]), len(run["void"])
    agreement = f"all {count} rows agree with the reference."
    if void:
        agreement = f"{count} rows agree with the reference, {void} do not and are void."
    if costs:
        agreement = (
            "At B = 256 a logistic gradient that forms its diagonal Jacobians takes, in times of "
            f"the elementwise one, {', '.join(costs.values())}; {agreement}"
        )
    return wrap(agreement, 80)


def name(row: Row) -> str:
    """The cell in a few words; what is cpu or float64 goes without saying."""
    words = [row["backend"], row["execution"], row["formulation"]]
    return " ".join(words + [row[w] for w in ("device",) if row[w] != "cpu"])


def duration(seconds: float) -> str:
    """Three digits and a unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{digits(seconds / size)} {unit}"
    return f"{digits(seconds / 1e-9)} ns"


def digits(value: float) -> str:
    """Three significant digits, without an exponent."""
    places = 2 - int(np.floor(np.log10(value))) if value > 0 else 2
    return f"{round(value, places):.{max(places, 0)}f}"


def _is_dense(row: Row) -> bool:
    return row["formulation"] == "dense"


def _interval(ratio: list[float] | None) -> str:
    return "" if ratio is None else f"{_ratio(ratio[0])} [{_ratio(ratio[1])}, {_ratio(ratio[2])}]"


def _ratio(value: float) -> str:
    """Three digits, and no more than four places behind the point."""
    return digits(value) if value >= 0.1 else f"{value:.4f}"


def _times(row: Row) -> str:
    return digits(row["ratio"]["elementwise"][0])


def _microseconds(row: Row) -> str:
    seconds = row["seconds"]
    return digits(seconds * 1e6) if seconds < 0.1 else f"{seconds:.2f}s"


def _title(backend: str) -> str:
    return NAMES.get(backend, backend)
