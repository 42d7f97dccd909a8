"""Two stored runs, row by row: two machines, or before and after a change.

Times of two runs cannot be compared, their ratios to the baseline can: it was timed beside every
row, on the same machine in the same minute.
"""

from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap
from typing import Any, NamedTuple

from benchmarks.analyse import merge
from benchmarks.analyse.intervals import Ratio, quotient
from benchmarks.analyse.rows import WORDS
from benchmarks.show import notes
from benchmarks.show.text import digits, interval, name
from benchmarks.store import run as store
from benchmarks.store.conditions import differences
from benchmarks.store.files import Mistake

Run = dict[str, Any]
Key = tuple[str, ...]
BASELINE = "baseline"


class Change(NamedTuple):
    """A row of both runs: its ratio to the baseline in each, and the quotient of the two."""

    key: Key
    label: str
    before: float
    after: float
    change: Ratio

    @property
    def group(self) -> str:
        """The comparison that the row stands in."""
        return self.key[0]

    def is_slower(self, percent: float = 0) -> bool:
        """Whether the whole interval lies above 1, or so many per cent above it."""
        return self.change.low > 1 + percent / 100


def compare(one: Path, other: Path, percent: float | None) -> tuple[list[str], int]:
    """The comparison of two stored runs in lines, and the exit code.

    With a percentage it is 1 if a row is slower by more than that, or void in the other run only,
    or a process of the other run has failed.
    Raises Mistake for a file that is no stored run, and where no row is in both.
    """
    runs = store.read(one), store.read(other)
    found = changes(*runs)
    if not found:
        raise Mistake(f"{one} and {other} have no row with a ratio to the baseline in common")
    lines = [f"A  {one}", f"B  {other}", "", *conditions(*runs), "", *table(found)]
    lines += [*alone(*runs), *_summary(found, len(_rows(runs[0]).keys() & _rows(runs[1]).keys()))]
    if percent is None:
        return lines, 0
    failed = [_failed(c, percent) for c in found if c.is_slower(percent)]
    failed += [f"void in B: {' '.join(key)}" for key in _newly_void(*runs)]
    failed += [f"failed in B: {process['name']}" for process in runs[1]["failed"]]
    lines += [line for text in failed for line in wrap(text, 80)]
    return [*lines, f"{len(failed)} fail at {percent:g} %."], 1 if failed else 0


def changes(one: Run, other: Run) -> list[Change]:
    """The rows that are in both runs with all their rounds, in the order of the first."""
    before, after = _rows(one), _rows(other)
    scatters = merge.scatter(other["benchmarks"]), merge.scatter(one["benchmarks"])
    found = []
    for key in before.keys() & after.keys():
        a, b = before[key], after[key]
        if all(BASELINE in row["extra_info"].get("log_ratio", {}) for row in (a, b)):
            ratios = [row["extra_info"]["ratio"][BASELINE][0] for row in (a, b)]
            old, new = (merge.sample(row["extra_info"], BASELINE) for row in (a, b))
            change = quotient(new, old, scatters)
            found.append(Change(key, name(a["extra_info"]), ratios[0], ratios[1], change))
    order = list(before)
    return sorted(found, key=lambda change: order.index(change.key))


def table(found: list[Change]) -> Iterator[str]:
    """The changes, a table for each group."""
    for group in dict.fromkeys(change.group for change in found):
        yield from wrap(f"{group}, time / reference", 80)
        yield f"{'cell':28}{'A':>9}{'B':>9}{'B / A':>24}"
        for c in found:
            if c.group == group:
                ratios = f"{digits(c.before):>9}{digits(c.after):>9}{interval(list(c.change)):>24}"
                yield f"{c.label:28}{ratios}" + (" slower" if c.is_slower() else "")
        yield ""


def conditions(one: Run, other: Run) -> list[str]:
    """What differs in the conditions; load and clock rate are none."""
    a, b = (_conditions(run) for run in (one, other))
    differs = differences(a, {key: b.get(key, "unknown") for key in a})
    lines = [f"Conditions that differ in B: {differs}." if differs else "The conditions agree."]
    versions = [run["processes"][0]["conditions"]["versions"] for run in (one, other)]
    absent = {n: "none" for n in versions[0].keys() - versions[1].keys()}
    if absent:
        lines.append(f"Not installed in B: {', '.join(sorted(absent))}.")
    if added := sorted(versions[1].keys() - versions[0].keys()):
        lines.append(f"Installed in B only: {', '.join(added)}.")
    for word, run in zip("AB", (one, other), strict=True):
        told = [notes.partial(run)] if notes.partial(run) else []
        lines += [f"In {word}: {line}" for line in [*told, *notes.unsteady(run)]]
    return [line for text in lines for line in wrap(text, 80)]


def alone(one: Run, other: Run) -> list[str]:
    """The rows that are in one of the runs only, and those that are void in one of them."""
    keys = _rows(one).keys(), _rows(other).keys()
    lines = []
    for word, own, others in (("A", *keys), ("B", *keys[::-1])):
        lines += [f"only in {word}: {' '.join(key)}" for key in sorted(own - others)]
    lines += [f"void in B: {' '.join(key)}" for key in _newly_void(one, other)]
    wrapped = [line for text in lines for line in wrap(text, 80, subsequent_indent="    ")]
    return [*wrapped, ""] if lines else []


def _summary(found: list[Change], common: int) -> list[str]:
    slower, faster = (sum(c.is_slower() for c in found), sum(c.change.high < 1 for c in found))
    rest = len(found) - slower - faster
    text = (
        f"Of {len(found)} rows in both, {slower} are slower in B, {faster} faster; for {rest} no "
        "difference was measured. Of rows that are equal, one in forty is called slower."
    )
    if common > len(found):
        text += f" {common - len(found)} more rows in both have no ratio to the baseline."
    return wrap(text, 80)


def _failed(change: Change, percent: float) -> str:
    shown = interval(list(change.change))
    return f"slower by more than {percent:g} %: {change.group}, {change.label}: {shown}"


def _newly_void(one: Run, other: Run) -> list[Key]:
    void = {_key(row["group"], row) for row in other["void"]}
    return sorted(_rows(one).keys() & void)


def _rows(run: Run) -> dict[Key, Any]:
    return {_key(row["group"], row["extra_info"]): row for row in run["benchmarks"]}


def _key(group: str, info: dict[str, Any]) -> Key:
    return (group, *(info[word] for word in WORDS))


def _conditions(run: Run) -> dict[str, Any]:
    """Those of the first process, with the pools and settings that any of them had."""
    every = [process["conditions"] for process in run["processes"]]
    joined = {
        word: {name: value for one in every[::-1] for name, value in one.get(word, {}).items()}
        for word in ("pools", "settings")
    }
    cpu = run["machine_info"].get("cpu", {}).get("brand_raw", "unknown")
    return {**every[0], **joined, "processor": cpu}
