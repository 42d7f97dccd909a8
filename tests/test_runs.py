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
