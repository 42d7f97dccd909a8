"""How a run over several devices starts, or why it does not; one device knows nothing of it."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

import backends
from benchmarks.measure import devices, threads

ROOT = Path(__file__).parents[2]
ONE_DEVICE = """
import os, sys
before = os.environ.get("XLA_FLAGS")
import backends
from benchmarks.measure.calls import gradient_call, gradient_problem
[cell] = backends.cells(backend=["{}"], model=["linear"], formulation=["fused"], execution=["{}"])
gradient_call(cell, gradient_problem("linear", "float64", 32))()
print(os.environ.get("XLA_FLAGS") == before, *sorted({several} & sys.modules.keys()))
"""
# Not jax.experimental.multihost_utils: JAX's own device_put imports it.
SEVERAL = {
    "backends.jax_shards", "backends.torch_shards", "backends.jax_processes",
    "backends.torch_processes", "torch.distributed.tensor",
    "torch.distributed.run", "benchmarks.measure.processes", "benchmarks.measure.shards",
}  # fmt: skip


def needs(backend):
    if backend in backends.unavailable():
        pytest.skip(f"{backend} is not installed")


@pytest.mark.parametrize(("library", "driver"), [("jax", "run"), ("torch", "eager")])
def test_one_device_imports_and_sets_nothing_of_it(library, driver):
    needs(library)
    code = ONE_DEVICE.replace("{}", library, 1).replace("{}", driver, 1)
    done = subprocess.run(
        [sys.executable, "-c", code.replace("{several}", repr(SEVERAL))],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "True\n"


def test_a_cell_on_one_device_is_the_backend_itself():
    cell = backends.Cell("linear", "numpy", "eager", "cpu", "dense", "float64")
    assert (cell.sharding, cell.partition, cell.devices) == ("none", "none", 1)
    assert str(cell) == "linear-numpy-eager-cpu-dense-float64"
    assert backends.of(cell) is backends.load("numpy")


def test_the_words_of_a_cell_over_several_devices():
    cell = backends.Cell("linear", "jax", "run", "cpu", "dense", "float64", "batch/4")
    assert (cell.partition, cell.devices) == ("batch", 4)
    assert str(cell) == "linear-jax-run-cpu-dense-float64-batch/4"


def test_a_backend_that_cannot_shard_has_no_such_cell():
    cell = backends.Cell("linear", "numpy", "eager", "cpu", "dense", "float64", "batch/2")
    with pytest.raises(ValueError, match=r"^unknown partition 'batch'; one of: $"):
        backends.of(cell)


# --- wrong input

OPTIONS = {
    "no device": (["--devices=0", "--backend=jax"], "ERROR: --devices 0: at least 1"),
    "no number": (["--devices=x", "--backend=jax"], "argument --devices: invalid int value: 'x'"),
    "no backend": (["--devices=2"], "ERROR: --devices: a process measures one backend, as with"),
    "two backends": (
        ["--devices=2", "--backend=jax", "--backend=torch"],
        "ERROR: --devices: a process measures one backend, as with --backend jax; ",
    ),
    "a backend of one device": (
        ["--devices=2", "--backend=numpy"],
        "ERROR: unknown backend over several devices 'numpy'; one of: jax, torch",
    ),
    "one process of PyTorch": (
        ["--devices=2", "--backend=torch"],
        "ERROR: PyTorch needs a process for each of 2 devices: start it with torchrun",
    ),
    "three devices in two processes": (
        ["--devices=3", "--backend=jax", "WORLD_SIZE=2"],
        "ERROR: --devices 3: not a multiple of the 2 processes",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", OPTIONS)
def test_a_wrong_option_is_told_in_one_line(case, tmp_path):
    given, message = OPTIONS[case]
    needs("torch" if "torch" in message else "jax")
    variables = dict(word.split("=") for word in given if not word.startswith("--"))
    options = [word for word in given if word.startswith("--")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--benchmark-only", f"--benchmark-json={tmp_path}/a.json",
         *options],
        cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    [line] = [one for one in done.stderr.splitlines() if "--devices" in one or "devices" in one]
    assert message in line
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


# --- a processor for each device


@pytest.fixture
def processors(monkeypatch):
    """Four processors, without affinity being set; returns where the process would be kept."""
    kept = []
    monkeypatch.setattr(threads, "PINNED", set())
    monkeypatch.setattr(threads, "MAKE_POOLS", ())
    monkeypatch.setattr(threads, "usable_processors", lambda: [0, 1, 2, 3])
    monkeypatch.setattr(threads, "fastest", lambda found, count: found[-count:])
    monkeypatch.setattr(psutil.Process, "cpu_affinity", lambda self, own: kept.extend(own))
    names = (*threads.POOLS, threads.XLA)
    for name in names:
        monkeypatch.setenv(name, "7")
    return kept


@pytest.mark.parametrize(
    ("count", "own", "place", "kept"),
    [
        (1, 1, 0, [3]), (1, 1, 1, [2]), (1, 1, 3, [0]),  # processes of torchrun
        (1, 2, 0, [2, 3]), (1, 4, 0, [0, 1, 2, 3]), (1, 2, 1, [0, 1]),  # devices of XLA
        (2, 2, 0, [0, 1, 2, 3]), (2, 1, 1, [0, 1]),
        (1, 8, 0, []), (1, 1, 4, []), (2, 1, 2, []), (2, 4, 0, []),  # too few
    ],
)  # fmt: skip
def test_each_device_has_a_processor_of_its_own(processors, count, own, place, kept):
    said = threads.enforce(count, pin=True, devices=own, place=place)
    assert sorted(processors) == sorted(threads.PINNED) == kept
    assert os.environ[threads.XLA] == str(count * own)
    assert {os.environ[name] for name in threads.POOLS} == {str(count)}
    many = f"{count} in each pool, {len(kept)} of"
    assert said.startswith(many if kept else f"{count} in each pool, on any of")


@pytest.mark.parametrize(
    ("pinned", "others", "reason"),
    [
        ({3}, [], ""),
        ({2, 3}, [], ""),
        ({3}, [["own", 2]], ""),
        ({3}, [["other", 3]], ""),  # the same number on another machine
        (set(), [], "not measured: fewer processors than 2 devices"),
        ({3}, [["own", devices.NOWHERE]], "not measured: fewer processors than 2 devices"),
        ({3}, [["own", 3]], "not measured: two devices share a processor; LOCAL_RANK says which"),
    ],
)
def test_when_a_call_over_two_devices_is_timed(monkeypatch, pinned, others, reason):
    monkeypatch.setattr(devices, "PINNED", pinned)
    hosts = {"own": devices._host(), "other": devices._host() + 1}

    def gathered(own):
        return [own, *([hosts[host], *numbers] for host, *numbers in others)]

    assert devices.why_not_timed(gathered, 2) == reason


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({}, (4, 0, 0)),
        ({"WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "0"}, (2, 1, 0)),
        ({"WORLD_SIZE": "4", "RANK": "3", "LOCAL_RANK": "1"}, (1, 3, 1)),
    ],
)
def test_the_variables_of_torchrun_say_which_process_this_is(monkeypatch, variables, found):
    for name in ("WORLD_SIZE", "RANK", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert (devices.here(4), devices.rank(), devices.place()) == found


def test_the_devices_of_xla_come_after_the_flags_of_the_user(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=x")
    devices.make(2)
    assert os.environ["XLA_FLAGS"].split()[:2] == [
        "--xla_dump_to=x", "--xla_force_host_platform_device_count=2",
    ]  # fmt: skip
