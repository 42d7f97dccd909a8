"""The atlas: every elementwise map, its value and derivative, in every framework.

    python -m benchmarks atlas

Each framework computes in a process of its own, while this one computes the exact values.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

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

ROOT = Path(__file__).parents[1]
TIMEOUT = 1800  # seconds of one process
KEEP_ALL = {  # by default JAX keeps only what takes a second to compile
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}
Found = dict[str, tuple[dict[str, np.ndarray], dict[str, str]]]  # arrays and notes, by backend


def main(path: Path, given_maps: list[str], given_backends: list[str], dtypes: list[str]) -> int:
    """Make the atlas, store it in path, and show it. Return 1 if a framework failed.

    Raises Mistake for an unknown map, backend or dtype, and if nothing can be stored.
    """
    begin = perf_counter()
    names, chosen, missing = _checked(given_maps, given_backends, dtypes)
    dtypes = dtypes or list(FORMATS)
    claim(path)
    environment.place_caches(ROOT)
    found, failed = _measured(chosen, given_maps, dtypes)
    truths = {key: _truth(*key, found) for key in _keys(names, dtypes, found)}
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
        names = list(dict.fromkeys(map(own_maps.add, given_maps))) or [*MAPS]
        unknown = [dtype for dtype in dtypes if dtype not in FORMATS]
        if unknown:
            raise ValueError(f"unknown dtype {unknown[0]!r}; one of: {', '.join(FORMATS)}")
        for name in given_backends:
            if name not in backends.names():
                known = ", ".join(backends.names())
                raise ValueError(f"unknown backend {name!r}; one of: {known}")
        unusable = backends.unavailable(importing=False)
        for name in given_backends:
            if name in unusable:
                raise ValueError(f"backend {name!r} is not usable here: {unusable[name]}")
    except ValueError as error:
        raise Mistake(str(error)) from None
    wanted = given_backends or [name for name in own_maps.BACKENDS if name not in unusable]
    gone = [] if given_backends else [n for n in own_maps.BACKENDS if n in unusable]
    return names, wanted, [Missing(name, unusable[name]) for name in gone]


def _measured(
    chosen: list[str], given_maps: list[str], dtypes: list[str]
) -> tuple[Found, list[Missing]]:
    """What each backend gave in its process, all at the same time, and which of them failed."""
    found: Found = {}
    failed = []
    with TemporaryDirectory() as folder:
        running = {name: _started(name, Path(folder), given_maps, dtypes) for name in chosen}
        try:
            for name, process in running.items():
                problem = _problem(process)
                if problem:
                    failed.append(Missing(name, problem))
                else:
                    found[name] = read(Path(folder, f"{name}.npz"))
        finally:
            for process in running.values():
                process.kill()
                process.wait()
    return found, failed


def _started(name: str, folder: Path, given: list[str], dtypes: list[str]) -> subprocess.Popen:
    words = [f"--map={one}" for one in given] + [f"--dtype={dtype}" for dtype in dtypes]
    with Path(folder, f"{name}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "benchmarks.measure.map_values", name,
             str(folder / f"{name}.npz"), *words],
            env=KEEP_ALL | os.environ | {"PYTHONPATH": str(ROOT)}, stdin=subprocess.DEVNULL,
            stdout=log, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip


def _problem(process: subprocess.Popen) -> str:
    """Why a process stored nothing, or ""."""
    try:
        _, errors = process.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        return f"no end after {TIMEOUT} s"
    last = (errors.strip().splitlines() or [""])[-1]
    code = process.returncode
    return f"its process ended with {code}: {last}".rstrip(": ") if code else ""


def _keys(names: list[str], dtypes: list[str], found: Found) -> Iterator[tuple[str, str]]:
    """The maps and dtypes that a backend has given anything for."""
    keys = {tuple(key.split(" ")[:2]) for arrays, _ in found.values() for key in arrays}
    return ((name, dtype) for name in names for dtype in dtypes if (name, dtype) in keys)


def _truth(name: str, dtype: str, found: Found) -> Truth:
    """The points of a map, with the exact values, or those of the first comparison there is."""
    at = points(MAPS[name], dtype)
    if own_maps.has_formula(name):
        exact = maps.exact(name, at.x)
        parts = exact.value, exact.value_rest, exact.derivative, exact.derivative_rest
    else:
        parts = found[_judge(found)][0][f"{name} {dtype} {COMPARISON}"]
    return Truth(*at, (Exact(*parts[:2]), Exact(*parts[2:])))


def _judge(found: Found, name: str = COMPARISON) -> str:
    """The backend whose evaluation a map without formula is compared with: NumPy, or the first."""
    having = [backend for backend, (arrays, _) in found.items() if any(name in k for k in arrays)]
    return "numpy" if "numpy" in having else having[0]


def _rows(found: Found) -> Iterator[Row]:
    for backend, (arrays, _) in found.items():
        for key, array in arrays.items():
            name, _, rest = key.partition(" ")
            dtype, _, execution = rest.partition(" ")
            if execution and execution != COMPARISON and not key.startswith(DEFAULTS):
                yield Row(name, dtype, backend, execution, array)


def _notes(found: Found) -> Iterator[Missing]:
    """Why a framework has no result for a map: of each reason the first, and how many more."""
    for backend, (_, notes) in found.items():
        by_reason: dict[str, list[str]] = {}
        for key, reason in notes.items():
            by_reason.setdefault(reason, []).append(key)
        for reason, keys in by_reason.items():
            more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
            yield Missing(backend, f"{keys[0]}{more}: {reason}")


def _atlas(names: list[str], dtypes: list[str], found: Found, truths: dict[Any, Truth]) -> Atlas:
    rows = [row for row in _rows(found) if (row.map, row.dtype) in truths]
    rows.sort(key=lambda row: (names.index(row.map), dtypes.index(row.dtype)))
    pairs = [(row, truths[row.map, row.dtype]) for row in rows]
    calls = {
        backend: {k.removeprefix(DEFAULTS): a for k, a in arrays.items() if k.startswith(DEFAULTS)}
        for backend, (arrays, _) in found.items()
    }
    installed = versions()
    return Atlas(
        kind=KIND, schema=SCHEMA, datetime=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=0.0, machine=processor(), points=_counts(dtypes, truths),
        versions={n: installed[n] for n in (*SHOWN_VERSIONS, "mpmath") if n in installed},
        maps=[_described(name, found) for name in names if any(key[0] == name for key in truths)],
        judged=[analyse.judged(*pair) for pair in pairs],
        findings=[one for pair in pairs for one in analyse.findings(*pair)],
        kinks=analyse.kinks(rows, truths),
        defaults=analyse.defaults({b: own for b, own in calls.items() if own}, GRID, names),
        missing=[],
    )  # fmt: skip


def _described(name: str, found: Found) -> Described:
    one = MAPS[name]
    judge = "mpmath" if own_maps.has_formula(name) else _judge(found)
    words = {"mpmath": "mpmath", "numpy": "its NumPy function in long double"}
    kinks = [f"{float(kink):g}" for kink in one.kinks]
    return Described(
        name, one.formula, one.source, words.get(judge, f"{judge}'s float64 result"), kinks
    )


def _counts(dtypes: list[str], truths: dict[Any, Truth]) -> dict[str, tuple[int, int]]:
    """The smallest and the largest number of points of a map, in each dtype."""
    counts = {d: [len(t.x) for (_, own), t in truths.items() if own == d] for d in dtypes}
    return {dtype: (min(own), max(own)) for dtype, own in counts.items() if own}
