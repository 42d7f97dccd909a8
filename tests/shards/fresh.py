"""Fresh processes for cells over several devices, each with what it finds; see judge.py."""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
DEVICES = 8  # that XLA makes in one process
LIMIT = 3600  # seconds for all tasks of a process
TORCHRUN = "-m", "torch.distributed.run", "--standalone"


def found(backend, processes, tasks):
    """For each task the list of what each process finds."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "tasks.json"
        path.write_text(json.dumps(tasks), encoding="utf-8")
        launcher = (*TORCHRUN, f"--nproc-per-node={processes}") if processes > 1 else ()
        done = subprocess.run(
            [sys.executable, *launcher, "-m", "tests.shards.judge", backend, str(path)],
            cwd=ROOT, env=os.environ | environment(), capture_output=True, text=True, check=False,
            timeout=LIMIT,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        files = [Path(f"{path}.{rank}") for rank in range(processes)]
        lines = [file.read_text(encoding="utf-8").splitlines() for file in files]
    assert {len(own) for own in lines} == {len(tasks)}
    return [[json.loads(line) for line in own] for own in zip(*lines, strict=True)]


def environment():
    flags = f"--xla_force_host_platform_device_count={DEVICES} --xla_cpu_multi_thread_eigen=false"
    return {"XLA_FLAGS": flags, "OMP_NUM_THREADS": "1"}
