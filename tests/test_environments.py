"""It runs with some frameworks or none, in any folder and locale, and without write permission."""

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests import stored
from tests.guests import guest

ROOT = Path(__file__).parents[1]
FRAMEWORKS = "numba", "jax", "torch"
TRAIN = """
import sys
import backends
from benchmarks.measure.calls import to_numpy, train_call, training_problem
from reference.agreement import compare
print(sorted({cell.backend for cell in backends.cells()}))
for name, why in backends.unavailable().items():
    print(name, why)
for cell in backends.cells(backend=sys.argv[1:], model=["linear"], formulation=["elementwise"])[:1]:
    problem, expected = training_problem("linear", "float64", True)
    verdict = compare(problem, to_numpy(cell, train_call(cell, problem)()), expected)
    assert verdict.passed, str(verdict)
"""


def python(*arguments, cwd=ROOT, **variables):
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=cwd, env=os.environ | variables,
        capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def raising(folder, name, error):
    """A package of that name which fails when it is imported."""
    (folder / f"{name}.py").write_text(f"raise {error}\n")


# --- frameworks


@pytest.mark.parametrize("kept", [(), *[(name,) for name in FRAMEWORKS], FRAMEWORKS])
def test_any_frameworks_alone_and_all_of_them(tmp_path, kept):
    for name in set(FRAMEWORKS) - set(kept):
        raising(tmp_path, name, f"ModuleNotFoundError(\"No module named '{name}'\")")
    there = [name for name in kept if find_spec(name)]
    out = python("-W", "error", "-c", TRAIN, "numpy", *there, PYTHONPATH=str(tmp_path))
    first, *rest = out.splitlines()
    assert first == str(sorted(["numpy", "reference", *there]))
    assert {line.split(" ")[0] for line in rest} == set(FRAMEWORKS) - set(there)
    assert all("No module named" in line for line in rest)


FAILING = {
    "an error": ("RuntimeError('no driver')", "jax RuntimeError: no driver"),
    "an exit": ("SystemExit(3)", "jax SystemExit: 3"),
    "a missing library": ("ImportError('libx.so: cannot open')", "jax ImportError: libx.so: can"),
    "a warning": ("DeprecationWarning('old')", "jax DeprecationWarning: old"),
}


@pytest.mark.parametrize("case", FAILING)
def test_one_that_fails_at_import_leaves_the_others(tmp_path, case):
    error, told = FAILING[case]
    raising(tmp_path, "jax", error)
    for name in ("numba", "torch"):
        raising(tmp_path, name, "ModuleNotFoundError()")
    out = python("-c", TRAIN, "numpy", PYTHONPATH=str(tmp_path))
    assert out.startswith("['numpy', 'reference']\n")
    assert told in out


@pytest.mark.parametrize("reading", ["True", "False"])
def test_one_that_is_too_old_is_named_with_both_versions(tmp_path, reading):
    (tmp_path / "jax-0.4.1.dist-info").mkdir()
    (tmp_path / "jax-0.4.1.dist-info" / "METADATA").write_text("Name: jax\nVersion: 0.4.1\n")
    if not find_spec("jax"):
        (tmp_path / "jax.py").touch()
        (tmp_path / "jaxlib.py").touch()
    code = f"import backends; print(backends.unavailable(importing={reading})['jax'])"
    out = python("-c", code, PYTHONPATH=str(tmp_path))
    assert "jax 0.4.1 is installed, jax>=" in out
    assert out.endswith("is needed; pip install -e '.[jax]' installs what it needs\n")


# --- folders, locales, networks


@pytest.fixture
def elsewhere(tmp_path):
    """Another directory, with a space in its path and a stored run."""
    folder = tmp_path / "with a space" / "results"
    folder.mkdir(parents=True)
    (folder / "0001_full.json").write_text(json.dumps(stored.whole()))
    return folder.parent


