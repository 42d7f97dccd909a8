"""The answer of a stored run in one sentence, and details, made from its rows."""

from typing import Any

import pandas as pd

from benchmarks.analyse.frame import C_LOOP, costs, own_conditions, ratio_of
from benchmarks.analyse.intervals import quotient
from benchmarks.show.badge import badge
from benchmarks.show.circumstances import partial
from benchmarks.show.devices import prepared
from benchmarks.show.wording import (
    amount,
    digits,
    duration,
    interval,
    name,
    ratio,
    title,
    titled,
)
from benchmarks.store.run import CELL_WORDS, Run
from reference.words import FIRST

SIZE = 256  # shown beside the largest size
PARTITIONS = {
    "automatic": "the framework partitions it",
    "batch": "each device computes with its own examples",
}
CALLS = {"eager": "one call an operation", "step": "one call a step", "block": "one call a block"}


def answer(run: Run, rows: pd.DataFrame) -> list[str]:
    """What dense costs, in one sentence with two numbers, and whether the run can be believed.

    An unusable run says so in place of the answer. A partial run says first that it is one.
    """
    steady = badge(run, rows)
    told = cost(rows)
    if told and steady.word == "unusable":
        told = "This run gives no answer: its intervals are too wide."
    steadiness = f"{steady.word.capitalize()} run. {steady.reason}" if told else ""
    found = [partial(run), told or over_devices(rows), steadiness]
    return [sentence for sentence in found if sentence]


def details(run: Run, rows: pd.DataFrame) -> list[str]:
    """Which cell trains fastest and why, and whether all rows agree."""
    return [told for told in (fastest(rows), agreement(rows, len(run.void))) if told]


def cost(rows: pd.DataFrame) -> str:
    """What the diagonal Jacobians of a gradient cost at two sizes, in the middle of the backends.

    Of a backend its first execution counts, which its users get by default.
    """
    dense = _told(costs(rows))
    if dense.empty:
        return ""
    sizes = dict.fromkeys((SIZE, int(dense.B.max())))
    defaults = dense.drop_duplicates(["backend", "B"])
    found = {B: own["/ elementwise"] for B in sizes if len(own := defaults[defaults.B == B])}
    (first, ratios), *more = found.items()
    times = f"{_about(ratios.median())} times as long at batch size {first}"
    times += "".join(f", and {_about(own.median())} times at {B}" for B, own in more)
    count = max(map(len, found.values()))
    of = f" (the middle of {count} frameworks)" if count > 1 else ""
    return (
        f"One {dense.model.iloc[0]} gradient takes {times}, if it forms its "
        f"diagonal Jacobians as matrices instead of multiplying by their diagonals{of}."
    )


def over_devices(rows: pd.DataFrame) -> str:
    """What a dense gradient forms on each of most devices, in the shortest batch they share."""
    own = _told(prepared(rows))
    own = own[own.devices.eq(own.devices.max())]
    own = own[own.B.eq(own.B.min())]
    dense, elementwise = (own[own.formulation == word] for word in ("dense", "elementwise"))
    if dense.empty or dense.devices.iloc[0] == 1:
        return ""
    found = [
        f"{_formed(dense[dense.partition == partition])} if {words}"
        for partition, words in PARTITIONS.items()
        if (dense.partition == partition).any()
    ]
    least = ""
    if len(elementwise):  # a run that ended early may have none
        least = f"; an elementwise one forms at most {amount(elementwise.temporary_bytes.max())}"
    return (
        f"Over {dense.devices.iloc[0]} devices a dense {dense.model.iloc[0]} gradient of "
        f"{dense.B.iloc[0]} examples forms on each of them {', and '.join(found)}"
        f"{least}."
    )


def fastest(rows: pd.DataFrame) -> str:
    """Which cell trains fastest, compared with the C loop, the reference and its other forms."""
    told = _told(own_conditions(rows[rows.kind == "training"]))
    cells = told[~told.backend.isin([C_LOOP, "reference"])]
    if cells.empty:
        return ""
    best = cells.loc[cells.seconds.idxmin()]
    beside = [("/ C", "the C loop"), ("/ reference", "the reference")]
    ratios = [f"{ratio(best, n)} times {words}" for n, words in beside if pd.notna(best[n])]
    took = ", ".join([duration(best.seconds), *[" and ".join(ratios)] * bool(ratios)])
    run = f"the {best.model} run of {best.steps} steps"
    return f"{titled(best)} trains {run} fastest: {took}{_drivers(best, cells)}."


def agreement(rows: pd.DataFrame, void: int) -> str:
    """How many rows agree with the reference, and which of them came nearest to its tolerance."""
    count = len(rows)
    if not count:
        return f"No row agrees with the reference, {void} are void." if void else ""
    said = f"{count} rows agree with the reference, {void} are void"
    said = said if void else f"All {count} rows agree with the reference"
    if rows["tolerance used"].isna().all():
        return f"{said}."
    row = rows.loc[rows["tolerance used"].idxmax()]
    check = row["nearest check"]
    return (
        f"{said}; the largest share of a tolerance that one of them uses is "
        f"{row['tolerance used']:.0%}: {name(row)}, {check.quantity}, {digits(check.observed)} of "
        f"{digits(check.allowed)} {check.unit}."
    )


def subject(rows: pd.DataFrame) -> tuple[str, str] | None:
    """The model and dtype of the rows that the answer is about; None without rows."""
    found = list(dict.fromkeys(zip(rows.model, rows.dtype, strict=True)))
    return min(found, key=lambda key: key[0] != FIRST, default=None)


def _told(rows: pd.DataFrame) -> pd.DataFrame:
    key = subject(rows)
    return rows[(rows.model == key[0]) & (rows["dtype"] == key[1])] if key else rows


def _formed(rows: pd.DataFrame) -> str:
    """Bytes on a device, in each framework."""
    told = [f"{amount(row.temporary_bytes)} in {title(row.backend)}" for _, row in rows.iterrows()]
    return " and ".join(dict.fromkeys(told))


def _about(ratio: float) -> str:
    """Two digits."""
    return f"{float(f'{ratio:.2g}'):g}"


def _drivers(best: Any, rows: pd.DataFrame) -> str:
    """What the same backend takes with another execution, and what dense costs it."""
    told = ""
    for _, row in rows.iterrows():
        same = {word for word in CELL_WORDS if row[word] == best[word]}
        paired = pd.notna(row["/ reference"]) and pd.notna(best["/ reference"])
        if same == {*CELL_WORDS} - {"execution"} and paired:
            times = quotient(ratio_of(row, "/ reference"), ratio_of(best, "/ reference"))
            drives = CALLS.get(row.execution, row.execution)
            told += f"; driven by {drives} it takes {interval(*times)} times as long"
        dense = row.formulation == "dense" and same == {*CELL_WORDS} - {"formulation"}
        if dense and pd.notna(row["/ elementwise"]):
            told += (
                f"; its dense form takes {ratio(row, '/ elementwise')} times its elementwise one"
            )
    return told
