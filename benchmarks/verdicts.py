"""The verdict on every cell: one table over the published runs, stored as JSON.

    python -m benchmarks verdicts

Each cell trains the run of its model. Every state is judged against the reference, and some against
stored states in extended precision. At the first, the middle and the last state of the reference,
its gradient and batch loss are judged against exact ones, as make_gradient returns them and as a
step of train uses them.
"""

import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from itertools import chain
from pathlib import Path

import numpy as np

import backends
from backends import Cell
from benchmarks.measure.calls import gradient_call, to_numpy, train_call, training_problem
from benchmarks.store.conditions import versions
from benchmarks.store.files import Mistake, prepare, put
from benchmarks.store.machine import machine_folder
from reference import oracle
from reference.agreement import Check, Verdict, compare, compare_gradient, used_gradient
from reference.backprop import Gradient
from reference.problems import one_step

RATE = 2.0**60  # of a step from which the gradient that training uses can be read
COLUMNS = ("state", "exact state", "returned", "used", "batch loss", "loss", "accuracy")


def verdict_of(cell: Cell) -> Verdict:
    """All checks of one cell."""
    problem, expected = training_problem(cell.model, cell.dtype, False)
    exact = oracle.stored(cell.model) if cell.dtype == "float64" else None
    trained = compare(
        problem, to_numpy(cell, train_call(cell, problem)()), expected, exact, cell.formulation
    )
    places = [0, problem.steps // 2, problem.steps - 1]
    gradients = list(chain.from_iterable(_gradient_verdicts(cell, j) for j in places))
    obstacles = [v.obstacle for v in (trained, *(v for _, v in gradients)) if v.obstacle]
    if obstacles:
        return Verdict(obstacle=obstacles[0])
    checks = [check for name, verdict in gradients for check in _named(name, verdict)]
    names = dict.fromkeys(check.quantity for check in checks)
    worst = [max((c for c in checks if c.quantity == name), key=_share) for name in names]
    return Verdict((*trained.checks, *worst))


def _named(name: str, verdict: Verdict) -> Iterable[Check]:
    """The checks of one gradient: on its coordinates, which gets the name, and on its loss."""
    coordinates, *others = verdict.checks
    return replace(coordinates, quantity=name), *others


def _gradient_verdicts(cell: Cell, j: int) -> Iterable[tuple[str, Verdict]]:
    """The verdicts on the returned and on the used gradient, at state j of the reference."""
    problem, trajectory = training_problem(cell.model, cell.dtype, False)
    k = j % len(problem.X)
    step = one_step(problem, k, trajectory.W[j], trajectory.b[j], RATE)
    exact = _exact_gradient(cell.model, cell.dtype, j)
    returned = to_numpy(cell, gradient_call(cell, step)())
    used = used_gradient(to_numpy(cell, train_call(cell, step)()), RATE)
    for name, found in (("returned", returned), ("used", used)):
        yield name, compare_gradient(problem, k, found, exact, step.W, step.b, cell.formulation)


@cache
def _exact_gradient(model: str, dtype: str, j: int) -> Gradient:
    problem, trajectory = training_problem(model, dtype, False)
    k = j % len(problem.X)
    c = float(problem.dtype.type(problem.dJ_dJ0))
    arrays = trajectory.W[j], trajectory.b[j], problem.X[k], problem.Y[k]
    W, b, X, Y = (array.astype(np.float64) for array in arrays)
    return oracle.gradient(model, W, b, X, Y, c)


def table(verdicts: dict[Cell, Verdict]) -> Iterable[str]:
    """A line for each cell: what was observed / what is allowed, for every quantity."""
    yield f"{'cell':42}" + "".join(f"{c:>12}" for c in COLUMNS)
    for cell, verdict in verdicts.items():
        checks = {check.quantity: check for check in verdict.checks}
        shown = "".join(f"{_shown(checks.get(column)):>12}" for column in COLUMNS)
        yield f"{cell!s:42}{shown}" + ("" if verdict.passed else f"  FAILED: {verdict}")
    allowed = {check.quantity: check for verdict in verdicts.values() for check in verdict.checks}
    yield "in units of: " + "; ".join(f"{c} {allowed[c].unit}" for c in COLUMNS if c in allowed)
    passed = sum(verdict.passed for verdict in verdicts.values())
    yield f"{passed} of {len(verdicts)} cells agree with the reference and the exact values."


def _shown(check: Check | None) -> str:
    return "" if check is None else f"{check.observed:.2g} / {check.allowed:.3g}"


def _share(check: Check) -> float:
    return check.observed / check.allowed


def main() -> int:
    """Judge every cell, print the table, store it, and return 1 if a cell fails."""
    path = machine_folder(Path(__file__).parents[1] / "results") / "verdicts.json"
    try:
        prepare(path)
    except Mistake as mistake:
        print(mistake, file=sys.stderr)
        return 2
    verdicts = {cell: verdict_of(cell) for cell in backends.cells()}
    print("\n".join(table(verdicts)))
    stored = [{**cell._asdict(), **verdict.as_dict()} for cell, verdict in verdicts.items()]
    put(path, json.dumps({"versions": versions(), "verdicts": stored}, indent=1) + "\n")
    print(f"wrote {path}")
    return 0 if all(verdict.passed for verdict in verdicts.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
