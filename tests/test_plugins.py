"""Options, plugins and variables of other people: they work, or are refused in one line."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.measure import environment, pytest_options
from benchmarks.measure.pytest_options import HARMLESS, OPTIONS, check
from tests.test_readme import shown

ROOT = Path(__file__).parents[1]
SHORT = ("--backend=numpy", "--model=linear", "--formulation=elementwise", "-kB32", "--no-report")
EAGER = "benchmarks/bench_gradient.py"


def measured(tmp_path, *options, **variables):
    """How pytest --benchmark-only ended on one short row, and the run that it stored, or None."""
    path = tmp_path / "run.json"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--benchmark-only", EAGER, *SHORT, *options,
         f"--benchmark-json={path}"],
        cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done, json.loads(path.read_text()) if path.exists() else None


# --- refused


def given(**options):
    """A configuration of pytest with these options."""
    return SimpleNamespace(option=SimpleNamespace(**options))


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_that_would_spoil_times_is_refused_with_a_reason(monkeypatch, name):
    monkeypatch.setattr(pytest_options, "instrument", lambda: "")  # these tests may be watched
    value = {"benchmark_timer": "time.process_time"}.get(name, "7")
    with pytest.raises(ValueError, match="not with --benchmark-only: ") as error:
        check(given(**{name: value}))
    assert str(error.value).startswith("-")
    assert str(error.value).endswith(OPTIONS[name])
    check(given(**{name: HARMLESS.get(name)}))


REFUSED = {  # as somebody would type them; each takes two seconds, so that most are slow tests
    "--benchmark-timer=time.process_time": "--benchmark-timer: ",
    "--benchmark-warmup=on": "--benchmark-warmup: ",
    "--benchmark-calibration-precision=1": "--benchmark-calibration-precision: ",
    "--benchmark-min-rounds=50": "--benchmark-min-rounds: ",
    "--benchmark-disable-gc": "--benchmark-disable-gc: ",
    "--benchmark-autosave": "--benchmark-autosave: ",
    "--benchmark-save=mine": "--benchmark-save: ",
    "--benchmark-save-data": "--benchmark-save-data: ",
    "--benchmark-compare": "--benchmark-compare: ",
    "--benchmark-compare-fail=min:5%": "--benchmark-compare-fail: ",
    "--benchmark-histogram": "--benchmark-histogram: ",
    "--benchmark-cprofile=tottime": "--benchmark-cprofile: ",
    "--benchmark-verbose": "--benchmark-verbose: ",
    "-n2": "-n: ",
}


@pytest.mark.parametrize(
    "typed",
    [*list(REFUSED)[:2], *(pytest.param(t, marks=pytest.mark.slow) for t in list(REFUSED)[2:])],
)
def test_what_is_typed_is_refused_in_one_line_before_anything_is_measured(tmp_path, typed):
    done, stored = measured(tmp_path, typed)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert stored is None
    [line] = [line for line in done.stderr.splitlines() if line.strip()]
    assert line.startswith(f"ERROR: {REFUSED[typed]}not with --benchmark-only: ")


def test_without_benchmarks_the_options_are_those_of_pytest_benchmark():
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--collect-only", "tests/test_schema.py",
         "--benchmark-disable-gc"], cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


PLUGIN = """
{code}

def pytest_addoption(parser):
    for name in ("--reruns", "--count", "--timeout-method", "--codspeed", "--memray"):
        parser.addoption(name, type=int if name in ("--reruns", "--count") else str)
