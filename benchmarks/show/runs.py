"""Several stored runs side by side, by their ratios: machines, versions, days."""

from collections.abc import Iterator
from pathlib import Path
from string import ascii_uppercase

import pandas as pd

from benchmarks.analyse.frame import costs, own_conditions, rows_of
from benchmarks.show import circumstances, render
from benchmarks.show.badge import badge
from benchmarks.show.tables import Table
from benchmarks.show.wording import name, ratio
from benchmarks.store.files import Mistake
from benchmarks.store.run import Run, load

SHOWN = "date", "processor", "versions"
MOST = len(ascii_uppercase)


def side_by_side(files: list[Path], markdown: bool) -> list[str]:
    """The runs, a letter each, and their ratios: what dense costs, and training runs.

    Raises Mistake for a file that is not a stored run, and for more runs than letters.
    """
    if len(files) > MOST:
        raise Mistake(f"{len(files)} runs: at most {MOST} can be shown side by side")
    runs = [load(file) for file in files]
    rows = [rows_of(run) for run in runs]
    return render.lines([_legend(files, runs, rows), *_tables(rows)], markdown)


def _legend(files: list[Path], runs: list[Run], rows: list[pd.DataFrame]) -> Table:
    """What each letter stands for."""
    facts = [circumstances.facts(run) for run in runs]
    texts = {
        "run": list(ascii_uppercase[: len(runs)]),
        "": [badge(run, own).word for run, own in zip(runs, rows, strict=True)],
        **{word: [fact.get(word, "") for fact in facts] for word in SHOWN},
        "file": [str(file) for file in files],
    }  # fmt: skip
    return Table("", "Runs", "", pd.DataFrame(texts), pd.DataFrame())


def _tables(rows: list[pd.DataFrame]) -> Iterator[Table]:
    dense = [costs(own) for own in rows]
    yield from _joined(dense, "/ elementwise", "dense / elementwise")
    trained = [own_conditions(own[own.kind == "training"]) for own in rows]
    yield from _joined(trained, "/ reference", "time / reference")


def _joined(rows: list[pd.DataFrame], title: str, words: str) -> Iterator[Table]:
    """A table for each group that is in several runs, with a column for each run."""
    letters = ascii_uppercase[: len(rows)]
    shown = {letter: _texts(own, title) for letter, own in zip(letters, rows, strict=True)}
    table = pd.DataFrame(shown)
    table = table[table.notna().sum(axis="columns") > 1].fillna("")
    for group, own in table.groupby(level="group", sort=False):
        texts = own.droplevel("group").reset_index(names="cell")
        yield Table("", f"{group}: {words}", "", texts, pd.DataFrame())


def _texts(rows: pd.DataFrame, title: str) -> pd.Series:
    there = rows[rows[title].notna()]
    words = [(row.group, name(row)) for _, row in there.iterrows()]
    index = pd.MultiIndex.from_tuples(words, names=["group", "cell"])
    texts = [ratio(row, title) for _, row in there.iterrows()]
    return pd.Series(texts, index=index, dtype=object)
