"""The answer in three sentences, from runs whose answer is known; and when it is left out."""

import math

import pytest

from benchmarks.show import answer as sentences
from benchmarks.store.run import typed
from tests import stored
from tests.stored import check, gradients, run, trainings


def answer(made):
    """The answer of a run that is made by hand."""
    return sentences.answer(typed(made), stored.rows(made))


def test_what_it_costs_at_two_sizes():
    [cost, agreement] = answer(run(*gradients(), *gradients("jax step", (32, 1024))))
    assert cost == (
        "One logistic gradient that forms its diagonal Jacobians takes, as a multiple of the time "
        "of its own elementwise form, 4.00 (NumPy eager) at B = 256; 64.0 (NumPy eager), 64.0 (JAX "
        "step) at B = 1024."
    )
    assert agreement.startswith("All 10 rows agree with the reference; ")


def test_of_a_backend_its_first_execution():
    rows = [*gradients("torch eager", (256,)), *gradients("torch step", (256,))]
    rows[2]["extra_info"]["ratio"]["elementwise"] = [9.0, 9.0, 9.0]
    assert "form, 4.00 (PyTorch eager) at B = 256." in answer(run(*rows))[0]


def test_a_ratio_whose_processes_have_no_common_value_is_a_range():
    rows = gradients(sizes=(256,))
    logs = [[math.log(ratio)] for ratio in (61.0, 110.0, 295.0)]
    rows[0]["extra_info"]["log_ratio"]["elementwise"] = logs
    assert "form, 61.0 to 295 (NumPy eager) at B = 256." in answer(run(*rows))[0]


def test_rows_of_other_conditions_are_none_of_it():
    rows = gradients(sizes=(256,))
    rows[0]["extra_info"]["conditions"] = "allocator: x"
    assert len(answer(run(*rows))) == 1


def test_logistic_is_told_before_linear():
    assert "One logistic" in answer(run(*gradients(model="linear"), *gradients()))[0]
    assert "One linear" in answer(run(*gradients(model="linear")))[0]


def test_which_trains_fastest_and_what_drives_it():
    cells = "native run fused", "numba run fused", "numba step fused", "numba run dense"
    rows = trainings("reference eager dense", *cells)
    rows[-1]["extra_info"]["ratio"]["elementwise"] = [4.0, 3.98, 4.02]
    [fastest, _] = answer(run(*rows))
    assert fastest == (
        "Numba run fused trains the logistic run of 30 steps fastest: 6.00 ms, "
        "6.00 [5.97, 6.03] times the C loop and 0.030 [0.030, 0.030] times the reference; "
        "driven by one call a step it takes 1.33 [1.32, 1.34] times as long; "
        "its dense form takes 4.00 [3.98, 4.02] times its elementwise one."
    )


def test_without_anything_to_compare_with():
    rows = trainings("jax run fused")
    rows[0]["extra_info"]["ratio"] = {}
    [fastest, _] = answer(run(*rows))
    assert fastest == "JAX run fused trains the logistic run of 30 steps fastest: 2.00 ms."


@pytest.mark.parametrize("cell", ["native run fused", "reference eager dense"])
def test_what_is_compared_with_is_not_the_fastest(cell):
    assert len(answer(run(*trainings(cell)))) == 1


def test_the_nearest_to_its_tolerance():
    rows = trainings("jax run fused", "jax run dense")
    rows[1]["extra_info"]["verdict"]["checks"] = [check("state", 0, 0), check("loss", 4, 10)]
    assert answer(run(*rows))[-1] == (
        "All 2 rows agree with the reference; the largest share of a tolerance that one of them "
        "uses is 40%: jax run dense, loss, 4.00 of 10.0 ULP."
    )


def test_void_rows_are_told():
    rows = trainings("jax run fused")
    assert answer(run(*rows, void=[stored.void()]))[-1].startswith(
        "1 rows agree with the reference, 1 are void; "
    )
    assert answer(run(void=[stored.void()])) == ["No row agrees with the reference, 1 are void."]
    assert answer(run()) == []
