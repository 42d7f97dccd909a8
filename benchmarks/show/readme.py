"""The block of README.md that shows a stored run: its answer, main tables and main figure."""

import os
import re
from pathlib import Path
from textwrap import fill
from typing import Any
from urllib.parse import quote

from benchmarks.analyse import rows as query
from benchmarks.show import facts, tables
from benchmarks.show.answer import answer, subject
from benchmarks.show.text import file_name
from benchmarks.store import run as store
from benchmarks.store.files import Mistake, put

BEGIN, END = "<!-- a stored run, made by", "<!-- end of the stored run -->"
COMMAND = "python -m benchmarks report --readme README.md"
BLOCK = re.compile(rf"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
WIDTH = 112  # of the README's lines


def rewrite(readme: Path, path: Path) -> None:
    """Put the run in path in the place of the block. Raises Mistake if there is none."""
    try:
        text = readme.read_text(encoding="utf-8")
    except OSError as error:
        raise Mistake(f"{readme}: {error.strerror}") from None
    if len(BLOCK.findall(text)) != 1:
        raise Mistake(f"{readme}: no block, or several, from {BEGIN} ... to {END}")
    made = block(store.read(path), path, readme)
    put(readme, BLOCK.sub(lambda _: made, text))


def block(run: dict[str, Any], path: Path, readme: Path) -> str:
    """The block, with links from where readme lies."""
    folder = Path(os.path.relpath(path.absolute().parent, readme.absolute().parent)).as_posix()
    key = subject(query.default_gradients(run)) or subject(query.trainings(run))
    lines = [f"{BEGIN} {COMMAND} -->", *_origin(run, folder), *_answer(run), ""]
    if key:
        lines += ["```", *_stripped(tables.main(run, *key)), "```", ""]
    if any(query.costs(rows) for rows in query.default_gradients(run).values()):
        figure = quote(f"{folder}/{path.stem}_{file_name('gradient', *(key or ()))}.svg")
        lines += [f"![One gradient over the batch size, dense and elementwise]({figure})", ""]
    return "\n".join([*lines, END])


def _origin(run: dict[str, Any], folder: str) -> list[str]:
    """Where the numbers are from, and the commands that make them."""
    known, link = facts.facts(run), quote(folder)
    command = COMMAND.replace(" ", "\0")  # it is not broken over two lines
    text = (
        f"From one run (`make bench-full`) on {known.get('processor') or 'an unnamed processor'}, "
        f"threads {known['threads']}, {known['versions']}; shown by `{command}`, in full in "
        f"[{folder}]({link}/README.md)."
    )
    filled = fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)
    return filled.replace("\0", " ").split("\n")


def _answer(run: dict[str, Any]) -> list[str]:
    """The answer as a list; a * or a tilde would be taken for markup."""
    lines = []
    for sentence in answer(run):
        safe = re.sub(r"([*_~`|<])", r"\\\1", sentence)
        lines += ["", fill(safe, WIDTH, break_long_words=False, break_on_hyphens=False)]
    return lines


def _stripped(lines: list[str]) -> list[str]:
    return "\n".join(lines).strip("\n").split("\n")
