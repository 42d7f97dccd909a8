"""One's own map: a file that has the same function in some frameworks, and its formula or none.

The file is named <map>_map.py and has, each optional but one framework:

    jax(x), torch(x)        the function of x (n,), as its users write it
    numpy(x), numba(x)      the value and the diagonal of the Jacobian, both (n,)
    exact(x)                the function of an mpmath number
    derivative(x)           its derivative; without it exact is differentiated numerically
    DOMAIN                  (low, high), by default all numbers
    KINKS                   where it has no derivative, by default nowhere
    FORMULA                 in words, by default the first line of the docstring

A function imports its framework itself, so that the others can use the file without it.
"""

import importlib.util
from collections.abc import Callable
from functools import cache
from math import inf
from pathlib import Path
from types import ModuleType
from typing import Any

import mpmath

import backends
from reference.maps import MAPS, Map

SUFFIX = "_map.py"
BACKENDS = ("numpy", "numba", "jax", "torch")
STEP = mpmath.mpf(2) ** -100  # relative; the difference quotient errs by about its square
BITS = 500  # of the numerical derivative, which loses 200 of them

_files: dict[str, ModuleType] = {}


def add(given: str) -> str:
    """The name of a map: of the catalog, or of the file at the path, which is loaded.

    Raises ValueError if there is no such map, no such file, or it lacks what a map needs.
    """
    if not given.endswith(".py"):
        if given not in MAPS:
            raise ValueError(f"unknown map {given!r}; one of: {', '.join(MAPS)}")
        return given
    path = Path(given).resolve()
    name = path.name.removesuffix(SUFFIX)
    if not path.is_file() or not path.name.endswith(SUFFIX) or not name.isidentifier():
        raise ValueError(f"a map is a file named <name>{SUFFIX}, got {path}")
    if name in MAPS and name not in _files:
        raise ValueError(f"there is a map named {name!r} already, got {path}")
    _files[name] = module = _loaded(path)
    MAPS[name] = _described(module, path)
    return name


def names() -> list[str]:
    """The maps that files have added."""
    return [*_files]


def has_formula(name: str) -> bool:
    """Whether the exact values of a map are known."""
    return name not in _files or hasattr(_files[name], "exact")


def evaluate(name: str, x: Any) -> tuple[Any, Any]:
    """The value and the diagonal that a file's NumPy function gives for x of any dtype."""
    value, diagonal = _files[name].numpy(x)
    return value, diagonal


def of(backend: str) -> tuple[str, ...]:
    """The maps that a backend has; none if it has no maps at all."""
    module = backends.load(backend)
    if not hasattr(module, "map_of"):
        return tuple(getattr(module, "MAPS", ()))
    return (*module.MAPS, *(name for name, file in _files.items() if hasattr(file, backend)))


@cache
def make(backend: str, name: str, formulation: str, execution: str) -> Callable[..., Any]:
    """The function of row (1,n) and x (n,) that returns the value (n,) and the row pulled back."""
    module = backends.load(backend)
    if name in _files:
        return module.map_of(getattr(_files[name], backend), formulation, execution)
    return module.make_map(name, formulation, execution)


def _loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # other people's code
        raise ValueError(f"{path}: {type(error).__name__}: {error}") from None
    if not any(hasattr(module, name) for name in BACKENDS):
        raise ValueError(f"{path} has none of the functions {', '.join(BACKENDS)}")
    return module


def _described(module: ModuleType, path: Path) -> Map:
    exact: Any = getattr(module, "exact", None)
    words = (module.__doc__ or path.stem).strip().splitlines()[0]
    derivative: Any = getattr(module, "derivative", None) or (exact and _differentiated(exact))
    return Map(
        path.name.removesuffix(SUFFIX), getattr(module, "FORMULA", words), exact, derivative,
        source=path.name, domain=tuple(getattr(module, "DOMAIN", (-inf, inf))),
        kinks=tuple(getattr(module, "KINKS", ())),
    )  # fmt: skip


def _differentiated(exact: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The central difference quotient with a step relative to x."""

    def derivative(x: Any) -> Any:
        if not mpmath.isfinite(x):
            return mpmath.nan
        size = abs(x) or mpmath.mpf(2) ** -1000
        with mpmath.workprec(BITS + max(0, -mpmath.mag(size))):  # 1 + step is exact
            step = STEP * size
            return (exact(x + step) - exact(x - step)) / (2 * step)

    return derivative
