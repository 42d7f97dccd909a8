"""The report as files: from complete runs and from poor ones, and what it leaves unchanged."""

import ast
import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.show import figures, report
from tests import stored

pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")
ROOT = Path(__file__).parents[1]
FIGURES = (
    "gradient_logistic_float64", "gradient_linear_float64", "ratio", "training_times", "life",
    "choice", "distance", "memory", "training_linear_float64", "training_logistic_float64",
    "devices_logistic_float64",
)  # fmt: skip


@pytest.fixture
def write(tmp_path):
    """Store a run as a file and write its report; the lines about it."""

    def write(run, name="0001_full.json", chosen=False):
        path = tmp_path / name
        path.write_text(json.dumps(run))
        return report.write(path, chosen)

    return write


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_every_file_is_written_and_named(tmp_path, write):
    lines = write(stored.whole())
    expected = {"0001_full.json", "0001_full.txt", "README.md", "report.html"}
    expected |= {f"0001_full_{figure}.svg" for figure in FIGURES}
    assert names(tmp_path) == expected
    assert {f"wrote {tmp_path / name}" for name in expected} <= set(lines)
    assert not [line for line in lines if line.startswith("No figure")]


def test_the_same_run_gives_the_same_files(tmp_path, write):
    run = stored.run(*stored.gradients(), *stored.trainings("jax run fused"), stored.life())
    write(run)
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    write(run)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first


