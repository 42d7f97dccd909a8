"""The conditions of a process: all that affects a time, as far as it can be read here.

Each condition is one entry of REGISTRY: how it is read, and how it is shown. Rows of processes with
the same conditions may be compared. What changes from minute to minute is stored separately, as the
state of the machine.
"""

import gc
import hashlib
import platform
import re
from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil
import threadpoolctl

from benchmarks.store.variables import ALLOCATOR, OTHERS, variables

CGROUPS, OWN_CGROUP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
SYSTEM = {  # files of Linux; other systems do not have them
    "governor": "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
    "boost": "/sys/devices/system/cpu/cpufreq/boost",
    "turbo off": "/sys/devices/system/cpu/intel_pstate/no_turbo",
    "huge pages": "/sys/kernel/mm/transparent_hugepage/enabled",
}
HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}  # for every allocation, not only NumPy's
SHOWN_VERSIONS = ("numpy", "numba", "jax", "jaxlib", "torch", "scipy", "diagjac")
UNREADABLE = "not readable"
Modules = dict[str, Any]  # the backends that take part, by their names


class Condition(NamedTuple):
    """A condition: its name, how it is read, and how it is shown.

    read gets the text on threads, and the backends. in_words turns a value into the text that is
    shown, or into a dictionary of names and texts; None shows nothing. is_joined: the entries exist
    only where a framework is loaded, so those of all processes are joined into one value. is_brief:
    it is also shown below the tables. missing makes a value of the reason why it cannot be read.
    """

    name: str
    read: Callable[[str, Modules], Any]
    in_words: Callable[[Any], str | dict[str, str]] | None = str
    is_joined: bool = False
    is_brief: bool = False
    missing: Callable[[str], Any] = str

    def told(self, processes: list[dict[str, Any]]) -> dict[str, str]:
        """What is shown of it, by name, given the conditions of all processes of a run."""
        value = self.value(processes)
        if self.in_words is None or value is None:
            return {}
        words = self.in_words(value)
        return words if isinstance(words, dict) else {self.name: words}

    def value(self, processes: list[dict[str, Any]]) -> Any:
        """The value of the first process, or of all if it is joined; None if it is not known."""
        if not self.is_joined:
            return processes[0].get(self.name)
        return {n: v for one in processes[::-1] for n, v in one.get(self.name, {}).items()}


def _allocator() -> str:
    return _words(variables(ALLOCATOR)) or f"default of {' '.join(platform.libc_ver())}"


def _environment() -> str:
    others = {n: v for n, v in variables(OTHERS).items() if not n.startswith(ALLOCATOR)}
    return _words(others) or "no variable that affects times"


def _instructions() -> str:
    """Those of NumPy's exponential. NumPy ignores a variable that names what it does not know."""
    found = np.lib.introspect.opt_func_info(func_name="^exp$", signature="float64")
    return f"NumPy {found['exp']['dd']['current']}"


def _quota() -> str:
    """How many processors' time the cgroup of this process may use: containers have a limit."""
    own = re.findall(r"^\d+:(.*):/(.*)$", _read(str(OWN_CGROUP)), re.MULTILINE)
    limits = [limit for controllers, place in own for limit in _limits(controllers, place)]
    found = [float(limit[0]) / float(limit[1]) for limit in limits if limit[0].isdigit()]
    return f"{min(found):g} processors" if found else "none"


def _limits(controllers: str, place: str) -> list[list[str]]:
    """Quota and period of a cgroup and of those above it, in version 2 of cgroups or in 1."""
    if controllers == "":
        folder, files = CGROUPS / place, ["cpu.max"]
    elif "cpu" in controllers.split(","):
        folder, files = CGROUPS / "cpu" / place, ["cpu.cfs_quota_us", "cpu.cfs_period_us"]
    else:
        return []
    places = (folder, *folder.parents)
    return [" ".join(_read(str(at / file)) for file in files).split() for at in places]


def _denormals() -> str:
    return "kept" if np.float64(5e-324) * np.float64(1) else "flushed to zero"


def _system_in_words(system: dict[str, str]) -> dict[str, str]:
    return {name: system[name] for name in sorted(system) if system[name] != UNREADABLE}


