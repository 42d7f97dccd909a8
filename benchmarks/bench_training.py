"""The tutorial's two training runs in every cell."""

import pytest

from backends import Cell, load
from benchmarks.rounds import measure
from benchmarks.subject import beside, to_numpy, train_call, training_problem
from reference.agreement import compare


def select(cells, config):
    """With --quick the default executions; jacrev, of up to minutes a run, only if it is named."""
    if not config.getoption("formulation"):
        cells = [cell for cell in cells if cell.formulation != "jacrev"]
    if not config.getoption("quick") or config.getoption("execution"):
        return cells
    return [cell for cell in cells if cell.execution == load(cell.backend).EXECUTIONS[0]]


def test_training(benchmark, pytestconfig, model, backend, execution, device, formulation, dtype):
    cell = Cell(model, backend, execution, device, formulation, dtype)
    problem, expected = training_problem(model, dtype, pytestconfig.getoption("quick"))
    others = {name: train_call(other, problem) for name, other in beside(cell).items()}
    benchmark.group = f"training {model} {dtype}: {problem.steps} steps"
    rounds = 9 if model == "linear" else 3  # a logistic run takes up to seconds
    timed = measure(benchmark, train_call(cell, problem), others, rounds)
    verdict = compare(problem, to_numpy(cell, timed.result), expected, formulation=formulation)
    benchmark.extra_info |= cell._asdict() | timed.info
    benchmark.extra_info |= {"steps": problem.steps, "verdict": verdict.as_dict()}
    if not verdict.passed:
        pytest.fail(f"void: {verdict}")
