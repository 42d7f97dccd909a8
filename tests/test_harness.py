"""The conformance tests under test: backends that are wrong on purpose must fail them.

Each mutant is the source of a backend with one line changed, run as a file of its own by the same
tests that judge the real backends. A mutant that passes shows a test that is missing.
"""

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[1]


class Mutant(NamedTuple):
    """A change of one place in the source of a backend, and the formulation that it reaches."""

    backend: str
    old: str
    new: str
    formulation: str = "elementwise"


MUTANTS = {
    "pullback_off_by_a_billionth": Mutant(
        "numpy", "return row * diagonal", "return row * diagonal * (1 + 1e-9)"
    ),
    "last_update_missing": Mutant(
        "numpy",
        "W_track[j + 1], b_track[j + 1] = W, b",
        "W_track[j + 1], b_track[j + 1] = (W, b) if j < S - 1 else (W_track[j], b_track[j])",
    ),
    "mean_for_sum": Mutant(  # 1/B where the problem says 1/N
        "numpy", "np.full((1, len(X)), dJ_dJ0, ", "np.full((1, len(X)), 1 / len(X), "
    ),
    "float32_inside": Mutant(
        "numpy",
        "Z = X @ W + b\n    Pred",
        "Z = (X @ W + b).astype(np.float32).astype(X.dtype)\n    Pred",
    ),
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """The names of the tests that failed for each mutant, and for an unchanged copy."""
    folder = tmp_path_factory.mktemp("mutants")
    unchanged = Mutant("numpy", "row * diagonal", "row * diagonal")
    failed = {}
    for formulation in sorted({m.formulation for m in MUTANTS.values()}):
        group = {n: m for n, m in MUTANTS.items() if m.formulation == formulation}
        failed |= judged(folder, {"unchanged": unchanged, **group}, formulation)
    return failed


def judged(folder, mutants, formulation):
    """Run the conformance tests on mutants, in a process of their own."""
    report = folder / f"{formulation}.xml"
    command = [sys.executable, "-m", "pytest", "tests/conformance", "-q", f"--junitxml={report}"]
    for name, mutant in mutants.items():
        source = (ROOT / f"backends/{mutant.backend}_backend.py").read_text()
        assert source.count(mutant.old) == 1, f"{name}: the place to change is not there, or twice"
        path = folder / f"{name}_backend.py"
        path.write_text(source.replace(mutant.old, mutant.new))
        command += ["--backend", str(path)]
    done = subprocess.run(
        [*command, "--formulation", formulation],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.exists(), done.stdout + done.stderr
    cases = list(ElementTree.parse(report).iter("testcase"))
    failed = {n: [c.get("name") for c in cases if f"-{n}-" in c.get("name")] for n in mutants}
    assert all(failed.values()), "a mutant that no test looked at"
    bad = {c.get("name") for c in cases if c.find("failure") is not None}
    return {name: [test for test in names if test in bad] for name, names in failed.items()}


def test_an_unchanged_copy_passes(outcomes):
    assert outcomes["unchanged"] == []


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_wrong_implementation_is_caught(mutant, outcomes):
    assert outcomes[mutant], f"no conformance test noticed {mutant}"
    print(f"{mutant}: {len(outcomes[mutant])} tests failed, first {outcomes[mutant][0]}")
