"""What gradients over several devices do on one of them, joined with the times of the same rows.

What a device forms is compared with a formula, which counts numbers: of B examples on n devices a
dense gradient forms B^2/n, if the framework divides its matrix, and (B/n)^2, if each device has a
matrix of its own examples; the other formulations form vectors of B/n numbers.
"""

from typing import Any

import numpy as np

from benchmarks.store.run import CELL_WORDS, Shards
from reference.structure import MATRICES

KIND = "sharded"
WHOLE, BLOCK, VECTOR = "B^2/n", "(B/n)^2", "B/n"
FORMULAS = {
    WHOLE: lambda B, n: B * B / n,
    BLOCK: lambda B, n: (B / n) ** 2,
    VECTOR: lambda B, n: B / n,
}
Line = dict[str, Any]


def joined(lines: list[Line], shards: list[Shards]) -> list[Line]:
    """The lines of timed rows, with what they do on a device, and those that were not timed.

    A row that is void in some process is none of them.
    """
    found, timed = _structures(shards), {*map(_key, lines)}
    others = [line for key, line in found.items() if key not in timed and line["not_timed"]]
    return [*(_both(found.get(_key(line)), line) for line in lines), *others]


def formula(formulation: str, partition: str) -> str:
    """How many numbers a device should form, as a formula in FORMULAS."""
    if formulation not in MATRICES:
        return VECTOR
    return BLOCK if partition == "batch" else WHOLE


def _structures(shards: list[Shards]) -> dict[tuple[Any, ...], Line]:
    """A line for each cell and B; of several processes that in which a device formed most."""
    found: dict[tuple[Any, ...], list[Shards]] = {}
    for one in shards:
        found.setdefault((*(getattr(one, word) for word in CELL_WORDS), one.B), []).append(one)
    return {
        key: _line(max(same, key=lambda one: one.temporary_bytes))
        for key, same in found.items()
        if not any(one.void for one in same)
    }


def _line(one: Shards) -> Line:
    partition, n = one.sharding.split("/")
    numbers = FORMULAS[formula(one.formulation, partition)](one.B, int(n))
    return {
        **{word: getattr(one, word) for word in CELL_WORDS},
        "kind": KIND, "group": f"devices {one.model} {one.dtype}: B = {one.B}", "B": one.B,
        "devices": int(n), "temporary_bytes": one.temporary_bytes,
        "formula_bytes": numbers * np.dtype(one.dtype).itemsize,
        "received_bytes": sum(size for _, size in one.collectives.values()),
        "collectives": ", ".join(f"{count} {n}" for n, (count, _) in one.collectives.items()),
        "exchanges": one.collectives, "not_timed": one.not_timed, "checks": one.checks,
    }  # fmt: skip


def _both(structure: Line | None, line: Line) -> Line:
    """A timed line with what the row does on a device, and with the checks of both."""
    if structure is None:
        return line
    return structure | line | {"checks": [*structure["checks"], *line["checks"]]}


def _key(line: Line) -> tuple[Any, ...]:
    return (*(line[word] for word in CELL_WORDS), line.get("B"))
