"""The test of the clock: its rows are valid. Whether its targets are met depends on the machine."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
TRIALS = "test_ratio[quiet-0-same]", "test_ratio[quiet-0-slowed]", "test_sleep[quiet-0]"


def test_one_trial_of_each_kind_has_a_time(tmp_path):
    path = tmp_path / "run.json"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--benchmark-only", "--no-report", "--backend",
         "numpy", f"--benchmark-json={path}",
         *(f"benchmarks/self_test.py::{trial}" for trial in TRIALS)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    run = json.loads(path.read_text())
    assert len(run["benchmarks"]) == len(TRIALS)
    assert not run["void"]
    *_, sleep = run["benchmarks"]
    known = sleep["extra_info"]["known"]
    assert len(known["own"]) == len(known["sleep"])
