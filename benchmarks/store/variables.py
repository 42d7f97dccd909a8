"""The variables of the environment that affect times, as they were before any framework.

Import this first: NumPy's helpers, JAX and PyTorch set some variables themselves.
"""

import os
import re

# Variables that affect times, by the beginning of their names.
ALLOCATOR = ("GLIBC_TUNABLES", "MALLOC_", "LD_PRELOAD", "NUMPY_MADVISE_HUGEPAGE", "PYTHONMALLOC",
             "PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF")  # fmt: skip
OTHERS = ("NUMBA_", "JAX_", "XLA_", "TF_CPP_", "TF_XLA_", "TORCH", "PYTORCH_", "NPY_", "NUMPY_",
          "OPENBLAS_", "MKL_", "OMP_", "KMP_", "GOMP_", "BLIS_", "VECLIB_", "ATEN_", "ONEDNN_",
          "DNNL_", "CUDA_", "NVIDIA_", "LD_LIBRARY_PATH", "PYTHON",
          "CC", "CFLAGS", "CXX")  # fmt: skip
# Of these, what only names a place, and what this suite sets itself: threads are a condition.
NO_CONDITION = ("_CACHE_DIR", "_CACHE_PATH", "_NUM_THREADS", "PYTHONPATH", "PYTHONPYCACHEPREFIX",
                "XLA_PYTHON_CLIENT_PREALLOCATE", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS",
                "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "TORCHELASTIC_RUN_ID")  # fmt: skip
FOLDERS = re.compile(r"[^\s:;,=]*[/\\]")  # of a path: they may name a user
GIVEN = dict(os.environ)


def variables(beginnings: tuple[str, ...]) -> dict[str, str]:
    """The variables of the environment with such names; of a path only its last part."""
    return {
        name: FOLDERS.sub("", value) for name, value in sorted(GIVEN.items())
        if name.startswith(beginnings) and not name.endswith(NO_CONDITION)
    }  # fmt: skip
