"""What the environment of a process may not be, and where its caches are if they have no place."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

INTERPRETED = (  # what is called compiled would not be
    "NUMBA_DISABLE_JIT", "JAX_DISABLE_JIT", "TORCHDYNAMO_DISABLE", "TORCH_COMPILE_DISABLE",
)  # fmt: skip
OFF = "", "0", "false"
CACHES = {  # of Numba, JAX and inductor
    "NUMBA_CACHE_DIR": "numba",
    "JAX_COMPILATION_CACHE_DIR": "jax",
    "TORCHINDUCTOR_CACHE_DIR": "inductor",
}


def check() -> None:
    """Raise ValueError where a variable says that nothing is to be compiled."""
    for name in INTERPRETED:
        if os.environ.get(name, "").lower() not in OFF:
            raise ValueError(
                f"{name}={os.environ[name]}: what is called compiled would not be; unset it"
            )


def place_caches(root: Path) -> None:
    """See that what is compiled can be kept; for this process alone where nothing can be written.

    JAX keeps it in the checkout, Numba beside the backends, inductor where it likes to.
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
    """Whether a file can be made there, by making one; root may do more than rights say."""
    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
