"""Which one to take: start and steps of a cell, where lines cross, what the usual code costs."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.analyse import choice
from tests import stored

pytest.importorskip("matplotlib")
from benchmarks.show import choice as shown


def rows(*changes):
    """The lives of eager NumPy, which starts in 0.1 s, and of JAX, in 1 s, with both caches."""
    lives = [stored.life(), stored.life(caches="warm"), *map(stored.eager_life, ("cold", "warm"))]
    return stored.rows(
        stored.run(*lives, *stored.gradients(), *stored.gradients("jax step"), *changes)
    )


def line(found, **words):
    for word, value in words.items():
        found = found[found[word] == value]
    [only] = found.to_dict("records")
    return only


def test_the_start_is_all_that_comes_before_the_steps():
    found = line(choice.candidates(rows()), caches="cold", B=256, backend="jax")
    assert found["start"] == pytest.approx(0.4 + 1e-3 + 0.05 + 0.5 + 0.06 + 1e-3 - 0.05)
    assert found["step"] == pytest.approx(0.05 / 9500)


def test_at_other_sizes_a_step_is_the_gradient_of_the_same_cell():
    found = choice.candidates(rows())
    eager = line(found, caches="warm", B=32, backend="numpy")
    assert eager["step"] == 1e-5
    assert eager["start"] == line(found, caches="warm", B=256, backend="numpy")["start"]
    assert found[(found.backend == "jax") & (found.B != 256)].empty, "no gradient of a whole run"


def test_the_interval_is_from_stages_that_caches_do_not_change():
    """Cold and warm differ by 10 % in one of four pairs; each is one of two measurements."""
    lives = [stored.life(), stored.life(caches="warm", life={"import": 0.44, "compile": 0.01})]
    lives += map(stored.eager_life, ("cold", "warm"))
    found = choice.uncertainty(stored.rows(stored.run(*lives)))
    student = 2.776  # of four degrees of freedom
    assert found == pytest.approx(student * np.log(1.1) / np.sqrt(4 * 2), rel=1e-3)


@pytest.mark.parametrize("lives", [[], ["cold"], ["warm"]])
def test_without_two_lives_of_two_cells_nothing_is_shown(lives):
    made = stored.rows(
        stored.run(*(stored.life(caches=caches) for caches in lives), *stored.gradients())
    )
    assert choice.uncertainty(made) is None
    assert list(shown.table(made)) == []


LINES = pd.DataFrame({"backend": ["a", "b", "c"], "way": "run", "start": [0.1, 1.0, 4.0],
                      "step": [1e-3, 1e-4, 1e-5]})  # fmt: skip


def test_the_fastest_changes_where_the_lines_cross():
    found = choice.crossings(LINES, 0.0)
    assert [cell.backend for cell in found] == ["a", "b", "c"]
    assert [cell.value for cell in found] == pytest.approx([1, 0.9 / 9e-4, 3 / 9e-5])
    assert all(cell.low == pytest.approx(cell.value) == cell.high for cell in found[1:])


def test_one_that_is_never_fastest_is_not_named():
    lines = pd.concat(
        [LINES, pd.DataFrame({"backend": ["d"], "way": "run", "start": 5.0, "step": 5e-5})]
    )
    found = choice.crossings(lines.reset_index(drop=True), 0.0)
    assert [cell.backend for cell in found] == ["a", "b", "c"]


def test_the_interval_of_a_crossing_covers_it():
    """Of 95 in 100 runs whose four times are off by a normal error of 5 %."""
    rng, inside, tries = np.random.default_rng(5), 0, 2000
    one, other = LINES.iloc[0], LINES.iloc[1]
    true = (other.start - one.start) / (one.step - other.step)
    for _ in range(tries):
        measured = []
        for found in (one, other):
            factors = 1 + 0.05 * rng.standard_normal(2)
            measured.append(
                pd.Series({"start": found.start * factors[0], "step": found.step * factors[1]})
            )
        crossing = choice.crossing(*measured, half=1.96 * 0.05)
        inside += crossing.low <= true <= crossing.high
    assert inside / tries == pytest.approx(0.95, abs=0.02), "four standard errors of 2000 tries"


def test_without_a_clear_gain_a_crossing_has_no_upper_limit():
    lines = LINES.iloc[:2].assign(step=[1.0e-3, 0.95e-3])
    crossing = choice.crossing(lines.iloc[0], lines.iloc[1], 0.2)
    assert crossing.high == float("inf")
    assert 0 <= crossing.low < crossing.value
    assert "[" in (told := shown.winners(lines, 0.2)[1])
    assert told.endswith(", no limit] steps")


def test_the_usual_code_is_beside_the_fastest_elementwise_run():
    cells = "jax run elementwise", "jax step elementwise", "jax step autodiff", "optax step fused"
    made = rows(*stored.trainings(*cells))
    found = dict(choice.usual(made, "jax"))
    assert {*found} == {"jax step autodiff", "optax step fused"}
    assert found["optax step fused"].value == pytest.approx(4.0)
    assert found["optax step fused"].low < 4 < found["optax step fused"].high
    assert choice.usual(made, "numpy") == []


def test_the_table_has_a_line_for_each_framework_size_and_state_of_the_caches():
    [table] = shown.table(rows(*stored.trainings("jax run elementwise", "optax step fused")))
    found = line(table.texts, caches="cold", B="256", framework="JAX")
    start, step = 0.4 + 1e-3 + 0.05 + 0.5 + 0.06 + 1e-3 - 0.05, 0.05 / 9500
    assert found["10,000 steps"].startswith(f"run, {start + 1e4 * step:.2f} s [")
    assert found["as most people write it"].startswith("optax step fused 2.00 [")
    assert {*table.texts.framework} == {"JAX", "NumPy"}
    assert len(table.texts) == 2 * 3, "of two sizes NumPy alone"
