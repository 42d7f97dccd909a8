"""The stored atlas, as types: what every map gives in every framework, and where it differs.

Numbers that may be infinite or nan are texts, as Python prints them.
"""

import json
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from benchmarks.store.files import Mistake
from benchmarks.store.run import Finite

KIND, SCHEMA = "atlas", 1
QUANTITIES = "value", "derivative"
FUNCTION, DIGITS, KINK = "another function", "digits lost", "convention at a kink"
NAN, EDGE, FLUSHED = "nan lost", "edge of the range", "subnormals flushed"
CLASSES = (FUNCTION, DIGITS, KINK, NAN, EDGE, FLUSHED)


class Worst(Struct):
    """The largest error over the sample, in ULP of the exact result, and where it is.

    Without what belongs to the classes of subnormal numbers, of nan and of the range's edge.

    near_zero: it lies beside a zero of the quantity, which the catalog states.
    """

    ulp: Finite
    x: str
    near_zero: bool = False


class Judged(Struct, kw_only=True):
    """A map in one framework, execution and dtype; None where the sample has no finite result.

    curves: for the value and the derivative the places of CURVE and the largest error there.
    """

    map: str
    backend: str
    execution: str
    dtype: str
    value: Worst | None
    derivative: Worst | None
    curves: tuple[list[list[Finite]], list[list[Finite]]] | None = None


class Finding(Struct, kw_only=True):
    """A difference from the exact value, of one class, at points between low and high.

    x is its worst point: found and exact are the results there, ulp the error, None if it is not
    finite. share is the part of the sample between 1e-4 and 1e4 in size that it concerns, points
    their number with the special ones.
    """

    map: str
    backend: str
    execution: str
    dtype: str
    quantity: str
    kind: str
    x: str
    found: str
    exact: str
    ulp: Finite | None
    low: str
    high: str
    points: int
    share: Finite


def by_value(found: dict[str, str]) -> dict[str, list[str]]:
    """The rows by what they give; both zeros are one."""
    rows: dict[str, list[str]] = {}
    for row, value in found.items():
        rows.setdefault("0" if value == "-0" else value, []).append(row)
    return rows


class Kink(Struct):
    """What every framework gives as the derivative at a kink, which has none.

    left and right are the exact derivatives beside it; found is by "backend execution".
    """

    map: str
    dtype: str
    x: str
    left: str
    right: str
    found: dict[str, str]

    @property
    def differs(self) -> bool:
        """Whether the frameworks do not agree."""
        return len(by_value(self.found)) > 1


class Default(Struct):
    """Which map of the catalog a call without options is in each framework; "" for none of them.

    apart is how far two frameworks are apart at most, relative to results above 1.
    """

    name: str
    found: dict[str, str]
    apart: Finite

    @property
    def differs(self) -> bool:
        """Whether the frameworks do not agree."""
        return len({*self.found.values()}) > 1


class Described(Struct):
    """A map as the page shows it; judged_by says in words what it is compared with."""

    name: str
    formula: str
    source: str
    judged_by: str


class Missing(Struct):
    """What the atlas lacks, and why."""

    what: str
    reason: str


class Atlas(Struct, kw_only=True):
    """A stored atlas; points is the number of points a map, from and to, for each dtype."""

    kind: str
    schema: int
    datetime: str
    seconds: Finite
    versions: dict[str, str]
    machine: str
    points: dict[str, tuple[int, int]]
    maps: list[Described]
    judged: list[Judged]
    findings: list[Finding]
    kinks: list[Kink]
    defaults: list[Default]
    missing: list[Missing]

    @property
    def dtype(self) -> str:
        """The one that is shown where there is room for one: float64, or else its first."""
        return "float64" if "float64" in self.points else next(iter(self.points), "")


def is_atlas(path: Path) -> bool:
    """Whether the file is an atlas, and not a run or anything else."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("kind") == KIND


def load(path: Path) -> Atlas:
    """The stored atlas in path. Raises Mistake, in one line, if it is none."""
    try:
        found = json.loads(path.read_bytes())
        if isinstance(found, dict) and found.get("schema") not in (SCHEMA, None):
            raise ValueError(f"its schema is {found['schema']!r}, known is {SCHEMA}")
        return msgspec.convert(found, Atlas)
    except OSError as error:
        raise Mistake(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:  # ValidationError is a ValueError
        raise Mistake(f"{path}: not a stored atlas: {error}") from None


def as_json(atlas: Atlas) -> str:
    """The text of its file: one line for each entry, so that two can be compared by eye."""
    made: dict[str, Any] = msgspec.to_builtins(atlas)
    lines = []
    for name, value in made.items():
        entries = value if isinstance(value, list) else None
        text = json.dumps(value, separators=(",", ":"))
        if entries:
            text = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in entries)
            text = f"[\n{text}\n]"
        lines.append(f"{json.dumps(name)}:{text}")
    return "{" + ",\n".join(lines) + "}\n"
