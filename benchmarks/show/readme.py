"""The block of README.md that shows a stored run: its answer, main tables and main figure."""

import os
import re
from pathlib import Path
from textwrap import fill
from urllib.parse import quote

import pandas as pd

from benchmarks.analyse.frame import costs, own_conditions, rows_of
from benchmarks.show import circumstances, render, tables
from benchmarks.show.answer import answer, subject
from benchmarks.show.wording import file_name
from benchmarks.store.files import Mistake, put
from benchmarks.store.run import Run, load

BEGIN, END = "<!-- a stored run, made by", "<!-- end of the stored run -->"
COMMAND = "python -m benchmarks report --readme README.md"
BLOCK = re.compile(rf"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
WIDTH = 112  # of the README's lines


def rewrite(readme: Path, path: Path) -> None:
    """Replace the block by that of the run in path. Raises Mistake without exactly one block."""
    try:
        text = readme.read_text(encoding="utf-8")
    except OSError as error:
        raise Mistake(f"{readme}: {error.strerror}") from None
    if len(BLOCK.findall(text)) != 1:
        raise Mistake(f"{readme}: no block, or several, from {BEGIN} ... to {END}")
    made = block(load(path), path, readme)
    put(readme, BLOCK.sub(lambda _: made, text))


def block(run: Run, path: Path, readme: Path) -> str:
    """The block, with links relative to readme."""
    folder = Path(os.path.relpath(path.absolute().parent, readme.absolute().parent)).as_posix()
    rows = tables.prepared(rows_of(run))
    key = _subject(own_conditions(rows))
    lines = [f"{BEGIN} {COMMAND} -->", *_origin(run, folder), *_answer(run, rows), ""]
    if key:
        shown = list(render.text(tables.fastest(rows, *key)))
        lines += ["```", *shown[:-1], "```", ""]
    if len(costs(rows)):
        figure = quote(f"{folder}/{path.stem}_{file_name('gradient', *(key or ()))}.svg")
        lines += [f"![One gradient over the batch size, dense and elementwise]({figure})", ""]
    return "\n".join([*lines, END])


def _subject(rows: pd.DataFrame) -> tuple[str, str] | None:
    """Model and dtype of the gradients, or of the training runs where there is no gradient."""
    kinds = (rows[rows.kind == kind] for kind in ("gradient", "training"))
    return next(filter(None, map(subject, kinds)), None)


def _origin(run: Run, folder: str) -> list[str]:
    """Where the numbers are from, and the commands that make them."""
    known, link = circumstances.facts(run), quote(folder)
    command = COMMAND.replace(" ", "\0")  # so that fill keeps it on one line
    text = (
        f"From one run (`make bench-full`) on {known.get('processor') or 'an unnamed processor'}, "
        f"threads {known['threads']}, {known['versions']}; shown by `{command}`, in full in "
        f"[{folder}]({link}/README.md)."
    )
    filled = fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)
    return filled.replace("\0", " ").split("\n")


def _answer(run: Run, rows: pd.DataFrame) -> list[str]:
    """The answer as lines, with characters like * escaped."""
    lines = []
    for sentence in answer(run, rows):
        safe = re.sub(r"([*_~`|<])", r"\\\1", sentence)
        lines += ["", fill(safe, WIDTH, break_long_words=False, break_on_hyphens=False)]
    return lines
