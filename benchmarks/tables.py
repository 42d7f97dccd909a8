"""A stored run as text: one table a comparison, and the answer in a sentence."""

from collections.abc import Callable, Iterable, Iterator
from itertools import combinations
from textwrap import wrap
from typing import Any

import numpy as np

from benchmarks import calibration, life_table
from benchmarks.conditions import HUGE_PAGES
from benchmarks.intervals import quotient
from benchmarks.store import sample
from benchmarks.text import digits, duration, interval, microseconds, name, title

LEGEND = (
    "/ C loop, / reference, / elementwise: ratios of times measured in interleaved rounds, with "
    "their 95 % intervals; ~ no difference measured."
)
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
    for key, rows in gradients(run).items():
        lines += [*memory(f"gradient {' '.join(key)}", rows), ""]
    lines += [*life_table.tables(run), *against_each_other(run)]
    return [*lines, *missing(run), *conditions(run), "", *answer(run)]


def summary(run: dict[str, Any]) -> list[str]:
    """What fits a terminal: the training runs whole, the gradients as one table a model."""
    lines = []
    for group in groups(run):
        if group.startswith("training"):
            lines += [*comparison(run, group), ""]
    for key, found in gradients(run).items():
        rows, words = [row for row in found if not row["conditions"]], " ".join(key)
        lines += [*over_sizes(f"gradient {words}: us of one call", rows, _time), ""]
        dense = [row for row in rows if "elementwise" in row["ratio"] and _is_dense(row)]
        if dense:
            lines += [*over_sizes(f"gradient {words}: dense / elementwise", dense, _times), ""]
    lines += life_table.tables(run)
    return [*lines, *wrap(LEGEND, 80), "", *missing(run), *conditions(run), "", *answer(run)]


def groups(run: dict[str, Any]) -> Iterable[str]:
    """The comparisons of a run, in the order in which they were measured."""
    found = dict.fromkeys(row["group"] for row in run["benchmarks"] + run["void"])
    return [group for group in found if not group.startswith("life")]


def gradients(run: dict[str, Any]) -> dict[tuple[str, str], list[Row]]:
    """The rows of single gradients, by model and dtype."""
    rows = [row for row in rows_of(run) if "B" in row]
    keys = dict.fromkeys((row["model"], row["dtype"]) for row in rows)
    return {key: [r for r in rows if (r["model"], r["dtype"]) == key] for key in keys}


def comparison(run: dict[str, Any], group: str) -> Iterator[str]:
    """One table: each cell with its time, its ratios to the baseline and to elementwise."""
    rows = [row for row in rows_of(run) if row["group"] == group]
    limit = any("limit" in row["ratio"] for row in rows)
    yield from wrap(f"{group}, median of one call", 80)
    first = f"{'cell':23}{'time':>8}" + (f"{'/ C':>7}" if limit else "")
    yield f"{first}{'/ reference':>21}{'/ elementwise':>21}"
    for row in sorted(rows, key=lambda row: row["seconds"]):
        ratio = row["ratio"]
        shown = f"{name(row):23}{duration(row['seconds']):>8}"
        shown += f"{digits(ratio['limit'][0]) if 'limit' in ratio else '':>7}" if limit else ""
        pairs = (interval(ratio.get(other)) for other in ("baseline", "elementwise"))
        yield (shown + "".join(f" {pair:>20}" for pair in pairs)).rstrip()
    for row in run["void"]:
        if row["group"] == group:
            yield f"{name(row):25}    void: {row['void']}"


def over_sizes(
    heading: str, rows: list[Row], show: Callable[[Row], str], label: Callable[[Row], str] = name
) -> Iterator[str]:
    """One table over the batch sizes: a line for each cell."""
    sizes = sorted({row["B"] for row in rows})
    width = max(24, *(len(label(row)) + 1 for row in rows))
    yield heading
    yield f"{'B =':{width}}" + "".join(f"{B:>7}" for B in sizes)
    for cell in dict.fromkeys(label(row) for row in rows):
        found = {row["B"]: show(row) for row in rows if label(row) == cell}
        yield f"{cell:{width}}" + "".join(f"{found.get(B, '-'):>7}" for B in sizes)


