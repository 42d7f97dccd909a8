"""One gradient over the batch size; the gradient of a whole run is the one of its step."""

import psutil
import pytest

from backends import Cell, load
from benchmarks.rounds import measure
from benchmarks.subject import beside, gradient_call, gradient_problem, to_numpy
from reference.agreement import compare_gradient

SIZES = {True: (32, 256, 1024), False: (32, 64, 128, 256, 512, 1024, 2048, 4096)}  # quick, full


def select(cells, config):
    """Without run beside step; with --quick and no execution named, each backend's first one."""
    cells = [c for c in cells if c.execution != "run" or "step" not in load(c.backend).EXECUTIONS]
    if not config.getoption("quick") or config.getoption("execution"):
        return cells
    first = {cell.backend: cell.execution for cell in reversed(cells)}
    return [cell for cell in cells if cell.execution == first[cell.backend]]


def pytest_generate_tests(metafunc):
    sizes = SIZES[metafunc.config.getoption("quick")]
    metafunc.parametrize("B", sizes, ids=[f"B{B}" for B in sizes])


def test_gradient(
    benchmark, pytestconfig, leave_out, model, backend, execution, device, formulation, dtype, B
):
    cell = Cell(model, backend, execution, device, formulation, dtype)
    matrices = 2 * B * B * (8 if dtype == "float64" else 4)  # the logistic chain has two
    if matrices > psutil.virtual_memory().available / 4:
        leave_out(
            cell, f"B = {B}: matrices of {matrices:,} bytes are over a quarter of what is free"
        )
    problem, expected = gradient_problem(model, dtype, B)
    others = {name: gradient_call(other, problem) for name, other in beside(cell).items()}
    rounds = 10 if pytestconfig.getoption("quick") else 15
    benchmark.group = f"gradient {model} {dtype}: B = {B}"
    timed = measure(benchmark, gradient_call(cell, problem), others, rounds)
    found = to_numpy(cell, timed.result)
    verdict = compare_gradient(problem, 0, found, expected, problem.W, problem.b, formulation)
    benchmark.extra_info |= cell._asdict() | timed.info | {"B": B, "verdict": verdict.as_dict()}
    if not verdict.passed:
        pytest.fail(f"void: {verdict}")
