"""Checks of the environment variables, and folders for compiler caches."""

import atexit
import hashlib
import os
import shutil
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

INTERPRETED = (  # with one of them set, nothing would be compiled
    "NUMBA_DISABLE_JIT", "JAX_DISABLE_JIT", "TORCHDYNAMO_DISABLE", "TORCH_COMPILE_DISABLE",
)  # fmt: skip
WATCHING = "JAX_DEBUG_NANS", "JAX_DEBUG_INFS", "JAX_ENABLE_CHECKS"  # they slow down every call
OFF = "", "0", "false"
KEYLESS = "NUMBA_CACHE_DIR", "NUMBA_NUM_THREADS"  # compiled code does not depend on them
INSTRUCTIONS = "ATEN_CPU_CAPABILITY"  # chooses those of PyTorch, and of what inductor compiles
CACHES = {  # of Numba, JAX and inductor
    "NUMBA_CACHE_DIR": "numba",
    "JAX_COMPILATION_CACHE_DIR": "jax",
    "TORCHINDUCTOR_CACHE_DIR": "inductor",
}


def check() -> None:
    """Raise ValueError if a variable switches compiling off, or checks every call."""
    for names, effect in ((INTERPRETED, "switches compiling off"), (WATCHING, "checks every call")):
        for name in names:
            if os.environ.get(name, "").lower() not in OFF:
                raise ValueError(f"{name}={os.environ[name]}: {effect}; unset it")


def place_caches(root: Path) -> None:
    """Choose folders for what is compiled; temporary ones where nothing can be written.

    JAX's and Numba's are in the checkout, inductor's where inductor puts it. JAX and inductor look
    up compiled code by the program, the options and the versions. Numba looks it up by the file of
    a function alone, so its folder is named by the rest. Inductor does not notice INSTRUCTIONS: its
    code for wide vectors, compiled for narrow ones, computes wrong numbers.
    """
    if writable(root):
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(root / ".cache" / "jax"))
        os.environ.setdefault("NUMBA_CACHE_DIR", str(root / ".cache" / "numba"))
    else:
        for name in CACHES:
            os.environ.setdefault(name, str(root / ".cache"))
    lost = [name for name in CACHES if name in os.environ and not writable(os.environ[name])]
    if lost:
        folder = tempfile.mkdtemp(prefix="diagjac-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ.update({name: os.path.join(folder, CACHES[name]) for name in lost})
    _divide("NUMBA_CACHE_DIR", numba_key(root))
    if instructions := os.environ.get(INSTRUCTIONS):
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(root / ".cache" / "inductor"))
        _divide("TORCHINDUCTOR_CACHE_DIR", instructions)


def _divide(cache: str, key: str) -> None:
    """Give the key its own folder within that of the cache, if it is not in it already."""
    folder = os.environ[cache]
    if os.path.basename(folder) != key:  # a worker of pytest-xdist has it from its parent
        os.environ[cache] = os.path.join(folder, key)


def numba_key(root: Path) -> str:
    """A hash of what Numba compiles from: its options and version, the sources of all backends."""
    options = {n: v for n, v in os.environ.items() if n.startswith("NUMBA_") and n not in KEYLESS}
    versions = [version(name) for name in ("numba", "llvmlite") if find_spec(name)]
    sources = [path.read_bytes() for path in sorted((root / "backends").glob("*.py"))]
    return hashlib.sha256(repr((sorted(options.items()), versions, sources)).encode()).hexdigest()[
        :8
    ]


def writable(folder: str | Path) -> bool:
    """Whether a file can be made there. Makes one, since permissions do not bind root."""
    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
