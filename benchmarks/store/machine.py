"""The folder of the runs of this machine: its name, and a hash of what bears on times."""

import hashlib
import os
import platform
import re
from pathlib import Path

from benchmarks.store.conditions import ALLOCATOR, versions

OWN = "own"  # the folder of results/ that git ignores; beside it stand the published runs
FRAMEWORKS = ("numpy", "scipy", "numba", "llvmlite", "jax", "jaxlib", "torch")
CPUINFO = Path("/proc/cpuinfo")  # of Linux


def machine_folder(results: Path) -> Path:
    """results/own/<processor>-<hash>: runs in one folder may be compared by their times."""
    name = processor()
    return results / OWN / f"{_slug(name)}-{fingerprint(name)}"


def processor() -> str:
    """The name that the processor gives itself; that of its architecture where it has none."""
    text = CPUINFO.read_text(encoding="utf-8", errors="replace") if CPUINFO.exists() else ""
    found = re.search(r"^model name\s*: *(.+)$", text, re.MULTILINE)
    return found[1] if found else platform.processor() or platform.machine() or "unknown"


def fingerprint(name: str) -> str:
    """Eight digits: processor, their number, system, Python, frameworks and allocator."""
    installed = versions()
    bears = [
        name, os.cpu_count(), platform.system(), platform.machine(), platform.python_version(),
        {package: installed.get(package) for package in FRAMEWORKS},
        {variable: os.environ.get(variable) for variable in ALLOCATOR},
    ]  # fmt: skip
    return hashlib.sha256(repr(bears).encode()).hexdigest()[:8]


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:40].strip("-") or "unknown"
