"""A stored run as a table: the numbers that the report shows, in every format."""

import json

import pytest

from benchmarks.__main__ import main
from tests import stored

pd = pytest.importorskip("pandas")
frame = pytest.importorskip("benchmarks.analyse.frame")
READERS = {"csv": pd.read_csv, "parquet": pd.read_parquet}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "0001_full.json"
    path.write_text(json.dumps(stored.whole()))
    return path


def test_a_run_is_a_table_with_its_intervals(path):
    rows, run = frame.load_run(path), json.loads(path.read_text())
    untimed = [one for one in run["shards"] if one["not_timed"]]
    assert len(rows) == len(run["benchmarks"]) + len(untimed) + len(run["void"])
    for row, info in zip(rows.to_dict("records"), run["benchmarks"], strict=False):
        assert [row[word] for word in stored.WORDS] == [info["extra_info"][w] for w in stored.WORDS]
        assert row["seconds"] == info["stats"]["median"]
        if ratio := info["extra_info"]["ratio"].get("baseline"):
            names = ("/ reference", "/ reference low", "/ reference high")
            assert [row[name] for name in names] == ratio
    [void] = rows[rows.void != ""].to_dict("records")
    assert void["void"] == "it is wrong"
    assert pd.isna(void["seconds"])


@pytest.mark.parametrize("suffix", READERS)
def test_a_file_holds_the_same(path, tmp_path, suffix):
    to = tmp_path / f"rows.{suffix}"
    assert main(["export", str(path), str(to)]) == 0
    found, rows = READERS[suffix](to), frame.load_run(path)
    assert list(found.columns) == list(rows.columns)
    pd.testing.assert_series_equal(found.seconds, rows.seconds, check_exact=True)


def test_markdown_has_a_line_for_each_row(path, tmp_path):
    to = tmp_path / "rows.md"
    assert main(["export", str(path), str(to)]) == 0
    assert len(to.read_text(encoding="utf-8").splitlines()) == 2 + len(frame.load_run(path))


def test_another_suffix_is_a_mistake(path, tmp_path, capsys):
    assert main(["export", str(path), str(tmp_path / "rows.xls")]) == 2
    assert "a file that ends in .csv, .parquet, .md" in capsys.readouterr().err
    assert not (tmp_path / "rows.xls").exists()
