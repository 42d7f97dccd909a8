"""The folder of the runs of this machine: its name has a hash of what affects times."""

import hashlib
import os
import platform
import re
from pathlib import Path

from benchmarks.store.conditions import versions
from benchmarks.store.variables import ALLOCATOR, OTHERS, variables

OWN = "own"  # the folder of results/ that git ignores; published runs are beside it
FRAMEWORKS = ("numpy", "scipy", "numba", "llvmlite", "jax", "jaxlib", "torch")
CPUINFO = Path("/proc/cpuinfo")  # of Linux


def machine_folder(results: Path) -> Path:
    """results/own/<processor>-<hash>: runs in one folder may be compared by their times."""
    name = processor()
    return results / OWN / f"{_slug(name)}-{fingerprint(name)}"


def next_file(results: Path, kind: str) -> Path:
    """The next <number>_<kind>.json of this machine; all kinds are numbered together.

    The folder of an unfinished run takes a number, too.
    """
    folder = machine_folder(results)
    taken = [int(path.name[:4]) for path in folder.glob("[0-9][0-9][0-9][0-9]_*")]
    return folder / f"{max(taken, default=0) + 1:04}_{kind}.json"


def processor() -> str:
    """The name that the processor reports, or else that of its architecture."""
    text = CPUINFO.read_text(encoding="utf-8", errors="replace") if CPUINFO.exists() else ""
    found = re.search(r"^model name\s*: *(.+)$", text, re.MULTILINE)
    return found[1] if found else platform.processor() or platform.machine() or "unknown"


def fingerprint(name: str) -> str:
    """A hash of eight digits: of processors, system, Python, frameworks and variables."""
    installed = versions()
    bears = [
        name, os.cpu_count(), platform.system(), platform.machine(), platform.python_version(),
        {package: installed.get(package) for package in FRAMEWORKS},
        variables(ALLOCATOR + OTHERS),
    ]  # fmt: skip
    return hashlib.sha256(repr(bears).encode()).hexdigest()[:8]


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:40].strip("-") or "unknown"
