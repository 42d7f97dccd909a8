"""What a run over several devices shows: its tables, its sentences, and what it does not say.

The bytes are those of a measured run (tests/stored.py); its ratios are made by hand.
"""

import json
import re

import pytest

from benchmarks.analyse.merge import merge
from benchmarks.show import circumstances
from benchmarks.store.conditions import differences
from benchmarks.store.files import Mistake
from benchmarks.store.run import read, typed
from benchmarks.store.variables import NO_CONDITION
from tests import stored

pytest.importorskip("pandas")
pytest.importorskip("matplotlib")
from benchmarks.analyse import frame
from benchmarks.show import answer, compare, devices, figures, render, report, tables

WHY = "fewer processors than 4 devices"
EVERYWHERE = ("jax automatic", "jax batch", "torch automatic", "torch batch")


@pytest.fixture
def own():
    """What each device does, of all cells."""
    return stored.shards()


def rows(made):
    return stored.rows(made)


def shown(made):
    """The lines of the table of all rows, by backend, formulation, sharding, n and B."""
    [table] = devices.table(rows(made))
    words = ["backend", "formulation", "sharding", "n", "B"]
    return {tuple(line[word] for word in words): line for line in table.texts.to_dict("records")}


def joined(own):
    found = rows(stored.over_devices(own)).set_index(["backend", "formulation", "sharding", "B"])
    return found.sort_index()


# --- times and structures are joined


def test_a_row_has_its_time_and_what_a_device_does(own):
    row = joined(own).loc["jax", "dense", "automatic/2", 1024]
    assert (row.temporary_bytes, row.formula_bytes, row.devices) == (4218968, 8 * 1024**2 / 2, 2)
    assert (row.collectives, row.received_bytes) == ("1 all-gather, 1 all-reduce", 8192 + 40)
    assert row.seconds == 1e-3 / 2
    assert row["/ one device"] == pytest.approx(0.5, rel=1e-3)


def test_a_row_that_cannot_be_timed_is_there_without_a_time(own):
    found = joined(own)
    assert len(found) == len(own) == len(stored.FORMED) * len(stored.SHARES)
    untimed = found[found.seconds.isna()]
    assert {*untimed.not_timed} == {f"not measured: {WHY}"}
    assert {*untimed.devices} == {4}
    assert untimed["tolerance used"].eq(0.25).all(), "it was judged all the same"


def test_other_sizes_and_shardings_stay_apart(own):
    found = joined(own)
    assert found.index.is_unique
    for one in own:
        at = tuple(one[word] for word in ("backend", "formulation", "sharding", "B"))
        assert found.loc[at].temporary_bytes == one["temporary_bytes"]


def test_of_several_processes_the_most_counts_and_a_void_one_voids(own):
    key = next(one for one in own if one["sharding"] == "batch/4")
    twice = [*own, key | {"temporary_bytes": key["temporary_bytes"] + 8}]
    at = key["backend"], key["formulation"], key["sharding"], key["B"]
    assert joined(twice).loc[at].temporary_bytes == key["temporary_bytes"] + 8
    assert at not in joined([*own, key | {"void": "wrong"}]).index


def test_a_row_whose_timed_result_was_wrong_is_none(own):
    made = stored.over_devices(own)
    gone = made["benchmarks"].pop(0)["extra_info"]
    assert (gone["sharding"], gone["B"]) == ("automatic/1", 512)
    found = rows(made)
    assert len(found) == len(own) - 1
    assert found.seconds.notna().eq(found.not_timed == "").all()


def test_the_check_nearest_to_its_tolerance_is_of_both(own):
    own[0]["checks"] = [stored.check("state", 12.0, 16.0)]
    at = own[0]["backend"], own[0]["formulation"], own[0]["sharding"], own[0]["B"]
    assert joined(own).loc[at]["tolerance used"] == 0.75
    assert "is 75%: jax run dense automatic/1, state" in " ".join(details(own))


def test_an_export_has_these_columns_only_with_such_rows(own):
    words = {"sharding", "devices", "collectives", "not_timed", "formula_bytes", "received_bytes"}
    assert words <= {*frame.table(typed(stored.over_devices(own))).columns}
    assert not words & {*frame.table(typed(stored.run(*stored.gradients()))).columns}


@pytest.mark.parametrize(("word", "value"), [("sharding", "batch"), ("dtype", "decimal")])
def test_what_has_no_formula_is_no_run(own, tmp_path, word, value):
    made = stored.over_devices(own)
    made["shards"][0][word] = value
    path = tmp_path / "0001_full.json"
    path.write_text(json.dumps(made))
    with pytest.raises(Mistake, match=rf"at `\$\.shards\[0\]\.{word}`"):
        read(path)


# --- the tables


