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
from benchmarks.show import circumstances, render, tables
from benchmarks.show.answer import answer, details, subject
from benchmarks.show.badge import badge
from benchmarks.show.figures import ratios
from benchmarks.show.figures.hover import switch
from benchmarks.show.figures.style import Drawing
from benchmarks.show.wording import title
from benchmarks.store.run import Run

ROOT = Path(__file__).parents[2]
TEMPLATES = Path(__file__).with_name("templates")
BUNDLE = resources.files("itables") / "html"  # DataTables in one file, its style in another
EXPORT = re.compile(r"export\{[^}]*?(\w+) as default[^}]*\};?")


class Shown(NamedTuple):
    """All that a page is made from: a run, its rows, its figures, and lines on missing figures."""

    run: Run
    rows: pd.DataFrame
    path: Path
    drawings: list[Drawing]
    missing: list[str]


def readme(shown: Shown) -> str:
    """The run as Markdown; the figures are files beside it."""
    template = _environment().get_template("README.md.jinja")
    made = [(table, Markup(render.markdown(table))) for table in tables.readable(shown.rows)]
    screen = [Markup(render.markdown(table)) for table in _screen(shown.rows)]
    words = {"tables": made, "screen": screen, "drawings": _answer_first(shown.drawings)}
    return _lines(template.render(_common(shown), **words))


def html(shown: Shown) -> str:
    """The run as one file that needs no network; no script runs in it but its own."""
    script = f"{{ {_datatables()}\n{_read('report.js')} }}"
    style = (BUNDLE / "dt_bundle.css").read_text(encoding="utf-8") + _read("report.css")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    figures = [(drawn, inline(drawn)) for drawn in _answer_first(shown.drawings)]
    template = _environment().get_template("report.html.jinja")
    made = [(table, render.html(table)) for table in tables.sortable(shown.rows)]
    return template.render(
        _common(shown), tables=made, figures=figures,
        screen=[(table, render.html(table)) for table in _screen(shown.rows)],
        csv=_csv(shown.run), switches=_switches(shown.rows),
        script=Markup(script), digest=digest, style=Markup(style),
    )  # fmt: skip


def _switches(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """What can be hidden: the frameworks and the formulations of the figures, each with its id."""
    backends = [(title(backend), switch(backend)) for backend in dict.fromkeys(rows.backend)]
    return [*backends, *((word, switch(word)) for word in ("dense", "elementwise"))]


def _csv(run: Run) -> str:
    """All rows as a file that the page has in it."""
    text = frame.table(run).to_csv(index=False, float_format="%.9g")
    return "data:text/csv;charset=utf-8," + quote(text, safe=" ,:;/[]()=+*^")


def _answer_first(drawings: list[Drawing]) -> list[Drawing]:
    """The figure of what dense costs, then the others."""
    return sorted(drawings, key=lambda drawing: drawing.name != ratios.NAME)


def inline(drawing: Drawing) -> Markup:
    """The SVG for a page with others: without its head, and with ids that are unique."""
    svg = drawing.svg[drawing.svg.index("<svg") :]
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{drawing.name}-", svg)
    return Markup(re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL))


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


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["md"] = markdown
    return environment


def _lines(text: str) -> str:
    """The text with at most one empty line in a row."""
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _read(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _datatables() -> str:
    """The bundle of itables for a plain script: its default export becomes a constant."""
    bundle = (BUNDLE / "dt_bundle.js").read_text(encoding="utf-8").replace("</script", r"<\/script")
    return EXPORT.sub(r"const DataTable = \1;", bundle)
