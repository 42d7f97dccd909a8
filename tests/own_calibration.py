"""The calibration: python -m tests.own_calibration prints the table of docs/own-functions.md."""

import sys
from typing import NamedTuple

import numpy as np

from diagjac import compare_gradients
from diagjac.distance import DIFFERS, UNKNOWN, worst_limit

SEEDS = 20


class Row(NamedTuple):
    """One pair in one dtype over all seeds: the largest figures, and how often what was said."""

    units: float  # of a parameter
    worst: float  # of a coordinate
    share: float  # of what the worst coordinate may have
    differs: int
    cannot_tell: int
    compared: int  # ports


def calibrate(make, dtype, seeds=SEEDS):
    """Compare a pair at numbers drawn from so many seeds."""
    comparisons = []
    for seed in range(seeds):
        given = make(np.random.default_rng(seed))
        words = {"dtype": dtype, "seed": seed}
        report = compare_gradients(given["functions"], given["params"], given["batch"], **words)
        comparisons += report.comparisons
    found = [d for c in comparisons for d in c.distances]
    verdicts = [c.verdict for c in comparisons]
    return Row(
        max(d.units for d in found),
        max(d.worst for d in found),
        max(d.worst / worst_limit(int(np.prod(d.shape))) for d in found),
        verdicts.count(DIFFERS),
        verdicts.count(UNKNOWN),
        len(comparisons),
    )


def line(name, rows):
    cells = [f"{row.units:.2f} | {row.worst:.1f} ({row.share:.0%})" for row in rows]
    return f"| {name} | {' | '.join(cells)} |"


def main():
    """The largest of all seeds; what was said other than that they agree stands below the table."""
    from tests.own_pairs import PAIRS

    print("| pair | float64: units | worst coordinate | float32: units | worst coordinate |")
    print("|---|---|---|---|---|")
    told = []
    for name, make in PAIRS.items():
        rows = [calibrate(make, dtype) for dtype in ("float64", "float32")]
        print(line(name, rows), flush=True)
        said = [(row.differs, row.cannot_tell, row.compared) for row in rows]
        told += [(name, said)] if any(map(sum, ((d, c) for d, c, _ in said))) else []
    print("differ, cannot be told, compared:", told or "all agree")


if __name__ == "__main__":
    sys.exit(main())
