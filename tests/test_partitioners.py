"""What docs/devices.md shows of XLA's and DTensor's partitioners is what its two programs print."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "examples" / "devices"


def printed(*command):
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def in_the_docs(first, count):
    """So many lines of the indented block that begins with first."""
    lines = (ROOT / "docs" / "devices.md").read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.strip().startswith(first))
    return [line.removeprefix("    ") for line in lines[start : start + count]]


def test_of_xla():
    lines = printed(str(FOLDER / "xla.py"))
    assert lines == in_the_docs("dense, automatic: ", len(lines))


@pytest.mark.slow
def test_of_dtensor():
    pytest.importorskip("torch")
    launcher = "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"
    lines = printed(*launcher, str(FOLDER / "dtensor.py"))
    assert lines == in_the_docs("dense: {", len(lines))