def test_in_a_narrow_terminal_the_last_columns_are_left_out(tmp_path, write, monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    printed = write(stored.whole())
    first = printed[: printed.index("")]
    assert first[0].startswith("Training logistic float64")
    assert first[-1].startswith("(no room for: ")
    assert first[-1] == "(no room for: / reference)"
    assert max(map(len, first)) <= 50
    whole = (tmp_path / "0001_full.txt").read_text(encoding="utf-8")
    assert "(no room" not in whole


POOR = {
    "one backend": stored.run(*stored.gradients(), *stored.trainings("numpy eager dense")),
    "one size": stored.run(*stored.gradients(sizes=(256,))),
    "only void": stored.run(void=[stored.void()]),
    "nothing": stored.run(),
    "failed": stored.run(failed=[{"name": "jax", "reason": "no end after 4 s"}]),
    "no matrix": stored.run(*stored.gradients()[1::2]),
    "matrices measured alone": stored.run(*stored.gradients()[::2]),
    "matrices beside nothing": stored.run(
        *(r for r in stored.gradients() if not r["extra_info"]["ratio"].pop("elementwise", None))
    ),
    "training alone": stored.run(*stored.trainings("jax run fused")),
    "life alone": stored.run(stored.life()),
    "large batches alone": stored.run(stored.large(), stored.large(B=4096)),
    "one large batch": stored.run(stored.large(B=4096, F=64)),
    "life of no time": stored.run(stored.life(life=dict.fromkeys(("first run", "steady"), 0.0))),
    "a guest": stored.run(*stored.gradients("<b>$x$_&|` epochs"), *stored.trainings("g run new")),
    "many guests": stored.run(*stored.trainings(*(f"guest{i} run fused" for i in range(9)))),
    "no check": stored.run(
        stored.row("training logistic float64: 1 steps", "logistic numpy eager cpu dense float64",
                   1.0, {}, steps=1, verdict={"passed": True, "obstacle": "", "checks": []})
    ),
    "a missing size": stored.run(*stored.gradients(), *stored.gradients("jax step", (32, 1024))),
    "other conditions": stored.run(
        *stored.gradients(),
        *({**r, "extra_info": r["extra_info"] | {"conditions": "allocator: x"}}
          for r in stored.gradients()),
    ),
    "only other conditions": stored.run(
        *({**r, "extra_info": r["extra_info"] | {"conditions": "allocator: x"}}
          for r in [*stored.gradients(), *stored.trainings("jax run dense")])
    ),
    "no trajectory": stored.run(trajectories=[{"model": "m", "dtype": "d", "loss": []}]),
    "old machine": stored.run(machine_info={}, commit_info={}),
}  # fmt: skip


@pytest.mark.parametrize("run", POOR.values(), ids=POOR)
def test_what_a_run_lacks_is_left_out_with_a_sentence(tmp_path, write, run):
    lines = write(run)
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "GPU: not measured" in readme
    drawn = [path for path in tmp_path.glob("*.svg") if "training_l" not in path.name]
    kinds = {"gradient" if "gradient" in path.name else path.stem for path in drawn}
    sentences = [line for line in lines if line.startswith("No figure")]
    missed = [module for module in figures.FIGURES if module.MISSING]
    modules = len(missed)  # the published runs, left out above, are one of them
    assert len(kinds) + len(sentences) in (modules, modules - 1)
    assert all(sentence in readme.replace("\\", "") for sentence in sentences)
    assert (tmp_path / "report.html").read_text(encoding="utf-8").count("<h2>") >= 3


@pytest.mark.parametrize(
    "name", ["one backend", "one size", "only void", "life alone", "a missing size"]
)
def test_a_missing_figure_is_missed(tmp_path, write, name):
    write(POOR[name])
    found = {path.stem.removeprefix("0001_full_") for path in tmp_path.glob("*.svg")}
    assert found == {
        "one backend": {
            "gradient_logistic_float64", "ratio", "training_times", "distance", "memory",
        },
        "one size": {"gradient_logistic_float64", "ratio", "memory"},
        "only void": set(),
        "life alone": {"life"},
        "a missing size": {"gradient_logistic_float64", "ratio", "memory"},
    }[name]  # fmt: skip


# --- files that are not a complete run

GOOD = json.dumps(stored.whole())
FOREIGN = {
    "empty": "",
    "truncated": GOOD[: len(GOOD) // 2],
    "no object": "[1, 2]",
    "of another program": json.dumps({"a": 1}),
    "another benchmark": json.dumps({"benchmarks": [{"name": "x"}], "machine_info": {}}),
    "no JSON": "<html></html>",
    "no process": json.dumps(stored.whole() | {"processes": []}),
    "text for a time": GOOD.replace('"median": 1e-05', '"median": "soon"'),
    "infinite": GOOD.replace('"median": 1e-05', '"median": Infinity'),
    "half a ratio": json.dumps(
        stored.run(*(r | {"extra_info": r["extra_info"] | {"ratio": {"baseline": [1.0]}}}
                     for r in stored.gradients()))
    ),
    "without memory": GOOD.replace('"matrix_bytes"', '"other"'),
    "without features": GOOD.replace('"features"', '"other"'),
    "a number for a name": GOOD.replace('"backend": "numba"', '"backend": 7'),
}  # fmt: skip


@pytest.mark.parametrize("text", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("command", ["report", "compare"])
def test_another_file_is_one_line_and_changes_nothing(tmp_path, capsys, text, command):
    path = tmp_path / "0001_full.json"
    for name in ("README.md", "report.html", "0001_full.txt", "0001_full_ratio.svg"):
        (tmp_path / name).write_text("of an earlier run")
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()} | {path.name: text.encode()}
    path.write_text(text)
    capsys.readouterr()
    assert main([command, str(path), *[str(path)] * (command == "compare")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    [line] = err.splitlines()
    assert line.startswith(f"{path}: no")
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_a_missing_file_is_one_line(tmp_path, capsys):
    assert main(["report", str(tmp_path / "none.json")]) == 2
    assert capsys.readouterr().err == f"{tmp_path / 'none.json'}: No such file or directory\n"


def test_an_option_that_is_not_there_is_told(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["report", "--wrong"])
    assert "unrecognized arguments: --wrong" in capsys.readouterr().err


# --- what is there already


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("old")

    def fail(self, _):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match=f"No space left on device: '{path}'"):
        report.put(path, "new")
    assert names(tmp_path) == {"report.html"}
    assert path.read_text(encoding="utf-8") == "old"


def test_a_readme_of_somebody_else_stays(tmp_path, write):
    (tmp_path / "README.md").write_text("mine")
    lines = write(stored.run())
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == "mine"
    assert f"left {tmp_path / 'README.md'} as it is: the report did not make it" in lines
    assert (tmp_path / "report.html").exists()


def test_one_of_the_report_is_written_anew(tmp_path, write):
    write(stored.run())
    write(stored.run(*stored.trainings("numba run fused")))
    assert "numba" in (tmp_path / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("chosen", [False, True])
def test_a_quick_run_takes_the_place_of_a_full_one_only_if_named(tmp_path, write, chosen):
    write(stored.run())
    rows = stored.trainings("numba run fused")
    lines = write(stored.run(*rows, quick=True), "0002_quick.json", chosen)
    shown = "0002_quick.json" if chosen else "0001_full.json"
    assert shown in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert ("README.md and report.html stay those of 0001_full.json" in lines) is not chosen
    assert (tmp_path / "0002_quick_training_times.svg").exists()


def test_the_newest_full_run_of_each_machine(tmp_path):
    for name in ("a/0001_full.json", "a/0010_full.json", "a/0011_quick.json", "b/0002_full.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [str(path.relative_to(tmp_path)) for path in report.newest(tmp_path)]
    assert found == ["a/0010_full.json", "b/0002_full.json"]


@pytest.mark.parametrize("module", ["benchmarks.show.figures", "benchmarks.show.page"])
def test_without_what_draws_the_tables_remain(tmp_path, write, monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delattr(module, raising=False)
    lines = write(stored.whole())
    assert names(tmp_path) == {"0001_full.json", "0001_full.txt"}
    [line] = [line for line in lines if line.startswith("no figures and no pages: ")]
    assert "pip install -e '.[bench]'" in line


WITHOUT_PANDAS = """
import sys
sys.modules["pandas"] = None
from benchmarks.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("command", ["report", "compare", "export"])
def test_without_pandas_one_line_names_the_extra(tmp_path, command):
    path = tmp_path / "0001_full.json"
    path.write_text(json.dumps(stored.whole()))
    more = {"report": [], "compare": [str(path)], "export": [str(tmp_path / "rows.csv")]}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_PANDAS, command, str(path), *more[command]],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    [line] = (done.stdout + done.stderr).splitlines()
    assert "pip install -e '.[report]'" in line
    assert names(tmp_path) == {"0001_full.json"}


LATER = {  # what the modules of a folder may not import
    "store": ("benchmarks.measure", "benchmarks.analyse", "benchmarks.show", "pandas"),
    "measure": ("benchmarks.analyse", "benchmarks.show", "pandas"),
    "analyse": ("benchmarks.show",),
    "show": ("backends", "jax", "torch", "numba"),
}


@pytest.mark.parametrize("folder", LATER)
def test_imports_go_one_way(folder):
    """In the source of each module, wherever an import is."""
    files = list((ROOT / "benchmarks" / folder).rglob("*.py"))
    assert len(files) > 3
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in getattr(node, "names", [])]
            from_where = getattr(node, "module", None) or ""
            found = names if isinstance(node, ast.Import) else [f"{from_where}.{n}" for n in names]
            wrong = [n for n in found for later in LATER[folder] if f"{n}.".startswith(f"{later}.")]
            assert not wrong, file
