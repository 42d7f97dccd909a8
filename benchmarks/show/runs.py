"""Several stored runs by their ratios: side by side, or as the history of one machine."""

from collections.abc import Iterator
from pathlib import Path
from string import ascii_uppercase
from textwrap import wrap

import pandas as pd

from benchmarks.analyse.frame import costs, own_conditions, ratio_of, rows_of
from benchmarks.analyse.intervals import quotient
from benchmarks.show import circumstances, render
from benchmarks.show.badge import badge
from benchmarks.show.tables import Table
from benchmarks.show.wording import interval, name, ratio
from benchmarks.store.files import Mistake
from benchmarks.store.run import Run, load

SHOWN = "date", "processor", "versions"
MOST = len(ascii_uppercase)
COST = "/ elementwise"
KINDS = {COST: "dense / elementwise", "/ reference": "time / reference"}  # the ratio, in words
HEAD = "comparison", "cell"


def side_by_side(files: list[Path], markdown: bool) -> list[str]:
    """The runs, a letter each, and their ratios: what dense costs, and training runs.

    Raises Mistake for a file that is not a stored run, and for more runs than letters.
    """
    if len(files) > MOST:
        raise Mistake(f"{len(files)} runs: at most {MOST} can be shown side by side")
    runs = [load(file) for file in files]
    rows = [rows_of(run) for run in runs]
    return render.lines([_legend(files, runs, rows), *_tables(rows)], markdown)


def history(folder: Path, whole: bool, markdown: bool) -> list[str]:
    """The full runs of a folder, oldest first, and the ratios that changed in the last one.

    With whole all ratios. Raises Mistake for fewer runs than two, for more than there are letters,
    for a file that is not a stored run, and if they are of several processors.
    """
    found = ((file, load(file)) for file in folder.glob("[0-9]*_full.json"))
    loaded = sorted(found, key=lambda pair: pair[1].datetime)
    if not 2 <= len(loaded) <= MOST:
        raise Mistake(f"{folder}: {len(loaded)} full runs; a history has 2 to {MOST}")
    files, runs = map(list, zip(*loaded, strict=True))
    processors = {circumstances.facts(run).get("processor", "unknown") for run in runs}
    if len(processors) > 1:
        raise Mistake(
            f"{folder}: a history is of one processor, got {', '.join(sorted(processors))}"
        )
    rows = [rows_of(run) for run in runs]
    ratios = pd.concat([_over_time(rows, *kind) for kind in KINDS.items()], ignore_index=True)
    changed = ratios[ratios[""] != ""]
    legend = _legend(files, runs, rows)
    shown = Table("", "Ratios", "", ratios if whole else changed, pd.DataFrame())
    told = f"{len(changed)} of {len(ratios)} ratios differ from the run before the last one."
    told += " If nothing changed, one in twenty is called so."
    tables = [render.lines([table], markdown) for table in (legend, shown)]
    return [*tables[0], *wrap(told, 80), "", *tables[1]]


def _over_time(rows: list[pd.DataFrame], title: str, words: str) -> pd.DataFrame:
    """A line for each ratio that the last two runs have: of every run, and last / one before."""
    own = [_kind(found, title) for found in rows]
    last, before = (found.set_index(_keys(found)) for found in (own[-1], own[-2]))
    texts = {
        letter: _texts(found, title) for letter, found in zip(ascii_uppercase, own, strict=False)
    }
    lines = []
    for key in last.index.intersection(before.index, sort=False):
        change = quotient(*(ratio_of(found.loc[key], title) for found in (last, before)))
        cells = {letter: found.get(key, "") for letter, found in texts.items()}
        word = "larger" if change.low > 1 else "smaller" if change.high < 1 else ""
        named = dict(zip(HEAD, (f"{key[0]}: {words}", key[1]), strict=True))
        lines.append({**named, **cells, "last / one before": interval(*change), "": word})
    return pd.DataFrame(lines, columns=[*HEAD, *texts, "last / one before", ""])


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


def _kind(rows: pd.DataFrame, title: str) -> pd.DataFrame:
    """The rows whose ratio is compared: gradients by what dense costs, runs by the reference."""
    own = costs(rows) if title == COST else own_conditions(rows[rows.kind == "training"])
    return own[own[title].notna()]


def _tables(rows: list[pd.DataFrame]) -> Iterator[Table]:
    for title, words in KINDS.items():
        yield from _joined([_kind(own, title) for own in rows], title, words)


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
    texts = [ratio(row, title) for _, row in rows.iterrows()]
    return pd.Series(texts, index=_keys(rows), dtype=object)


def _keys(rows: pd.DataFrame) -> pd.MultiIndex:
    words = [(row.group, name(row)) for _, row in rows.iterrows()]
    return pd.MultiIndex.from_tuples(words, names=["group", "cell"])
