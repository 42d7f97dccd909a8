"""One gradient whose batch is sharded over several devices. Only with --devices.

pytest --benchmark-only --backend jax --devices 2
torchrun --nproc-per-node 2 -m pytest --benchmark-only --backend torch --devices 2
"""

from dataclasses import asdict

import pytest

from backends import Cell, load, of
from benchmarks.bench_gradient import judge, rounds
from benchmarks.measure import shards
from benchmarks.measure.calls import gradient_and_arguments, gradient_problem
from benchmarks.measure.devices import rank, why_not_timed
from benchmarks.measure.inputs import drawn
from benchmarks.measure.rounds import measure
from benchmarks.measure.row import keep

KIND = "sharded"
FORMULATIONS = "dense", "elementwise", "fused"
STRONG = {True: (1024,), False: (1024, 4096)}  # quick, full: the same B over more devices
WEAK = 512  # examples of each device


def select(cells, config):
    """Each partition of the first execution of a backend that has any; none without --devices."""
    if not (devices := config.getoption("devices")):
        return []
    return [
        cell._replace(sharding=f"{partition}/{devices}")
        for cell in cells
        if cell.formulation in FORMULATIONS and cell.execution == load(cell.backend).EXECUTIONS[0]
        for partition in getattr(load(cell.backend), "PARTITIONS", ())
    ]


def pytest_generate_tests(metafunc):
    devices, quick = (metafunc.config.getoption(name) for name in ("devices", "quick"))
    if devices:
        sizes = sorted({*STRONG[quick], WEAK * devices})
        metafunc.parametrize("B", sizes, ids=[f"B{B}" for B in sizes])


def test_shards(
    benchmark, leave_out, keep_structure,
    model, backend, execution, device, formulation, dtype, sharding, B,
):  # fmt: skip
    cell = Cell(model, backend, execution, device, formulation, dtype, sharding)
    benchmark.group = f"devices {model} {dtype}: B = {B}"
    if why := shards.obstacle(cell, B):
        leave_out(cell, f"B = {B}: {why}")
    problem, module = gradient_problem(model, dtype, B), of(cell)
    function, arguments = gradient_and_arguments(cell, problem)
    found = module.structure(function, *arguments)
    result = module.synchronize(function(*arguments))
    of_gradient = shards.gradient_verdict(cell, problem, shards.expected(problem), result)
    judged = of_gradient, shards.training_verdict(cell)
    void = judged[0].failure or judged[1].failure
    void = void or shards.flaw(cell, problem, found.temporary_bytes)
    not_timed = why_not_timed(module.gathered, cell.devices)
    checks = [asdict(check) for verdict in judged for check in verdict.checks]
    keep_structure(cell, B=B, **found._asdict(), checks=checks, void=void, not_timed=not_timed)
    if void:
        pytest.fail(f"void: {void}")
    if not_timed:
        leave_out(cell, not_timed)
    own = cell._replace(formulation="elementwise")
    others = {"elementwise": own} if own != cell else {}
    calls = {name: shards.prepared(other, B) for name, other in others.items()}
    calls["one device"] = shards.single(cell, B)
    timed = measure(benchmark, shards.prepared(cell, B), calls, rounds(B))
    problem = drawn(problem, timed.draw)
    right = shards.expected(problem)
    verdicts = {
        name: shards.gradient_verdict(other, problem, right, timed.others[name])
        for name, other in others.items()
    }
    if rank() == 0:
        alone, result = shards.alone(cell), timed.others["one device"]
        verdicts["one device"] = judge(problem, right, alone, result)
    verdict = shards.gradient_verdict(cell, problem, right, timed.result)
    keep(benchmark, cell, timed, verdict, verdicts, kind=KIND, B=B)
