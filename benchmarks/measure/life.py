"""The life of one cell: every stage that a user waits for, in a fresh process.

python -m benchmarks.measure.life CELL prints one JSON object with the seconds of its stages, all
synchronized:
  import       NumPy, the framework, the backend's file, and what make_train imports
  to device    from_numpy of W, b, X and Y
  trace        of the first call, null if the backend does not measure it by itself
  compile      of the first call; with a warm cache, JAX and PyTorch count loading from it here
  first run    the rest of the first call; with a warm cache, Numba's loading from it is here
  steady       a further call, the median
  to host      to_numpy of the trajectory
  numpy        the same run in eager NumPy, elementwise if NumPy lacks the formulation, the median
               of calls between the steady ones
Environment variables name the cache folders: see bench_life.py.
"""

import argparse
import gc
import json
import sys
from collections.abc import Callable
from math import ceil
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks.measure.parent import end_with_the_parent
from benchmarks.measure.threads import enforce

# NumPy, and all that imports it, is imported while time is taken.
if TYPE_CHECKING:
    from backends import Cell
    from benchmarks.measure.block import Call
    from benchmarks.measure.inputs import Draw
    from reference.problems import Problem

STAGES = ("import", "to device", "trace", "compile", "first run", "steady", "to host", "numpy")
CALLS = 3


def break_even(life: dict[str, Any], steps: int) -> int | None:
    """After how many steps the first call's overhead is paid back against eager NumPy.

    steps is the number of steps of a call. None if the cell is not faster.
    """
    overhead = (life["trace"] or 0) + (life["compile"] or 0) + life["first run"] - life["steady"]
    gain = (life["numpy"] - life["steady"]) / steps
    return ceil(max(overhead, 0) / gain) if gain > 0 else None


def compiles(execution: str, spent: dict[str, float]) -> bool:
    """Whether the cell compiles anything; spent is the backend's compile_seconds.

    With warm caches these are 0 in Numba, as in an eager cell: so the execution counts, too.
    """
    return bool(spent) and (execution != "eager" or any(spent.values()))


def measure(loaded: tuple[Any, ...], importing: float) -> dict[str, Any]:
    """What is printed. loaded is the result of _load, which took so many seconds of importing."""
    from benchmarks.measure.calls import to_numpy, trajectory_of, unprepared_training
    from benchmarks.measure.inputs import drawn
    from benchmarks.measure.outside import look
    from reference.agreement import compare
    from reference.problems import published

    cell, module, train = loaded
    at_import = sum(module.compile_seconds().values())
    problem = published(cell.model).astype(cell.dtype)
    arrays, to_device = _timed(_on_device, cell, module, problem)
    numbers = problem.learning_rate, problem.dJ_dJ0, problem.epochs
    _, first = _timed(lambda: module.synchronize(train(*arrays, *numbers)))
    spent = module.compile_seconds()
    total = sum(spent.values())
    rival = _rival(cell)
    own, other = (unprepared_training(c, problem) for c in (cell, rival))
    draw, result, steady, numpy = _interleaved(own, other)
    _, outside = look(own)
    late = sum(module.compile_seconds().values()) - total
    found, to_host = _timed(to_numpy, cell, result)
    life = {
        "import": importing - at_import,
        "to device": to_device,
        "trace": spent.get("trace"),
        "compile": spent.get("compile"),
        "first run": first - (total - at_import),
        "steady": steady,
        "to host": to_host,
        "numpy": numpy,
    }
    pays = compiles(cell.execution, spent)
    problem = drawn(problem, draw)
    expected = trajectory_of(problem)  # takes a second
    verdict = compare(problem, found, expected, formulation=cell.formulation)
    void = outside
    if late > 0:
        void = f"something was compiled for {late:.2g} s after the first call"
    return {
        "cell": str(cell),
        "life": life,
        "steps of a call": problem.steps,
        "numpy cell": str(rival),
        "compiles": pays,
        "break_even": break_even(life, problem.steps) if pays else 0,
        "verdict": verdict.as_dict(),
        "void": verdict.failure or void,
    }


def _timed(function: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    start = perf_counter()
    result = function(*arguments)
    return result, perf_counter() - start


def _load(words: str, path: str | None) -> tuple["Cell", Any, Callable[..., Any]]:
    """The cell, the module of its backend, and its training function.

    Raises ValueError for a cell that does not exist here, ImportError for a missing framework.
    """
    import backends

    if path:
        backends.add(path)
    names = backends.Cell._fields[:6]  # all words of a cell on one device
    chosen: dict[str, Any] = dict(zip(names, ([word] for word in words.split("-")), strict=False))
    cells = backends.cells(**chosen) if len(chosen) == len(names) else []
    if words not in map(str, cells):
        raise ValueError(
            f"nothing to measure: no backend has the combination {words}; "
            "python -m benchmarks list shows all that exist here"
        )
    [cell] = cells
    module = backends.load(cell.backend)
    return cell, module, module.make_train(cell.model, cell.formulation, cell.execution)


def _on_device(cell: "Cell", module: Any, problem: "Problem") -> list[Any]:
    arrays = problem.W, problem.b, problem.X, problem.Y
    return [module.synchronize(module.from_numpy(array, cell.device)) for array in arrays]


def _rival(cell: "Cell") -> "Cell":
    """The eager NumPy cell that it is compared with."""
    from backends import load

    known = cell.formulation in load("numpy").FORMULATIONS
    formulation = cell.formulation if known else "elementwise"
    return cell._replace(backend="numpy", execution="eager", device="cpu", formulation=formulation)


def _interleaved(own: "Call", other: "Call") -> tuple["Draw", Any, float, float]:
    """What the last call of own was given and returned, and the median seconds of own and other."""
    from benchmarks.measure.block import seconds_of
    from benchmarks.measure.inputs import draw

    other.block(other.given(draw(0)))  # own is warm already
    seconds: dict[Any, list[float]] = {own: [], other: []}
    results: list[Any] = []
    gc.collect()
    gc.disable()
    for turn in range(CALLS):
        last = draw(turn)
        for call in (other, own) if turn % 2 else (own, other):
            results.clear()
            seconds[call].append(seconds_of(call, last, results))
            if call is own:
                kept = results[-1]
    gc.enable()
    return last, kept, median(seconds[own]), median(seconds[other])


def main(arguments: list[str] | None = None) -> int:
    """Measure the named cell and print its life; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.measure.life", allow_abbrev=False)
    parser.add_argument("cell", metavar="CELL", help="as logistic-jax-run-cpu-elementwise-float64")
    parser.add_argument("--backend", metavar="PATH", help="the file of a backend from outside")
    parser.add_argument("--threads", type=int, default=1, help="threads in every pool (default 1)")
    given = parser.parse_args(arguments)
    try:
        threads = enforce(given.threads, pin=True)
        loaded, importing = _timed(_load, given.cell, given.backend)
    except (ValueError, ImportError) as error:
        parser.error(str(error))
    end_with_the_parent()
    print(json.dumps({"threads": threads} | measure(loaded, importing)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
