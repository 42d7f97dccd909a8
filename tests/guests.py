"""Backends from outside for the tests: the NumPy backend with code added to its training."""

from pathlib import Path

from tests.mutants import changed

SOURCE = Path(__file__).parents[1] / "backends" / "numpy_backend.py"
START = "def chain_train(model, pullback, W, b, X, Y, learning_rate, dJ_dJ0, epochs):\n"


def guest(folder: Path, name: str, code: str) -> str:
    """A copy of the NumPy backend whose training begins with the code; its path."""
    path = folder / f"{name}_backend.py"
    path.write_text(changed(SOURCE, START, f"{START}    {code}\n"), encoding="utf-8")
    return str(path)
