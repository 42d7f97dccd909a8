"""Elementwise maps: what their Jacobians cost, dense and otherwise. Only with --map.

pytest --benchmark-only --map gelu_erf --map relu
pytest --benchmark-only --map all
pytest --benchmark-only --map path/to/mine_map.py
"""

from functools import partial

import numpy as np

from backends import Cell, own_maps
from benchmarks.bench_gradient import rounds
from benchmarks.bench_gradient import select as select_executions
from benchmarks.measure import map_calls
from benchmarks.measure.memory import MORE, lack
from benchmarks.measure.rounds import measure
from benchmarks.measure.row import keep
from reference.maps import MAPS
from reference.structure import MATRICES

KIND = "map"
SIZES = {True: (32, 256, 1024), False: (32, 128, 512, 1024, 2048, 4096)}  # quick, full
FORMULATIONS = "dense", "elementwise", "autodiff", "jacrev"
ALL = "all"


def select(cells, config):
    """The cells of maps; none without --map."""
    if not config.getoption("map"):
        return []
    cells = select_executions(cells, config)
    return [c for c in cells if c.formulation in FORMULATIONS and own_maps.of(c.backend)]


def pytest_generate_tests(metafunc):
    given = metafunc.config.getoption("map")
    names = [*MAPS] if ALL in given else [own_maps.add(name) for name in given]
    metafunc.parametrize("map", names)
    sizes = SIZES[metafunc.config.getoption("quick")]
    metafunc.parametrize("n", sizes, ids=[f"n{n}" for n in sizes])


def test_map(
    benchmark, leave_out, pytestconfig, map, backend, execution, device, formulation, dtype, n
):
    cell = Cell(map, backend, execution, device, formulation, dtype)
    benchmark.group = f"map {map} {dtype}: n = {n}"
    itemsize = np.dtype(dtype).itemsize
    if map not in own_maps.of(backend):
        leave_out(cell, f"{backend} has no map {map}")
    if why := lack((1 + MORE.get(formulation, 0)) * n * n * itemsize):
        leave_out(cell, f"n = {n}: {why}")
    if formulation == "jacrev" and n > 1024:
        leave_out(cell, "n above 1024: a Jacobian by jacrev takes seconds, and grows as dense does")
    partners = map_calls.beside(cell)
    others = {name: map_calls.prepared(other, n) for name, other in partners.items()}
    count = rounds(n, pytestconfig.getoption("quick"))
    timed = measure(benchmark, map_calls.prepared(cell, n), others, count)
    memory = map_calls.memory(cell, n)
    memory["matrix_bytes"] = n * n * itemsize if formulation in MATRICES else 0
    judged = partial(map_calls.judge, n, timed.draw)
    verdicts = {name: judged(other, timed.others[name]) for name, other in partners.items()}
    flaw = map_calls.structure(cell, n)
    if memory["temporary_bytes"] < memory["matrix_bytes"]:
        flaw = "it allocated {temporary_bytes} bytes, less than a matrix of {matrix_bytes}".format(
            **memory
        )
    keep(benchmark, cell, timed, judged(cell, timed.result), verdicts, flaw, KIND, B=n, **memory)
