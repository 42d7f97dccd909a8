"""The answer in one sentence and whether to believe it, from runs whose answer is known."""

import math

import pytest

from benchmarks.show import answer as sentences
from benchmarks.store.run import typed
from tests import stored
from tests.stored import check, gradients, run, trainings


def answer(made):
    """The answer of a run that is made by hand."""
    return sentences.answer(typed(made), stored.rows(made))


def details(made):
    """Its further sentences."""
    return sentences.details(typed(made), stored.rows(made))


def wide(rows, factor):
    """The rows with intervals of their ratios that reach so much lower and higher."""
    for row in rows:
        if "elementwise" in (ratios := row["extra_info"]["ratio"]):
            value = ratios["elementwise"][0]
            ratios["elementwise"] = [value, value / factor, value * factor]
    return rows


def test_what_it_costs_at_two_sizes():
    cost, steadiness = answer(run(*gradients(), *gradients("jax step", (32, 1024))))
    assert cost == (
        "One logistic gradient takes 4 times as long at batch size 256, and 64 times at 1024, if "
        "it forms its diagonal Jacobians as matrices instead of multiplying by their diagonals "
        "(the middle of 2 frameworks)."
    )
    assert steadiness.startswith("Steady run. ")


def test_of_a_backend_its_first_execution():
    rows = [*gradients("torch eager", (256,)), *gradients("torch step", (256,))]
    rows[2]["extra_info"]["ratio"]["elementwise"] = [9.0, 9.0, 9.0]
    assert "takes 4 times as long at batch size 256, if it forms" in answer(run(*rows))[0]


def test_of_several_backends_the_middle():
    rows = [row for name in ("numpy eager", "jax step", "numba step") for row in gradients(name)]
    for row, ratio in zip([r for r in rows if r["extra_info"]["B"] == 256][::2], (2.0, 3.0, 9.0),
                          strict=True):  # fmt: skip
        row["extra_info"]["ratio"]["elementwise"] = [ratio, ratio, ratio]
    assert "takes 3 times as long at batch size 256, " in answer(run(*rows))[0]


def test_rows_of_other_conditions_are_none_of_it():
    rows = gradients(sizes=(256,))
    rows[0]["extra_info"]["conditions"] = "allocator: x"
    assert answer(run(*rows)) == []


def test_logistic_is_told_before_linear():
    assert "One logistic" in answer(run(*gradients(model="linear"), *gradients()))[0]
    assert "One linear" in answer(run(*gradients(model="linear")))[0]


# --- whether to believe it


@pytest.mark.parametrize(
    ("factor", "drifts", "word"),
    [(1.04, [0.05], "Steady"), (1.06, [0.05], "Noisy"), (1.3, [0.05], "Unusable"),
     (1.04, [0.3], "Noisy"), (1.04, [0.3, *[0.05] * 9], "Steady"),
     (1.04, [0.3, 0.3, *[0.05] * 8], "Noisy")],
)  # fmt: skip
def test_a_run_is_steady_noisy_or_unusable(factor, drifts, word):
    made = run(*wide(gradients(), factor))
    [process] = made["processes"]
    made["processes"] = [process | {"drift": d, "unstable": d > 0.1} for d in drifts]
    *_, steadiness = answer(made)
    assert steadiness.startswith(f"{word} run. ")
    unsteady = sum(drift > 0.1 for drift in drifts)
    assert f"more than 10% in {unsteady} of {len(drifts)} processes ({max(drifts):.0%} at" in (
        steadiness
    )
    assert f"short batches are known to {math.log(factor):.1%} or better." in steadiness


def test_an_unusable_run_gives_no_answer():
    told, steadiness = answer(run(*wide(gradients(), 2)))
    assert told == "This run gives no answer: its intervals are too wide."
    assert steadiness.startswith("Unusable run. ")


def test_a_partial_run_says_so_first():
    made = run(*gradients(), failed=[{"name": "torch", "reason": "it died"}])
    assert answer(made)[0].startswith("Partial run: ")


# --- details


def test_which_trains_fastest_and_what_drives_it():
    cells = "native run fused", "numba run fused", "numba step fused", "numba run dense"
    rows = trainings("reference eager dense", *cells)
    rows[-1]["extra_info"]["ratio"]["elementwise"] = [4.0, 3.98, 4.02]
    [fastest, _] = details(run(*rows))
    assert fastest == (
        "Numba run fused trains the logistic run of 30 steps fastest: 6.00 ms, "
        "6.00 [5.97, 6.03] times the C loop and 0.030 [0.030, 0.030] times the reference; "
        "driven by one call a step it takes 1.33 [1.32, 1.34] times as long; "
        "its dense form takes 4.00 [3.98, 4.02] times its elementwise one."
    )


def test_without_anything_to_compare_with():
    rows = trainings("jax run fused")
    rows[0]["extra_info"]["ratio"] = {}
    [fastest, _] = details(run(*rows))
    assert fastest == "JAX run fused trains the logistic run of 30 steps fastest: 2.00 ms."


@pytest.mark.parametrize("cell", ["native run fused", "reference eager dense"])
def test_what_is_compared_with_is_not_the_fastest(cell):
    assert len(details(run(*trainings(cell)))) == 1


def test_the_nearest_to_its_tolerance():
    rows = trainings("jax run fused", "jax run dense")
    rows[1]["extra_info"]["verdict"]["checks"] = [check("state", 0, 0), check("loss", 4, 10)]
    assert details(run(*rows))[-1] == (
        "All 2 rows agree with the reference; the largest share of a tolerance that one of them "
        "uses is 40%: jax run dense, loss, 4.00 of 10.0 ULP."
    )


def test_void_rows_are_told():
    rows = trainings("jax run fused")
    assert details(run(*rows, void=[stored.void()]))[-1].startswith(
        "1 rows agree with the reference, 1 are void; "
    )
    assert details(run(void=[stored.void()])) == ["No row agrees with the reference, 1 are void."]
    assert details(run()) == []
