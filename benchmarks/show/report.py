"""A stored run as files beside it: tables, figures and two pages, made from its JSON alone."""

from pathlib import Path
from typing import Any

from benchmarks.show import tables
from benchmarks.store import run as store
from benchmarks.store.files import put
from benchmarks.store.machine import OWN

MADE = "made by python -m benchmarks report"  # stands in a README.md that may be written over


def write(path: Path, chosen: bool = False) -> list[str]:
    """Write all that is shown of the run in path; lines to print about it.

    The pages README.md and report.html show one run of their folder: that which was chosen, or
    the one just measured, but a quick or partial run does not take the place of a full one.
    Raises Mistake, and writes nothing, if there is no whole run in path.
    """
    run = store.read(path)
    files = {path.with_suffix(".txt"): "\n".join(tables.report(run)) + "\n"}
    try:
        drawn, notes = _drawn(run, path, chosen)
    except ImportError as error:
        drawn, notes = {}, [f"no figures and no pages: {error}; pip install -e '.[bench]'"]
    for file, text in (files | drawn).items():
        put(file, text)
    written = [*files, *drawn] if chosen else [path, *files, *drawn]
    return [*tables.summary(run), "", *(f"wrote {file}" for file in written), *notes]


def newest_own(results: Path) -> list[Path]:
    """The newest full run of one's own of each machine; where there is none, the published ones."""
    return newest(results / OWN) or newest(results)


def newest(results: Path) -> list[Path]:
    """The newest full run in each folder of results."""
    folders = sorted({path.parent for path in results.glob("*/[0-9]*_full.json")})
    return [max(folder.glob("[0-9]*_full.json")) for folder in folders]


def _drawn(run: dict[str, Any], path: Path, chosen: bool) -> tuple[dict[Path, str], list[str]]:
    """Figures and pages, by their files; lines on what is not among them."""
    from benchmarks.show import figures, page

    drawings, missing = figures.draw(run)
    files = {path.with_name(f"{path.stem}_{d.name}.svg"): d.svg for d in drawings}
    others = [other for other in newest(path.parent.parent) if other.parent == path.parent]
    full = [other.name for other in others if other != path]
    if (run["quick"] or store.is_partial(run)) and full and not chosen:
        return files, [*missing, f"README.md and report.html stay those of {full[0]}"]
    files[path.with_name("report.html")] = page.html(run, path, drawings, missing)
    readme = path.with_name("README.md")
    if readme.exists() and MADE not in readme.read_text(encoding="utf-8", errors="replace"):
        return files, [*missing, f"left {readme} as it is: the report did not make it"]
    files[readme] = page.readme(run, path, drawings, missing)
    return files, missing
