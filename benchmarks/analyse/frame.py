"""A stored run as a pandas DataFrame, and as a file of a table.

from benchmarks.analyse.frame import load_run
rows = load_run("results/own/<machine>/0001_quick.json")
rows[rows.formulation == "dense"].pivot_table("/ elementwise", "backend", "B")
"""

from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.analyse.rows import WORDS, rows_of
from benchmarks.store.run import read

FACTS = ("B", "steps", "examples", "features", "temporary_bytes", "matrix_bytes", "conditions")
RATIOS = {"limit": "/ C", "baseline": "/ reference"}  # the others keep their names


def load_run(path: str | Path) -> pd.DataFrame:
    """One line a row of the run, void ones too; times in seconds of one call.

    Beside a ratio stand the limits of its 95 % interval, " low" and " high". A void row has no
    time. Raises Mistake where path is no stored run.
    """
    run = read(Path(path))
    timed = [_line(row) for row in rows_of(run)]
    void = [{name: row[name] for name in ("group", *WORDS, "void")} for row in run["void"]]
    return pd.DataFrame(timed + void)


def export(path: Path, to: Path) -> None:
    """Write the table of a stored run to a file of CSV, Parquet or Markdown, by its suffix."""
    rows = load_run(path)
    if to.suffix == ".csv":
        rows.to_csv(to, index=False)
    elif to.suffix == ".parquet":
        rows.to_parquet(to, index=False)
    else:
        rows.to_markdown(to, index=False)


def _line(row: dict[str, Any]) -> dict[str, Any]:
    line = {name: row[name] for name in ("group", *WORDS, "seconds", "q1", "q3")}
    line |= {name: row[name] for name in FACTS if name in row}
    for name, values in row["ratio"].items():
        title = RATIOS.get(name, f"/ {name}")
        line |= dict(zip((title, f"{title} low", f"{title} high"), values, strict=True))
    checks = row["verdict"]["checks"]
    shares = [c["observed"] / c["allowed"] for c in checks if c["allowed"]]
    return line | {"tolerance used": max(shares, default=0.0), "void": row["void"]}
