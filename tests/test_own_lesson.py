"""The examples of examples/own run as they are told to be run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = "mlp", "softmax", "attention", "training"


def python(folder, *arguments):
    """A run of Python in another folder that finds this package by its path."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=folder, capture_output=True, text=True,
        check=False, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip


@pytest.mark.parametrize("others", [True, False])
def test_the_lesson_runs(tmp_path, others):
    """With PyTorch if it is there, and with NumPy alone."""
    if not others:
        lesson = (ROOT / "examples" / "own" / "lesson.py").read_text(encoding="utf-8")
        (tmp_path / "lesson.py").write_text(lesson.replace('find_spec("torch")', "False"))
    path = tmp_path if not others else ROOT / "examples" / "own"
    done = python(tmp_path, "-W", "error", path / "lesson.py")
    assert done.returncode == 0, done.stderr
    assert "dense and elementwise agree to the last bit" in done.stdout
    assert "that is rounding" in done.stdout
    assert "every gradient of mine is 3 times that of numpy: dense" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_agrees(tmp_path, name):
    for module in ("jax", "torch", *(["optax"] if name == "training" else [])):
        pytest.importorskip(module)
    path = ROOT / "examples" / "own" / f"{name}.py"
    done = python(tmp_path, "-m", "diagjac", "check", path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "differs" not in done.stdout
