"""What the maps of one backend give at the points of the atlas.

    python -m benchmarks.measure.map_values BACKEND FILE.npz [--map NAME]... [--dtype DTYPE]...

computes them in a process of its own, and stores them in FILE.npz.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import backends
from backends import own_maps
from benchmarks.measure.map_points import CARRIERS, points
from benchmarks.measure.parent import end_with_the_parent
from reference.maps import MAPS

GRID = np.linspace(-7, 7, 113)  # where the defaults are looked at, kinks and switches among them
NOTES = "notes"  # the entry of a file with why something is missing
DEFAULTS = "default "  # the beginning of the names of defaults
COMPARISON = "comparison"  # in the place of an execution: what a map without formula is judged by


def values(
    backend: str, names: list[str], dtypes: list[str]
) -> Iterator[tuple[str, np.ndarray | str]]:
    """For each map, dtype and execution the values and derivatives (2,n), or why there are none."""
    module = backends.load(backend)
    known = {*own_maps.of(backend)}
    for dtype in dtypes_of(module, dtypes):
        for name in (name for name in names if name in known):
            x = points(MAPS[name], dtype).x
            if not own_maps.has_formula(name):
                yield f"{name} {dtype} {COMPARISON}", comparison(backend, name, x)
            for execution in executions(module):
                key = f"{name} {dtype} {execution}"
                try:
                    yield key, evaluated(backend, name, dtype, execution, x)
                except Exception as error:  # of the framework: the other maps stand
                    yield key, f"{type(error).__name__}: {error}".splitlines()[0]


def evaluated(backend: str, name: str, dtype: str, execution: str, x: np.ndarray) -> np.ndarray:
    """The value and the derivative (2,n) at x, by autodiff or else by the backend's diagonal."""
    module = backends.load(backend)
    formulation = "autodiff" if "autodiff" in module.FORMULATIONS else "elementwise"
    function = own_maps.make(backend, name, formulation, execution)
    arrays = [on_device(module, array, dtype) for array in (np.ones((1, len(x))), x)]
    with np.errstate(all="ignore"):
        value, pulled = module.synchronize(function(*arrays))
    return np.stack([to_float64(module, value), to_float64(module, pulled)[0]])


def comparison(backend: str, name: str, x: np.ndarray) -> np.ndarray:
    """The value, its rest, the derivative, its rest (4,n): float64, in NumPy long double."""
    if backend != "numpy":
        value, derivative = evaluated(
            backend, name, "float64", executions(backends.load(backend))[0], x
        )
        return np.stack([value, 0 * value, derivative, 0 * derivative])
    with np.errstate(all="ignore"):
        parts = own_maps.evaluate(name, x.astype(np.longdouble))
        heads = [part.astype(float) for part in parts]
        rests = [(part - head).astype(float) for part, head in zip(parts, heads, strict=True)]
    return np.stack([heads[0], rests[0], heads[1], rests[1]])


def defaults(module: Any) -> Iterator[tuple[str, np.ndarray]]:
    """What the framework's calls without options give on the grid."""
    calls = getattr(module, "MAP_DEFAULTS", {})
    for name, (_, function) in calls.items():
        found = function(module.from_numpy(GRID, "cpu"))
        yield DEFAULTS + name, to_float64(module, found)


def on_device(module: Any, array: np.ndarray, dtype: str) -> Any:
    """The array in the dtype, in the framework."""
    moved = module.from_numpy(array.astype(CARRIERS.get(dtype, dtype)), "cpu")
    return module.cast(moved, dtype) if dtype in CARRIERS else moved


def to_float64(module: Any, array: Any) -> np.ndarray:
    """The framework's array in NumPy, without rounding."""
    if not isinstance(array, np.ndarray) and hasattr(module, "cast"):
        array = module.cast(array, "float64")
    found: np.ndarray = module.to_numpy(array).astype(float)
    return found


def dtypes_of(module: Any, wanted: list[str]) -> list[str]:
    """The wanted dtypes that a backend has maps in."""
    known = getattr(module, "MAP_DTYPES", ("float64", "float32"))
    return [dtype for dtype in wanted if dtype in known]


def executions(module: Any) -> list[str]:
    """Eager, if there is such a thing, and compiled: block and run are step."""
    return [word for word in ("eager", "step") if word in module.EXECUTIONS]


def store(path: Path, found: dict[str, Any]) -> None:
    """Write the arrays to path, and the texts beside them."""
    notes = {name: text for name, text in found.items() if isinstance(text, str)}
    arrays = {name: array for name, array in found.items() if name not in notes}
    np.savez(path, **arrays, **{NOTES: np.array(json.dumps(notes))})


def read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The arrays of a file, and the texts."""
    with np.load(path) as stored:
        notes = json.loads(str(stored[NOTES]))
        return {name: stored[name] for name in stored.files if name != NOTES}, notes


def main(arguments: list[str] | None = None) -> None:
    """Compute and store the values of one backend."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.measure.map_values")
    parser.add_argument("backend")
    parser.add_argument("file", type=Path)
    parser.add_argument("--map", action="append", default=[])
    parser.add_argument("--dtype", action="append", default=[])
    given = parser.parse_args(arguments)
    end_with_the_parent()
    names = [own_maps.add(name) for name in given.map] or [*MAPS]
    module = backends.load(given.backend)
    found = dict(values(given.backend, names, given.dtype)) | dict(defaults(module))
    store(given.file, found)


if __name__ == "__main__":
    main()
