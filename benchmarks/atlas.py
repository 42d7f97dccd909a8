"""The atlas: every elementwise map, its value and derivative, in every framework.

    python -m benchmarks atlas

Each framework computes in a process of its own, while this one computes the exact values.
"""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

import numpy as np

import backends
from backends import own_maps
from benchmarks.analyse import atlas as analyse
from benchmarks.analyse.atlas import Row, Truth
from benchmarks.analyse.differences import Exact
from benchmarks.measure import environment
from benchmarks.measure.map_points import points
from benchmarks.measure.map_values import COMPARISON, DEFAULTS, GRID, read
from benchmarks.show.report import NEEDS_REPORT
from benchmarks.store.atlas import KIND, SCHEMA, Atlas, Described, Missing, as_json
from benchmarks.store.conditions import SHOWN_VERSIONS, versions
from benchmarks.store.files import Mistake, claim, put
from benchmarks.store.machine import processor
from reference import maps
from reference.formats import FORMATS
from reference.maps import MAPS
from reference.words import check_name

ROOT = Path(__file__).parents[1]
TIMEOUT = 1800  # seconds of one process
KEEP_ALL = {  # by default JAX keeps only what takes a second to compile
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
}
Found = dict[str, tuple[dict[str, np.ndarray], dict[str, str]]]  # arrays and notes, by backend
Truths = dict[tuple[str, str], Truth]  # by map and dtype


class Running(NamedTuple):
    """The process of a backend, the file that it writes, and the one with its errors."""

    backend: str
    process: subprocess.Popen[bytes]
    file: Path
    errors: Path


def main(path: Path, given_maps: list[str], given_backends: list[str], dtypes: list[str]) -> int:
    """Make the atlas, store it in path, and show it. Return 1 if a framework failed.

    Raises Mistake for an unknown map, backend or dtype, and if nothing can be stored.
    """
    begin = perf_counter()
    names, chosen, missing = _checked(given_maps, given_backends, dtypes)
    dtypes = dtypes or list(FORMATS)
    claim(path)
    environment.place_caches(ROOT)
    words = [*(f"--map={one}" for one in given_maps), *(f"--dtype={one}" for one in dtypes)]
    with TemporaryDirectory() as folder:
        running = [_started(name, Path(folder), words) for name in chosen]
        try:
            truths = {key: _exact(*key) for key in product(names, dtypes)
                      if own_maps.has_formula(key[0])}  # fmt: skip
            found, failed = _finished(running)
        finally:
            for one in running:
                one.process.kill()
                one.process.wait()
    truths |= _compared(names, dtypes, found)
    atlas = _atlas(names, dtypes, found, truths)
    atlas.missing = [*missing, *failed, *_notes(found)]
    atlas.seconds = round(perf_counter() - begin, 1)
    put(path, as_json(atlas))
    print("\n".join([f"wrote {path}", "", *_shown(path)]))
    return 1 if failed else 0


def _shown(path: Path) -> list[str]:
    """What is shown of the stored atlas, if what that needs is installed."""
    try:
        from benchmarks.show import atlas_report
    except ImportError as error:
        return [f"no table: {error}; {NEEDS_REPORT}"]
    return atlas_report.write(path)


def _checked(
    given_maps: list[str], given_backends: list[str], dtypes: list[str]
) -> tuple[list[str], list[str], list[Missing]]:
    """The maps and the backends by name, and which backends are not usable here."""
    try:
        environment.check()
        names = list(dict.fromkeys(map(own_maps.add, given_maps))) or [*MAPS]
        for dtype in dtypes:
            check_name("dtype", dtype, tuple(FORMATS))
        for name in given_backends:
            check_name("backend", name, backends.names())
        unusable = backends.unavailable(importing=False)
        for name in given_backends:
            if name in unusable:
                raise ValueError(f"backend {name!r} is not usable here: {unusable[name]}")
    except ValueError as error:
        raise Mistake(str(error)) from None
    wanted = given_backends or own_maps.BACKENDS
    gone = [Missing(name, unusable[name]) for name in wanted if name in unusable]
    return names, [name for name in wanted if name not in unusable], gone


def _started(backend: str, folder: Path, words: list[str]) -> Running:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    file, errors = folder / f"{backend}.npz", folder / f"{backend}.errors"
    command = [sys.executable, "-m", "benchmarks.measure.map_values", backend, str(file), *words]
    with errors.open("wb") as log:
        process = subprocess.Popen(
            command, env=KEEP_ALL | os.environ | {"PYTHONPATH": path},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
        )  # fmt: skip
    return Running(backend, process, file, errors)