@pytest.mark.slow
def test_pytest_started_from_another_directory(elsewhere):
    """It finds the checkout by the path that it is given."""
    path = ROOT / "tests" / "test_selection.py"
    out = python("-m", "pytest", "-q", path, "-kapart", "--backend=numpy", cwd=elsewhere)
    assert "1 passed" in out


@pytest.mark.slow
def test_commands_started_from_another_directory(elsewhere):
    """No module of the project is installed: PYTHONPATH names the checkout."""
    there = {"cwd": elsewhere, "PYTHONPATH": str(ROOT)}
    out = python("-m", "benchmarks", "report", "results/0001_full.json", **there)
    assert "wrote results/report.html" in out
    guest(elsewhere, "own", "pass")
    out = python(
        "-m", "benchmarks", "run", "--quick", "--backend", "own_backend.py", "--processes", "1",
        "--model", "linear", "-k", "B32", "--benchmark-json", "new/run.json", **there,
    )  # fmt: skip
    assert f"runs the code of {elsewhere / 'own_backend.py'}" in out
    rows = json.loads((elsewhere / "new" / "run.json").read_text())["benchmarks"]
    assert {row["extra_info"]["backend"] for row in rows} == {"own"}


@pytest.mark.slow
def test_a_locale_that_is_not_utf8(elsewhere):
    path = elsewhere / "results" / "0001_full.json"
    python("-m", "benchmarks", "report", path, PYTHONUTF8="1")
    expected = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    python("-m", "benchmarks", "report", path, **plain)
    assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == expected


OFFLINE = """
import sys
def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "urllib.Request"):
        raise SystemExit(f"the network: {event} {arguments}")
sys.addaudithook(refuse)
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_no_network(tmp_path):
    """Every backend is measured and shown in a process that ends when it asks for a connection."""
    words = "--benchmark-only", "--quick", "--model=linear", "--formulation=elementwise"
    path = tmp_path / "run.json"
    out = python("-c", OFFLINE, *words, "-kB32-", f"--benchmark-json={path}")
    assert "the network" not in out
    assert (tmp_path / "report.html").exists()


def test_no_place_for_caches(tmp_path):
    """Neither HOME nor the named folders can be written: compiled code is kept for the process."""
    nowhere = "/proc/nowhere" if os.path.isdir("/proc") else str(tmp_path / "file" / "nowhere")
    (tmp_path / "file").touch()
    names = "HOME", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR", "JAX_COMPILATION_CACHE_DIR"
    path = ROOT / "tests" / "conformance" / "test_contract.py"
    words = ["--backend=jax", "--execution=step"] if find_spec("jax") else ["--backend=numpy"]
    words += ["--model=linear", "--formulation=elementwise"]
    out = python(
        "-m", "pytest", "-q", path, *words, "-k", "unchanged", *["-p", "no:cacheprovider"],
        **dict.fromkeys(names, nowhere), TMPDIR=str(tmp_path),
    )  # fmt: skip
    assert " passed" in out
    assert not list(tmp_path.glob("diagjac-*")), "the process has removed them"


@pytest.mark.slow
def test_a_checkout_that_cannot_be_written(tmp_path):
    """Run by a user without write permission. Root has it always, unless it gives up its rights."""
    enter = ["unshare", "--user"] if os.geteuid() == 0 else []
    if enter and not (shutil.which("unshare") and subprocess.call([*enter, "true"]) == 0):
        pytest.skip("root may write everywhere, and cannot give up its rights here")
    for name in ("reference", "backends", "benchmarks", "tests", "examples"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    folders = [tmp_path, *(path for path in tmp_path.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    done = subprocess.run(
        [*enter, sys.executable, "-m", "pytest", "-q", "tests/conformance/test_contract.py",
         "--model=linear", "--formulation=elementwise", "-kunchanged",
         *(["--backend=numba", "--execution=step"] if find_spec("numba") else ["--backend=numpy"])],
        cwd=tmp_path, env=os.environ | {"HOME": "/proc/nowhere"}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    for folder in folders:
        folder.chmod(0o755)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not list(tmp_path.rglob("*.nbi"))
