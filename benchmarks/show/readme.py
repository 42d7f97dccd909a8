"""The block of README.md that shows a stored run: its answer, main tables and main figure."""

import os
import re
from pathlib import Path
from textwrap import fill
from urllib.parse import quote

import pandas as pd

from benchmarks.analyse.frame import costs, own_conditions, rows_of
from benchmarks.show import circumstances, render, tables
from benchmarks.show.answer import answer, details, subject
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
    lines = [f"{BEGIN} {COMMAND} -->", *_filled(answer(run, rows)), ""]
    for table in tables.first_screen(rows, *key) if key else ():
        lines += [render.markdown(table), ""]
    if len(costs(rows)):
        figure = quote(f"{folder}/{path.stem}_ratio.svg")
        lines += [f"![Time of dense / time of elementwise]({figure})", ""]
    lines += [*_origin(run, folder), *_filled(details(run, rows)), ""]
    if key:
        shown = list(render.text(tables.fastest(rows, *key)))
        lines += ["```", *shown[:-1], "```", ""]
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


def _filled(sentences: list[str]) -> list[str]:
    """Each sentence as lines, with characters like * escaped."""
    lines = []
    for sentence in sentences:
        safe = re.sub(r"([*_~`|<])", r"\\\1", sentence)
        lines += ["", fill(safe, WIDTH, break_long_words=False, break_on_hyphens=False)]
    return lines
