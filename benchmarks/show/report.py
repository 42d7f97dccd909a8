"""A stored run as files beside it: tables, figures and two pages, made from its JSON alone."""

from pathlib import Path
from shutil import get_terminal_size
from textwrap import wrap
from typing import Any

from benchmarks.store.files import put
from benchmarks.store.machine import OWN
from benchmarks.store.run import Run, load

MADE = "made by python -m benchmarks report"  # marks a README.md that may be overwritten
NEEDS_REPORT = "pip install -e '.[report]' installs what is missing"


def write(path: Path, chosen: bool = False) -> list[str]:
    """Write all that is shown of the run in path; return lines to print about it.

    The pages README.md and report.html show one run of their folder: the one that was chosen or
    just measured. A quick or partial run does not replace a full one unless it was chosen.
    Raises Mistake, and writes nothing, if path is not a whole stored run.
    """
    run = load(path)
    try:
        from benchmarks.analyse.frame import rows_of
        from benchmarks.show import tables
    except ImportError as error:
        stored = [] if chosen else [f"wrote {path}"]
        return [*stored, f"no tables: {error}; {NEEDS_REPORT}"]
    rows = tables.prepared(rows_of(run))
    files = {path.with_suffix(".txt"): "\n".join(_text(run, rows, whole=True)) + "\n"}
    try:
        drawn, notes = _drawn(run, rows, path, chosen)
    except ImportError as error:
        drawn, notes = {}, [f"no figures and no pages: {error}; pip install -e '.[bench]'"]
    for file, text in (files | drawn).items():
        put(file, text)
    written = [*files, *drawn] if chosen else [path, *files, *drawn]
    return [*_text(run, rows), "", *(f"wrote {file}" for file in written), *notes]


def newest_own(results: Path) -> list[Path]:
    """The newest full run in each folder of results/own/; if there is none, of results/."""
    return newest(results / OWN) or newest(results)


def newest(results: Path) -> list[Path]:
    """The newest full run in each folder of results."""
    folders = sorted({path.parent for path in results.glob("*/[0-9]*_full.json")})
    return [max(folder.glob("[0-9]*_full.json")) for folder in folders]


def _text(run: Run, rows: Any, whole: bool = False) -> list[str]:
    """The tables (all, or a summary), what is missing, the conditions and the answer as lines."""
    from benchmarks.show import answer, circumstances, devices, render, tables

    made = list(tables.everything(rows) if whole else tables.summary(rows))
    made += [*devices.summary(rows), *(devices.by_problem(rows) if whole else ())]
    width = None if whole else get_terminal_size((render.WIDTH, 0)).columns
    lines = [
        *render.text(made, width),
        *render.notes(made),
        "",
        *circumstances.missing(run),
        *circumstances.conditions(run),
        "",
    ]
    told = [*answer.details(run, rows), *answer.answer(run, rows)]  # what is read first comes last
    return lines + [line for sentence in told for line in wrap(sentence, 80)]


def _drawn(run: Run, rows: Any, path: Path, chosen: bool) -> tuple[dict[Path, str], list[str]]:
    """Figures and pages, by their files; and lines on what is missing."""
    from benchmarks.show import figures, page

    drawings, missing = figures.draw(run, rows)
    shown = page.Shown(run, rows, path, drawings, missing)
    files = {path.with_name(f"{path.stem}_{d.name}.svg"): d.svg for d in drawings}
    others = [other for other in newest(path.parent.parent) if other.parent == path.parent]
    full = [other.name for other in others if other != path]
    if (run.quick or run.failed) and full and not chosen:
        return files, [*missing, f"README.md and report.html stay those of {full[0]}"]
    files[path.with_name("report.html")] = page.html(shown)
    readme = path.with_name("README.md")
    if readme.exists() and MADE not in readme.read_text(encoding="utf-8", errors="replace"):
        return files, [*missing, f"left {readme} as it is: the report did not make it"]
    files[readme] = page.readme(shown)
    return files, missing
