"""A stored run as files: its tables and figures are made from the JSON alone."""

import json
from pathlib import Path

from benchmarks import tables


def write(path: Path) -> list[str]:
    """Write the tables and figures of the run in path beside it; lines to print about it."""
    run = json.loads(path.read_text())
    text = path.with_suffix(".txt")
    text.write_text("\n".join(tables.report(run)) + "\n")
    try:
        from benchmarks.figures import draw

        drawn = [str(figure) for figure in draw(run, path.parent, path.stem)]
    except ImportError as error:
        drawn = [f"no figures: {error}; pip install -e '.[bench]' brings Matplotlib"]
    return [*tables.summary(run), "", *(f"wrote {p}" for p in (path, text)), *drawn]
