"""The published training run of each model in every cell."""

from functools import cache

from backends import Cell, load
from benchmarks.measure import bounds, structure
from benchmarks.measure.calls import (
    beside,
    c_loop,
    prepared_training,
    to_numpy,
    training_problem,
    trajectory_of,
)
from benchmarks.measure.distance import distance
from benchmarks.measure.inputs import drawn
from benchmarks.measure.memory import lack, need
from benchmarks.measure.rounds import measure
from benchmarks.measure.row import keep
from reference.agreement import compare

KIND = "training"
LONG = 300  # steps


def select(cells, config):
    """With --quick only default executions; jacrev, which takes minutes, only if it is named."""
    if not config.getoption("formulation"):
        cells = [cell for cell in cells if cell.formulation != "jacrev"]
    if not config.getoption("quick") or config.getoption("execution"):
        return cells
    return [cell for cell in cells if cell.execution == load(cell.backend).EXECUTIONS[0]]


def rounds(problem, quick):
    """The number of rounds: few for a full run, which takes seconds; more processes add more."""
    return 20 if problem.steps < LONG else 8 if quick else 2


@cache
def bounds_of(model, dtype, quick):
    return bounds.of_training(training_problem(model, dtype, quick)[0])


def test_training(
    benchmark, leave_out, pytestconfig, model, backend, execution, device, formulation, dtype
):
    cell = Cell(model, backend, execution, device, formulation, dtype)
    quick = pytestconfig.getoption("quick")
    problem, _ = training_problem(model, dtype, quick)
    benchmark.group = f"training {model} {dtype}: {problem.steps} steps"
    K, B, _ = problem.X.shape  # a compiled block may hold the matrices of all its steps
    if why := lack(K * need(model, formulation, B, problem.dtype.itemsize)):
        leave_out(cell, f"training: {why}")
    partners = beside(cell) | c_loop(cell)
    others = {name: prepared_training(other, quick) for name, other in partners.items()}
    others |= bounds_of(model, dtype, quick)
    timed = measure(benchmark, prepared_training(cell, quick), others, rounds(problem, quick))

    problem = drawn(problem, timed.draw)
    baseline = timed.others.get("baseline")  # the reference, with the same draw
    expected = (
        trajectory_of(problem) if baseline is None else to_numpy(partners["baseline"], baseline)
    )

    def judged(cell, result):
        return compare(problem, to_numpy(cell, result), expected, formulation=cell.formulation)

    verdict = judged(cell, timed.result)
    verdicts = {name: judged(other, timed.others[name]) for name, other in partners.items()}
    found = to_numpy(cell, timed.result)
    over_steps = {} if verdict.obstacle else {"distance": distance(found, expected)}
    flaw = structure.of_training(cell, problem)
    keep(benchmark, cell, timed, verdict, verdicts, flaw, KIND, steps=problem.steps, **over_steps)