def memory(heading: str, rows: list[Row]) -> list[str]:
    """What one dense call allocates, its page faults, and its time with huge pages for all."""
    dense = [row for row in rows if row["matrix_bytes"]]
    if not dense:
        return []
    plain = [row for row in dense if not row["conditions"]]
    lines = [
        *over_sizes(f"{heading}: temporary memory in matrices of B x B", plain, _matrices), "",
        *over_sizes(f"{heading}: minor page faults of one call", plain, _faults),
    ]  # fmt: skip
    with_others = {(r["B"], name(r)) for r in dense if r["conditions"]}
    twice = [row for row in dense if (row["B"], name(row)) in with_others]
    if twice:
        twice.sort(key=lambda row: [name(row), row["conditions"]])
        for what, show in (("us", _time), ("minor page faults", _faults)):
            lines += ["", *over_sizes(f"{heading}: {what} of one call", twice, show, _label)]
    return lines


def against_each_other(run: dict[str, Any]) -> list[str]:
    """Backend against backend: the quotient of two ratios to the baseline, elementwise."""
    lines = []
    for group in groups(run):
        rows: dict[str, Any] = {}
        for row in run["benchmarks"]:
            info = row["extra_info"]
            if row["group"] == group and info["formulation"] == "elementwise":
                rows.setdefault(info["backend"], row)
        if group.startswith("training") and len(rows) > 1:
            lines += [f"{group}, backend against backend, elementwise"]
            for one, other in combinations(rows.values(), 2):
                names = " / ".join(_driven(row["extra_info"]) for row in (one, other))
                found = quotient(sample(one, "baseline"), sample(other, "baseline"))
                lines += [f"{names:40}{interval(list(found)):>24}"]
            lines += [""]
    return lines


def missing(run: dict[str, Any]) -> list[str]:
    """A line for each row that is void or was left out, and for each process that failed."""
    lines = [f"void: {r['group']}, {name(r)}: {r['void']}" for r in run["void"]]
    for reason in dict.fromkeys(row["reason"] for row in run["left_out"]):
        names = dict.fromkeys(name(r) for r in run["left_out"] if r["reason"] == reason)
        lines += wrap(f"left out: {', '.join(names)}: {reason}", 80)
    lines += [f"failed: {p['name']}: {p['reason']}" for p in run.get("failed", [])]
    return [*lines, ""] if lines else []


def conditions(run: dict[str, Any]) -> list[str]:
    """How many processes, under which conditions, and whether the machine was steady."""
    processes = run["processes"]
    first, often = processes[0]["conditions"], len(_most_rounds(run))
    kept = "; ".join(
        f"{word} {first[word]}" for word in ("threads", "allocator", "denormals", "pins")
    )
    lines = [f"{often} processes of each backend." if often > 1 else ""]
    if often == 1:
        lines = ["One process: how another one would differ is not in the intervals."]
    lines += [f"Conditions: {kept}."]
    lines += [
        f"Unstable: in {p['name']} the calibration loop drifted by {p['drift']:.0%}, "
        f"more than {calibration.LIMIT:.0%}."
        for p in processes
        if p["unstable"]
    ]
    return [line for text in lines for line in wrap(text, 80)]


def answer(run: dict[str, Any]) -> list[str]:
    """The closing sentence: what dense costs in each backend, and whether all rows agree."""
    rows = [row for row in rows_of(run) if _is_dense(row) and "elementwise" in row["ratio"]]
    costs: dict[str, str] = {}
    for row in rows:  # the first execution of a backend is what its users get by default
        if row["model"] == "logistic" and row.get("B") == 256:
            costs.setdefault(row["backend"], f"{_times(row)} in {title(row['backend'])}")
    count, void = len(run["benchmarks"]), len(run["void"])
    agreement = f"all {count} rows agree with the reference."
    if void:
        agreement = f"{count} rows agree with the reference, {void} are void."
    if costs:
        agreement = (
            "At B = 256 a logistic gradient that forms its diagonal Jacobians takes, in times of "
            f"the elementwise one, {', '.join(costs.values())}; {agreement}"
        )
    return wrap(agreement, 80)


def _most_rounds(run: dict[str, Any]) -> list[int]:
    return max((row["extra_info"]["rounds"] for row in run["benchmarks"]), key=len, default=[])


def _is_dense(row: Row) -> bool:
    return row["formulation"] == "dense"


def _label(row: Row) -> str:
    """The cell, and what is not as in the first process."""
    words = row["conditions"]
    if all(word in words for word in HUGE_PAGES.values()):
        words = "huge pages"
    return ", ".join(filter(None, [name(row), words]))


def _driven(row: Row) -> str:
    return f"{title(row['backend'])} {row['execution']}"


def _time(row: Row) -> str:
    return microseconds(row["seconds"])


def _times(row: Row) -> str:
    return digits(row["ratio"]["elementwise"][0])


def _matrices(row: Row) -> str:
    return f"{row['temporary_bytes'] / row['matrix_bytes']:.2f}"


def _faults(row: Row) -> str:
    return f"{np.median(row['faults']):.0f}"
