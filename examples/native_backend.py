"""A loop in C, native.c: compiled when this file is first imported, and called with ctypes.

Only fused, and with fastmath, which fused may use: sums over the batch are reassociated, so that
every loop along it is vectorized, exp included. The other backends are compared with it.
"""

import ctypes
import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np

from backends.contract import Gradient, Trajectory
from reference.models import load

# Fused forms no diagonals, so the forward pass is that of NumPy.
# The C code allocates nothing, so NumPy's temporary_bytes sees everything.
BASE = "numpy"

DEVICES = ("cpu",)
MODELS = ("linear", "logistic", "poisson")  # in the order of native.c
FORMULATIONS = ("fused",)
EXECUTIONS = ("run",)


# --- compilation


SOURCE = Path(__file__).with_name("native.c")
FLAGS = ("-O3", "-ffast-math", "-fPIC")
TARGETS = (  # flags to compile with, libraries to link with; the first pair that works is used
    (("-march=native", "-mprefer-vector-width=512"), ("-lmvec", "-lm")),  # x86 with glibc
    ((), ("-lm",)),
)


def compiler():
    """The command of the C compiler, as a list: CC, or cc, or gcc."""
    given = os.environ.get("CC")
    for command in [shlex.split(given)] if given else [["cc"], ["gcc"]]:
        if shutil.which(command[0]):
            return command
    raise ImportError(f"no C compiler: {given or 'cc or gcc'} is not found")


def library(real):
    """The functions of native.c for arrays of real, "double" or "float"."""
    for target in TARGETS:
        try:
            return declared(library_for(real, *target))
        except subprocess.CalledProcessError as error:
            problem = error.stderr
    raise ImportError(f"{SOURCE.name} does not compile: {problem}")


def library_for(real, flags, libraries):
    """The library from the cache, or compiled and, if possible, stored there."""
    given = shlex.split(os.environ.get("CFLAGS", ""))  # last, so that they win: -march=haswell
    command = [*compiler(), *FLAGS, *flags, *given, f"-DREAL={real}", str(SOURCE)]
    expanded = output(*command, "-E", "-dD")  # its macros identify the compiler and the processor
    key = hashlib.sha256(repr((command, libraries, expanded)).encode()).hexdigest()[:16]
    place = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "diagjac")
    kept = place / f"native-{real}-{key}.so"
    if kept.exists():
        return ctypes.CDLL(str(kept))
    with workplace(place) as folder:
        compiled, linked = Path(folder, "native.o"), Path(folder, "native.so")
        output(*command, "-c", "-o", str(compiled))
        # Linking with -ffast-math would make the whole process flush denormals to zero.
        output(*compiler(), "-shared", str(compiled), "-o", str(linked), *libraries)
        loaded = ctypes.CDLL(str(linked))
        with suppress(OSError):
            linked.replace(kept)
        return loaded


def workplace(place):
    """A temporary directory in place or, if place cannot be written, in the system's folder."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(dir=place)
    except OSError:
        return tempfile.TemporaryDirectory()


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def declared(loaded):
    """The same library, with the types of its arguments set."""
    flag, count, array, number = ctypes.c_int, ctypes.c_ssize_t, ctypes.c_void_p, ctypes.c_double
    loaded.gradient.argtypes = [flag, *[count] * 2, *[array] * 4, number, *[array] * 4]
    loaded.train.argtypes = [flag, *[count] * 4, *[array] * 2, *[number] * 2, *[array] * 4]
    loaded.gradient.restype = loaded.train.restype = None
    return loaded


LIBRARIES = {np.dtype(f"f{size}"): library(real) for size, real in ((8, "double"), (4, "float"))}


# --- arrays


def from_numpy(array, device):
    return np.array(array, order="C")  # the C code ignores strides


def addresses(*arrays):
    return [array.ctypes.data for array in arrays]


# --- the contract


def make_gradient(model, formulation, execution):
    code = MODELS.index(model)

    def gradient(W, b, X, Y, dJ_dJ0):
        B, F = X.shape
        x = np.ascontiguousarray(X.T)
        dW, db, loss, accuracy = (np.empty(shape, W.dtype) for shape in ((F, 1), (1, 1), (), ()))
        given, results = addresses(x, Y, W, b), addresses(dW, db, loss, accuracy)
        LIBRARIES[W.dtype].gradient(code, B, F, *given, dJ_dJ0, *results)
        return Gradient(dW, db, loss)

    return gradient


def make_train(model, formulation, execution):
    code = MODELS.index(model)

    def train(W, b, X, Y, learning_rate, dJ_dJ0, epochs):
        K, B, F = X.shape
        S = epochs * K
        x = np.ascontiguousarray(X.transpose(0, 2, 1))  # (K, F, B)
        shapes = (S + 1, F, 1), (S + 1, 1, 1), (S,), (S,)
        W_track, b_track, loss, accuracy = tracks = [np.empty(s, W.dtype) for s in shapes]
        W_track[0], b_track[0] = W, b
        given, results = addresses(x, Y), addresses(*tracks)
        run = LIBRARIES[W.dtype].train
        run(code, K, B, F, S, *given, learning_rate, dJ_dJ0, *results)
        return Trajectory(W_track, b_track, loss, accuracy if load(model).HAS_ACCURACY else None)

    return train
