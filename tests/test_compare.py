"""Two runs row by row: known changes, rows that are in one only, and the exit codes."""

import json
import re
from copy import deepcopy

import pytest

from benchmarks.__main__ import main
from benchmarks.show import compare as comparison
from benchmarks.show import wording
from tests import stored
from tests.stored import run, trainings

CELLS = "numba run fused", "jax run fused", "jax run dense"


def slower(rows, factor, place=0):
    """A copy of the rows in which one takes longer, and its baseline does not."""
    rows = deepcopy(rows)
    info = rows[place]["extra_info"]
    info["ratio"]["baseline"] = [factor * value for value in info["ratio"]["baseline"]]
    shift = float(stored.np.log(factor))
    info["log_ratio"]["baseline"] = [
        [pair + shift for pair in process] for process in info["log_ratio"]["baseline"]
    ]
    return rows


@pytest.fixture
def compare(tmp_path, capsys):
    """Compare two runs by the command; what it printed, and its exit code."""

    def compare(one, other, *options):
        paths = []
        for name, stored_run in (("a", one), ("b", other)):
            paths.append(tmp_path / f"{name}.json")
            paths[-1].write_text(json.dumps(stored_run))
        code = main(["compare", *map(str, paths), *options])
        return " ".join(capsys.readouterr().out.split()), code

    return compare


def changes(one, other):
    """The changes as a list."""
    found = comparison.changes(stored.rows(one), stored.rows(other))
    return [change for _, change in found.iterrows()]


ROWS = trainings(*CELLS)
ONE = run(*ROWS)


def test_the_change_is_the_quotient_of_the_ratios():
    found = changes(ONE, run(*slower(ROWS, 1.1)))
    assert [c.change for c in found] == pytest.approx([1.1, 1, 1])
    low, high = found[0].low, found[0].high
    assert 1.08 < low < 1.1 < high < 1.12
    assert [bool(c.low > 1) for c in found] == [True, False, False]
    assert [c.A for c in found] == pytest.approx([0.01, 0.02, 0.03])
    assert [c.B for c in found] == pytest.approx([0.011, 0.02, 0.03])


@pytest.mark.parametrize(
    ("factor", "percent", "code"),
    [(1.1, "5", 1), (1.1, "20", 0), (1.1, "9.9", 0), (0.5, "0", 0), (1.0, "0", 0), (1.1, "0", 1)],
)
def test_the_gate_holds_against_the_whole_interval(compare, factor, percent, code):
    out, found = compare(ONE, run(*slower(ROWS, factor)), "--fail-slower", percent)
    assert found == code
    assert f"{code} fail at {percent} %." in out
    failed = f"slower by more than {percent} %: training logistic float64: 30 steps, numba run"
    assert (failed in out) == bool(code)


def test_without_a_gate_nothing_fails(compare):
    out, code = compare(ONE, run(*slower(ROWS, 3)))
    assert code == 0
    assert re.search(r"numba run fused 0\.010 0\.030 3\.00 \[2\.9\d, 3\.0\d\] slower", out)
    assert "Of 3 rows in both, 1 are slower in B, 0 faster; for 2 no difference" in out


def test_the_summary_comes_first_and_then_what_changed(compare):
    out, _ = compare(ONE, run(*slower(ROWS, 3)))
    places = [out.index(text) for text in ("Of 3 rows in both", "numba run fused 0.010 0.030")]
    assert places == sorted(places)
    assert "jax run fused 0.020" not in out
    every, _ = compare(ONE, run(*slower(ROWS, 3)), "--all")
    assert "jax run fused 0.020 0.020" in every


def test_the_tables_may_be_markdown(compare):
    out, _ = compare(ONE, run(*slower(ROWS, 3)), "--markdown")
    assert "### training logistic float64: 30 steps, time / reference | cell |" in out
    assert "| numba run fused | 0.010 | 0.030 | 3.00 \\[2.9" in out