def test_the_formula_stands_beside_the_measurement(own):
    found = shown(stored.over_devices(own))
    line = found["jax", "dense", "automatic", "4", "1024"]
    assert (line["formed"], line["formula"]) == ("2.02 MiB", "B^2/n: 2 MiB")
    assert line["exchanged"] == "1 all-gather 8 KiB, 1 all-reduce 40 B"
    assert found["jax", "dense", "batch", "4", "1024"]["formula"] == "(B/n)^2: 512 KiB"
    assert found["jax", "elementwise", "batch", "4", "1024"]["formula"] == "B/n: 2 KiB"


def test_who_misses_the_structure_is_seen(own):
    """XLA divides the matrix; DTensor forms all of it on each device; a block has no choice."""
    found = shown(stored.over_devices(own))
    times = {
        (backend, sharding): found[backend, "dense", sharding, "4", "1024"]["/ formula"]
        for backend, sharding in (words.split(" ") for words in EVERYWHERE)
    }
    assert times == {
        ("jax", "automatic"): "1.01", ("torch", "automatic"): "4.01",
        ("jax", "batch"): "2.01", ("torch", "batch"): "1.02",
    }  # fmt: skip


def test_times_and_ratios_where_they_were_measured(own):
    found = shown(stored.over_devices(own))
    timed, other = (found["torch", "dense", "batch", n, "1024"] for n in "24")
    assert timed["time"] == "500 µs"
    assert re.fullmatch(r"0\.500 \[0\.49\d, 0\.50\d\]", timed["/ one device"])
    assert timed["/ elementwise"].startswith("8.00 [")
    assert (other["time"], other["/ one device"]) == ("not measured", "")


def test_in_a_terminal_they_fit_in_80_columns(own):
    text = list(render.text(devices.summary(rows(stored.over_devices(own))), 80))
    assert max(map(len, text)) <= 80
    assert not [line for line in text if "no room" in line]
    titles = [line for line in text if line.startswith("devices")]
    same, grows = ("devices logistic float64, B = 1024: ", "devices logistic float64, B = 512 n: ")
    assert titles == [
        f"{same}formed on a device", f"{same}received by a device",
        f"{same}time / the same on one device", f"{same}time / elementwise on the same devices",
        f"{grows}formed on a device",
    ]  # fmt: skip
    lines = [re.split(r"\s{2,}", line) for line in text]
    assert ["torch dense automatic", "8.05 MiB", "8.03 MiB", "8.02 MiB", "1 to 4"] in lines
    assert ["torch dense automatic", "2.02 MiB", "8.03 MiB", "32 MiB", "1 to 4"] in lines
    assert ["jax dense batch", "1.00", "0.500", "not measured"] in lines


def test_a_size_that_not_all_numbers_of_devices_have_is_no_series(own):
    found = [one for one in own if (one["sharding"][-1], one["B"]) != ("4", 2048)]
    text = "\n".join(render.text(devices.summary(rows(stored.over_devices(found)))))
    assert "B = 1024" in text
    assert "512 n" not in text


def test_one_device_has_its_table_but_no_figure_and_no_sentence():
    made = stored.over_devices(stored.shards(((1, 512), (1, 1024))))
    assert len(shown(made)) == 2 * len(stored.FORMED)
    assert answer.over_devices(rows(made)) == ""
    assert figures.draw(typed(made), rows(made)) == ([], [])


def test_verdicts_tell_the_shardings_apart_and_only_where_there_are_some(own):
    found = tables.VERDICTS.table(tables.worst(rows(stored.over_devices(own)))).texts
    words = ["backend", "formulation", "sharding"]
    assert len(found) == len(found[words].drop_duplicates()) == 8 * 3
    ordinary = tables.readable(rows(stored.run(*stored.gradients())))
    assert "sharding" not in {column for table in ordinary for column in table.texts}


# --- the sentences


def details(own):
    made = stored.over_devices(own)
    return answer.details(typed(made), rows(made))


def test_what_dense_forms_in_one_sentence(own):
    made = stored.over_devices(own)
    assert answer.answer(typed(made), rows(made)) == [
        "Over 4 devices a dense logistic gradient of 1024 examples forms on each of them 2.02 MiB "
        "in JAX and 8.02 MiB in PyTorch if the framework partitions it, and 1.01 MiB in JAX and "
        "524 KiB in PyTorch if each device computes with its own examples; an elementwise one "
        "forms at most 12 KiB."
    ]
    assert details(own)[0].startswith(f"All {len(own)} rows agree with the reference")


def test_a_partition_that_was_not_measured_is_not_told(own):
    made = stored.over_devices([one for one in own if one["sharding"].startswith("batch")])
    [told] = answer.answer(typed(made), rows(made))
    assert "its own examples; an elementwise" in told
    assert "partitions it" not in told


