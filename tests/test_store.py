"""The stored run, made by hand: times of one call, rows without times, several processes as one."""

import json
from copy import deepcopy

import numpy as np
import pytest

from benchmarks.analyse.intervals import ENOUGH, NOTHING, prior, ratio
from benchmarks.analyse.merge import merge, sample
from benchmarks.analyse.process import complete
from benchmarks.store.run import next_path, unused

CELL = {
    "model": "linear", "backend": "numpy", "execution": "eager", "device": "cpu",
    "formulation": "dense", "dtype": "float64",
}  # fmt: skip
CONDITIONS = {"threads": "1 in each pool", "settings": {"numpy": {}}}
OTHER = CONDITIONS | {"threads": "2 in each pool"}
GROUP = "gradient linear float64: B = 32"


def measured(void="", blocks=(2.0, 4.0, 6.0), beside=(1.0, 1.0, 1.0), **words):
    """A row as pytest-benchmark is about to store it: blocks of two calls."""
    return {
        "group": GROUP,
        "name": "test_gradient",
        "stats": {"data": list(blocks), "iterations": 1},
        "extra_info": CELL | {"kind": "gradient"} | words | {
            "calls": 2, "beside": {"baseline": list(beside)}, "faults": [0.0] * len(blocks),
            "calibration": [1e-3, 1e-3], "verdict": {"passed": not void, "checks": []},
            "void": void, "B": 32,
        },
    }  # fmt: skip


def part(*rows, left_out=(), conditions=CONDITIONS, name="numpy"):
    """The run of one process."""
    run = {"benchmarks": [deepcopy(row) for row in rows]}
    complete(run, list(left_out), False, {"name": name, "conditions": conditions})
    return run


# --- one process


def test_a_row_has_the_times_of_one_call():
    [row] = part(measured())["benchmarks"]
    stats, info = row["stats"], row["extra_info"]
    assert stats["data"] == [1, 2, 3]
    assert (stats["median"], stats["min"], stats["max"], stats["rounds"]) == (2, 1, 3, 3)
    assert stats["iterations"] == info["calls"] == 2
    assert info["rounds"] == [3]
    assert info["conditions"] == ""
    assert info["beside"]["baseline"] == [1]
    assert info["log_ratio"]["baseline"] == [pytest.approx(np.log([1, 2, 3]), abs=1e-4)]
    assert info["ratio"]["baseline"][0] == pytest.approx(2, abs=1e-4)
    assert info["ratio"]["baseline"] == list(ratio(sample(info["log_ratio"], "baseline")))


def test_a_void_row_keeps_its_reason_and_no_time():
    run = part(measured(), measured("it is wrong", formulation="fused"))
    assert [r["extra_info"]["formulation"] for r in run["benchmarks"]] == ["dense"]
    [void] = run["void"]
    assert void == CELL | {
        "kind": "gradient", "group": GROUP, "formulation": "fused",
        "verdict": {"passed": False, "checks": []}, "void": "it is wrong", "B": 32,
        "conditions": "",
    }  # fmt: skip


def test_only_what_was_trained_has_a_trajectory():
    assert part(measured())["trajectories"] == []
    [drawn] = part(measured(kind="training"))["trajectories"]
    assert (drawn["model"], drawn["dtype"]) == ("linear", "float64")
    assert part(measured("wrong", kind="training"))["trajectories"] == []


@pytest.mark.parametrize(
    ("loops", "drift"), [((1.0, 1.0), 0), ((1.0, 1.05), 0.0449), ((1.0, 2.0), 0.857)]
)
def test_a_machine_that_drifts_is_unstable(loops, drift):
    row = measured()
    row["extra_info"]["calibration"] = list(loops)
    [process] = part(row)["processes"]
    assert process["calibration"] == list(loops)
    assert process["drift"] == pytest.approx(drift, rel=1e-2)
    assert process["unstable"] is (drift > 0.1)


def test_a_run_without_a_row_is_a_run():
    left = [CELL | {"reason": "too large"}]
    run = part(left_out=left)
    assert (run["benchmarks"], run["void"], run["left_out"]) == ([], [], left)
    assert run["processes"][0]["unstable"] is False


def test_what_was_stored_meanwhile_stays(tmp_path):
    path = tmp_path / "0001_full.json"
    assert unused(path) == path
    for name in ("0001_full-2.json", "0001_full-3.json"):
        path.write_text("of another run")
        path = unused(tmp_path / "0001_full.json")
        assert path == tmp_path / name


# --- several processes


def test_the_same_row_of_two_processes_is_one():
    one, two = part(measured()), part(measured(blocks=(8.0, 8.0), beside=(2.0, 2.0)))
    [row] = merge([one, two])["benchmarks"]
    info = row["extra_info"]
    assert info["rounds"] == [3, 2]
    assert (row["stats"]["median"], row["stats"]["rounds"]) == (3, 5)
    assert "data" not in row["stats"], "a stored run would have megabytes of it"
    assert info["beside"]["baseline"] == [1, 2]
    assert len(info["faults"]) == 2
    found = sample(row["extra_info"]["log_ratio"], "baseline")
    medians = [p.tolist() for p in found]
    assert medians == [[pytest.approx(np.log(2), abs=1e-4)]] * 2
    assert info["ratio"]["baseline"] == list(ratio(found))
    assert info["ratio"]["baseline"][0] == pytest.approx(2, abs=1e-4)


