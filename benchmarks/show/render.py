"""A table as text, as Markdown, or as rows of entries for HTML."""

import re
from collections.abc import Iterable, Iterator
from html import escape
from textwrap import wrap
from typing import Any

from benchmarks.show.tables import SHORT_CELL, Table
from benchmarks.store.run import CELL_WORDS

WIDTH = 100  # of the lines of a text
SPECIAL = re.compile(r"([\\`*_\[\]|~#])")
EMPTY = 1e300  # empty entries sort last


def text(tables: Iterable[Table], width: int | None = None) -> Iterator[str]:
    """The lines of tables, each under its title, with the words of a cell in one column.

    In lines of some width the last columns that have no room are left out, which a line says.
    """
    for table in tables:
        if len(table.texts):
            shown = _joined(table.filled())
            made, left_out = _fitting(shown, width)
            yield from wrap(table.title, WIDTH)
            # Not every terminal can print a mu.
            yield from (line.replace("\u00b5s", "us") for line in made)
            if left_out:
                yield f"(no room for: {', '.join(left_out)})"
            yield ""


def notes(tables: Iterable[Table]) -> Iterator[str]:
    """The lines of the notes of all tables that have rows, each note once."""
    for note in dict.fromkeys(table.note for table in tables if len(table.texts)):
        yield from wrap(note, WIDTH)


def markdown(table: Table) -> str:
    """The table in Markdown, every entry escaped."""
    texts = table.texts.rename(columns=escaped).map(escaped)
    align = ["right" if title in table.numbers else "left" for title in table.texts]
    return str(
        texts.to_markdown(index=False, tablefmt="pipe", disable_numparse=True, colalign=align)
    )


def lines(tables: Iterable[Table], in_markdown: bool) -> list[str]:
    """The lines of tables as text, or in Markdown under their titles."""
    if not in_markdown:
        return list(text(tables))
    return [line for t in tables for line in (f"### {t.title}", "", markdown(t), "")]


def html(table: Table) -> list[list[tuple[str, float | None]]]:
    """Rows of entries: each with its text, and for numbers the value to sort by."""
    columns = []
    for title in table.texts:
        texts = table.texts[title].to_list()
        order = [None] * len(texts)
        if title in table.numbers:
            order = table.numbers[title].fillna(EMPTY).to_list()
        shown = [EMPTY if at is not None and not text else at
                 for text, at in zip(texts, order, strict=True)]  # fmt: skip
        columns.append(list(zip(texts, shown, strict=True)))
    return [list(row) for row in zip(*columns, strict=True)]


def escaped(text: Any) -> str:
    """Text, escaped for Markdown, also within a table."""
    return escape(SPECIAL.sub(r"\\\1", " ".join(str(text).split())), quote=False)


def _joined(table: Table) -> Any:
    """The texts with one column for the words of the cell, those of SHORT_CELL or that vary."""
    varied = {*table.varied().texts.columns}
    words = [word for word in table.texts if word in (*CELL_WORDS, "conditions")]
    if not words:
        return table.texts
    words = [word for word in words if word in SHORT_CELL or word in varied]
    cell = table.texts[words].apply(lambda row: " ".join(filter(None, row)), axis="columns")
    others = table.texts.drop(columns=[*CELL_WORDS, "conditions"], errors="ignore")
    return others.assign(cell=cell)[["cell", *others.columns]]


def _fitting(texts: Any, width: int | None) -> tuple[list[str], list[str]]:
    """The lines of a table with as many columns as have room, at least one, and the others."""
    made, there = _aligned(texts), len(texts.columns)
    while width is not None and there > 1 and max(map(len, made)) > width:
        there -= 1
        made = _aligned(texts.iloc[:, :there])
    return made, list(texts.columns[there:])


def _aligned(texts: Any) -> list[str]:
    """The lines of a table: the first column to the left, the others to the right."""
    align = ["left", *["right"] * (len(texts.columns) - 1)]
    made = texts.to_markdown(index=False, tablefmt="plain", disable_numparse=True, colalign=align)
    return [line.rstrip() for line in made.split("\n")]