def test_other_runs_say_nothing_of_devices():
    made = stored.run(*stored.gradients())
    assert not [told for told in answer.answer(typed(made), rows(made)) if "devices" in told]
    assert list(devices.summary(rows(made))) == list(devices.table(rows(made))) == []


def test_what_has_no_time_is_told_once_and_short(own):
    run = typed(stored.over_devices(own))
    names = ", ".join(f"{words}/4" for words in EVERYWHERE)
    assert " ".join(circumstances.missing(run)).strip() == f"no time: {names}: {WHY}"
    assert circumstances.not_measured(run)[0] == f"{names}: no time. {WHY}."
    assert "no row" not in " ".join(circumstances.not_measured(run)), "NumPy shares no batch"


def test_what_was_left_out_for_another_reason_names_its_sharding(own):
    made = stored.over_devices(own)
    made["left_out"].append(stored.left_out("B = 8: needs 9 GB") | {"sharding": "batch/4"})
    lines = circumstances.missing(typed(made))
    assert "left out: torch step jacrev batch/4: B = 8: needs 9 GB" in lines


def test_nothing_else_is_missed_in_such_a_run(own):
    made = stored.over_devices(own)
    drawings, missed = figures.draw(typed(made), rows(made))
    assert ([d.name for d in drawings], missed) == (["devices_logistic_float64"], [])
    assert figures.draw(typed(stored.run()), rows(stored.run()))[1]


def test_the_pages_have_a_section_of_it(own, tmp_path):
    path = tmp_path / "0001_full.json"
    path.write_text(json.dumps(stored.over_devices(own)))
    lines = report.write(path)
    assert not [line for line in lines if line.startswith("No figure")]
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    section = text.split("\n## Over several devices\n")[1].split("\n## ")[0]
    assert "](0001_full_devices_logistic_float64.svg)" in section
    assert "| B^2/n: 2 MiB |" in re.sub(" +", " ", section)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<h2>Over several devices" in page
    assert "2.02 MiB" in page
    assert "1 all-gather 8 KiB, 1 all-reduce 40 B" in (tmp_path / "0001_full.txt").read_text()


# --- two runs, and several processes


def test_two_runs_are_compared_by_sharding():
    """Rows that differ in nothing else, with a ratio to the baseline: A and B have them swapped."""
    made = []
    for first, second in (("batch/2", "automatic/2"), ("automatic/2", "batch/2")):
        facts = [{"kind": "sharded", "B": 8, "sharding": sharding} for sharding in (first, second)]
        words = "logistic jax run cpu dense float64"
        made.append(stored.run(
            stored.row("devices", words, 1.0, {"baseline": 2.0}, **facts[0]),
            stored.row("devices", words, 1.0, {"baseline": 8.0}, **facts[1]),
        ))  # fmt: skip
    found = compare.changes(*map(rows, made))
    assert found.sharding.to_list() == ["batch/2", "automatic/2"]
    assert found.change.to_list() == pytest.approx([4.0, 0.25], rel=1e-2)
    [table] = compare.tables(found)
    assert table.texts.cell.to_list() == ["jax run dense batch/2", "jax run dense automatic/2"]


def part(own, **conditions):
    """The run of one process, which may have other conditions."""
    made = stored.over_devices(own)
    process = made["processes"][0]
    made["processes"] = [process | {"conditions": stored.CONDITIONS | conditions}]
    for row in made["benchmarks"]:
        facts = row["extra_info"]
        facts["beside"] = {name: [1.0] for name in facts["log_ratio"]}
        row["stats"] = {"data": [1.0, 1.0], "median": 1.0, "q1": 1.0, "q3": 1.0}
        facts["calls"] = 1
    return made


def test_conditions_are_compared_for_one_number_of_devices(own):
    """How many threads and settings a process has follows from the number of its devices."""
    one, two = ([s for s in own if s["sharding"][-1] == n and s["backend"] == "jax"] for n in "12")
    both = "1 in each pool, 2 of 2 processors"
    made = merge([part(one), part(two, threads=both), part(two, threads=both)])
    assert {row["extra_info"]["conditions"] for row in made["benchmarks"]} == {""}
    assert len(made["benchmarks"]) == len({json.dumps(s) for s in [*one, *two]})
    made = merge([part(one), part(two, threads=both), part(two, threads="4 in each pool")])
    told = {row["extra_info"]["conditions"] for row in made["benchmarks"]}
    assert told == {"", differences({"threads": both}, {"threads": "4 in each pool"})}


def test_the_number_that_torchrun_draws_is_no_condition():
    assert "TORCHELASTIC_RUN_ID".endswith(NO_CONDITION)
