"""Judge cells over several devices: python -m tests.shards.judge BACKEND TASKS.

TASKS is a file of JSON, a list of [name of a function here, its arguments]. Each process writes
what it finds, one line of JSON a task, to the file TASKS.0, TASKS.1, ...: every copy on every
device is judged. It needs a fresh process, since a framework counts its devices once.
"""

import json
import os
import sys
from dataclasses import asdict

import numpy as np

import backends
from backends import Cell
from benchmarks.measure import shards
from benchmarks.measure.calls import gradient_and_arguments, gradient_problem
from reference import backprop
from reference.agreement import compare, compare_gradient
from reference.problems import make
from tests.conformance.runs import solved, trajectory_of
from tests.shards.mutants import MUTANTS

START = 60  # seconds in which all processes have to be there


def problem_of(cell, given):
    """The problem and its trajectory: of a family, by its name, or made of these arguments."""
    if isinstance(given, str):
        return solved(given, cell.model, cell.dtype)
    problem = make(cell.model, dtype=cell.dtype, **given)
    return problem, trajectory_of(problem)


def arguments(cell, W, b, X, Y):
    module = backends.of(cell)
    whole = [module.from_numpy(array, cell.device) for array in (W, b)]
    return whole + [module.batch_from_numpy(array, cell.device) for array in (X, Y)]


def copies(cell, result):
    """What each device of this process has of a result."""
    module = backends.of(cell)
    fields = [None if a is None else module.copies(a) for a in module.synchronize(result)]
    count = len(fields[0])
    assert {len(field) for field in fields if field is not None} == {count}
    own = [[None if f is None else f[i] for f in fields] for i in range(count)]
    return [type(result)(*fields) for fields in own]


def judged(words, given):
    """The verdicts on the gradient at three states of a problem, and on its run, of each copy."""
    cell = Cell(*words)
    problem, trajectory = problem_of(cell, given)
    makers, how = backends.of(cell), (cell.model, cell.formulation, cell.execution)
    gradient, found = makers.make_gradient(*how), {}
    for j in (0, problem.steps // 2, problem.steps - 1):
        k = j % len(problem.X)
        at = trajectory.W[j], trajectory.b[j], problem.X[k], problem.Y[k]
        right = backprop.gradient(cell.model, *at, problem.dJ_dJ0)
        own = copies(cell, gradient(*arguments(cell, *at), problem.dJ_dJ0))
        found[f"gradient of step {j}"] = [
            asdict(compare_gradient(problem, k, one, right, *at[:2], cell.formulation))
            for one in own
        ]
    numbers = problem.learning_rate, problem.dJ_dJ0, problem.epochs
    given = arguments(cell, problem.W, problem.b, problem.X, problem.Y)
    own = copies(cell, makers.make_train(*how)(*given, *numbers))
    runs = [compare(problem, one, trajectory, formulation=cell.formulation) for one in own]
    return found | {"run": [asdict(verdict) for verdict in runs]}


def void(words):
    """Why a row of the suite would be void, as benchmarks/bench_shards.py finds it, or ""."""
    cell = Cell(*words)
    problem = gradient_problem(cell.model, cell.dtype, shards.SHARD * cell.devices)
    function, given = gradient_and_arguments(cell, problem)
    shards.training_verdict.cache_clear()  # the cell may be a mutant, and was another one before
    of_gradient = shards.gradient_verdict(
        cell, problem, shards.expected(problem), function(*given)
    ).failure
    of_training = shards.training_verdict(cell).failure
    used = backends.of(cell).structure(function, *given).temporary_bytes
    return of_gradient or of_training or shards.flaw(cell, problem, used)


def mutant(backend, name):
    """How a mutant is judged, by its copies and by the suite; later tasks have it, too."""
    found = MUTANTS[backend][name]
    found.use()
    return {"copies": judged(found.words, found.family), "void": void(found.words)}


def structure(words, B):
    """What one gradient of B examples does on a device of this process; see contract.Structure."""
    cell = Cell(*words)
    problem = gradient_problem(cell.model, cell.dtype, B)
    function, given = gradient_and_arguments(cell, problem)
    return backends.of(cell).structure(function, *given)


def mean_of_unequal_shards():
    """A loss of 1001 examples over two processes by DTensor, and alone; then a coordinate of dW."""
    import torch
    from torch.distributed.tensor import Replicate, Shard, distribute_tensor, init_device_mesh
    from torch.nn.functional import binary_cross_entropy_with_logits

    problem = make("logistic", examples=1001, batch_size=1001, features=3, epochs=1, seed=1)
    whole = [torch.tensor(a) for a in (problem.W, problem.X[0], problem.Y[0])]
    mesh, places = init_device_mesh("cpu", (2,)), (Replicate(), Shard(0), Shard(0))
    shards = [distribute_tensor(a, mesh, [p]) for a, p in zip(whole, places, strict=True)]
    found = []
    for W, X, Y in (shards, whole):
        loss = binary_cross_entropy_with_logits(X @ W.requires_grad_(), Y)
        loss.backward()
        found.append([getattr(a, "full_tensor", lambda a=a: a)() for a in (loss, W.grad)])
    (loss, dW), (right, right_dW) = found
    return [loss.item(), right.item(), dW[0].item(), right_dW[0].item()]


def put(words, B):
    """Put a batch of B examples on the devices."""
    backends.of(Cell(*words)).batch_from_numpy(np.zeros((B, 3)), "cpu")


def main(backend, path):
    """Do the tasks of the file; an error is what a task finds, if it raises one."""
    backends.join(backend, START, 1)
    with open(path, encoding="utf-8") as file:
        tasks = json.load(file)
    with open(f"{path}.{os.environ.get('RANK', 0)}", "w", encoding="utf-8") as out:
        for name, *given in tasks:
            try:
                found = globals()[name](*given)
            except Exception as error:  # all processes raise it, or the others wait in vain
                found = f"{type(error).__name__}: {error}"
            print(json.dumps(found), file=out, flush=True)
            backends._sharded.cache_clear()  # or what is compiled takes gigabytes


if __name__ == "__main__":
    main(*sys.argv[1:])