"""
AT_IMPORT = {
    "import sys; sys.settrace(lambda *given: None)": "a trace function (coverage, a debugger) is ",
    "import sys; sys.setprofile(lambda *given: None)": "a profile function is active: ",
    "import numpy": "numpy was imported before the number of threads could be set",
}
BY_OPTION = {
    "--reruns=2": "--reruns: not with --benchmark-only: ",
    "--count=3": "--count: not with --benchmark-only: ",
    "--timeout-method=thread": "--timeout-method thread: ",
    "--codspeed=yes": "--codspeed: not with --benchmark-only: ",
    "--memray=yes": "--memray: not with --benchmark-only: ",
}


@pytest.mark.parametrize(
    ("code", "option"),
    [*((code, "-q") for code in AT_IMPORT), ("", "--reruns=2"),
     *(pytest.param("", option, marks=pytest.mark.slow) for option in BY_OPTION)],
)  # fmt: skip
def test_a_plugin_that_would_spoil_times_is_refused(tmp_path, code, option):
    """As coverage, pytest-randomly, -rerunfailures, -repeat, -timeout, -codspeed and -memray do."""
    (tmp_path / "other_plugin.py").write_text(PLUGIN.format(code=code))
    done, stored = measured(tmp_path, "-p", "other_plugin", option, PYTHONPATH=str(tmp_path))
    assert done.returncode == pytest.ExitCode.USAGE_ERROR, done.stdout + done.stderr
    assert f"ERROR: {AT_IMPORT.get(code) or BY_OPTION[option]}" in done.stderr
    assert stored is None


def test_no_tool_watches_these_tests():
    assert pytest_options.instrument() in ("", "a trace function (coverage, a debugger)")


# --- works


WORKS = {
    "--benchmark-quiet": {},
    "--benchmark-sort=name": {},
    "--benchmark-columns=median": {},
    "--benchmark-group-by=name": {},
    "--benchmark-time-unit=ms": {},
    "--benchmark-timer=time.perf_counter": {},
    "-x": {},
    "-v": {},
    "-s": {},
    "-rA": {},
    "--tb=no": {},
    "--color=yes": {},
    "--durations=3": {},
    "-pno:cacheprovider": {},
    "-Wdefault": {},
    "--strict-config": {"PYTHONDEVMODE": "1"},
    "--capture=no": {"PYTHONUNBUFFERED": "1"},
    "--import-mode=importlib": {"PYTHONOPTIMIZE": "0"},
}


@pytest.mark.slow
@pytest.mark.parametrize("option", WORKS)
def test_an_option_that_changes_no_time_works(tmp_path, option):
    done, stored = measured(tmp_path, option, **WORKS[option])
    assert done.returncode == 0, done.stdout + done.stderr
    assert [row["extra_info"]["void"] for row in stored["benchmarks"]] == [""]


def test_a_run_in_which_no_row_has_a_time_is_stored_with_the_reasons(tmp_path):
    """As without a C++ compiler, or with caches on a mount without execution."""
    source = (ROOT / "backends" / "numpy_backend.py").read_text()
    (tmp_path / "broken_backend.py").write_text(
        source + "\n\ndef make_gradient(*words):\n    raise OSError('no compiler is found')\n"
    )
    done, stored = measured(tmp_path, f"--backend={tmp_path / 'broken_backend.py'}",
                            "--backend=broken")  # fmt: skip
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    reasons = {row["backend"]: row["void"] for row in stored["void"]}
    assert reasons["broken"] == "OSError: no compiler is found"


@pytest.mark.slow
def test_options_and_plugins_of_the_user_do_not_reach_the_processes_of_a_run(tmp_path):
    """They would choose rows, or change times; the run would not know."""
    (tmp_path / "other_plugin.py").write_text("raise RuntimeError('it was loaded')")
    path = tmp_path / "run.json"
    others = {"PYTEST_ADDOPTS": "-k nothing", "PYTEST_PLUGINS": "other_plugin",
              "PYTHONPATH": str(tmp_path)}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "run", "--backend=numpy", "--processes=1", "--quick",
         "--model=linear", "--formulation=elementwise", "-kB32", f"--benchmark-json={path}"],
        cwd=ROOT, env=os.environ | others, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(json.loads(path.read_text())["benchmarks"]) == 1


# --- what is compiled


def test_the_cache_of_numba_is_found_by_options_and_sources(monkeypatch, tmp_path):
    """Numba's own key is the file of the function alone."""
    (tmp_path / "backends").mkdir()
    source = tmp_path / "backends" / "numba_backend.py"
    source.write_text("one")
    for name in [name for name in os.environ if name.startswith("NUMBA_")]:
        monkeypatch.delenv(name)
    keys = [environment.numba_key(tmp_path)]
    monkeypatch.setenv("NUMBA_NUM_THREADS", "7")
    assert environment.numba_key(tmp_path) == keys[0], "the code is the same"
    monkeypatch.setenv("NUMBA_OPT", "0")
    keys.append(environment.numba_key(tmp_path))
    monkeypatch.setenv("NUMBA_CPU_FEATURES", "-avx512f")
    keys.append(environment.numba_key(tmp_path))
    source.write_text("two")
    keys.append(environment.numba_key(tmp_path))
    (tmp_path / "backends" / "vector_math.py").write_text("exp")
    keys.append(environment.numba_key(tmp_path))
    assert len({*keys}) == 5


