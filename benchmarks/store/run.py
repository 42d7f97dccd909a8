"""The stored run, as types: pytest-benchmark's JSON with what this suite adds to it.

A row is an entry of benchmarks; the type of its extra_info depends on its kind: Gradient, MapRow,
Training, Large, Life, or a plain Row for any other timed call. Reading and merging keep the fields
that are not named here. Two of these are in extra_info: calls, the number of calls in a block, and
beside, the seconds of one call of each of the others in each process.
"""

import json
import sys
from itertools import chain, count
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from backends import UNSHARDED
from benchmarks.store import schema
from benchmarks.store.files import Mistake
from benchmarks.store.machine import next_file

CELL_WORDS = ("model", "backend", "execution", "device", "formulation", "dtype", "sharding")
LARGEST = sys.float_info.max  # rejects nan, infinity, and whole numbers that are too large
Finite = Annotated[float, Meta(ge=-LARGEST, le=LARGEST)]
Positive = Annotated[float, Meta(gt=0, le=LARGEST)]
Interval = tuple[Positive, Positive, Positive]  # value, low, high


class CellWords(Struct, kw_only=True):
    """The words of the cell that a row is of."""

    model: str
    backend: str
    execution: str
    device: str
    formulation: str
    dtype: str
    sharding: Annotated[str, Meta(pattern=r"^(none|\w+/[1-9]\d*)$")] = UNSHARDED

    @property
    def cell(self) -> str:
        """All words in one text."""
        words = [getattr(self, word) for word in CELL_WORDS]
        return " ".join(word for word in words if word != UNSHARDED)


class Check(Struct):
    """The observed and the allowed value of a quantity, in its unit."""

    quantity: str
    observed: Finite
    allowed: Finite
    unit: str


class Verdict(Struct):
    """Whether the result of the last timed call is right."""

    passed: bool
    checks: list[Check]
    obstacle: str


class Row(CellWords, tag_field="kind", tag="call", kw_only=True):
    """A timed call.

    rounds and faults have an entry for each process: the number of rounds, the minor page faults
    of a call. log_ratio holds for each of the others ("baseline", "elementwise", "C", a bound)
    the natural logarithms of the paired ratios of each process, of several processes their medians;
    ratio is computed from them.
    conditions names those that differ from the first process's.
    """

    rounds: list[int]
    faults: list[Finite]
    ratio: dict[str, Interval]
    verdict: Verdict
    void: str
    conditions: str
    log_ratio: dict[str, list[list[Finite]]] = {}


class Gradient(Row, tag="gradient"):
    """One gradient of a batch of B examples; bytes that it allocates, and of its B x B matrix."""

    B: int
    temporary_bytes: Finite
    matrix_bytes: int


class MapRow(Gradient, tag="map"):
    """One call of an elementwise map of B numbers, whose name is the model."""


class ShardedRow(Row, tag="sharded"):
    """One gradient of a batch of B examples over several devices; beside it, on one device."""

    B: int


class Training(Row, tag="training"):
    """A whole training run; distance is [steps, ULP], see benchmarks/measure/distance.py."""

    steps: int
    distance: tuple[list[Finite], list[Finite]] | None = None


class Large(Row, tag="large"):
    """One gradient of a large batch."""

    examples: int
    features: int


class Stages(Struct, rename={"import_": "import", "to_device": "to device", "to_host": "to host",
                             "first_run": "first run"}):  # fmt: skip
    """The seconds of a life, see benchmarks/measure/life.py; None if a stage was not measured."""

    import_: Finite
    to_device: Finite
    trace: Finite | None
    compile: Finite | None
    first_run: Finite
    steady: Finite
    to_host: Finite
    numpy: Finite


class Life(Row, tag="life"):
    """The life of a cell in a fresh process; break_even in steps, None if never reached."""

    caches: str
    compiles: bool
    break_even: Finite | None
    life: Stages


