"""The life of each cell in a fresh process: with caches that are empty, then with the same ones.

Each cell has its own folder of caches. Its cold process begins with the folder empty and fills it;
its warm one adds nothing to it, or something was compiled that should have come from there.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

import backends
from backends import Cell
from benchmarks.measure import calibration

KIND = "life"
ROOT = Path(__file__).parents[1]
CACHES = {  # of Numba, JAX, inductor, Triton, the driver of NVIDIA, and whatever follows XDG
    "NUMBA_CACHE_DIR": "numba",
    "JAX_COMPILATION_CACHE_DIR": "jax",
    "TORCHINDUCTOR_CACHE_DIR": "inductor",
    "TRITON_CACHE_DIR": "triton",
    "CUDA_CACHE_PATH": "cuda",
    "XDG_CACHE_HOME": "xdg",
}
KEEP_ALL = {  # JAX would keep only what takes a second
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
}
TAIL = 2000  # characters of what a process that died has said


def select(cells, config):
    """Elementwise logistic cells, if no others are named; with --quick none, as each takes long."""
    if config.getoption("quick"):
        return []
    if not config.getoption("model"):
        cells = [cell for cell in cells if cell.model == "logistic"]
    if not config.getoption("formulation"):
        cells = [cell for cell in cells if cell.formulation == "elementwise"]
    return cells


@pytest.fixture(scope="module")
def folders():
    """Where the cells have their caches."""
    with TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.mark.parametrize("caches", ["cold", "warm"])
def test_life(
    benchmark, pytestconfig, folders, model, backend, execution, device, formulation, dtype, caches
):
    cell = Cell(model, backend, execution, device, formulation, dtype)
    folder, threads = folders / str(cell), pytestconfig.getoption("threads")
    if caches == "cold":
        shutil.rmtree(folder, ignore_errors=True)
    elif not folder.exists():
        live(cell, threads, folder)
    before, loops = files(folder), [calibration.seconds()]
    benchmark.group = f"life {model} {dtype}, {caches} caches"
    done = benchmark.pedantic(live, args=(cell, threads, folder), rounds=1, iterations=1)
    loops.append(calibration.seconds())
    found = outcome(done)
    if caches == "warm" and not found["void"] and (added := files(folder) - before):
        found["void"] = f"the warm caches were given {len(added)} more files"
    benchmark.extra_info |= cell._asdict() | found | {"kind": KIND, "caches": caches}
    benchmark.extra_info |= {"calls": 1, "beside": {}, "faults": [0.0], "calibration": loops}
    if found["void"]:
        shutil.rmtree(folder, ignore_errors=True)  # it serves nobody
        pytest.fail(f"void: {found['void']}\n{done.stderr[-TAIL:]}")


def live(cell, threads, folder):
    """The ended process of python -m benchmarks.measure.life with its caches in the folder."""
    file = Path(backends.load(cell.backend).__file__)
    guest = [] if file.parent == ROOT / "backends" else ["--backend", str(file)]
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.measure.life", str(cell),
         "--threads", str(threads), *guest],
        cwd=ROOT, env={**os.environ, **environment(folder)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def environment(folder):
    """What puts all caches into the folder."""
    return {name: str(folder / place) for name, place in CACHES.items()} | KEEP_ALL


def files(folder):
    """The files of the caches."""
    return {path for path in folder.rglob("*") if path.is_file()}


def outcome(done):
    """What the process printed, or where it died a void row with the last line of its stderr."""
    if done.returncode == 0:
        return json.loads(done.stdout.splitlines()[-1])
    last = done.stderr.strip().splitlines()[-1:]
    void = ": ".join([f"the process ended with {done.returncode}", *last])
    return {"verdict": {"passed": False, "checks": [], "obstacle": void}, "void": void}
