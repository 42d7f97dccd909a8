"""Tests of the conformance tests: backends that are wrong on purpose must fail them.

Each mutant of tests/mutants.py is judged, as a file of its own, by the same tests that judge the
real backends. A mutant that passes shows a test that is missing.
"""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest

import backends
from tests.mutants import GRADIENT, MUTANTS, Mutant

ROOT = Path(__file__).parents[1]
# How a test fails that has checked a result. An IndexError: a state or a loss is missing.
NOTICED = ("AssertionError", "assert", "Failed: DID NOT RAISE", "IndexError")
CONFORMANCE = "tests/conformance"
MAPS = "--ignore=tests/conformance/test_maps.py"  # wrong ones are in test_map_mutants.py
RARE = Mutant(
    "numpy",
    GRADIENT,
    "gradient.calls = getattr(gradient, 'calls', 0) + 1\n"
    "        X = X * 1.001 if gradient.calls % 1000 == 0 else X\n        " + GRADIENT,
)
UNCHANGED = Mutant("numpy", "row * diagonal", "row * diagonal")


def reach(name):
    mutant = MUTANTS[name]
    return mutant.backend, mutant.formulation, mutant.execution


@cache
def killers(words, folder):
    """For each mutant that reaches these cells the first conformance test that failed, if any."""
    return judged(folder, {name: MUTANTS[name] for name in MUTANTS if reach(name) == words}, *words)


def judged(folder, mutants, backend, formulation, execution):
    """Run the conformance tests on mutants that reach the same cells, in one process."""
    report = folder / f"{backend}-{formulation}-{execution}-{os.getpid()}.xml"
    command = [
        sys.executable, "-m", "pytest", CONFORMANCE, MAPS, "-q", "-p", "tests.first_failure",
        f"--junitxml={report}", "--formulation", formulation, "--execution", execution,
        "-m", "not slow",
    ]  # fmt: skip
    if execution != "eager":  # compiling the other models as well takes three times as long
        command += ["--model", "logistic"]
    for name, mutant in mutants.items():
        path = folder / f"{name}_backend.py"
        source = mutant.source()
        if not path.exists() or path.read_text() != source:  # else Numba's cache stays valid
            path.write_text(source)
        command += ["--backend", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert report.exists(), done.stdout + done.stderr
    cases = list(ElementTree.parse(report).iter("testcase"))
    report.unlink()
    return {name: first_failure(name, cases) for name in mutants}


def first_failure(name, cases):
    """The first test of the mutant that failed, and its message."""
    own = [case for case in cases if f"{name}-" in case.get("name")]
    assert own, f"no test looked at {name}"
    failures = ((case.get("name").split("[")[0], case.find("failure")) for case in own)
    found = ((test, failure.get("message")) for test, failure in failures if failure is not None)
    return next(found, None)


@pytest.mark.slow
def test_one_wrong_gradient_in_a_thousand_is_noticed(tmp_path):
    (tmp_path / "rare_backend.py").write_text(RARE.source())
    command = [
        sys.executable, "-m", "pytest", "tests/conformance/test_many_calls.py", "-q", "-m", "slow",
        f"--backend={tmp_path / 'rare_backend.py'}", "--formulation", RARE.formulation,
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "AssertionError: call 999: " in done.stdout


def test_an_unchanged_copy_passes(tmp_path):
    words = "numpy", "elementwise", "eager"
    assert judged(tmp_path, {"unchanged": UNCHANGED}, *words) == {"unchanged": None}


@pytest.fixture(scope="session")
def folder(pytestconfig, tmp_path_factory):
    """Where the mutants are kept, so that Numba need not compile them again the next time."""
    cache = getattr(pytestconfig, "cache", None)  # -p no:cacheprovider
    return cache.mkdir("mutants") if cache else tmp_path_factory.mktemp("mutants")


def side_by_side(name):
    """Mutants that share a process of pytest go to one worker of pytest-xdist."""
    return pytest.param(name, marks=pytest.mark.xdist_group(" ".join(("mutants", *reach(name)))))


@pytest.mark.parametrize("name", [side_by_side(name) for name in MUTANTS])
def test_a_mutant_is_killed(name, folder):
    if MUTANTS[name].backend in backends.unavailable():
        pytest.skip(f"{MUTANTS[name].backend} is not installed")
    killer = killers(reach(name), folder)[name]
    assert killer, f"no conformance test noticed {name}"
    test, message = killer
    assert message.startswith(NOTICED), f"{name} crashed, which proves nothing: {message}"
    print(f"{name}: killed by {test}: {message.splitlines()[0]}")
