"""A run takes no more beyond its result than "Memory of a whole run" in docs/speed.md says.

The formulas are those of its table, in bytes of float64. Wherever the test can choose, B is small:
then a copy of the states is larger than all that is allowed.
"""

import ctypes
import gc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from reference.models import load
from reference.problems import make
from reference.structure import MATRICES
from tests.conformance.runs import solved

SMALL = 10_000  # bytes: Python's own objects, arrays of a number an epoch
KEPT = 600_000  # bytes: a freed array of 2**16 numbers that the allocator keeps; rows as tensors
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Sizes(NamedTuple):
    """Bytes: X with a column of ones, all W and b, a number a step, a matrix; Z(epochs)."""

    data: int
    states: int
    record: int
    matrix: int
    Z: Callable[[int], int]


def sizes(p):
    K, B, F = p.X.shape
    Z = lambda epochs: 8 * B * min(p.epochs, epochs)  # noqa: E731
    return Sizes(8 * K * B * (F + 1), 8 * (p.steps + 1) * (F + 1), 8 * p.steps, 8 * B * B, Z)


def allowed(subject, backend, p):
    """Bytes beyond the result and the gradient of one batch."""
    s, B, model = sizes(p), p.X.shape[1], load(subject.model)
    unused = 0 if model.HAS_ACCURACY else s.record
    masks = {"dense": s.matrix // 8, "jacrev": len(model.JACOBIANS) * s.matrix}
    result = s.states + s.record * (1 + model.HAS_ACCURACY)
    match backend, subject.formulation, subject.execution:
        case "reference", _, _:
            return 13 * s.states
        case "numpy", "fused", _:
            return 3 * s.data + 2 * s.Z(2**17 // B) + unused
        case "numpy", _, _:
            return 0
        case "numba", "fused", "run":
            return 2 * s.data + unused
        case "numba", _, _:
            return unused
        case "jax", "fused", _:
            return 2 * s.data + 3 * s.states + 2 * s.Z(128)
        case "jax", formulation, _:
            return s.states + masks.get(formulation, 0)
        case "torch", "fused", "eager":
            return 3 * s.data + s.states + 2 * 8 * min(p.Y.size * p.epochs, 2**16)
        case "torch", "fused", "run":
            return 3 * s.data + s.states + s.record + model.HAS_ACCURACY * s.Z(p.epochs)
        case "torch", _, "run" | "block":
            return result + s.record
        case "torch", _, _:
            return 0
    pytest.skip(f"docs/speed.md has no bound for {backend}")


def problem_of(subject, backend):
    """One whose shapes other tests compile too."""
    if backend in ("numpy", "numba", "reference") or subject.execution == "eager":
        return make(subject.model, examples=128, batch_size=16, features=3, epochs=200, seed=1)
    if subject.execution == "run":
        return solved("published", subject.model, "float64")[0]
    return many_steps(subject.model)


def many_steps(model):
    """In blocks of 20 steps, as in the family."""
    return replace(solved("even", model, "float64")[0], epochs=760)


def calls(subject, p):
    """The run and its arguments, the gradient of its first batch and its arguments."""
    names = subject.model, subject.formulation, subject.execution
    arrays, one = subject.put(p.W, p.b, p.X, p.Y), subject.put(p.W, p.b, p.X[0], p.Y[0])
    train = subject.module.make_train(*names), *arrays, p.learning_rate, p.dJ_dJ0, p.epochs
    return train, (subject.module.make_gradient(*names), *one, p.dJ_dJ0)


def test_a_run_takes_little_more_than_its_result(subject, backend):
    """By the backend's own count."""
    if (backend, subject.execution) == ("jax", "step"):
        pytest.skip("JAX counts one compiled call, which a run of steps is not")
    p = problem_of(subject, backend)
    run, gradient = (subject.module.temporary_bytes(*call) for call in calls(subject, p))
    assert run < gradient + allowed(subject, backend, p) + SMALL


def resident(key):
    lines = STATUS.read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(key))


def peak_of(subject, function, *arguments):
    """Resident bytes that one call adds at its peak."""
    subject.module.synchronize(function(*arguments))
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    RESET.write_text("5")  # the peak is what is resident now
    before = resident("VmRSS")
    subject.module.synchronize(function(*arguments))
    return resident("VmHWM") - before


@pytest.mark.slow
@pytest.mark.skipif(not RESET.exists(), reason="only Linux can reset the peak")
def test_the_system_sees_no_more(subject, backend):
    """What no own count sees, as tensors that are Python's objects.

    Not of dense, jacrev and fused: pages of their large temporaries stay with the allocator, 1 or 2
    MB in some processes. Not of JAX, whose threads have several calls under way.
    """
    if subject.formulation in (*MATRICES, "fused") or backend == "jax":
        pytest.skip("would be hidden: see above")
    if subject.execution in ("block", "run"):
        pytest.skip("has no loop in Python")
    p = many_steps(subject.model)
    run, gradient = calls(subject, p)
    s, own = sizes(p), subject.module.temporary_bytes(*gradient)
    result = s.states + 2 * s.record
    found = min(peak_of(subject, *run) for _ in range(2))
    assert found < result + own + allowed(subject, backend, p) + KEPT
