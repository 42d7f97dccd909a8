"""Cells over several devices that are wrong on purpose are noticed, on whichever device."""

import pytest

from tests.shards import tasks
from tests.shards.mutants import MUTANTS, UNEVEN


@pytest.mark.parametrize("task", tasks.parameters(tasks.CHANGED))
def test_a_mutant_is_noticed(task):
    """By the verdicts on all copies, and as a void row in the process that stores the run."""
    _, backend, name = task.call
    mutant, found = MUTANTS[backend][name], tasks.found(task)
    copies = tasks.verdicts([own["copies"] for own in found])
    is_wrong = not all(verdict.passed for own in copies.values() for verdict in own)
    void = found[0]["void"]
    if name.startswith("nothing is changed"):
        assert (is_wrong, void) == (False, "")
    elif mutant.formulation == "dense":  # right numbers
        assert not is_wrong
        assert "less than its part of a matrix" in void
    else:
        assert is_wrong
        assert void or mutant.family == UNEVEN  # no row of the suite has unequal shards
    print(f"{backend}, {name}: {void}")
