"""README.md and the stored report show what the stored run has."""

import json
import re
from pathlib import Path

import pytest

from benchmarks.analyse.frame import rows_of
from benchmarks.show.readme import BEGIN, BLOCK, END, block, rewrite
from benchmarks.store.run import load
from tests import stored

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
MADE = "python -m benchmarks report --readme README.md rewrites it"


def shown():
    """The file of the run that README.md shows."""
    [folder] = set(
        re.findall(r"\]\((results/[^/)]+)/README\.md\)", README.read_text(encoding="utf-8"))
    )
    return max((ROOT / folder).glob("[0-9]*_full.json"))


def test_readme_shows_the_stored_run():
    [found] = BLOCK.findall(README.read_text(encoding="utf-8"))
    path = shown()
    assert found == block(load(path), path, README), MADE


def test_its_links_lead_somewhere():
    [found] = BLOCK.findall(README.read_text(encoding="utf-8"))
    links = re.findall(r"\]\(([^)]+)\)", found)
    assert [Path(link).suffix for link in links] == [".svg", ".md"], "its figure, the run's page"
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_it_fits_a_screen():
    [found] = BLOCK.findall(README.read_text(encoding="utf-8"))
    assert README.read_text(encoding="utf-8").index(found) < 1000, "it is near the top"
    assert len(found.splitlines()) < 50


def test_the_stored_pages_are_those_of_the_run():
    pytest.importorskip("matplotlib")
    page = pytest.importorskip("benchmarks.show.page")
    from benchmarks.show import figures, tables

    path = shown()
    run = load(path)
    rows = tables.prepared(rows_of(run))
    drawings, missing = figures.draw(run, rows)
    stored_page = path.with_name("README.md").read_text(encoding="utf-8")
    assert stored_page == page.readme(page.Shown(run, rows, path, drawings, missing)), MADE
    names = {f"{path.stem}_{drawing.name}.svg" for drawing in drawings}
    assert names == {p.name for p in path.parent.glob(f"{path.stem}_*.svg")}, MADE


def test_the_stored_run_and_its_report_are_small():
    files = [file for file in shown().parent.iterdir() if file.name in tracked(shown())]
    assert sum(file.stat().st_size for file in files) <= 5 * 2**20


def tracked(path):
    """The files that belong to a run, of a folder that may hold others."""
    own = {p.name for p in path.parent.glob(f"{path.stem}[._]*")}
    return own | {"README.md", "verdicts.json", "drawn.json"}


# --- the block


def test_a_block_is_rewritten_and_nothing_else(tmp_path):
    run, path = tmp_path / "results" / "0001_full.json", tmp_path / "README.md"
    run.parent.mkdir()
    run.write_text(json.dumps(stored.whole()))
    path.write_text(f"above\n{BEGIN} x -->\nold\n{END}\nbelow\n")
    rewrite(path, run)
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"above\n{BEGIN} python -m benchmarks report --readme README.md -->\n")
    assert text.endswith(f"{END}\nbelow\n")
    assert "old" not in text


@pytest.mark.parametrize("text", ["", "no block", BEGIN])
def test_without_a_block_it_stays(tmp_path, text):
    run, path = tmp_path / "0001_full.json", tmp_path / "README.md"
    run.write_text("{}")
    path.write_text(text)
    with pytest.raises(ValueError, match=r"README\.md: no block"):
        rewrite(path, run)
    assert path.read_text(encoding="utf-8") == text
