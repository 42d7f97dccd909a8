"""The backends of examples/, named by their paths as readers would name their own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MISSING = {
    "native": "no C compiler",
    "autograd": "No module named 'autograd'",
    "optax": "No module named ",
    "nn": "No module named 'torch'",
}
LOADED = """
import backends, numpy
backends.load(backends.add("examples/native_backend.py"))
print("denormal", numpy.float64(1e-310) * 1.0 != 0)
"""


def python(*arguments, **environment):
    """A run of Python in the repository, with changes to the environment."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=os.environ | environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def conformance(name, *options, **environment):
    """The conformance tests of an example; skipped, with its reason, where it is not usable."""
    path = f"examples/{name}_backend.py"
    command = ["-m", "pytest", "tests/conformance", "-q", "-p", "no:cacheprovider"]
    done = python(*command, "--backend", path, *options, **environment)
    if MISSING[name] in done.stderr:
        pytest.skip(done.stderr.strip())
    return done


def passed(done):
    """How many tests passed; all of them must."""
    assert done.returncode == 0, done.stdout + done.stderr
    return int(re.search(r"(\d+) passed", done.stdout)[1])


def test_the_c_loop_passes(tmp_path):
    dtypes = "--dtype", "float64", "--dtype", "float32"
    assert passed(conformance("native", *dtypes, XDG_CACHE_HOME=str(tmp_path))) > 80
    assert len(list(tmp_path.glob("diagjac/*"))) == 2  # a library for each dtype, nothing else


@pytest.mark.slow
def test_the_other_library_passes():
    """With the published logistic run once only: it takes 2 s."""
    chosen = "autodiff and every_state or not (published and logistic)"
    assert passed(conformance("autograd", "-k", chosen)) > 100


@pytest.mark.slow
@pytest.mark.parametrize("name", ["optax", "nn"])
def test_what_people_write_passes(name):
    assert passed(conformance(name)) > 70


def test_the_c_loop_needs_no_cache(tmp_path):
    """A file in place of the folder: nothing can be written, as in a read-only folder."""
    place = tmp_path / "file"
    place.touch()
    done = conformance("native", "-k", "wide and gradient", XDG_CACHE_HOME=str(place))
    assert passed(done) > 0


def test_denormals_survive_the_loading():
    """A library linked with -ffast-math would flush them to zero in the whole process."""
    done = python("-c", LOADED)
    if MISSING["native"] in done.stderr:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.stdout == "denormal True\n", done.stderr


def test_without_a_compiler_the_reason_is_given():
    done = python("-c", LOADED, CC="no-such-compiler")
    assert "no C compiler: no-such-compiler is not found" in done.stderr


def test_the_flags_of_the_environment_reach_the_compiler():
    done = python("-c", LOADED, CFLAGS="-no-such-flag")
    if MISSING["native"] in done.stderr:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert re.search("native.c does not compile: .*-no-such-flag", done.stderr), done.stderr


@pytest.mark.parametrize("B", [32, 256])
def test_the_lesson_runs_with_numpy_alone(tmp_path, B):
    """With the student's own B, in a process in which nothing else can be imported."""
    lesson = (ROOT / "examples" / "lesson.py").read_text(encoding="utf-8")
    assert lesson.count("B = 256  #") == 1
    (tmp_path / "lesson.py").write_text(lesson.replace("B = 256  #", f"B = {B}  #"))
    done = subprocess.run(
        [sys.executable, "-W", "error", "lesson.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "dense and elementwise agree to the last bit" in done.stdout
    assert f"B = {B}: a matrix takes {8 * B * B / 2**20:.2f} MiB" in done.stdout
