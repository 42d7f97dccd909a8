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


def line(name, dtype, row):
    told = f"{row.differs}, {row.cannot_tell} of {row.compared}"
    return f"| {name} | {dtype} | {row.units:.2f} | {row.worst:.2f} | {row.share:.0%} | {told} |"


def main():
    from tests.own_pairs import PAIRS

    print("| pair | dtype | units | worst coordinate | of its limit | differs, cannot tell |")
    print("|---|---|---|---|---|---|")
    for name, make in PAIRS.items():
        for dtype in ("float64", "float32"):
            print(line(name, dtype, calibrate(make, dtype)), flush=True)


if __name__ == "__main__":
    sys.exit(main())
