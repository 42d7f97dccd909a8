"""Where your own runs are stored: one folder for each machine, which git ignores."""

import subprocess
from pathlib import Path

import pytest

from benchmarks.show import report
from benchmarks.store import machine, variables
from benchmarks.store.run import next_path

ROOT = Path(__file__).parents[1]


def folder(monkeypatch, tmp_path, name):
    """The folder of a machine whose processor has this name."""
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\nmodel name\t: {name}\nflags\t: fpu\n")
    monkeypatch.setattr(machine, "CPUINFO", cpuinfo)
    return machine.machine_folder(tmp_path)


def test_two_processors_have_two_folders(monkeypatch, tmp_path):
    one = folder(monkeypatch, tmp_path, "AMD EPYC (1st)/..")
    other = folder(monkeypatch, tmp_path, "Made Up 9000")
    assert one.parent == other.parent == tmp_path / "own"
    assert one.name.startswith("AMD-EPYC-1st-")
    assert other.name.startswith("Made-Up-9000-")
    assert one.name[-8:] != other.name[-8:]


def test_an_allocator_has_its_own_folder(monkeypatch, tmp_path):
    before = folder(monkeypatch, tmp_path, "A processor")
    monkeypatch.setattr(variables, "GIVEN", {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"})
    assert folder(monkeypatch, tmp_path, "A processor") != before


def test_git_ignores_own_runs_and_pages():
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    published = max(ROOT.glob("results/*/[0-9]*_full.json"))
    paths = [next_path(ROOT / "results", True), published.with_name("report.html"), published]
    done = subprocess.run(
        ["git", "check-ignore", *map(str, paths)], cwd=ROOT, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == [str(path) for path in paths[:2]]


def test_the_newest_own_run_comes_before_a_published_one(tmp_path):
    published, own = tmp_path / "a" / "0009_full.json", tmp_path / "own" / "b" / "0001_full.json"
    for path in (published, own):
        path.parent.mkdir(parents=True)
    published.touch()
    assert report.newest_own(tmp_path) == [published]
    own.touch()
    assert report.newest_own(tmp_path) == [own]