def test_caches_are_placed_once(monkeypatch, tmp_path):
    """A worker of pytest-xdist gets the environment of its parent, which has placed them."""
    for name in environment.CACHES:
        monkeypatch.setenv(name, str(tmp_path / name))
    environment.place_caches(ROOT)
    folder = os.environ["NUMBA_CACHE_DIR"]
    assert folder == str(tmp_path / "NUMBA_CACHE_DIR" / environment.numba_key(ROOT))
    environment.place_caches(ROOT)
    assert os.environ["NUMBA_CACHE_DIR"] == folder


def test_the_cache_of_inductor_is_found_by_instructions(monkeypatch, tmp_path):
    for name in environment.CACHES:
        monkeypatch.setenv(name, str(tmp_path / name))
    given = str(tmp_path / "TORCHINDUCTOR_CACHE_DIR")
    monkeypatch.delenv("ATEN_CPU_CAPABILITY", raising=False)
    environment.place_caches(ROOT)
    assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == given
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "avx2")
    environment.place_caches(ROOT)
    environment.place_caches(ROOT)
    assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(Path(given, "avx2"))
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR")
    environment.place_caches(ROOT)
    assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(ROOT / ".cache" / "inductor" / "avx2")


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("torch"), reason="torch is not installed")
def test_what_inductor_compiled_for_other_instructions_is_not_used(tmp_path):
    """Without folders of their own, what was compiled for AVX-512 gives wrong numbers with AVX2."""
    own = {"TORCHINDUCTOR_CACHE_DIR": str(tmp_path)}
    for given in ({}, {"ATEN_CPU_CAPABILITY": "avx2"}, {"ATEN_CPU_CAPABILITY": "default"}):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "tests/conformance/test_gradient.py",
             "--backend=torch", "--model=logistic", "--formulation=fused", "--execution=step",
             "-mnot slow", "-keven"],
            cwd=ROOT, env=os.environ | own | given, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{given} {done.stdout[-2000:]}{done.stderr}"


@pytest.mark.slow
@pytest.mark.parametrize(
    "variable", ["JAX_NUMPY_RANK_PROMOTION=raise", "JAX_NUMPY_DTYPE_PROMOTION=strict",
                 "JAX_ENABLE_X64=0", "JAX_DEFAULT_MATMUL_PRECISION=bfloat16",
                 "NPY_PROMOTION_STATE=weak",
                 "PYTHONHASHSEED=1", "PYTHONWARNINGS=error", "PYTHONDONTWRITEBYTECODE=1"],
)  # fmt: skip
def test_a_variable_that_people_set_breaks_nothing(variable):
    name, value = variable.split("=")
    backend = "jax" if find_spec("jax") else "numpy"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/conformance/test_gradient.py",
         f"--backend={backend}", "--model=logistic", "-mnot slow", "-keven"],
        cwd=ROOT, env=os.environ | {name: value}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr


# --- other programs that read a stored run


def published():
    return json.loads(shown().read_text(encoding="utf-8"))


def test_other_programs_find_every_row_by_a_unique_name():
    """As github-action-benchmark and Bencher do, which take the name as a key."""
    rows = published()["benchmarks"]
    assert len({row["fullname"] for row in rows}) == len(rows)
    assert len({row["name"] for row in rows}) == len(rows)


def test_other_programs_find_the_seconds_of_one_call():
    for row in published()["benchmarks"]:
        stats = row["stats"]
        assert stats["min"] <= stats["median"] <= stats["max"]
        assert stats["ops"] * stats["mean"] == pytest.approx(1)
        assert {"stddev", "rounds", "iqr"} < stats.keys()  # which their formats show


def test_pytest_benchmark_compares_a_stored_run():
    done = subprocess.run(
        [Path(sys.executable).with_name("pytest-benchmark"), "compare", shown(),
         "--columns=median"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("test_gradient") > 100
