"""Discovery: nothing is imported before it is needed; a missing framework stops no other."""

import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

import backends

ROOT = Path(__file__).parents[1]


def python(code):
    """Run code in a fresh interpreter at the root of the project; its output."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_the_registry_imports_no_framework():
    python(
        "import sys, backends; backends.names(); "
        "assert not {'numpy', 'jax', 'torch', 'numba'} & sys.modules.keys()"
    )


def test_the_files_say_what_the_modules_say():
    words = {"dtype": ("float64", "float32")}
    assert backends.cells(**words, importing=False) == backends.cells(**words)
    assert backends.unavailable(importing=False) == backends.unavailable()


def test_reading_the_files_imports_no_framework():
    python(
        "import sys, backends; backends.cells(importing=False); backends.unavailable("
        "importing=False); assert not {'numpy', 'jax', 'torch', 'numba'} & sys.modules.keys()"
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import wrong_name\n", "ModuleNotFoundError: No module named 'wrong_name'"),
        ("from wrong_name.sub import x\n", "ModuleNotFoundError: No module named 'wrong_name'"),
        ("def f(:\n", "SyntaxError: "),
        ("", "ValueError: "),  # words that are computed: imported, and it lacks the functions
        ("import os, numpy as np\nFORMULATIONS = EXECUTIONS = ('fused',)\n", ""),
    ],
)
def test_what_a_file_says_without_being_imported(tmp_path, text, found):
    path = tmp_path / "guest_backend.py"
    path.write_text(text + "DEVICES = tuple(['cpu'])\n")
    out = python(
        f"import backends; backends.add({str(path)!r}); "
        "print(backends.unavailable(importing=False).get('guest', ''))"
    )
    assert out.startswith(found)
    assert bool(out.strip()) == bool(found)


def test_a_missing_framework_is_reported_and_leaves_the_others():
    out = python(
        "import sys\n"
        "for name in ('jax', 'torch', 'numba'): sys.modules[name] = None\n"
        "import backends\n"
        "assert backends.unavailable(importing=False).keys() == {'jax', 'torch', 'numba'}\n"
        "print({cell.backend for cell in backends.cells()} == {'reference', 'numpy'})\n"
        "print(sorted(backends.unavailable()))\n"
        "try: backends.cells(backend=['jax'])\n"
        "except backends.Unavailable as error: print(error)\n"
    )
    assert out.startswith("True\n['jax', 'numba', 'torch']\nbackend 'jax' is not usable here: ")
    assert "pip install -e '.[jax]'" in out


@pytest.mark.parametrize("word", backends.Cell._fields[:-1])  # sharding is no option
def test_an_unknown_word_is_named_with_the_known_ones(word):
    with pytest.raises(ValueError, match=f"unknown {word} 'wrong'; one of: "):
        backends.cells(**{word: ["wrong"]})


def test_unknown_backend_to_load():
    with pytest.raises(ValueError, match=r"unknown backend 'wrong'; one of: reference, jax, numba"):
        backends.load("wrong")


def test_cells_are_what_was_asked_for():
    cells = backends.cells(backend=["numpy"], model=["linear"], formulation=["dense", "fused"])
    assert [str(cell) for cell in cells] == [
        "linear-numpy-eager-cpu-dense-float64",
        "linear-numpy-eager-cpu-fused-float64",
    ]
    assert {cell.dtype for cell in backends.cells(dtype=["float32"])} == {"float32"}


def test_every_installed_backend_has_every_word_it_names():
    for name in {cell.backend for cell in backends.cells()}:
        module = backends.load(name)
        assert "cpu" in module.DEVICES
        words = set(product(module.EXECUTIONS, module.DEVICES, module.FORMULATIONS))
        found = backends.cells(backend=[name], model=["linear"])
        assert {(cell.execution, cell.device, cell.formulation) for cell in found} == words
        assert len(found) == len(words), f"{name} has a word twice"


def test_a_file_can_be_a_backend(tmp_path):
    path = tmp_path / "guest_backend.py"
    path.write_text((ROOT / "backends/numpy_backend.py").read_text())
    out = python(
        f"import backends; print(backends.add({str(path)!r}), backends.names()[-1], "
        "len(backends.cells(backend=['guest'])))"
    )
    assert out == "guest guest 9\n"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("guest.py", "", "a backend is a file named <name>_backend.py"),
        ("numpy_backend.py", "", "there is a backend named 'numpy' already"),
        ("missing_backend.py", None, "a backend is a file named"),
    ],
)
def test_a_file_that_is_no_backend(tmp_path, name, text, message):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=message):
        backends.add(tmp_path / name)


def guest(folder, text):
    """What is printed for the NumPy backend with this text added."""
    path = folder / "guest_backend.py"
    path.write_text(f"from backends.numpy_backend import *\ndel MODELS\n{text}\n")
    return python(
        f"import backends; backends.add({str(path)!r})\n"
        "try: cells = backends.cells(backend=['guest'])\n"
        "except backends.Unavailable as error: print(error)\n"
        "else: print(list(dict.fromkeys(cell.model for cell in cells)))"
    )


@pytest.mark.parametrize("text", ["", "MODELS = ('linear', 'logistic')"])
def test_a_file_without_models_has_the_two_of_the_tutorial(tmp_path, text):
    assert guest(tmp_path, text) == "['linear', 'logistic']\n"


def test_a_file_may_have_one_model(tmp_path):
    assert guest(tmp_path, "MODELS = ('poisson',)") == "['poisson']\n"


@pytest.mark.parametrize("value", ["('cubic',)", "()", "'linear'"])
def test_a_file_with_other_models(tmp_path, value):
    out = guest(tmp_path, f"MODELS = {value}")
    assert f"MODELS must be a tuple of one or more of linear, logistic, poisson, got {value}" in out


def test_the_old_word_for_block_is_told(tmp_path):
    out = guest(tmp_path, "EXECUTIONS = ('eager', 'epoch')")
    assert "('epoch' is called 'block' now), got ('eager', 'epoch')" in out


def test_what_a_file_leaves_out_is_that_of_its_base(tmp_path):
    text = (
        "BASE = 'numpy'\nFORMULATIONS = ('fused',)\nEXECUTIONS = ('run', 'step')\n"
        "def make_gradient(*names): return object()\ndef make_train(*names): return object()\n"
    )
    (tmp_path / "short_backend.py").write_text(text)
    backends.add(tmp_path / "short_backend.py")
    try:
        short, base = backends.load("short"), backends.load("numpy")
        assert short.DEVICES == base.DEVICES
        assert short.to_numpy is base.to_numpy
        assert short.make_forward("linear") is base.make_forward("linear")
        words = "linear", "fused"
        assert short.make_train(*words, "run") is short.make_train(*words, "run")
        assert short.make_train(*words, "run") is not short.make_train(*words, "step")
        assert short.make_gradient(*words, "run") is short.make_gradient(*words, "step")
        with pytest.raises(ValueError, match="unknown model 'poisson'; one of: linear, logistic"):
            short.make_forward("poisson")
        with pytest.raises(AttributeError, match="has no PULLBACKS"):
            short.PULLBACKS  # noqa: B018  # it is no name of the contract
    finally:
        del backends._added["short"]


def test_a_file_that_lacks_a_part_of_the_contract(tmp_path):
    path = tmp_path / "half_backend.py"
    path.write_text("DEVICES = FORMULATIONS = EXECUTIONS = ()\n")
    out = python(
        f"import backends; backends.add({str(path)!r}); print(backends.unavailable()['half'])"
    )
    assert "lacks from_numpy, to_numpy, synchronize, is_ready, make_forward" in out