class Stats(Struct):
    """Seconds of a call: the median and the quartiles over all rounds."""

    median: Finite
    q1: Finite
    q3: Finite


class Entry(Struct):
    """A row with its times, in the group of rows that it is compared with."""

    group: str
    stats: Stats
    extra_info: Row | Gradient | MapRow | ShardedRow | Training | Large | Life


class VoidRow(CellWords, kw_only=True):
    """A void row, with the reason and without its times."""

    kind: str
    group: str
    void: str
    caches: str = ""


class LeftOut(CellWords, kw_only=True):
    """A row that was not measured."""

    reason: str


class Shards(CellWords, kw_only=True):
    """What a gradient over several devices does on one of them, whether it was timed or not.

    temporary_bytes: what it allocates beyond inputs and outputs. collectives: by name the number of
    calls, and the bytes that the device gets. checks: of the gradient, and of a training run.
    not_timed: why there is no row with a time, or "".
    """

    dtype: Annotated[str, Meta(pattern=r"^float(16|32|64)$")]
    B: int
    temporary_bytes: int
    collectives: dict[str, tuple[int, int]]
    checks: list[Check]
    void: str
    not_timed: str


class Failure(Struct):
    """A process that stored nothing, or was interrupted."""

    name: str
    reason: str


class Process(Struct):
    """A process with its conditions, and by what share the calibration loop drifted in it."""

    name: str
    conditions: dict[str, Any]
    drift: float
    unstable: bool

    def __post_init__(self) -> None:
        """Require the versions, which every page shows; older runs may lack other conditions."""
        if not isinstance(self.conditions.get("versions"), dict):
            raise ValueError("conditions: field `versions` is missing, or no object")


class Trajectory(Struct):
    """What is drawn of a training run of the reference."""

    model: str
    dtype: str
    loss: list[Finite]
    accuracy: list[Finite] = []
    parameters: list[list[Finite]] = []
    true: list[Finite] = []


class Run(Struct, kw_only=True):
    """A stored run; one with a failed process is partial."""

    quick: bool
    datetime: str
    machine_info: dict[str, Any]
    commit_info: dict[str, Any]
    benchmarks: list[Entry]
    void: list[VoidRow]
    left_out: list[LeftOut]
    failed: list[Failure]
    processes: Annotated[list[Process], Meta(min_length=1)]
    trajectories: list[Trajectory]
    shards: list[Shards] = []


def typed(run: dict[str, Any]) -> Run:
    """The run as types. Raises msgspec.ValidationError, with the place, if it is not a run."""
    return msgspec.convert(run, Run)


def load(path: Path) -> Run:
    """The stored run in path, as types. Raises Mistake if path is not a whole one."""
    return typed(read(path))


def read(path: Path) -> dict[str, Any]:
    """The stored run in path as JSON of the current schema; unknown fields are kept.

    Raises Mistake if path is not a whole stored run: one line with the file, the place in it, and
    what is wrong.
    """
    try:
        run = json.loads(path.read_bytes())
        json.dumps(run, ensure_ascii=False).encode()  # rejects half a surrogate pair
    except OSError as error:
        raise Mistake(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise Mistake(f"{path}: not valid JSON: {error}") from None
    try:
        run = schema.upgraded(run)
        typed(run)
    except msgspec.ValidationError as error:
        raise Mistake(f"{path}: not a stored run of this suite: {error}") from None
    except ValueError as error:
        raise Mistake(f"{path}: not readable by this version of the suite: {error}") from None
    return run


def next_path(results: Path, quick: bool) -> Path:
    """The file of the next run: results/own/<machine>/<number>_quick.json or _full.json."""
    return next_file(results, "quick" if quick else "full")


def unused(path: Path) -> Path:
    """The path of a run, or one beside it if another run was stored there meanwhile."""
    others = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
    return next(p for p in chain([path], others) if not p.exists())


def is_partial(run: dict[str, Any]) -> bool:
    """Whether a process of the run stored nothing, or was interrupted."""
    return bool(run["failed"])
