"""A stored run as text: one table a comparison, and the answer in three sentences."""

from collections.abc import Iterator
from itertools import combinations
from textwrap import wrap
from typing import Any

from benchmarks.analyse.intervals import quotient
from benchmarks.analyse.merge import sample
from benchmarks.analyse.rows import costs, default_gradients, driven, gradients, groups, rows_of
from benchmarks.show import large_table, life_table, memory_table
from benchmarks.show.answer import answer
from benchmarks.show.notes import conditions, missing, partial
from benchmarks.show.text import (
    digits,
    duration,
    interval,
    microseconds,
    name,
    over_sizes,
    title,
)

LEGEND = (
    "/ C loop, / reference, / elementwise: ratios of times measured in interleaved rounds, with "
    "their 95 % intervals; ~ no difference measured."
)
Row = dict[str, Any]


def report(run: dict[str, Any]) -> list[str]:
    """Everything: a table for each comparison, what is missing, and the answer."""
    lines = [partial(run), ""] if partial(run) else []
    for group in groups(run):
        lines += [*comparison(run, group), ""]
    for key, rows in gradients(run).items():
        if table := memory_table.table(f"gradient {' '.join(key)}", rows):
            lines += [*table, ""]
    lines += [*large_table.tables(rows_of(run)), *life_table.tables(run), *against_each_other(run)]
    return [*lines, *_closing(run)]


def summary(run: dict[str, Any]) -> list[str]:
    """What fits a terminal: the training runs whole, the gradients as one table a model."""
    lines = []
    for group in groups(run):
        if group.startswith("training"):
            lines += [*comparison(run, group), ""]
    for key, rows in default_gradients(run).items():
        words = " ".join(key)
        lines += [*over_sizes(f"gradient {words}: us of one call", rows, _time), ""]
        lines += ratios(words, rows)
    lines += [*large_table.tables(rows_of(run)), *life_table.tables(run)]
    return [*lines, *wrap(LEGEND, 80), "", *_closing(run)]


def main(run: dict[str, Any], model: str, dtype: str) -> list[str]:
    """What fits half a screen: each backend at its fastest, and what dense costs."""
    lines = []
    for group in groups(run):
        rows = [row for row in rows_of(run) if row["group"] == group and "steps" in row]
        if rows and (rows[0]["model"], rows[0]["dtype"]) == (model, dtype):
            lines += [*_comparison(f"{group}, the fastest of each", _fastest(rows)), ""]
    return [*lines, *ratios(f"{model} {dtype}", default_gradients(run).get((model, dtype), []))]


def ratios(words: str, rows: list[Row]) -> list[str]:
    """One table: what dense costs in times of the elementwise form, over the batch sizes."""
    dense = costs(rows)
    return [*over_sizes(f"gradient {words}: dense / elementwise", dense, _times), ""] * bool(dense)


def _closing(run: dict[str, Any]) -> list[str]:
    told = [line for sentence in answer(run) for line in wrap(sentence, 80)]
    return [*missing(run), *conditions(run), "", *told]


def comparison(run: dict[str, Any], group: str) -> Iterator[str]:
    """One table: each cell with its time, its ratios to the baseline and to elementwise."""
    rows = [row for row in rows_of(run) if row["group"] == group]
    yield from _comparison(f"{group}, median of one call", rows)
    for row in run["void"]:
        if row["group"] == group:
            yield f"{name(row):25}    void: {row['void']}"


def _comparison(heading: str, rows: list[Row]) -> Iterator[str]:
    limit = any("limit" in row["ratio"] for row in rows)
    yield from wrap(heading, 80)
    first = f"{'cell':23}{'time':>8}" + (f"{'/ C':>7}" if limit else "")
    yield f"{first}{'/ reference':>21}{'/ elementwise':>21}"
    for row in sorted(rows, key=lambda row: row["seconds"]):
        ratio = row["ratio"]
        shown = f"{name(row):23}{duration(row['seconds']):>8}"
        shown += f"{digits(ratio['limit'][0]) if 'limit' in ratio else '':>7}" if limit else ""
        pairs = (interval(ratio.get(other)) for other in ("baseline", "elementwise"))
        yield (shown + "".join(f" {pair:>20}" for pair in pairs)).rstrip()


def _fastest(rows: list[Row]) -> list[Row]:
    """Of each backend and execution the fastest row."""
    found: dict[tuple[str, str], Row] = {}
    for row in sorted(rows, key=lambda row: row["seconds"]):
        found.setdefault(driven(row), row)
    return list(found.values())


def against_each_other(run: dict[str, Any]) -> list[str]:
    """Backend against backend: the quotient of two ratios to the baseline, elementwise."""
    lines = []
    for group in groups(run):
        rows: dict[str, Any] = {}
        for row in run["benchmarks"]:
            info = row["extra_info"]
            paired = "baseline" in info.get("log_ratio", {})
            if row["group"] == group and info["formulation"] == "elementwise" and paired:
                rows.setdefault(info["backend"], row)
        if group.startswith("training") and len(rows) > 1:
            lines += [f"{group}, backend against backend, elementwise"]
            for one, other in combinations(rows.values(), 2):
                names = " / ".join(_driven(row["extra_info"]) for row in (one, other))
                a, b = (sample(row["extra_info"], "baseline") for row in (one, other))
                found = quotient(a, b)
                lines += [f"{names:40}{interval(list(found)):>24}"]
            lines += [""]
    return lines


def _driven(row: Row) -> str:
    return f"{title(row['backend'])} {row['execution']}"


def _time(row: Row) -> str:
    return microseconds(row["seconds"])


def _times(row: Row) -> str:
    return digits(row["ratio"]["elementwise"][0])