def test_a_faster_row_is_counted(compare):
    assert "0 are slower in B, 1 faster" in compare(ONE, run(*slower(ROWS, 0.5)))[0]


def test_rows_of_one_run_are_listed(compare):
    out, code = compare(run(*ROWS[:2]), run(*ROWS[1:]), "--fail-slower", "5")
    assert "only in A: training logistic float64: 30 steps logistic numba run cpu fused" in out
    assert "only in B: training logistic float64: 30 steps logistic jax run cpu dense" in out
    assert "missing in B: training logistic float64: 30 steps logistic numba run cpu fused" in out
    assert code == 1, "what the gate guards is gone"


def test_rows_may_be_missing_if_that_is_allowed(compare):
    arguments = "--fail-slower", "5", "--allow-missing"
    out, code = compare(run(*ROWS[:2]), run(*ROWS[1:]), *arguments)
    assert "only in A: training logistic float64: 30 steps logistic numba run cpu fused" in out
    assert "0 fail at 5 %." in out
    assert code == 0
    assert compare(run(*ROWS[1:]), ONE, "--fail-slower", "5")[1] == 0, "new rows are no failure"


def test_a_row_that_became_void_fails(compare):
    words = "logistic numba run cpu fused float64"
    broken = run(*ROWS[1:], void=[stored.void(words)])
    out, code = compare(ONE, broken, "--fail-slower", "50")
    assert f"void in B: training logistic float64: 30 steps {words}" in out
    assert code == 1
    assert compare(broken, broken, "--fail-slower", "50")[1] == 0


def test_rows_without_a_baseline_are_none(compare):
    rows = deepcopy(ROWS)
    for row in rows[:2]:
        del row["extra_info"]["ratio"]["baseline"]
    assert [wording.name(c) for c in changes(ONE, run(*rows))] == ["jax run dense"]
    assert "2 more rows in both have no ratio to the baseline." in compare(ONE, run(*rows))[0]
    assert "have no ratio to the baseline" not in compare(ONE, ONE)[0]


def test_nothing_in_common_is_a_mistake(compare, tmp_path, capsys):
    _, code = compare(run(*ROWS[:1]), run(*ROWS[1:]))
    assert code == 2
    assert main(["compare", str(tmp_path / "a.json"), str(tmp_path / "none.json")]) == 2
    assert capsys.readouterr().err.endswith("none.json: No such file or directory\n")


@pytest.mark.parametrize("percent", ["-1", "much", "inf"])
def test_a_percentage_is_one(percent, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["compare", "a", "b", f"--fail-slower={percent}"])
    assert "--fail-slower" in capsys.readouterr().err


# --- conditions


def under(**changed):
    """The run under other conditions."""
    other = deepcopy(ONE)
    other["processes"][0]["conditions"] |= changed
    return other


def test_the_same_conditions(compare):
    other = deepcopy(ONE)
    other["processes"][0] |= {"before": {"clock": 1.0, "load": [9, 9, 9]}, "after": {"clock": 2.0}}
    assert "The conditions agree." in compare(ONE, other)[0]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"threads": "2 in each pool"}, "differ in B: threads: 2 in each pool."),
        ({"versions": {"numpy": "2.5.0", "jax": "0.10.2"}}, "versions: numpy=2.5.0."),
        ({"versions": {"numpy": "2.4.6", "torch": "2"}}, "Not installed in B: jax."),
        ({"versions": {"numpy": "2.4.6", "torch": "2"}}, "Installed in B only: torch."),
    ],
)
def test_other_conditions_are_named(compare, changed, words):
    assert words in compare(ONE, under(**changed))[0]


def test_another_machine_and_a_restless_one(compare):
    other = under()
    other["machine_info"]["cpu"]["brand_raw"] = "Another"
    other["processes"][0] |= {"unstable": True, "drift": 0.3}
    out, _ = compare(ONE, other)
    assert "processor: Another" in out
    assert "In B: Unstable: in 1 of 1 processes the calibration loop drifted by more than" in out
    assert "numpy 30%." in out
