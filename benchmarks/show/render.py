"""A table as text, as Markdown, or as rows of entries for HTML."""

import re
from collections.abc import Iterable, Iterator
from html import escape
from textwrap import wrap
from typing import Any

from benchmarks.show.tables import SHORT_CELL, Table
from benchmarks.store.run import CELL_WORDS

WIDTH = 100  # of the lines of a text
GAP = 2  # between two columns
SPECIAL = re.compile(r"([\\`*_\[\]|~#])")
EMPTY = 1e300  # empty entries sort last


def text(tables: Iterable[Table], width: int | None = None) -> Iterator[str]:
    """The lines of tables, each under its title, with the words of a cell in one column.

    In lines of some width the last columns that have no room are left out, which a line says.
    """
    for table in tables:
        if len(table.texts):
            shown = _joined(table.filled())
            there = _fitting(shown, width)
            yield from wrap(table.title, WIDTH)
            # Not every terminal can print a mu.
            yield from (line.replace("\u00b5s", "us") for line in _aligned(shown.iloc[:, :there]))
            if left_out := ", ".join(shown.columns[there:]):
                yield f"(no room for: {left_out})"
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


def _fitting(texts: Any, width: int | None) -> int:
    """How many of the columns have room in lines of this width; the first one is always shown."""
    widths = [max(map(len, _column(texts, i))) for i in range(len(texts.columns))]
    ends = [sum(widths[: i + 1]) + GAP * i for i in range(len(widths))]
    return max(1, sum(width is None or end <= width for end in ends))


def _aligned(texts: Any) -> Iterator[str]:
    """The lines of a table: the first column to the left, the others to the right."""
    first, *others = (_column(texts, i) for i in range(len(texts.columns)))
    columns = [[entry.ljust(max(map(len, first))) for entry in first]]
    columns += [[entry.rjust(max(map(len, own))) for entry in own] for own in others]
    for line in zip(*columns, strict=True):
        yield (" " * GAP).join(line).rstrip()


def _column(texts: Any, i: int) -> list[str]:
    return [str(texts.columns[i]), *map(str, texts.iloc[:, i])]
