"""Two stored runs, row by row: two machines, or before and after a change.

Times of two runs cannot be compared. Their ratios to the baseline can: it was timed beside every
row, on the same machine in the same minute.
"""

from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap
from typing import Any

import pandas as pd

from benchmarks.analyse.frame import ratio_of, rows_of
from benchmarks.analyse.intervals import quotient
from benchmarks.show import circumstances, render
from benchmarks.show.tables import Table
from benchmarks.show.wording import digits, interval, name
from benchmarks.store.conditions import differences, joined
from benchmarks.store.files import Mistake
from benchmarks.store.run import CELL_WORDS, Run, load

KEY = ["group", *CELL_WORDS]


def compare(
    one: Path,
    other: Path,
    percent: float | None,
    allow_missing: bool = False,
    whole: bool = False,
    markdown: bool = False,
) -> tuple[list[str], int]:
    """The comparison of two stored runs in lines, and the exit code.

    First a summary, then the rows that changed; with whole all rows. With markdown the tables are
    Markdown, for the summary of a CI run.

    With a percentage it is 1 if a row is slower by more than that, if a row of the first run is
    void or missing in the other one, unless missing rows are allowed, or if a process of the other
    run has failed.
    Raises Mistake if a file is not a stored run, or if no row is in both.
    """
    runs = load(one), load(other)
    rows = rows_of(runs[0]), rows_of(runs[1])
    found = changes(*rows)
    if found.empty:
        raise Mistake(f"{one} and {other} have no row with a ratio to the baseline in common")
    void = _newly_void(rows[0], runs[1])
    changed = found[(found.low > 1) | (found.high < 1)]
    shown = render.lines(tables(found if whole else changed), markdown)
    lines = [f"A  {one}", f"B  {other}", "", *_summary(found, len(rows[0].merge(rows[1], on=KEY)))]
    lines += ["", *conditions(*runs), "", *shown, *alone(*rows, void)]
    if percent is None:
        return lines, 0
    slower = found[found.low > 1 + percent / 100]
    failed = [_failed(row, percent) for _, row in slower.iterrows()]
    failed += [f"void in B: {key}" for key in void]
    gone = [] if allow_missing else [key for key in only(*rows) if key not in void]
    failed += [f"missing in B: {key}" for key in gone]
    failed += [f"failed in B: {process.name}" for process in runs[1].failed]
    lines += [line for text in failed for line in wrap(text, 80)]
    return [*lines, f"{len(failed)} fail at {percent:g} %."], 1 if failed else 0


def changes(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """The rows that both runs have with a ratio to the baseline, in the order of the first.

    A, B are these ratios; change, low, high their quotient B / A with its 95 % interval.
    """
    both = one.merge(other, on=KEY, suffixes=(" A", " B"))
    both = both[both["/ reference A"].notna() & both["/ reference B"].notna()]
    found = [
        quotient(ratio_of(row, "/ reference", " B"), ratio_of(row, "/ reference", " A"))
        for _, row in both.iterrows()
    ]
    made = both[KEY].assign(A=both["/ reference A"], B=both["/ reference B"])
    return made.assign(**pd.DataFrame(found, both.index, ["change", "low", "high"]))


def tables(found: pd.DataFrame) -> Iterator[Table]:
    """The changes, a table for each group."""
    for group, own in found.groupby("group", sort=False):
        texts = {
            "cell": [name(row) for _, row in own.iterrows()],
            "A": own.A.map(digits),
            "B": own.B.map(digits),
            "B / A": [_change(row) for _, row in own.iterrows()],
            "": [_word(row) for _, row in own.iterrows()],
        }
        numbers = pd.DataFrame({"A": own.A, "B": own.B, "B / A": own.change})
        yield Table("", f"{group}, time / reference", "", pd.DataFrame(texts), numbers)


def conditions(one: Run, other: Run) -> list[str]:
    """What differs in the conditions; load and clock rate do not count."""
    a, b = (_conditions(run) for run in (one, other))
    known = [name for name in a if a[name] is not None and b.get(name) is not None]
    differs = differences(*({name: found[name] for name in known} for found in (a, b)))
    lines = [f"Conditions that differ in B: {differs}." if differs else "The conditions agree."]
    if unknown := sorted({*a, *b} - {*known}):
        lines.append(f"Not recorded in both: {', '.join(unknown)}.")
    if absent := sorted(a["versions"].keys() - b["versions"].keys()):
        lines.append(f"Not installed in B: {', '.join(absent)}.")
    if added := sorted(b["versions"].keys() - a["versions"].keys()):
        lines.append(f"Installed in B only: {', '.join(added)}.")
    for word, run in zip("AB", (one, other), strict=True):
        told = filter(None, [circumstances.partial(run), *circumstances.unsteady(run)])
        lines += [f"In {word}: {line}" for line in told]
    return [line for text in lines for line in wrap(text, 80)]


def alone(one: pd.DataFrame, other: pd.DataFrame, void: list[str]) -> list[str]:
    """The rows that are in one of the runs only, and those that are void in the other only."""
    lines = [f"only in A: {key}" for key in only(one, other)]
    lines += [f"only in B: {key}" for key in only(other, one)]
    lines += [f"void in B: {key}" for key in void]
    wrapped = [line for text in lines for line in wrap(text, 80, subsequent_indent="    ")]
    return [*wrapped, ""] if lines else []


def only(one: pd.DataFrame, other: pd.DataFrame) -> list[str]:
    """The rows that the other run does not have."""
    return sorted({*_keys(one)} - {*_keys(other)})


def _summary(found: pd.DataFrame, common: int) -> list[str]:
    slower, faster = int((found.low > 1).sum()), int((found.high < 1).sum())
    rest = len(found) - slower - faster
    text = (
        f"Of {len(found)} rows in both, {slower} are slower in B, {faster} faster; for {rest} no "
        "difference was measured. If nothing changed, one row in forty is called slower."
    )
    if common > len(found):
        text += f" {common - len(found)} more rows in both have no ratio to the baseline."
    return wrap(text, 80)


def _failed(row: Any, percent: float) -> str:
    return f"slower by more than {percent:g} %: {row['group']}, {name(row)}: {_change(row)}"


def _word(row: Any) -> str:
    return "slower" if row.low > 1 else "faster" if row.high < 1 else ""


def _change(row: Any) -> str:
    return interval(row.change, row.low, row.high)


def _newly_void(one: pd.DataFrame, other: Run) -> list[str]:
    void = {" ".join(getattr(row, word) for word in KEY) for row in other.void}
    return sorted({*_keys(one)} & void)


def _keys(rows: pd.DataFrame) -> list[str]:
    return [" ".join(words) for words in rows[KEY].itertuples(index=False)]


def _conditions(run: Run) -> dict[str, Any]:
    """The conditions of the run, and its processor."""
    found = joined([process.conditions for process in run.processes])
    found |= {"versions": found["versions"] or {}}
    return {**found, "processor": run.machine_info.get("cpu", {}).get("brand_raw", "unknown")}
