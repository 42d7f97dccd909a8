"""Every cell over several devices agrees with the reference, and every device has the same.

A verdict is of reference/agreement.py, as everywhere; tasks.py has the cells and the problems.
"""

import pytest

from tests.shards import tasks

ALL_OF_TORCH_2 = pytest.mark.xdist_group(f"shards {tasks.FINDING.process}")


def devices(task):
    return int(task.call[1][-1].split("/")[1])


@pytest.mark.parametrize("task", tasks.parameters([*tasks.CELLS, *tasks.UNEQUAL, *tasks.SOLVED]))
def test_every_copy_agrees_with_the_reference(task, judge):
    found = tasks.verdicts(tasks.found(task))
    assert "run" in found
    assert sum(what.startswith("gradient") for what in found) >= 1
    for copies in found.values():
        assert len(copies) == devices(task)
        for verdict in copies:
            judge(verdict)


@pytest.mark.parametrize("task", tasks.parameters(tasks.REFUSED))
def test_a_batch_that_cannot_be_shared_is_refused(task):
    for error in tasks.found(task):
        assert str(error).startswith(f"ValueError: {tasks.REFUSED[task]}")


@pytest.mark.parametrize("task", tasks.parameters(tasks.STRUCTURES))
def test_what_a_device_forms_and_gets_is_as_the_formulas_say(task):
    """B^2 / n numbers by XLA's partitioner, B^2 by DTensor's, B^2 / n^2 by the batch; else B / n.

    The factors: XLA forms a matrix for each Jacobian where it does not reuse the first one, and an
    elementwise gradient keeps up to six arrays. JAX's fused one also copies X, of five features at
    most. What is left are arrays of a number an example.
    """
    *_, formulation, _, sharding = task.call[1]
    partition, n = sharding.split("/")[0], devices(task)
    examples = tasks.B / n
    whole = {"jax": n, "torch": 1}[task.backend] if partition == "automatic" else n * n
    matrix = tasks.B**2 / whole
    for used, exchanged in tasks.found(task):
        if formulation == "dense":
            assert matrix <= used / 8 <= 2 * matrix + 8 * tasks.B
        else:
            assert used / 8 <= 13 * examples
        moved = sum(size for _, size in exchanged.values())
        if formulation == "dense" and partition == "automatic" and n > 1:
            assert exchanged["all-gather"][1] >= 8 * tasks.B
        else:
            assert exchanged.keys() <= {"all-reduce"}
            assert moved < 8 * examples


@ALL_OF_TORCH_2
def test_dtensor_takes_a_mean_of_means_over_unequal_shards():
    """Why automatic partitioning refuses a B that does not divide in PyTorch."""
    for loss, right, dW, right_dW in tasks.found(tasks.FINDING):
        rounding = 1e-12  # of a mean of 1001 numbers near 1: far below the 1e-6 that are lost
        assert abs(loss - right) > 1e-9, (
            "DTensor's mean over unequal shards is right now: torch_shards.py need not refuse a B "
            "that does not divide, if all other means are right, too"
        )
        assert abs(dW - right_dW) < rounding
