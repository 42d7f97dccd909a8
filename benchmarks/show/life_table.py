"""The life of the cells as text: a table for cold caches, and one for warm."""

from collections.abc import Iterator
from textwrap import wrap
from typing import Any

from benchmarks.show.text import duration, name

COLUMNS = {  # over two lines, the stage
    "import": ("", "import"),
    "to device": ("to", "device"),
    "trace": ("", "trace"),
    "compile": ("", "compile"),
    "first run": ("first", "run"),
    "steady": ("", "steady"),
    "to host": ("to", "host"),
}
LEGEND = (
    "Each row is one fresh process, a run the whole training. Pays after: the number of steps that "
    "pays back trace, compile and what the first run took beyond a steady one, against eager "
    "NumPy. - where nothing compiles, or a stage is not told apart."
)
Row = dict[str, Any]


def tables(run: dict[str, Any]) -> list[str]:
    """A table for each group and formulation, and what the columns mean; none without rows."""
    rows = [{"group": row["group"], **row["extra_info"]} for row in run["benchmarks"]]
    found: dict[tuple[str, str], list[Row]] = {}
    for row in (*rows, *run["void"]):
        if "caches" in row:
            found.setdefault((row["group"], row["formulation"]), []).append(row)
    lines = [line for key, own in found.items() for line in (*_table(*key, own), "")]
    return [*lines, *wrap(LEGEND, 80), ""] if lines else []


def _table(group: str, formulation: str, rows: list[Row]) -> Iterator[str]:
    """One table: each cell with its stages, the fastest first; the void ones last."""
    yield from wrap(f"{group}: {formulation}", 80)
    for line, last in enumerate(("pays", "after")):
        heads = [head[line] for head in COLUMNS.values()]
        yield "".join([f"{'cell' if line else '':15}", *(f"{h:>8}" for h in heads), f"{last:>9}"])
    for row in sorted((r for r in rows if not r["void"]), key=lambda r: r["life"]["steady"]):
        times = "".join(f"{time(row, stage):>8}" for stage in COLUMNS)
        yield f"{_cell(row):15}{times}{steps(row):>9}"
    for row in rows:
        if row["void"]:
            yield from wrap(f"{_cell(row):15} void: {row['void']}", 80, subsequent_indent=" " * 16)


def _cell(row: Row) -> str:
    """The cell without its formulation, which stands above the table."""
    return name({**row, "formulation": ""}).strip().replace("  ", " ")


def time(row: Row, stage: str) -> str:
    seconds = row["life"][stage]
    if seconds is None or (stage in ("trace", "compile") and not row["compiles"]):
        return "-"
    return duration(seconds) if seconds else "0 s"


def steps(row: Row) -> str:
    """After how many steps compiling pays, to three digits."""
    steps = row["break_even"]
    if not row["compiles"]:
        return "-"
    if steps is None:
        return "never"
    return f"{float(f'{steps:.3g}'):.0f}" if steps < 1e8 else f"{steps:.1e}"
