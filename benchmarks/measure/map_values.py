"""What the maps of one backend give at the points of the atlas.

    python -m benchmarks.measure.map_values BACKEND FILE.npz [--map NAME]... --dtype DTYPE...

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

GRID = np.linspace(-30, 30, 121)  # where calls without options are looked at
NOTES = "notes"  # the entry of a file with why something is missing
DEFAULTS = "default "  # how the names of calls without options begin
COMPARISON = "comparison"  # in the place of an execution: what a map without formula is judged by
Cell = tuple[str, str, str]  # map, dtype, execution


def values(
    backend: str, names: list[str], dtypes: list[str]
) -> Iterator[tuple[str, np.ndarray | str]]:
    """For each map, dtype and execution the values and derivatives (2,n), or why there are none."""
    module = backends.load(backend)
    known = {*own_maps.of(backend)}
    usable = getattr(module, "MAP_DTYPES", ("float64", "float32"))
    for name in (name for name in names if name in known):
        for dtype in (dtype for dtype in dtypes if dtype in usable):
            x = points(MAPS[name], dtype).x
            if not own_maps.has_formula(name):
                yield f"{name} {dtype} {COMPARISON}", comparison(backend, name, x)
            for execution in executions(module, dtype):
                yield f"{name} {dtype} {execution}", tried(backend, (name, dtype, execution), x)


def tried(backend: str, cell: Cell, x: np.ndarray) -> np.ndarray | str:
    """The value and the derivative (2,n) at x, or the framework's error: the other maps stand.

    Where a call refuses numbers outside of the domain, both are nan there.
    """
    low, high = MAPS[cell[0]].domain
    for part in (np.full(len(x), True), (x >= low) & (x <= high)):
        found = np.full((2, len(x)), np.nan)
        try:
            found[:, part] = evaluated(backend, cell, x[part])
            return found
        except Exception as error:
            why = f"{type(error).__name__}: {error}".splitlines()[0]
    return why


def evaluated(backend: str, cell: Cell, x: np.ndarray) -> np.ndarray:
    """The value and the derivative (2,n) at x, by autodiff or else by the backend's diagonal."""
    name, dtype, execution = cell
    module = backends.load(backend)
    formulation = "autodiff" if "autodiff" in module.FORMULATIONS else "elementwise"
    function = own_maps.make(backend, name, formulation, execution)
    arrays = [on_device(module, array, dtype) for array in (np.ones((1, len(x))), x)]
    value, pulled = module.synchronize(function(*arrays))
    return np.stack([to_float64(module, value), to_float64(module, pulled)[0]])


def comparison(backend: str, name: str, x: np.ndarray) -> np.ndarray:
    """The value, its rest, the derivative, its rest (4,n): float64, in NumPy long double."""
    if backend != "numpy":
        first = executions(backends.load(backend), "float64")[0]
        value, derivative = evaluated(backend, (name, "float64", first), x)
        return np.stack([value, 0 * value, derivative, 0 * derivative])
    with np.errstate(all="ignore"):
        parts = own_maps.evaluate(name, x.astype(np.longdouble))
        heads = [part.astype(float) for part in parts]
        rests = [(part - head).astype(float) for part, head in zip(parts, heads, strict=True)]
    return np.stack([heads[0], rests[0], heads[1], rests[1]])


def defaults(module: Any) -> Iterator[tuple[str, np.ndarray]]:
    """What the framework's calls without options give on the grid."""
    for name, function in getattr(module, "MAP_DEFAULTS", {}).items():
        yield DEFAULTS + name, to_float64(module, function(module.from_numpy(GRID, "cpu")))


def on_device(module: Any, array: np.ndarray, dtype: str) -> Any:
    """The array in the dtype, in the framework."""
    moved = module.from_numpy(array.astype(CARRIERS.get(dtype, dtype)), "cpu")
    return module.cast(moved, dtype) if dtype in CARRIERS else moved


def to_float64(module: Any, array: Any) -> np.ndarray:
    """The framework's array in NumPy, without rounding."""
    if hasattr(module, "cast"):  # NumPy does not know every dtype of the framework
        array = module.cast(array, "float64")
    found: np.ndarray = module.to_numpy(array).astype(float)
    return found


def executions(module: Any, dtype: str) -> list[str]:
    """Eager, if there is such a thing, and compiled: block and run are step.

    Formats of 16 bits have the first of them only: compiling takes minutes in PyTorch.
    """
    found = [word for word in ("eager", "step") if word in module.EXECUTIONS]
    return found[:1] if dtype in CARRIERS else found


def store(path: Path, found: dict[str, Any]) -> None:
    """Write the arrays to path, and the texts beside them."""
    notes = {name: text for name, text in found.items() if isinstance(text, str)}
    arrays = {name: array for name, array in found.items() if name not in notes}
    np.savez(path, allow_pickle=False, **arrays, **{NOTES: np.array(json.dumps(notes))})


def read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The arrays of a file, and the texts."""
    with np.load(path, allow_pickle=False) as stored:
        notes = json.loads(str(stored[NOTES]))
        return {name: stored[name] for name in stored.files if name != NOTES}, notes


def main(arguments: list[str] | None = None) -> None:
    """Compute and store the values of one backend."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.measure.map_values")
    parser.add_argument("backend")
    parser.add_argument("file", type=Path)
    parser.add_argument("--map", action="append", default=[])
    parser.add_argument("--dtype", action="append", required=True)
    given = parser.parse_args(arguments)
    end_with_the_parent()
    names = [own_maps.add(name) for name in given.map] or [*MAPS]
    found = dict(values(given.backend, names, given.dtype))
    if not given.map:  # names without options belong to the whole catalog
        found |= dict(defaults(backends.load(given.backend)))
    store(given.file, found)


if __name__ == "__main__":
    main()
