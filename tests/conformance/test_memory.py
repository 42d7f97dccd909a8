"""Dense forms its matrices and the others do not, by the memory that a call takes.

No number that a cell returns can show it. If a compiler starts to remove the matrix, or a backend
keeps one from call to call, these tests fail.
"""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.measure.memory import need
from reference.problems import make
from reference.structure import MATRICES
from tests.conformance.runs import solved

# The limits below are on bytes, not on results. A matrix has B^2 numbers. All else that a call
# allocates grows with B, and is a few per cent of a matrix at these sizes. So the bytes of a dense
# call grow with order 2, within 0.2, and are at most a tenth more than `need` plans for. A call
# that takes less than a quarter of a matrix (half, with a run's records) has formed none.


def bytes_of(subject, problem):
    """What one gradient of the problem's first batch takes."""
    arrays = subject.put(problem.W, problem.b, problem.X[0], problem.Y[0])
    gradient = subject.module.make_gradient(subject.model, subject.formulation, subject.execution)
    return subject.module.temporary_bytes(gradient, *arrays, problem.dJ_dJ0)


def test_a_gradient_takes_a_matrix_or_not(subject):
    """Dense allocates 8 B^2 bytes or more, in every call; the others less than 8 B^2 / 4."""
    problem, _ = solved("even", subject.model, "float64")
    B = problem.X.shape[1]
    found, matrix = bytes_of(subject, problem), 8 * B**2
    if subject.formulation in MATRICES:
        assert found >= matrix
        most = need(subject.model, subject.formulation, B, 8)
        assert found < 1.1 * most, "a row could be measured without enough memory"
    else:
        assert found < matrix / 4


@pytest.mark.slow
def test_a_gradient_grows_with_the_square_or_not(subject):
    sizes, model = np.array([128, 256]), subject.model
    problems = [make(model, examples=B, batch_size=B, features=3, epochs=1, seed=B) for B in sizes]
    found = np.array([bytes_of(subject, problem) for problem in problems])
    if subject.formulation in MATRICES:
        order = np.log2(found[1] / found[0])
        assert 1.8 < order < 2.2, f"{found} bytes for B = {sizes}: order {order:.2f}"
    else:
        assert (found < 8 * sizes**2 / 4).all()


def test_training_forms_them_in_every_step_or_never(subject):
    """The matrices of a step, besides what the run keeps anyway."""
    problem, _ = solved("even", subject.model, "float64")
    if subject.execution == "step":  # all steps are the same code, and JAX unrolls them here
        problem = replace(problem, epochs=1)
    arrays = subject.put(problem.W, problem.b, problem.X, problem.Y)
    train = subject.module.make_train(subject.model, subject.formulation, subject.execution)
    numbers = problem.learning_rate, problem.dJ_dJ0, problem.epochs
    taken = subject.module.temporary_bytes(train, *arrays, *numbers)
    matrix = 8 * problem.X.shape[1] ** 2
    assert taken >= matrix if subject.formulation in MATRICES else taken < matrix / 2