def _finished(running: Iterable[Running]) -> tuple[Found, list[Missing]]:
    """What each process found, and which of them failed."""
    found: Found = {}
    failed = []
    for one in running:
        if problem := _problem(one):
            failed.append(Missing(one.backend, problem))
        else:
            found[one.backend] = read(one.file)
    return found, failed


def _problem(one: Running) -> str:
    """Why a process stored nothing, or ""."""
    try:
        code = one.process.wait(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        return f"no end after {TIMEOUT} s"
    lines = one.errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return f"its process ended with {code}: {' '.join(lines[-1:])}".rstrip(": ") if code else ""


def _exact(name: str, dtype: str) -> Truth:
    """The points of a map, with the exact values."""
    at = points(MAPS[name], dtype)
    exact = maps.exact(name, at.x)
    return Truth(*at, (Exact(*exact[:2]), Exact(*exact[2:])))


def _compared(names: list[str], dtypes: list[str], found: Found) -> Truths:
    """The same of maps without a formula: what the first backend to compare with has found."""
    truths = {}
    for name, dtype in product(names, dtypes):
        key = f"{name} {dtype} {COMPARISON}"
        having = [arrays[key] for arrays, _ in found.values() if key in arrays]
        if having:
            value, value_rest, derivative, rest = having[0]
            pair = Exact(value, value_rest), Exact(derivative, rest)
            truths[name, dtype] = Truth(*points(MAPS[name], dtype), pair)
    return truths


def _judge(name: str, found: Found) -> str:
    """What a map is compared with, in words."""
    if own_maps.has_formula(name):
        return "mpmath"
    keys = [f"{name} {dtype} {COMPARISON}" for dtype in FORMATS]
    having = [backend for backend, (arrays, _) in found.items() if {*keys} & {*arrays}]
    if having[0] == "numpy":
        return "its NumPy function in long double"
    return f"{having[0]}'s result in float64"


def _rows(found: Found, truths: Truths) -> Iterator[Row]:
    for backend, (arrays, _) in found.items():
        for key, array in arrays.items():
            name, _, rest = key.partition(" ")
            dtype, _, execution = rest.partition(" ")
            if (name, dtype) in truths and execution != COMPARISON:
                yield Row(name, dtype, backend, execution, array)


def _notes(found: Found) -> Iterator[Missing]:
    """Why a backend has no result for a map: of each reason the first, and how many more."""
    for backend, (arrays, notes) in found.items():
        if not arrays and not notes:
            yield Missing(backend, "it has none of these maps")
        by_reason: dict[str, list[str]] = {}
        for key, reason in notes.items():
            by_reason.setdefault(reason, []).append(key)
        for reason, keys in by_reason.items():
            more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
            yield Missing(backend, f"{keys[0]}{more}: {reason}")


def _atlas(names: list[str], dtypes: list[str], found: Found, truths: Truths) -> Atlas:
    rows = list(_rows(found, truths))
    rows.sort(key=lambda row: (names.index(row.map), dtypes.index(row.dtype)))
    pairs = [(row, truths[row.map, row.dtype]) for row in rows]
    shown = [name for name in names if any(row.map == name for row in rows)]
    calls = {
        backend: {k.removeprefix(DEFAULTS): a for k, a in arrays.items() if k.startswith(DEFAULTS)}
        for backend, (arrays, _) in found.items()
    }
    installed = versions()
    return Atlas(
        kind=KIND, schema=SCHEMA, datetime=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=0.0, machine=processor(), points=_counts(dtypes, pairs),
        versions={n: installed[n] for n in (*SHOWN_VERSIONS, "mpmath") if n in installed},
        maps=[_described(name, found) for name in shown],
        judged=[analyse.judged(*pair) for pair in pairs],
        findings=[one for pair in pairs for one in analyse.findings(*pair)],
        kinks=analyse.kinks(rows, truths), defaults=analyse.defaults(calls, GRID, names),
        missing=[],
    )  # fmt: skip


def _described(name: str, found: Found) -> Described:
    one = MAPS[name]
    return Described(name, one.formula, one.source, _judge(name, found))


def _counts(dtypes: list[str], pairs: list[tuple[Row, Truth]]) -> dict[str, tuple[int, int]]:
    """The smallest and the largest number of points of a map, in each dtype."""
    counts = {d: [len(truth.x) for row, truth in pairs if row.dtype == d] for d in dtypes}
    return {dtype: (min(own), max(own)) for dtype, own in counts.items() if own}
