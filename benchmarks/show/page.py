"""The two pages of a stored run: README.md for the repository, report.html for a browser.

The templates escape all text from a run, such as names.
"""

import base64
import hashlib
import os
import re
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from benchmarks.analyse import frame
from benchmarks.show import choice, circumstances, devices, render, tables
from benchmarks.show.answer import answer, details, subject
from benchmarks.show.badge import badge
from benchmarks.show.figures import ratios
from benchmarks.show.figures.hover import switch
from benchmarks.show.figures.style import INK, Drawing
from benchmarks.show.wording import file_name, title
from benchmarks.store.run import Run

ROOT = Path(__file__).parents[2]
TEMPLATES = Path(__file__).with_name("templates")
BUNDLE = resources.files("itables") / "html"  # DataTables in one file, its style in another
EXPORT = re.compile(r"export\{[^}]*?(\w+) as default[^}]*\};?")
SECTIONS = {  # what the names of its figures begin with, and those of its tables
    "What dense costs": ((ratios.NAME,), ("ratio",)),
    choice.TITLE: ((choice.NAME,), (choice.NAME,)),
    "Training runs": (("training_times",), ("training",)),
    "Gradients over the batch size": (("gradient_", "memory"), ("gradients",)),
    devices.TITLE: ((devices.NAME,), (devices.NAME,)),
    "Large batches": ((), ("large",)),
    "Elementwise maps": (("maps",), ("maps",)),
    "The life of a cell": (("life",), ("life",)),
    "Agreement with the reference": (("distance",), ("verdicts",)),
    "The published training runs": (("",), ("",)),  # what is left
}


class Section(NamedTuple):
    """Figures, and the tables of the same rows."""

    heading: str
    name: str
    drawings: list[Drawing]
    tables: list[tables.Table]


class Shown(NamedTuple):
    """All that a page is made from: a run, its rows, its figures, and lines on missing figures."""

    run: Run
    rows: pd.DataFrame
    path: Path
    drawings: list[Drawing]
    missing: list[str]


def readme(shown: Shown) -> str:
    """The run as Markdown; the figures are files beside it."""
    template = environment().get_template("README.md.jinja")
    own = devices.by_problem(shown.rows)
    made = [*tables.readable(shown.rows), *own, *choice.table(shown.rows)]
    return _lines(template.render(
        _common(shown), sections=sections(shown.drawings, made),
        screen=[Markup(render.markdown(table)) for table in _screen(shown.rows)],
        markdown=lambda table: Markup(render.markdown(table)),
    ))  # fmt: skip


def html(shown: Shown) -> str:
    """The run as one file that needs no network; no script runs in it but its own."""
    script = f"{{ {_datatables()}\n{_read('report.js')} }}"
    style = (BUNDLE / "dt_bundle.css").read_text(encoding="utf-8") + _read("report.css")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    own = (table.varied() for table in devices.table(shown.rows))
    made = [*tables.sortable(shown.rows), *own, *choice.table(shown.rows)]
    drawn, shared = pictures(shown.drawings)
    first = [drawing for drawing in shown.drawings if drawing.name == ratios.NAME]
    others = [drawing for drawing in shown.drawings if drawing not in first]
    return environment().get_template("report.html.jinja").render(
        _common(shown), sections=sections(others, made), first=first, pictures=drawn,
        screen=_screen(shown.rows), entries=render.html, csv=_csv(shown.run),
        switches=_switches(shown.rows),
        script=Markup(script), digest=digest, style=Markup(style) + shared,
    )  # fmt: skip


def sections(drawings: list[Drawing], made: list[tables.Table]) -> list[Section]:
    """Everything in its section, in the order of SECTIONS; without empty ones."""
    found = []
    for heading, (of_figures, of_tables) in SECTIONS.items():
        own = [drawing for drawing in drawings if drawing.name.startswith(of_figures)]
        beside = [table for table in made if table.name.startswith(of_tables)]
        drawings = [drawing for drawing in drawings if not drawing.name.startswith(of_figures)]
        made = [table for table in made if not table.name.startswith(of_tables)]
        if own or beside:
            found.append(Section(heading, file_name(heading).strip("-"), own, beside))
    return found


def pictures(drawings: list[Drawing]) -> tuple[dict[str, list[tuple[str, Markup]]], Markup]:
    """The pictures of each figure, each with a word for its axes, and the CSS that all share.

    The words are "logarithmic" and "linear", or "" if there is one picture.
    """
    styles: dict[str, str] = {}
    made: dict[str, list[tuple[str, Markup]]] = {}
    for number, drawing in enumerate(drawings):
        both = {"logarithmic": drawing.svg, "linear": drawing.linear} if drawing.linear else {}
        made[drawing.name] = [
            (word, inline(svg, f"f{number}{word[:3]}", styles))
            for word, svg in (both or {"": drawing.svg}).items()
        ]
    return made, Markup("".join(f".{name}{{{style}}}\n" for style, name in styles.items()))


def inline(svg: str, name: str, styles: dict[str, str]) -> Markup:
    """The SVG for a page with others: without its head, with ids that are unique.

    What many elements have as their style becomes a class, whose name is added to styles. Text in
    the color of the ink gets that of the page.
    """

    def shared(style: re.Match[str]) -> str:
        words = style[1]
        words = words.replace(INK, "var(--ink)") if words.startswith("font") else words
        return f'class="{styles.setdefault(words, f"s{len(styles)}")}"'

    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", svg[svg.index("<svg") :])
    return Markup(re.sub(r'style="([^"]*)"', shared, svg))


def _switches(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """What can be hidden: the frameworks and the formulations of the figures, each with its id."""
    backends = [(title(backend), switch(backend)) for backend in dict.fromkeys(rows.backend)]
    formulations = [(word, switch(word)) for word in dict.fromkeys(rows.formulation)]
    return list(dict.fromkeys([*backends, *formulations]))


def _csv(run: Run) -> str:
    """All rows as a file that the page has in it."""
    text = frame.table(run).to_csv(index=False, float_format="%.7g")
    return "data:text/csv;charset=utf-8," + quote(text, safe=" ,:;/[]()=+*^")


def markdown(text: Any) -> Markup:
    """Text, escaped for Markdown, also within a table."""
    return Markup(render.escaped(text))


def _common(shown: Shown) -> dict[str, Any]:
    """What both pages show."""
    run, path = shown.run, shown.path
    root = os.path.relpath(ROOT, path.absolute().parent).replace(os.sep, "/")
    return {
        "root": root, "file": path.name, "stem": path.stem, "answer": answer(run, shown.rows),
        "details": details(run, shown.rows), "badge": badge(run, shown.rows).word,
        "facts": circumstances.facts(run), "void": run.void,
        "not_measured": [*circumstances.not_measured(run), *shown.missing],
    }  # fmt: skip


def _screen(rows: pd.DataFrame) -> list[tables.Table]:
    """The table of the first screen, if the run has what is in it."""
    key = subject(frame.costs(rows))
    return list(tables.first_screen(rows, *key)) if key else []


def environment() -> Environment:
    """The templates; they escape all text."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters["md"] = markdown
    return made


def _lines(text: str) -> str:
    """The text with at most one empty line in a row."""
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def safe_style(*names: str) -> Markup:
    """The named style sheets, for a page without tables to sort."""
    return Markup("".join(map(_read, names)))


def _read(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _datatables() -> str:
    """The bundle of itables for a plain script: its default export becomes a constant."""
    bundle = (BUNDLE / "dt_bundle.js").read_text(encoding="utf-8").replace("</script", r"<\/script")
    return EXPORT.sub(r"const DataTable = \1;", bundle)
