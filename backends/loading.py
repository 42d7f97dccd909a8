"""A backend as callers use it: its module, with what every file would otherwise repeat."""

from functools import cache
from types import ModuleType
from typing import Any

from reference import words
from reference.words import check_name

FORMULATIONS = ("dense", "elementwise", "fused", "autodiff", "jacrev")
EXECUTIONS = ("eager", "step", "block", "run")
DEVICES = ("cpu", "cuda")
MODELS = ("linear", "logistic")  # of a file without this name
RENAMED = {"epoch": "block"}  # old names of executions


class Loaded:
    """Names of the contract, from the module or else its base, and the module's other names.

    Raises ValueError, with the file and what is allowed, if the module breaks the contract.
    """

    def __init__(self, module: ModuleType, base: Any = None) -> None:
        self._module, self._base = module, base
        self._made: dict[tuple[str, ...], Any] = {}
        self.MODELS: tuple[str, ...] = getattr(module, "MODELS", MODELS)
        self.MAPS: tuple[str, ...] = getattr(module, "MAPS", ())
        self._check()

    def __getattr__(self, name: str) -> Any:
        if hasattr(self._module, name):
            return getattr(self._module, name)
        if self._base is None or name not in _inherited():
            raise AttributeError(f"{self._module.__file__} has no {name}")
        return getattr(self._base, name)

    def from_numpy(self, array: Any, device: str) -> Any:
        """A copy of the array on the device, whatever its strides and the order of its bytes."""
        native = array.astype(array.dtype.newbyteorder("="), order="C", copy=False)
        return self.__getattr__("from_numpy")(native, device)

    batch_from_numpy = from_numpy  # one device has the whole batch

    def make_forward(self, model: str) -> Any:
        """The forward pass. Here and below names are checked, and what is made is kept."""
        check_name("model", model, self.MODELS)
        return self._make("make_forward", model)

    def make_gradient(self, model: str, formulation: str, execution: str) -> Any:
        """The gradient; for "block" and "run" it is the one for "step", if there is one."""
        self._check_names(model, formulation, execution)
        return self._make("make_gradient", model, formulation, self._one_call(execution))

    def make_train(self, model: str, formulation: str, execution: str) -> Any:
        """The training run."""
        self._check_names(model, formulation, execution)
        return self._make("make_train", model, formulation, execution)

    def make_map(self, name: str, formulation: str, execution: str) -> Any:
        """The map and its pullback; for "block" and "run" it is the one for "step"."""
        if not self.MAPS:
            raise ValueError(f"{self._module.__file__} has no MAPS, got {name!r}")
        check_name("map", name, self.MAPS)
        check_name("formulation", formulation, tuple(f for f in self.FORMULATIONS if f != "fused"))
        check_name("execution", execution, self.EXECUTIONS)
        return self._make("make_map", name, formulation, self._one_call(execution))

    def _one_call(self, execution: str) -> str:
        return "step" if execution in ("block", "run") and "step" in self.EXECUTIONS else execution

    def _make(self, maker: str, *names: str) -> Any:
        if (maker, *names) not in self._made:
            self._made[maker, *names] = self.__getattr__(maker)(*names)
        return self._made[maker, *names]

    def _check_names(self, model: str, formulation: str, execution: str) -> None:
        check_name("model", model, self.MODELS)
        check_name("formulation", formulation, self.FORMULATIONS)
        check_name("execution", execution, self.EXECUTIONS)

    def _check(self) -> None:
        file, has_maps = self._module.__file__, hasattr(self._module, "MAPS")
        needed = [*contract_names(), *(["make_map"] if has_maps else [])]
        if missing := [name for name in needed if not self._has(name)]:
            raise ValueError(f"{file} lacks {', '.join(missing)} of the contract")
        found = {name: self.__getattr__(name) for name in needed} | {"MODELS": self.MODELS}
        if has_maps:
            found["MAPS"] = self.MAPS
        for name, value in found.items():
            if problem := _flaw(value, _ALLOWED.get(name)):
                raise ValueError(f"{file}: {name} must be {problem}, got {value!r}")

    def _has(self, name: str) -> bool:
        try:
            self.__getattr__(name)
        except AttributeError:
            return False
        return True


class Sharded:
    """A backend for batches that are sharded over several devices; see the contract.

    It has the names of Loaded, and structure, copies and gathered. Raises ValueError if the devices
    are not there.
    """

    def __init__(self, loaded: Loaded, partition: str, devices: int, device: str) -> None:
        check_name("partition", partition, getattr(loaded, "PARTITIONS", ()))
        self._loaded = loaded
        self._shards = loaded.sharding().Shards(partition, devices, device)
        self.make_gradient = cache(self._shards.make_gradient)
        self.make_train = cache(self._shards.make_train)
        self.structure, self.copies = self._shards.structure, self._shards.copies
        self.gathered = self._shards.gathered

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loaded, name)

    def from_numpy(self, array: Any, device: str) -> Any:
        """A copy of the whole array on every device."""
        return self._shards.from_numpy(array)

    def to_numpy(self, array: Any) -> Any:
        """What this process's first device has of the array: all of it, if every device has."""
        return self.copies(array)[0]

    def batch_from_numpy(self, array: Any, device: str) -> Any:
        """A copy of X (..., B, F) or Y (..., B, 1), sharded by B."""
        return self._shards.batch_from_numpy(array)


_OWN = ("FORMULATIONS", "EXECUTIONS")  # never those of the base
_ALLOWED = {
    "DEVICES": DEVICES, "FORMULATIONS": FORMULATIONS, "EXECUTIONS": EXECUTIONS,
    "MODELS": words.MODELS, "MAPS": words.MAPS,
}  # fmt: skip


def contract_names() -> list[str]:
    """The names that every backend has."""
    from backends.contract import Backend  # here, since it imports NumPy

    functions = [n for n, v in vars(Backend).items() if callable(v) and n[0] != "_"]
    return [*Backend.__annotations__, *functions]


@cache
def _inherited() -> set[str]:
    return {*contract_names(), "make_map"} - {*_OWN}


def _flaw(value: Any, allowed: tuple[str, ...] | None) -> str:
    """What the value of a name must be, in words; "" if it is that."""
    if allowed is None:
        return "" if callable(value) else "a function"
    if isinstance(value, tuple) and value and not {*value} - {*allowed}:
        return ""
    old = [word for word in RENAMED if isinstance(value, tuple) and word in value]
    hint = "".join(f" ({word!r} is called {RENAMED[word]!r} now)" for word in old)
    return f"a tuple of one or more of {', '.join(allowed)}{hint}"