def test_the_parts_stay_as_they_were():
    parts = [part(measured(), measured("no", formulation="fused")), part(measured())]
    before = json.dumps(parts)
    merge(parts)
    assert json.dumps(parts) == before


def test_one_part_merged_is_itself():
    one = part(measured(), measured("no", formulation="fused"), left_out=[{"reason": "x"}])
    merged = merge([one])
    del one["benchmarks"][0]["stats"]["data"]
    assert merged == one


@pytest.mark.parametrize(
    "words", [{"backend": "jax"}, {"formulation": "fused"}, {"device": "cuda"}]
)
def test_rows_of_other_cells_stay_apart(words):
    run = merge([part(measured()), part(measured(**words))])
    assert [row["extra_info"]["rounds"] for row in run["benchmarks"]] == [[3], [3]]


def test_rows_of_other_groups_stay_apart():
    other = measured() | {"group": "gradient linear float64: B = 64"}
    assert len(merge([part(measured()), part(other)])["benchmarks"]) == 2


@pytest.mark.parametrize("first", [True, False])
def test_void_in_one_process_is_void(first):
    parts = [part(measured("it is wrong")), part(measured())]
    run = merge(parts if first else parts[::-1])
    assert run["benchmarks"] == []
    [void] = run["void"]
    assert void["void"] == "it is wrong"
    assert not {"beside", "stats", "ratio"} & void.keys()


def test_other_conditions_are_another_group_that_names_them():
    run = merge([part(measured()), part(measured(), conditions=OTHER), part(measured())])
    one, other = run["benchmarks"]
    assert (one["group"], one["extra_info"]["rounds"]) == (GROUP, [3, 3])
    assert other["group"] == f"{GROUP}, threads: 2 in each pool"
    assert other["extra_info"]["conditions"] == "threads: 2 in each pool"
    assert other["extra_info"]["rounds"] == [3]


def test_void_under_other_conditions_leaves_the_row():
    run = merge([part(measured()), part(measured("it is wrong"), conditions=OTHER)])
    assert [row["group"] for row in run["benchmarks"]] == [GROUP]
    assert [row["group"] for row in run["void"]] == [f"{GROUP}, threads: 2 in each pool"]


def test_what_the_processes_say_once_is_said_once():
    left = [CELL | {"reason": "too large"}]
    parts = [part(measured(kind="training"), left_out=left, name=n) for n in ("a", "b")]
    run = merge(parts)
    assert run["left_out"] == left
    assert len(run["trajectories"]) == 1
    assert [process["name"] for process in run["processes"]] == ["a", "b"]


def test_rows_of_a_kind_are_judged_together():
    """Eight rows of two processes each give the prior of a ninth, which has one."""
    words = [f"fused{number}" for number in range(ENOUGH)]
    scale = np.exp(np.random.default_rng(0).normal(0, 0.5, ENOUGH))
    alone = measured(blocks=(4.0, 4.0), beside=(1.0, 1.0), formulation="alone")

    def process(sign):
        rows = [
            measured(blocks=(4 * np.exp(sign * s),) * 2, beside=(1.0, 1.0), formulation=word)
            for word, s in zip(words, scale, strict=True)
        ]
        return part(*rows, *[alone] * (sign > 0))

    found = {row["extra_info"]["formulation"]: row["extra_info"]
             for row in merge([process(1), process(-1)])["benchmarks"]}  # fmt: skip
    known = prior([sample(found[word]["log_ratio"], "baseline") for word in words])
    assert known != NOTHING
    for word in ("alone", words[0]):
        expected = ratio(sample(found[word]["log_ratio"], "baseline"), known)
        assert found[word]["ratio"]["baseline"] == pytest.approx(list(expected))


def test_of_several_verdicts_the_checks_nearest_to_failing_are_kept():
    parts = [part(measured()) for _ in range(3)]
    for run, observed in zip(parts, (1.0, 3.0, 2.0), strict=True):
        run["benchmarks"][0]["extra_info"]["verdict"]["checks"] = [{"observed": observed}]
    [row] = merge(parts)["benchmarks"]
    assert row["extra_info"]["verdict"] == {"passed": True, "checks": [{"observed": 3.0}]}


def test_a_ratio_needs_its_other_in_every_process():
    alone = measured()
    alone["extra_info"]["beside"]["elementwise"] = [1.0] * 3
    [row] = merge([part(alone), part(measured())])["benchmarks"]
    assert row["extra_info"]["ratio"].keys() == {"baseline"}


# --- files


def test_runs_are_numbered(tmp_path):
    first = next_path(tmp_path, quick=True)
    assert first.name == "0001_quick.json"
    assert list(tmp_path.iterdir()) == [], "no folder before anything is measured"
    first.parent.mkdir(parents=True)
    first.touch()
    assert next_path(tmp_path, quick=False).name == "0002_full.json"
    first.with_name("0041_full.json").touch()
    first.with_name("notes.json").touch()
    assert next_path(tmp_path, quick=True).name == "0042_quick.json"
    first.with_name("0042_full").mkdir(parents=True)  # of a run that was not finished
    assert next_path(tmp_path, quick=True).name == "0043_quick.json"
