"""Installing the project installs one package of its own, diagjac; the rest is a checkout."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOADED = """
import sys
before = {*sys.modules}
import diagjac
new = {name: module for name, module in sys.modules.items() if name not in before}
names = {name.partition(".")[0] for name, m in new.items() if getattr(m, "__spec__", None)}
print(sorted(names - sys.stdlib_module_names))
"""


def python(folder, code):
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize("name", ["reference", "backends", "benchmarks", "tests", "conftest"])
def test_no_other_module_of_ours_is_installed(tmp_path, name):
    code = f"import importlib.util as u; print(u.find_spec({name!r}))"
    assert python(tmp_path, code) == "None", "make builds .venv again"


def test_the_check_is_installed_and_needs_numpy_alone(tmp_path):
    """From a folder of its own: what is installed is found, and nothing beside it is needed."""
    code = "import importlib.util as u; print(bool(u.find_spec('diagjac')))"
    assert python(tmp_path, code) == "True", "make builds .venv again"
    assert python(tmp_path, LOADED) == "['diagjac', 'numpy']"


def test_every_folder_of_the_check_is_installed():
    """Setuptools installs what is listed, and no folder below it that is not."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    folders = {path.parent for path in (ROOT / "diagjac").rglob("*.py")}
    names = {".".join(folder.relative_to(ROOT).parts) for folder in folders}
    assert {*project["tool"]["setuptools"]["packages"]} == names
