"""The tables of gradients over several devices: what each device forms, and what they exchange."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks.analyse.shards import KIND, formula
from benchmarks.show.tables import (
    AGREEMENT,
    CONDITIONS,
    Column,
    Definition,
    Table,
    over_sizes,
)
from benchmarks.show.wording import amount, duration, ratio, value

NAME, TITLE = "devices", "Over several devices"
NOT_MEASURED = "not measured"
NOTE = (
    "One gradient of a batch of B examples, which n devices share. automatic: the framework "
    "partitions the computation; batch: each device computes with its own examples. formed: bytes "
    "that the call allocates on a device; formula: the numbers that it should form, B^2/n or "
    "(B/n)^2 of one dense Jacobian, or B/n of one vector; / formula: how many times that. "
    "exchanged: collectives, and the bytes that a device gets from them. / one device: beside the "
    "same gradient on one device. Times need a processor for each device: else not measured."
)
BRIEF = (
    "On n devices a dense gradient should form B^2/n numbers on each of them if the framework "
    "divides its matrix, and (B/n)^2 by the batch, each device with its own examples; elementwise "
    "and fused form vectors of B/n. / formula: how many times that, over all n."
)
ONE, ELEMENTWISE = "/ one device", "/ elementwise"
TIMES = {ONE: "the same on one device", ELEMENTWISE: "elementwise on the same devices"}
CELL = ["backend", "device", "formulation", "partition"]  # its words here, where n heads a column


class Scaling(NamedTuple):
    """Rows over all numbers of devices: of one batch (strong), or with B / n examples (weak)."""

    words: str
    is_strong: bool
    rows: pd.DataFrame


def prepared(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows over several devices, with further columns for tables and figures."""
    own = rows[rows.kind == KIND]
    own = own.assign(partition=own.sharding.str.split("/").str[0])
    found = [formula(row.formulation, row.partition) for _, row in own.iterrows()]
    return own.assign(**{
        "formula": found, "/ formula": own.temporary_bytes / own.formula_bytes,
        "cell": [" ".join(row[word] for word in CELL if row[word] != "cpu")
                 for _, row in own.iterrows()],
        "time order": own.seconds.fillna(np.inf),
    })  # fmt: skip


def table(rows: pd.DataFrame) -> Iterator[Table]:
    """Every row over several devices."""
    if len(own := prepared(rows)):
        yield DEVICES.table(own).filled()


def by_problem(rows: pd.DataFrame) -> Iterator[Table]:
    """The same, a table for each model and dtype."""
    for heading, own in _problems(prepared(rows)):
        yield DEVICES.table(own, f"{TITLE}: {heading}", brief=True).filled().varied()


def summary(rows: pd.DataFrame) -> Iterator[Table]:
    """For a terminal: a line for each cell, a column for each number of devices."""
    for heading, own in _problems(prepared(rows)):
        for scaling in scalings(own):
            title, over = f"devices {heading}, {scaling.words}", scaling.rows
            made = _over(f"{title}: formed on a device", over, _formed)
            yield made._replace(texts=made.texts.assign(**{"/ formula": _times(over, made)}))
            if scaling.is_strong:
                yield _over(f"{title}: received by a device", over, _received)
                yield from _timed(title, over)


def scalings(rows: pd.DataFrame) -> Iterator[Scaling]:
    """The rows of one model and dtype that have all numbers of devices: strong, then weak."""
    counts, shares = {*rows.devices}, rows.B // rows.devices
    for B, own in rows.groupby("B"):
        if {*own.devices} == counts:
            yield Scaling(f"B = {B}", True, own)
    for share, own in rows.groupby(shares):
        if {*own.devices} == counts and len(counts) > 1:
            yield Scaling(f"B = {share} n", False, own)


def exchanged(row: Any) -> str:
    """The collectives of a call, each with the bytes that a device gets."""
    found = row.exchanges.items()
    return ", ".join(f"{count} {name} {amount(size)}" for name, (count, size) in found) or "nothing"


def _timed(title: str, rows: pd.DataFrame) -> Iterator[Table]:
    """The times beside others, of the cells that were timed over some number of devices."""
    for beside, words in TIMES.items():
        own = rows[rows.cell.isin(rows.cell[rows[beside].notna()])]
        if len(own):
            yield _over(f"{title}: time / {words}", own, _brief(beside))


def _over(title: str, rows: pd.DataFrame, show: Callable[[Any], str]) -> Table:
    rows = rows.sort_values(["cell", "devices"], kind="stable")
    made = over_sizes(title, rows, show, by="devices", order="temporary_bytes", note=BRIEF)
    return made._replace(texts=made.texts.rename(columns={"B =": "n ="}))


def _times(rows: pd.DataFrame, made: Table) -> list[str]:
    """How many times its formula each cell forms, over all numbers of devices."""
    found = rows.groupby("cell")["/ formula"].agg(["min", "max"])
    words = found.map(lambda times: f"{times:.2g}")
    return [" to ".join(dict.fromkeys(words.loc[cell])) for cell in made.texts["n ="]]


def _problems(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for (model, dtype), own in rows.groupby(["model", "dtype"], sort=False):
        yield f"{model} {dtype}", own


def _formed(row: Any) -> str:
    return amount(row.temporary_bytes)


def _received(row: Any) -> str:
    return amount(row.received_bytes)


def _brief(title: str) -> Callable[[Any], str]:
    return lambda row: NOT_MEASURED if pd.isna(row[title]) else value(row, title)


def _time(row: Any) -> str:
    return NOT_MEASURED if pd.isna(row.seconds) else duration(row.seconds).replace("us", "µs")


def _beside(title: str) -> Column:
    return Column(title, title, lambda row: ratio(row, title))


def _word(title: str, source: str = "") -> Column:
    return Column(title, source or title)


def _whole(title: str, source: str) -> Column:
    return Column(title, source, lambda row: str(int(row[source])))


DEVICES = Definition(
    NAME, TITLE, NOTE, KIND,
    ["model", "dtype", "backend", "device", "formulation", "partition", "B", "devices"],
    (*map(_word, ("model", "backend", "execution", "device", "formulation", "dtype")),
     _word("sharding", "partition"), _whole("n", "devices"), _whole("B", "B"),
     Column("formed", "temporary_bytes", _formed),
     Column("formula", "formula_bytes", lambda row: f"{row.formula}: {amount(row.formula_bytes)}"),
     Column("/ formula", "/ formula", lambda row: f"{row['/ formula']:.2f}"),
     Column("exchanged", "received_bytes", exchanged), Column("time", "time order", _time),
     _beside(ONE), _beside(ELEMENTWISE), CONDITIONS, *AGREEMENT),
)  # fmt: skip
