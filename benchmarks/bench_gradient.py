"""One gradient at several batch sizes."""

from functools import partial

import numpy as np

from backends import Cell, load
from benchmarks.measure import bounds, structure
from benchmarks.measure.calls import (
    beside,
    gradient_and_arguments,
    gradient_problem,
    prepared_gradient,
    to_numpy,
)
from benchmarks.measure.inputs import drawn
from benchmarks.measure.memory import lack, need
from benchmarks.measure.rounds import measure
from benchmarks.measure.row import keep
from reference import backprop
from reference.agreement import compare_gradient
from reference.structure import MATRICES

KIND = "gradient"
SIZES = {True: (32, 256, 1024), False: (32, 64, 128, 256, 512, 1024, 2048, 4096)}  # quick, full
BESIDE_TRAFFIC = 1024, 4096


def select(cells, config):
    """Without block and run where there is step: their gradient is the same.

    With --quick and no execution named, only the first execution of each backend.
    """
    longer = {"block", "run"}
    cells = [
        c for c in cells if c.execution not in longer or "step" not in load(c.backend).EXECUTIONS
    ]
    if not config.getoption("quick") or config.getoption("execution"):
        return cells
    first = {cell.backend: cell.execution for cell in reversed(cells)}
    return [cell for cell in cells if cell.execution == first[cell.backend]]


def pytest_generate_tests(metafunc):
    sizes = SIZES[metafunc.config.getoption("quick")]
    metafunc.parametrize("B", sizes, ids=[f"B{B}" for B in sizes])


def rounds(B, quick=False):
    """The number of rounds, always even: few for large B, where a dense call takes up to 1 s."""
    return 2 * int(np.clip(2e7 / B**2, 2, 40 if quick else 80))


def judge(problem, expected, cell, result):
    """The verdict on what the cell returned as the gradient of the problem's first batch."""
    found, at = to_numpy(cell, result), (problem.W, problem.b)
    return compare_gradient(problem, 0, found, expected, *at, cell.formulation)


def test_gradient(
    benchmark, leave_out, pytestconfig, model, backend, execution, device, formulation, dtype, B
):
    cell = Cell(model, backend, execution, device, formulation, dtype)
    benchmark.group = f"gradient {model} {dtype}: B = {B}"
    itemsize = np.dtype(dtype).itemsize
    if why := lack(need(model, formulation, B, itemsize)):
        leave_out(cell, f"B = {B}: {why}")
    if formulation == "jacrev" and B > 1024:
        leave_out(cell, "B above 1024: a Jacobian by jacrev takes seconds, and grows as dense does")
    problem = gradient_problem(model, dtype, B)
    partners = beside(cell)
    others = {name: prepared_gradient(other, B) for name, other in partners.items()}
    if formulation == "dense" and B in BESIDE_TRAFFIC:
        others |= bounds.of_dense(cell, B)
    timed = measure(
        benchmark, prepared_gradient(cell, B), others, rounds(B, pytestconfig.getoption("quick"))
    )
    function, arguments = gradient_and_arguments(cell, problem)
    memory = {"temporary_bytes": load(backend).temporary_bytes(function, *arguments)}
    memory["matrix_bytes"] = B * B * itemsize if formulation in MATRICES else 0
    problem = drawn(problem, timed.draw)
    at = problem.W, problem.b, problem.X[0], problem.Y[0], problem.dJ_dJ0
    judged = partial(judge, problem, backprop.gradient(model, *at))
    verdicts = {name: judged(other, timed.others[name]) for name, other in partners.items()}
    flaw = structure.of_gradient(cell, problem)
    if memory["temporary_bytes"] < memory["matrix_bytes"]:
        flaw = "it allocated {temporary_bytes} bytes, less than a matrix of {matrix_bytes}".format(
            **memory
        )
    keep(benchmark, cell, timed, judged(cell, timed.result), verdicts, flaw, KIND, B=B, **memory)
