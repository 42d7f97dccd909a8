"""The project is a checkout: installing it puts no module of its own into an environment."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("name", ["reference", "backends", "benchmarks", "tests", "conftest"])
def test_no_module_of_ours_is_installed(tmp_path, name):
    code = f"import importlib.util as u; print(u.find_spec({name!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "None", "make builds .venv again"
