"""What a process measured under: whatever bears on a time, as far as it can be read here.

Two processes with the same conditions may stand in one comparison; what changes from minute to
minute is kept apart, as the state of the machine.
"""

import gc
import hashlib
import os
import platform
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import threadpoolctl

ALLOCATOR = ("GLIBC_TUNABLES", "NUMPY_MADVISE_HUGEPAGE", "LD_PRELOAD", "PYTORCH_ALLOC_CONF")
SYSTEM = {  # of Linux; other systems do not tell
    "governor": "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
    "boost": "/sys/devices/system/cpu/cpufreq/boost",
    "turbo off": "/sys/devices/system/cpu/intel_pstate/no_turbo",
    "huge pages": "/sys/kernel/mm/transparent_hugepage/enabled",
}
HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}  # for every allocation, not NumPy's only


def conditions(threads: str, modules: dict[str, Any]) -> dict[str, Any]:
    """The conditions of this process; modules are the backends that take part, by their names."""
    allocator = {name: os.environ[name] for name in ALLOCATOR if name in os.environ}
    return {
        "threads": threads,
        "pools": _pools(),
        "settings": {name: module.settings() for name, module in modules.items()},
        "allocator": _words(allocator) or f"default of {' '.join(platform.libc_ver())}",
        "denormals": "kept" if np.float64(5e-324) * np.float64(1) else "flushed to zero",
        "garbage collector": "off while timing" if gc.isenabled() else "off",
        "system": {name: _read(path) for name, path in SYSTEM.items()},
        "versions": versions(),
        "pins": _digest(Path(__file__).parents[2] / "constraints.txt"),
    }


def state() -> dict[str, Any]:
    """The state of the machine now: load, memory in bytes, clock in MHz."""
    memory, frequency = psutil.virtual_memory(), psutil.cpu_freq()
    return {
        "load": [round(value, 2) for value in psutil.getloadavg()],
        "memory": memory.total,
        "memory available": memory.available,
        "clock": frequency.current if frequency else "not readable",
    }


def differences(one: dict[str, Any], other: dict[str, Any]) -> str:
    """The conditions of other that are not those of one, in words; "" if all are the same.

    The pools and settings of a framework count only where both processes have loaded it.
    """
    return ", ".join(f"{name}: {text}" for name in one if (text := _change(one[name], other[name])))


def versions() -> dict[str, str]:
    """The installed version of everything."""
    known = [package for package in distributions() if package.name]  # half removed, it has none
    return dict(sorted((package.name.lower(), package.version) for package in known))


def _pools() -> dict[str, str]:
    """What threadpoolctl sees of each pool: its library, kernel and threads."""
    found = {}
    for pool in threadpoolctl.threadpool_info():
        words = (pool["version"], pool.get("architecture"), f"{pool['num_threads']} threads")
        found[Path(pool["filepath"]).name] = " ".join(filter(None, words))
    return found


def _change(value: Any, other: Any) -> str:
    """The other value if it differs, of dictionaries what differs in the entries of both."""
    if not isinstance(value, dict):
        return "" if value == other else str(other)
    return _words({n: other[n] for n in value if n in other and value[n] != other[n]})


def _words(values: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items())


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "not readable"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.exists() else "no pins"
