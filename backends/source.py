"""The words of a backend, read from its file without importing the file or its framework."""

import ast
import ctypes
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from backends.loading import MODELS

DRIVERS = ("libcuda.so.1", "nvcuda.dll", "libamdhip64.so")  # without any of them, only the cpu


class Source(NamedTuple):
    """The words of a backend, named as in the contract, and the modules that are missing here."""

    DEVICES: tuple[str, ...]
    FORMULATIONS: tuple[str, ...]
    EXECUTIONS: tuple[str, ...]
    MODELS: tuple[str, ...]
    missing: tuple[str, ...]


def read(path: Path) -> Source | None:
    """The words in the file; None if some are computed, so that only an import can tell.

    If DEVICES are computed and no GPU driver is installed, they are the cpu alone.
    """
    body = ast.parse(path.read_bytes()).body
    words = dict(_literals(body))
    if "DEVICES" not in words and not _has_gpu():
        words["DEVICES"] = ("cpu",)
    words.setdefault("MODELS", MODELS)
    try:
        chosen = {name: words[name] for name in Source._fields[:4]}
    except KeyError:
        return None
    missing = tuple(root for root in _roots(body) if find_spec(root) is None)
    return Source(**chosen, missing=missing)


def _literals(body: list[ast.stmt]) -> Iterable[tuple[str, Any]]:
    """The names to which the module assigns a tuple of literals."""
    for node in body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple):
            for target in node.targets:
                if isinstance(target, ast.Name) and all(map(_is_constant, node.value.elts)):
                    yield target.id, ast.literal_eval(node.value)


def _is_constant(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant)


def _roots(body: list[ast.stmt]) -> list[str]:
    """The packages that the module imports."""
    found: dict[str, None] = {}
    for node in body:
        if isinstance(node, ast.Import):
            found |= dict.fromkeys(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found[node.module.split(".")[0]] = None
    return list(found)


def _has_gpu() -> bool:
    for driver in DRIVERS:
        try:
            ctypes.CDLL(driver)
        except OSError:
            continue
        return True
    return False
