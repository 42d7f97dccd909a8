"""What fresh processes do, and what they found: one process, or group of them, does many tasks."""

from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np
import pytest

import backends
from reference.agreement import Check, Verdict
from reference.words import DTYPES, MODELS
from tests.shards import fresh
from tests.shards.mutants import EVEN, MUTANTS, UNEVEN

EXECUTION = {"jax": "run", "torch": "eager"}
PARTITIONS = "automatic", "batch"
FORMULATIONS = "dense", "elementwise", "fused"
DEVICES = 1, 2, 4, 8
# XLA takes half a second to compile a cell, so make test judges these over so many devices, and
# make prove the others. The code of the models is the same over one device and over many.
FAST = {
    ("logistic", "float64"): DEVICES, ("linear", "float64"): (2,), ("logistic", "float32"): (2,)
}  # fmt: skip
FAST_MUTANTS = "nothing is changed", "a shard is left out", "a device's copy is late"
# The families of a batch that two devices can share; a run of 9500 steps shows nothing new.
FAMILIES = (
    "zeros", "B100", "B1000", "B300 float32", "B1000 float32", "2 % of one kind",
    "all of one kind", "growing",
)  # fmt: skip
DRAWN = 100  # problems for each framework
B, F = 1024, 3  # where the structure is compared with the formulas


class Task(NamedTuple):
    """The name of a function of judge.py and its arguments, and the process that calls it.

    processes share the batch: as many as devices in PyTorch, one in JAX.
    """

    backend: str
    processes: int
    is_slow: bool
    call: tuple

    @property
    def process(self):
        """What is the same for all tasks of one process."""
        return self[:3]

    def __str__(self):
        return " ".join("-".join(a) if isinstance(a, tuple) else str(a) for a in self.call[1:])


def words(backend, model, formulation, dtype, partition, devices):
    return model, backend, EXECUTION[backend], "cpu", formulation, dtype, f"{partition}/{devices}"


def processes(backend, devices):
    return 1 if backend == "jax" else devices


def cells():
    """Every cell on the family "even"."""
    every = product(EXECUTION, DEVICES, MODELS, DTYPES, FORMULATIONS, PARTITIONS)
    for backend, n, model, dtype, formulation, partition in every:
        is_fast = n <= 2 if backend == "torch" else n in FAST.get((model, dtype), ())
        cell = words(backend, model, formulation, dtype, partition, n)
        yield Task(backend, processes(backend, n), not is_fast, ("judged", cell, EVEN))


def uneven():
    """Seven examples over two, four and seven devices."""
    for n, formulation, dtype in product((2, 4), FORMULATIONS, DTYPES):
        cell = words("torch", "logistic", formulation, dtype, "batch", n)
        yield Task("torch", n, n > 2, ("judged", cell, UNEVEN))


def families():
    every = product(EXECUTION, MODELS, FAMILIES, FORMULATIONS, PARTITIONS)
    for backend, model, family, formulation, partition in every:
        cell = words(backend, model, formulation, "float64", partition, 2)
        yield Task(backend, processes(backend, 2), True, ("judged", cell, family))


def drawn():
    """Problems of any size that no other test has; only PyTorch takes any B by the batch."""
    for backend, number in product(EXECUTION, range(DRAWN)):
        random = np.random.default_rng([20261126, number])
        model, dtype = random.choice(MODELS), random.choice(DTYPES)
        formulation, partition = random.choice(FORMULATIONS), random.choice(PARTITIONS)
        n = int(random.choice(DEVICES)) if backend == "jax" else int(random.choice((2, 4)))
        is_even = backend == "jax" or partition == "automatic"
        size = n * int(random.integers(1, 60)) if is_even else int(random.integers(n, 60 * n))
        given = {
            "batch_size": size, "examples": int(size * random.uniform(1, 4)),
            "features": int(random.integers(1, 30)), "epochs": int(random.integers(1, 8)),
            "seed": 1000 + number,
        }  # fmt: skip
        cell = words(backend, *map(str, (model, formulation, dtype, partition)), n)
        yield Task(backend, processes(backend, n), True, ("judged", cell, given))


def refused():
    """Batches that cannot be shared, with a part of the message."""

    def task(backend, partition, n, size):
        cell = words(backend, "linear", "dense", "float64", partition, n)
        return Task(backend, processes(backend, n), False, ("put", cell, size))

    for partition in PARTITIONS:
        for n, size in ((2, 7), (8, 12), (8, 4)):
            text = f"B = {size} over {n} devices: JAX needs a multiple of {n}, since its shards are"
            yield task("jax", partition, n, size), text
        yield task("torch", partition, 2, 1), "B = 1 over 2 devices: each needs an example"
        yield task("jax", partition, 16, 16), "JAX has 8 devices (cpu) here, 16 are needed"
    text = "B = 7 over 2 devices: automatic partitioning needs a multiple of 2, since some of"
    yield task("torch", "automatic", 2, 7), text


def mutants():
    for backend, found in MUTANTS.items():
        for name in found:
            is_slow = backend == "jax" and name not in FAST_MUTANTS
            yield Task(backend, processes(backend, 2), is_slow, ("mutant", backend, name))


def structures():
    every = product(EXECUTION, DEVICES, ("linear", "logistic"), FORMULATIONS, PARTITIONS)
    for backend, n, model, formulation, partition in every:
        cell = words(backend, model, formulation, "float64", partition, n)
        is_slow = backend == "jax" or n > 2
        yield Task(backend, processes(backend, n), is_slow, ("structure", cell, B))


FINDING = Task("torch", 2, False, ("mean_of_unequal_shards",))
REFUSED = dict(refused())
CELLS, UNEQUAL, SOLVED = list(cells()), list(uneven()), [*families(), *drawn()]
STRUCTURES, CHANGED = list(structures()), list(mutants())  # mutants last: they change the process
EVERYTHING = [*CELLS, *UNEQUAL, *SOLVED, *REFUSED, *STRUCTURES, FINDING, *CHANGED]


def parameters(tasks):
    """The tasks as pytest's parameters: all of a process in one worker of pytest-xdist."""
    return [
        pytest.param(
            task, id=str(task),
            marks=[pytest.mark.xdist_group(f"shards {task.process}")]
            + [pytest.mark.slow] * task.is_slow,
        )
        for task in tasks
    ]  # fmt: skip


def found(task):
    """What each process found in the task: a list."""
    if task.backend in backends.unavailable():
        pytest.skip(f"{task.backend} is not installed")
    together = [other for other in EVERYTHING if other.process == task.process]
    return _found(*task.process)[together.index(task)]


@cache
def _found(backend, processes, is_slow):
    process = backend, processes, is_slow
    return fresh.found(
        backend, processes, [task.call for task in EVERYTHING if task.process == process]
    )


def verdicts(found):
    """By what was judged, the verdict on each device's copy, of all processes."""
    errors = [own for own in found if isinstance(own, str)]
    assert not errors, errors[0]
    return {
        what: [_verdict(one) for own in found for one in own[what]] for what in found[0]
    }  # fmt: skip


def _verdict(fields):
    return Verdict(tuple(Check(**check) for check in fields["checks"]), fields["obstacle"])
