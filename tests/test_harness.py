"""The conformance tests under test: backends that are wrong on purpose must fail them.

Each mutant of tests/mutants.py is judged, as a file of its own, by the same tests that judge the
real backends. A mutant that passes shows a test that is missing.
"""

import subprocess
import sys
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree

import pytest

import backends
from tests.mutants import MUTANTS, Mutant

ROOT = Path(__file__).parents[1]
# How a test fails that has looked at a result; an IndexError is a state or a loss that is missing.
NOTICED = ("AssertionError", "assert", "Failed: DID NOT RAISE", "IndexError")
UNCHANGED = Mutant("numpy", "row * diagonal", "row * diagonal")


def reach(name):
    mutant = MUTANTS[name]
    return mutant.backend, mutant.formulation, mutant.execution


@pytest.fixture(scope="module")
def killers(pytestconfig):
    """For each mutant that can run here the first conformance test that failed, if any."""
    folder = pytestconfig.cache.mkdir("mutants")
    usable = [name for name in MUTANTS if MUTANTS[name].backend not in backends.unavailable()]
    found = {}
    for words, names in groupby(sorted(usable, key=reach), key=reach):
        found |= judged(folder, {name: MUTANTS[name] for name in names}, *words)
    return found


def judged(folder, mutants, _, formulation, execution):
    """Run the conformance tests on mutants that reach the same cells, in one process."""
    report = folder / "report.xml"
    command = [
        sys.executable, "-m", "pytest", "tests/conformance", "-q", "-p", "tests.first_failure",
        f"--junitxml={report}", "--formulation", formulation, "--execution", execution,
    ]  # fmt: skip
    for name, mutant in mutants.items():
        path = folder / f"{name}_backend.py"
        source = mutant.source()
        if not path.exists() or path.read_text() != source:  # or what Numba has cached is stale
            path.write_text(source)
        command += ["--backend", str(path)]
    report.unlink(missing_ok=True)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert report.exists(), done.stdout + done.stderr
    cases = list(ElementTree.parse(report).iter("testcase"))
    return {name: first_failure(name, cases) for name in mutants}


def first_failure(name, cases):
    """The first test of the mutant that failed, and its message."""
    own = [case for case in cases if f"{name}-" in case.get("name")]
    assert own, f"no test looked at {name}"
    failures = ((case.get("name").split("[")[0], case.find("failure")) for case in own)
    found = ((test, failure.get("message")) for test, failure in failures if failure is not None)
    return next(found, None)


def test_an_unchanged_copy_passes(tmp_path):
    words = "numpy", "elementwise", "eager"
    assert judged(tmp_path, {"unchanged": UNCHANGED}, *words) == {"unchanged": None}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_killed(name, killers):
    if name not in killers:
        pytest.skip(f"{MUTANTS[name].backend} is not installed")
    assert killers[name], f"no conformance test noticed {name}"
    test, message = killers[name]
    assert message.startswith(NOTICED), f"{name} crashed, which proves nothing: {message}"
    print(f"{name}: killed by {test}: {message.splitlines()[0]}")
