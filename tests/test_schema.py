"""Stored files: older ones are read, unknown fields survive, later ones are refused."""

import ast
import json
from pathlib import Path

import pytest

from benchmarks.analyse.merge import merge
from benchmarks.analyse.process import complete
from benchmarks.show import report
from benchmarks.store import run as stored_run
from benchmarks.store.files import Mistake
from benchmarks.store.schema import CURRENT, upgraded
from tests import stored

ROOT = Path(__file__).parents[1]
FOREIGN = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}


@pytest.fixture
def read(tmp_path):
    """Store a run as a file and read it."""

    def read(run):
        path = tmp_path / "0001_full.json"
        path.write_text(json.dumps(run))
        return stored_run.read(path)

    return read


def test_an_older_run_is_read_as_one_of_today(read):
    """Version 2 had no kinds, and called a block an epoch and C a limit."""
    run, old = stored.whole(), stored.whole() | {"schema": 2}
    for one in (run, old):  # no batch was shared then
        one["benchmarks"] = [r for r in one["benchmarks"] if r["extra_info"]["kind"] != "sharded"]
    for row in (*(r["extra_info"] for r in old["benchmarks"]), *old["void"]):
        del row["kind"]
        row["execution"] = {"block": "epoch"}.get(row["execution"], row["execution"])
    for row in old["benchmarks"]:
        for word in ("ratio", "log_ratio"):
            others = row["extra_info"][word]
            row["extra_info"][word] = {{"C": "limit"}.get(o, o): v for o, v in others.items()}
    assert "epoch" in str(old)
    assert "limit" in str(old)
    assert read(old) == run
    assert {r["extra_info"]["kind"] for r in run["benchmarks"]} == {
        "gradient", "training", "large", "life",
    }  # fmt: skip


@pytest.mark.parametrize("schema", [1, None])
def test_a_version_that_was_never_published_is_refused(read, schema):
    with pytest.raises(Mistake, match=f"its schema is {schema}; one of: 2, 3, 4$"):
        read(stored.run(schema=schema))


def test_a_row_of_no_known_kind_is_refused(read):
    run = stored.run(*stored.gradients())
    run["benchmarks"][1]["extra_info"]["kind"] = "other"
    with pytest.raises(Mistake, match=r"'other' - at `\$\.benchmarks\[1\]\.extra_info\.kind`$"):
        read(run)


def test_every_published_run_is_read_and_shown(tmp_path):
    """Of whatever version."""
    published = list((ROOT / "results").glob("*/[0-9]*.json"))
    assert published
    for path in published:
        copy = tmp_path / path.name
        copy.write_bytes(path.read_bytes())
        assert report.write(copy)
        assert copy.read_bytes() == path.read_bytes()


def test_a_run_of_this_version_has_its_number():
    run = {"benchmarks": []}
    complete(run, [], False, {"name": "numpy", "conditions": {}})
    assert run["schema"] == CURRENT
    assert upgraded(run) == run


def test_unknown_fields_survive(read):
    """In the run, a row, its statistics, a process and a row that was left out."""
    run = stored.whole()
    row = run["benchmarks"][0]
    places = (run, row, row["extra_info"], row["stats"], run["processes"][0], run["left_out"][0])
    for place in places:
        place["of a later day"] = {"kept": [1]}
    assert read(run).items() >= {**run, "schema": CURRENT}.items()


def test_unknown_fields_of_a_part_survive_the_merging():
    from tests.test_store import measured, part

    one, other = part(measured()), part(measured())
    for run in (one, other):
        run["of a later day"] = run["benchmarks"][0]["new"] = "kept"
        run["benchmarks"][0]["extra_info"]["new"] = run["processes"][0]["new"] = "kept"
    merged = merge([one, other])
    row = merged["benchmarks"][0]
    assert merged["of a later day"] == row["new"] == row["extra_info"]["new"] == "kept"
    assert [process["new"] for process in merged["processes"]] == ["kept", "kept"]


@pytest.mark.parametrize("version", [0, CURRENT + 1, -1])
def test_a_later_version_is_refused_with_those_that_are_known(read, version):
    with pytest.raises(Mistake, match=f"its schema is {version}; one of: 2, 3, 4$"):
        read(stored.run(schema=version))


def python_files():
    folders = ("reference", "backends", "benchmarks", "diagjac", "examples", "tests")
    return [path for name in folders for path in (ROOT / name).rglob("*.py")]


def test_nothing_is_stored_as_code():
    """Neither pickles nor NumPy's files of objects are read or written."""
    for path in python_files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                modules = {alias.name for alias in node.names} | {getattr(node, "module", "")}
                assert not modules & FOREIGN, path
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in ("torch.load", "torch.save", "eval", "exec"), path
                assert called != "np.load" or "allow_pickle=False" in ast.unparse(node), path
