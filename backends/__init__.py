"""The same training in every framework. This docstring is the contract.

A backend is a module named <name>_backend.py, in this folder or anywhere else, with these names:

    DEVICES, FORMULATIONS, EXECUTIONS    tuples of words; DEVICES: the usable ones
    from_numpy(array, device)            a copy on the device, of the same dtype and shape
    to_numpy(array)                      a copy as a NumPy array
    synchronize(tree)                    waits until tree is computed, and returns it
    is_ready(tree)                       whether it is computed already; does not wait
    make_forward(model)                              -> forward
    make_gradient(model, formulation, execution)     -> gradient
    make_train(model, formulation, execution)        -> train
    temporary_bytes(function, *arguments)            bytes that one call allocates beyond its inputs
                                                     and outputs, measured or from the compiler
    compile_seconds()                    {stage: seconds spent in it by this process so far}; the
                                         stages are "trace" and "compile"; {} if nothing compiles
    settings()                           {name: value} of the framework's settings that affect
                                         results or times: threads, precision

    forward(W, b, X, Y)                                         -> Forward(Pred, J0, diagonals)
    gradient(W, b, X, Y, dJ_dJ0)                                -> Gradient(dW, db, loss)
    train(W, b, X, Y, learning_rate, dJ_dJ0, epochs)            -> Trajectory(W, b, loss, accuracy)

and optionally these:

    MODELS      its models; by default linear and logistic
    MAPS        its elementwise maps, names of reference/maps.py; by default none. With them comes
    make_map(name, formulation, execution)          -> function, in the formulations but fused
    function(row (1,n), x (n,))         -> the value (n,) and the row pulled back (1,n)

    map_of(f, formulation, execution)   the same of any f of x (n,); without autodiff f returns the
                                        value and the diagonal of the Jacobian, both (n,)
    MAP_DTYPES  the dtypes of its maps; by default float64 and float32. With others comes
    cast(array, dtype)                  the array in another dtype
    MAP_DEFAULTS    {name in common use: its function of x (n,), called without options}

    PARTITIONS  how it can shard a batch over several devices: "automatic", the framework decides;
                "batch", each device keeps its own examples. By default it cannot. With them comes
    sharding()  the module for it, imported only then, with Shards(partition, devices, device):
                see jax_shards.py; <name>_processes.py connects processes

    BASE        the name of another backend. It provides the names above that the file leaves
                out, except FORMULATIONS, EXECUTIONS, MODELS and MAPS, which are always the
                file's own

The docstrings of these types give their shapes. For forward and gradient X and Y are one batch,
(B,F) and (B,1); for train all K batches, (K,B,F) and (K,B,1), and step j uses batch j % K.
learning_rate and dJ_dJ0 are Python floats and are used in the dtype of W.

- Callers get a backend from load. It checks the names given to make_*, raises ValueError for an
  unknown one, and memoizes what make_* returns: the function that is tested is the one that is
  timed. So make_* needs no check, and may compile lazily. The gradient for "block" and "run" is
  the one for "step", if the backend has "step"; so is the map.
- The functions check nothing, since a check would be timed. They take arrays made by from_numpy
  and do not change them; the same call gives the same bits.
- make_forward returns the function that gradient and train call in dense and elementwise.
- dense forms every Jacobian of an elementwise map as a B x B matrix in every call, with the
  framework's own diag and matmul, and keeps none of them.

Importing this package imports no framework.
"""

import importlib
import importlib.util
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from backends import source, versions
from backends.loading import DEVICES, EXECUTIONS, FORMULATIONS, Loaded, Sharded
from reference.words import DTYPES, MODELS, check_name

UNSHARDED = "none"
_FOLDER = Path(__file__).parent
_SUFFIX, _PROCESSES = "_backend.py", "_processes.py"
_added: dict[str, Path] = {}  # the path of each backend added by `add`


class Cell(NamedTuple):
    """One combination of these words: it is tested, timed and shown.

    sharding is "none" on one device, else the partition and the number of devices: "batch/2".
    """

    model: str
    backend: str
    execution: str
    device: str
    formulation: str
    dtype: str
    sharding: str = UNSHARDED

    def __str__(self) -> str:
        return "-".join(self if self.sharding != UNSHARDED else self[:-1])

    @property
    def partition(self) -> str:
        """How its batch is sharded: "none", "automatic" or "batch"."""
        return self.sharding.split("/")[0]

    @property
    def devices(self) -> int:
        """The number of devices that share its batch."""
        return 1 if self.sharding == UNSHARDED else int(self.sharding.split("/")[1])


class Unavailable(ImportError):
    """A backend whose framework is missing or fails to import."""


def over_devices() -> tuple[str, ...]:
    """The backends that can shard a batch over several devices."""
    found = sorted(_FOLDER.glob("*" + _PROCESSES))
    return tuple(path.name.removesuffix(_PROCESSES) for path in found)


def join(name: str, seconds: float, devices: int) -> None:
    """Connect this process, of so many devices, with the others, before the backend is loaded.

    Raises ValueError if the backend cannot shard a batch, or not so in one process; what its
    framework raises if the others do not come within these seconds.
    """
    check_name("backend over several devices", name, over_devices())
    importlib.import_module(f"backends.{name}_processes").join(seconds, devices)


def names() -> tuple[str, ...]:
    """The backends of this folder, installed or not, and those added by `add`."""
    found = (path.name.removesuffix(_SUFFIX) for path in _FOLDER.glob("*" + _SUFFIX))
    return (*sorted(found, key=lambda name: (name != "reference", name)), *_added)


