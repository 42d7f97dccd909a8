"""Checks of the environment variables, and folders for compiler caches."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

INTERPRETED = (  # with one of them set, nothing would be compiled
    "NUMBA_DISABLE_JIT", "JAX_DISABLE_JIT", "TORCHDYNAMO_DISABLE", "TORCH_COMPILE_DISABLE",
)  # fmt: skip
OFF = "", "0", "false"
CACHES = {  # of Numba, JAX and inductor
    "NUMBA_CACHE_DIR": "numba",
    "JAX_COMPILATION_CACHE_DIR": "jax",
    "TORCHINDUCTOR_CACHE_DIR": "inductor",
}


def check() -> None:
    """Raise ValueError if a variable switches compiling off."""
    for name in INTERPRETED:
        if os.environ.get(name, "").lower() not in OFF:
            raise ValueError(f"{name}={os.environ[name]}: switches compiling off; unset it")


def place_caches(root: Path) -> None:
    """Choose folders for what is compiled; temporary ones where nothing can be written.

    JAX's is in the checkout, Numba's beside the backends, inductor's where inductor puts it.
    """
    if writable(root):
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(root / ".cache" / "jax"))
    else:
        for name in CACHES:
            os.environ.setdefault(name, str(root / ".cache"))
    lost = [name for name in CACHES if name in os.environ and not writable(os.environ[name])]
    if lost:
        folder = tempfile.mkdtemp(prefix="diagjac-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ.update({name: os.path.join(folder, CACHES[name]) for name in lost})


def writable(folder: str | Path) -> bool:
    """Whether a file can be made there. Makes one, since permissions do not bind root."""
    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