def _versions_in_words(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {versions[name]}" for name in SHOWN_VERSIONS if name in versions)


def _pools_in_words(pools: dict[str, str]) -> str:
    return "; ".join(f"{file.split('-')[0]} {what}" for file, what in sorted(pools.items()))


def versions() -> dict[str, str]:
    """The version of every installed package; of two with one name, that which Python imports.

    Setuptools has copies of its own, which it puts at the end of the path when it is imported.
    """
    known = [package for package in distributions() if package.name]  # half-removed ones have none
    first = {package.name.lower(): package.version for package in reversed(known)}
    return dict(sorted(first.items()))


def _pools() -> dict[str, str]:
    """What threadpoolctl says of each thread pool: its library, kernel and threads."""
    found = {}
    for pool in threadpoolctl.threadpool_info():
        words = (pool["version"], pool.get("architecture"), f"{pool['num_threads']} threads")
        found[Path(pool["filepath"]).name] = " ".join(filter(None, words))
    return found


def _change(value: Any, other: Any) -> str:
    """The other value if it differs; of dictionaries, the common entries that differ."""
    if not isinstance(value, dict):
        return "" if value == other else str(other)
    return _words({n: other[n] for n in value if n in other and value[n] != other[n]})


def _words(values: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items())


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return UNREADABLE


def _nothing(_: str) -> dict[str, str]:
    return {}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.exists() else "no pins"


REGISTRY = (
    Condition("threads", lambda threads, _: threads, is_brief=True),
    Condition("pools", lambda *_: _pools(), _pools_in_words, is_joined=True, missing=_nothing),
    Condition(
        "settings", lambda _, modules: {name: used.settings() for name, used in modules.items()},
        None, is_joined=True, missing=_nothing,
    ),
    Condition("allocator", lambda *_: _allocator(), is_brief=True),
    Condition("environment", lambda *_: _environment()),
    Condition("instructions", lambda *_: _instructions()),
    Condition("quota", lambda *_: _quota()),
    Condition("denormals", lambda *_: _denormals(), is_brief=True),
    Condition("garbage collector", lambda *_: "off while timing" if gc.isenabled() else "off"),
    Condition(
        "system", lambda *_: {name: _read(path) for name, path in SYSTEM.items()}, _system_in_words,
        missing=_nothing,
    ),
    Condition("versions", lambda *_: versions(), _versions_in_words, missing=_nothing),
    Condition(
        "pins", lambda *_: _digest(Path(__file__).parents[2] / "constraints.txt"),
        lambda digest: f"constraints.txt, SHA-256 {digest}...", is_brief=True,
    ),
)  # fmt: skip


def conditions(threads: str, modules: Modules) -> dict[str, Any]:
    """The conditions of this process; one that cannot be read stops nothing."""
    return {condition.name: _tried(condition, threads, modules) for condition in REGISTRY}


def _tried(condition: Condition, threads: str, modules: Modules) -> Any:
    try:
        return condition.read(threads, modules)
    except Exception as error:  # other people's libraries, systems, containers
        return condition.missing(f"{UNREADABLE}: {type(error).__name__}: {error}")


def in_words(processes: list[dict[str, Any]]) -> dict[str, str]:
    """What a reader is shown of the conditions of a run's processes, by name."""
    found: dict[str, str] = {}
    for condition in REGISTRY:
        found |= condition.told(processes)
    return found


def in_brief(found: dict[str, Any]) -> str:
    """The conditions of a process that are shown below the tables, in one line."""
    brief = [c.name for c in REGISTRY if c.is_brief and c.name in found]
    return "; ".join(f"{name} {found[name]}" for name in brief)


def joined(processes: list[dict[str, Any]]) -> dict[str, Any]:
    """The conditions of a run: those of its first process, and the joined ones of all."""
    return {condition.name: condition.value(processes) for condition in REGISTRY}


def state() -> dict[str, Any]:
    """The state of the machine now: load, memory in bytes, clock in MHz.

    What cannot be read says so: containers and clouds have no frequency, or no file of it.
    """
    found = {
        "load": lambda: [round(value, 2) for value in psutil.getloadavg()],
        "memory": lambda: psutil.virtual_memory().total,
        "memory available": lambda: psutil.virtual_memory().available,
        "clock": lambda: psutil.cpu_freq().current,
    }
    return {name: _or_unreadable(read) for name, read in found.items()}


def _or_unreadable(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except Exception:  # psutil raises what the system raises
        return UNREADABLE


def differences(one: dict[str, Any], other: dict[str, Any]) -> str:
    """The conditions of other that differ from those of one, in words; "" if all are the same.

    The pools and settings of a framework count only if both processes have loaded it.
    """
    return ", ".join(f"{name}: {text}" for name in one if (text := _change(one[name], other[name])))