def add(path: str | Path) -> str:
    """Register the backend in the file at path, and return its name, that of the file.

    Raises ValueError if there is no such file, or its name is not <new name>_backend.py.
    """
    path = Path(path).resolve()
    name = path.name.removesuffix(_SUFFIX)
    if not path.is_file() or not path.name.endswith(_SUFFIX) or not name.isidentifier():
        raise ValueError(f"a backend is a file named <name>{_SUFFIX}, got {path}")
    if _added.get(name, path) != path or (name in names() and name not in _added):
        raise ValueError(f"there is a backend named {name!r} already, got {path}")
    _added[name] = path
    return name


def guests() -> list[Path]:
    """The added files from outside of this project. Loading one runs its code."""
    return [path for path in _added.values() if _FOLDER.parent not in path.parents]


def load(name: str) -> Any:
    """A backend: its module, completed as the contract says (see loading.py).

    Raises ValueError for an unknown name, Unavailable if its framework does not import here.
    """
    if name not in names():
        raise ValueError(f"unknown backend {name!r}; one of: {', '.join(names())}")
    return _usable(name, *_import(name))


def of(cell: Cell) -> Any:
    """The backend of a cell, over its devices if it is sharded.

    Raises ValueError if the backend has no such partition, or the devices are not there.
    """
    module = load(cell.backend)
    if cell.sharding == UNSHARDED:
        return module
    return _sharded(cell.backend, cell.partition, cell.devices, cell.device)


@cache
def _sharded(name: str, partition: str, devices: int, device: str) -> Sharded:
    return Sharded(load(name), partition, devices, device)


def unavailable(*, importing: bool = True) -> dict[str, str]:
    """The backends that do not import here, with the reason for each; importing as in `cells`."""
    look = _import if importing else _read
    return {name: look(name)[1] for name in names() if look(name)[0] is None}


def cells(
    *,
    backend: Iterable[str] = (),
    device: Iterable[str] = (),
    model: Iterable[str] = (),
    formulation: Iterable[str] = (),
    execution: Iterable[str] = (),
    dtype: Iterable[str] = ("float64",),
    importing: bool = True,
) -> list[Cell]:
    """Every cell that exists here and has the given words; an empty argument allows all words.

    With importing=False the backends' files are read, not imported, which saves seconds; then a
    framework that is installed but fails to import counts as usable.

    Raises ValueError for an unknown word, Unavailable for a named backend that is not usable.
    """
    wanted_backends = _chosen("backend", backend, names())
    models, dtypes = _chosen("model", model, MODELS), _chosen("dtype", dtype, DTYPES)
    devices = _chosen("device", device, DEVICES)
    formulations = _chosen("formulation", formulation, FORMULATIONS)
    executions = _chosen("execution", execution, EXECUTIONS)
    look = _import if importing else _read
    found = wanted_backends if tuple(backend) else [n for n in names() if look(n)[0]]
    modules = [(name, _usable(name, *look(name))) for name in found]
    return [
        Cell(model, name, execution, device, formulation, dtype)
        for model in models
        for dtype in dtypes
        for name, module in modules
        if model in module.MODELS
        for execution in module.EXECUTIONS
        for device in module.DEVICES
        for formulation in module.FORMULATIONS
        if formulation in formulations and execution in executions and device in devices
    ]


def _usable(name: str, module: Any, problem: str) -> Any:
    if module is None:
        raise Unavailable(f"backend {name!r} is not usable here: {problem}")
    return module


def _chosen(what: str, given: Iterable[str], allowed: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [word for word in given if word not in allowed]
    if unknown:
        raise ValueError(f"unknown {what} {unknown[0]!r}; one of: {', '.join(allowed)}")
    return tuple(given) or allowed


@cache
def _import(name: str) -> tuple[Any, str]:
    """The module and "", or None and the reason why it does not import, in one line."""
    try:
        return _module(name), ""
    except (Exception, SystemExit) as error:  # any failure: the other backends stay usable
        missing = isinstance(error, ModuleNotFoundError) and name not in _added
        hint = _hint(name) if missing else ""
        return None, f"{type(error).__name__}: {error}{hint}".replace("\n", " ")


@cache
def _read(name: str) -> tuple[Any, str]:
    """The same from the backend's file alone if that is enough."""
    path = _added.get(name, _FOLDER / f"{name}{_SUFFIX}")
    try:
        found = source.read(path)
    except (SyntaxError, ValueError, OSError, RecursionError) as error:
        return None, f"{type(error).__name__}: {error}"
    if found is None:
        return _import(name)
    if found.missing:
        hint = "" if name in _added else _hint(name)
        return None, f"ModuleNotFoundError: No module named {found.missing[0]!r}{hint}"
    if name not in _added and (problem := versions.too_old(name)):
        return None, f"{problem}{_hint(name)}"
    return found, ""


def _hint(name: str) -> str:
    return f"; pip install -e '.[{name}]' installs what it needs"


def _module(name: str) -> Loaded:
    module = _from_file(name, _added[name]) if name in _added else _from_here(name)
    base = load(module.BASE) if hasattr(module, "BASE") else None
    return Loaded(module, base)


def _from_here(name: str) -> ModuleType:
    if problem := versions.too_old(name):
        raise ImportError(problem + _hint(name))
    return importlib.import_module(f"backends.{name}_backend")


def _from_file(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{name}_backend", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # Numba's cache and torch.compile look up a function's module
    spec.loader.exec_module(module)
    return module
