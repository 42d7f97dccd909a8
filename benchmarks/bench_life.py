"""The life of each cell in a fresh process: first with empty caches, then with the filled ones.

Each cell has its own folder of caches. The cold process begins with an empty folder and fills it.
The warm process must add no file: otherwise something was compiled that should have been cached.
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
from reference.words import FIRST

KIND = "life"
ROOT = Path(__file__).parents[1]
CACHES = {  # of Numba, JAX, inductor, Triton, NVIDIA's driver, and all that uses XDG's variable
    "NUMBA_CACHE_DIR": "numba",
    "JAX_COMPILATION_CACHE_DIR": "jax",
    "TORCHINDUCTOR_CACHE_DIR": "inductor",
    "TRITON_CACHE_DIR": "triton",
    "CUDA_CACHE_PATH": "cuda",
    "XDG_CACHE_HOME": "xdg",
}
KEEP_ALL = {  # by default JAX keeps only what takes a second to compile
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
}
TAIL = 2000  # characters of a failed process's stderr


def select(cells, config):
    """Elementwise cells of one model, unless others are named; with --quick none: all take long."""
    if config.getoption("quick"):
        return []
    if not config.getoption("model"):
        cells = [cell for cell in cells if cell.model == FIRST]
    if not config.getoption("formulation"):
        cells = [cell for cell in cells if cell.formulation == "elementwise"]
    return cells


@pytest.fixture(scope="module")
def folders():
    """The folder with the cache folders of all cells."""
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
        found["void"] = f"the process added {len(added)} files to the warm caches"
    benchmark.extra_info |= cell._asdict() | found | {"kind": KIND, "caches": caches}
    benchmark.extra_info |= {"calls": 1, "beside": {}, "faults": [0.0], "calibration": loops}
    if found["void"]:
        shutil.rmtree(folder, ignore_errors=True)  # no later process may use it
        pytest.fail(f"void: {found['void']}\n{done.stderr[-TAIL:]}")


def live(cell, threads, folder):
    """Run python -m benchmarks.measure.life with its caches in the folder; the ended process."""
    file = Path(backends.load(cell.backend).__file__)
    guest = [] if file.parent == ROOT / "backends" else ["--backend", str(file)]
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.measure.life", str(cell),
         "--threads", str(threads), *guest],
        cwd=ROOT, env={**os.environ, **environment(folder)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def environment(folder):
    """The variables that put all caches into the folder."""
    return {name: str(folder / place) for name, place in CACHES.items()} | KEEP_ALL


def files(folder):
    """The files of the caches."""
    return {path for path in folder.rglob("*") if path.is_file()}


def outcome(done):
    """What the process printed; if it failed, a void row with the last line of its stderr."""
    if done.returncode == 0:
        return json.loads(done.stdout.splitlines()[-1])
    last = done.stderr.strip().splitlines()[-1:]
    void = ": ".join([f"the process ended with {done.returncode}", *last])
    return {"verdict": {"passed": False, "checks": [], "obstacle": void}, "void": void}
