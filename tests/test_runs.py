"""Several runs side by side: a column each, with what is stored of each."""

import json
from copy import deepcopy

import pytest

from benchmarks.__main__ import main
from tests import stored


@pytest.fixture
def side_by_side(tmp_path, capsys):
    """What the command prints of some runs, and its exit code."""

    def show(*runs, options=()):
        files = [tmp_path / f"{number}.json" for number in range(len(runs))]
        for file, run in zip(files, runs, strict=True):
            file.write_text(json.dumps(run))
        code = main(["compare", *map(str, files), *options])
        found = capsys.readouterr()
        return [" ".join(line.split()) for line in (found.out + found.err).splitlines()], code

    return show


def scaled(rows, factor):
    """A copy of the rows with other ratios."""
    rows = deepcopy(rows)
    for row in rows:
        for name, values in row["extra_info"]["ratio"].items():
            row["extra_info"]["ratio"][name] = [factor * value for value in values]
    return rows


ROWS = [*stored.gradients(sizes=(256,)), *stored.trainings("numba run fused", "jax run fused")]


def test_every_run_has_a_column(side_by_side):
    runs = [stored.run(*scaled(ROWS, factor)) for factor in (1, 2, 3)]
    lines, code = side_by_side(*runs)
    assert code == 0
    assert "gradient logistic float64: B = 256: dense / elementwise" in lines
    [cost] = [line for line in lines if line.startswith("numpy eager dense")]
    assert [word for word in cost.split() if word[0].isdigit() and "]" not in word] == [
        "4.00", "8.00", "12.0"
    ]  # fmt: skip
    [trained] = [line for line in lines if line.startswith("numba run fused")]
    assert trained.split()[3::3] == ["0.010", "0.020", "0.030"]


def test_a_row_of_one_run_alone_is_not_shown_and_a_gap_is_empty(side_by_side):
    one, other = stored.run(*ROWS), stored.run(*ROWS[:3])
    lines, _ = side_by_side(one, other, other)
    assert not [line for line in lines if line.startswith("jax run fused")]
    lines, _ = side_by_side(one, one, other)
    [line] = [line for line in lines if line.startswith("jax run fused")]
    assert line.count("[") == 2


def test_the_runs_are_named(side_by_side):
    lines, _ = side_by_side(*[stored.run(*ROWS)] * 3, options=["--markdown"])
    assert "### Runs" in lines
    assert [line[:5] for line in lines if "A processor" in line] == ["| A |", "| B |", "| C |"]


def test_a_gate_is_for_two(side_by_side):
    lines, code = side_by_side(*[stored.run(*ROWS)] * 3, options=["--fail-slower", "5"])
    assert (lines, code) == (["--fail-slower compares two runs"], 2)


# --- the history of one machine


@pytest.fixture
def history(tmp_path, capsys):
    """What the command prints of the runs of a folder, and its exit code."""

    def show(*runs, options=()):
        for number, run in enumerate(runs, 1):
            (tmp_path / f"000{number}_full.json").write_text(json.dumps(run))
        code = main(["history", str(tmp_path), *options])
        found = capsys.readouterr()
        return [" ".join(line.split()) for line in (found.out + found.err).splitlines()], code

    return show


def of_day(day, factor):
    return stored.run(*scaled(ROWS, factor), datetime=f"2026-11-{day}T10:00:00+00:00")


def test_a_history_is_in_the_order_of_days(history):
    lines, code = history(of_day(23, 3), of_day(21, 1), of_day(22, 2))
    assert code == 0
    days = [line.split()[2] for line in lines if line[:2] in ("A ", "B ", "C ")]
    assert days == ["2026-11-21", "2026-11-22", "2026-11-23"]
    [line] = [line for line in lines if "numpy eager dense" in line]
    shown = [word for word in line.split() if word.replace(".", "").isdigit()]
    assert shown[-4:] == ["4.00", "8.00", "12.0", "1.50"], "the last is that of the last two"
    assert line.endswith("larger")


def test_a_history_shows_what_changed_last_unless_all_is_asked_for(history):
    runs = of_day(21, 1), of_day(22, 2), of_day(23, 2)
    lines, _ = history(*runs)
    assert "0 of 3 ratios differ" in " ".join(lines)
    assert not [line for line in lines if "numba run fused" in line]
    lines, _ = history(*runs, options=["--all"])
    assert [line.split()[-4][0] for line in lines if "numba run fused" in line] == ["0"]


def test_a_history_is_of_one_processor(history):
    other = of_day(22, 1) | {"machine_info": {"cpu": {"brand_raw": "Another"}}}
    [line], code = history(of_day(21, 1), other)
    assert code == 2
    assert "a history is of one processor" in line


def test_one_run_is_no_history(history):
    [line], code = history(of_day(21, 1))
    assert code == 2
    assert line.endswith("1 full runs; a history has 2 to 26")
