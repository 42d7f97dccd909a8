"""Conditions are read and compared, in words; threads are set, or the reason is given."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from backends import numpy_backend
from benchmarks.measure.threads import enforce, fastest, usable_processors
from benchmarks.show.circumstances import facts
from benchmarks.store import conditions as registry
from benchmarks.store import variables
from benchmarks.store.conditions import REGISTRY, conditions, differences, state
from benchmarks.store.run import typed
from tests import stored

ROOT = Path(__file__).parents[1]


def made(**changed):
    """Conditions by hand."""
    return {
        "threads": "1 in each pool",
        "pools": {"libopenblas.so": "0.3 1 threads"},
        "settings": {"one": {"threads": 1}},
        "versions": {"numpy": "2.4", "scipy": "1.17"},
    } | changed


def python(code, **given):
    """What a fresh interpreter at the root of the project prints; enforce may pin it."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | given, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


# --- what is read


def test_conditions_are_plain_json_and_the_same_again():
    found = conditions("1 in each pool", {"numpy": numpy_backend})
    assert json.loads(json.dumps(found)) == found
    assert differences(found, conditions("1 in each pool", {"numpy": numpy_backend})) == ""
    assert found["settings"] == {"numpy": {}}
    assert {"numpy", "scipy", "pytest"} < found["versions"].keys()
    assert all(isinstance(value, str | dict) for value in found.values())


def test_a_package_has_the_version_that_python_imports(tmp_path, monkeypatch):
    """Setuptools puts copies of packages at the end of the path, where PyTorch compiles."""
    copy = tmp_path / "numpy-9.dist-info"
    copy.mkdir()
    (copy / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 9\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert registry.versions()["numpy"] == "9"
    monkeypatch.setattr(sys, "path", [*sys.path[1:], str(tmp_path)])
    assert registry.versions()["numpy"] == np.__version__


def test_an_allocator_that_is_set_is_a_condition(monkeypatch):
    monkeypatch.setattr(variables, "GIVEN", {})
    plain = conditions("", {})
    monkeypatch.setattr(variables, "GIVEN", {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"})
    other = conditions("", {})
    assert differences(plain, other) == "allocator: GLIBC_TUNABLES=glibc.malloc.hugetlb=1"
    assert plain["allocator"].startswith("default of ")
    assert plain["environment"] == other["environment"] == "no variable that affects times"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"MALLOC_MMAP_THRESHOLD_": "1"}, "allocator: MALLOC_MMAP_THRESHOLD_=1"),
        ({"MALLOC_TOP_PAD_": "9"}, "allocator: MALLOC_TOP_PAD_=9"),
        ({"LD_PRELOAD": "/home/me/libjemalloc.so"}, "allocator: LD_PRELOAD=libjemalloc.so"),
        ({"PYTHONMALLOC": "malloc"}, "allocator: PYTHONMALLOC=malloc"),
        ({"JAX_DEBUG_NANS": "1"}, "environment: JAX_DEBUG_NANS=1"),
        ({"XLA_FLAGS": "--xla_dump_to=/home/me/d --xla_x=1"},
         "environment: XLA_FLAGS=--xla_dump_to=d --xla_x=1"),
        ({"NPY_DISABLE_CPU_FEATURES": "X86_V4"}, "environment: NPY_DISABLE_CPU_FEATURES=X86_V4"),
        ({"ATEN_CPU_CAPABILITY": "avx2"}, "environment: ATEN_CPU_CAPABILITY=avx2"),
        ({"XLA_FLAGS": "--xla_cpu_max_isa=AVX2"}, "environment: XLA_FLAGS=--xla_cpu_max_isa=AVX2"),
        ({"NUMBA_CPU_NAME": "haswell"}, "environment: NUMBA_CPU_NAME=haswell"),
        ({"NUMBA_CPU_FEATURES": "+avx2"}, "environment: NUMBA_CPU_FEATURES=+avx2"),
        ({"MKL_ENABLE_INSTRUCTIONS": "AVX2"}, "environment: MKL_ENABLE_INSTRUCTIONS=AVX2"),
        ({"ONEDNN_MAX_CPU_ISA": "AVX2"}, "environment: ONEDNN_MAX_CPU_ISA=AVX2"),
        ({"CFLAGS": "-march=haswell"}, "environment: CFLAGS=-march=haswell"),
        ({"CC": "/opt/bin/clang -O2", "CXX": "g++"}, "environment: CC=clang -O2 CXX=g++"),
        ({"NUMBA_OPT": "0"}, "environment: NUMBA_OPT=0"),
        ({"OPENBLAS_CORETYPE": "Haswell"}, "environment: OPENBLAS_CORETYPE=Haswell"),
        ({"MKL_CBWR": "AVX2"}, "environment: MKL_CBWR=AVX2"),
        ({"OMP_PROC_BIND": "true"}, "environment: OMP_PROC_BIND=true"),
        ({"KMP_BLOCKTIME": "0"}, "environment: KMP_BLOCKTIME=0"),
        ({"TORCH_LOGS": "+dynamo"}, "environment: TORCH_LOGS=+dynamo"),
        ({"PYTHONOPTIMIZE": "2"}, "environment: PYTHONOPTIMIZE=2"),
        ({"NUMBA_CACHE_DIR": "/x", "OMP_NUM_THREADS": "7", "PYTHONPATH": "/y", "HOME": "/z"}, ""),
    ],
)  # fmt: skip
def test_variables_that_affect_times_are_conditions(monkeypatch, given, shown):
    monkeypatch.setattr(variables, "GIVEN", {})
    plain = conditions("", {})
    monkeypatch.setattr(variables, "GIVEN", given)
    assert differences(plain, conditions("", {})) == shown


NUMPY_USES = """
import numpy
from benchmarks.store.conditions import conditions
found = numpy.lib.introspect.opt_func_info(func_name="^exp$", signature="float64")["exp"]["dd"]
print(*(word for word in found["available"].split() if not word.startswith("baseline")))
print(conditions("", {})["instructions"])
"""


def test_the_instructions_that_numpy_uses_are_a_condition():
    """Also where a variable asks for others in vain: its words change from version to version."""
    more, plain = python(NUMPY_USES)
    if plain.startswith("NumPy baseline"):
        pytest.skip("NumPy has only one kind of instructions here")
    assert plain in [f"NumPy {word}" for word in more.split()]
    assert python(NUMPY_USES, NPY_DISABLE_CPU_FEATURES="NO_SUCH")[1] == plain
    assert python(NUMPY_USES, NPY_DISABLE_CPU_FEATURES=more)[1].startswith("NumPy baseline")


def test_a_quota_of_the_processor_is_a_condition(monkeypatch, tmp_path):
    monkeypatch.setattr(registry, "CGROUPS", tmp_path)
    monkeypatch.setattr(registry, "OWN_CGROUP", tmp_path / "own")
    (tmp_path / "own").write_text("0::/pod/box\n")
    (tmp_path / "pod" / "box").mkdir(parents=True)
    assert conditions("", {})["quota"] == "none"
    (tmp_path / "pod" / "box" / "cpu.max").write_text("max 100000\n")
    (tmp_path / "pod" / "cpu.max").write_text("150000 100000\n")
    assert conditions("", {})["quota"] == "1.5 processors"


def test_a_quota_of_the_older_cgroups_is_a_condition(monkeypatch, tmp_path):
    monkeypatch.setattr(registry, "CGROUPS", tmp_path)
    monkeypatch.setattr(registry, "OWN_CGROUP", tmp_path / "own")
    (tmp_path / "own").write_text("4:memory:/m\n3:cpu,cpuacct:/box\n2:cpuset:/\n0::/\n")
    box = tmp_path / "cpu" / "box"
    box.mkdir(parents=True)
    (box / "cpu.cfs_period_us").write_text("100000\n")
    (box / "cpu.cfs_quota_us").write_text("-1\n")
    assert conditions("", {})["quota"] == "none"
    (box / "cpu.cfs_quota_us").write_text("50000\n")
    assert conditions("", {})["quota"] == "0.5 processors"


def test_the_state_of_the_machine_is_plain_json():
    found = state()
    assert json.loads(json.dumps(found)) == found
    assert 0 < found["memory available"] <= found["memory"]


def broken(*_):
    raise FileNotFoundError("no such file")


@pytest.mark.parametrize("name", ["cpu_freq", "getloadavg", "virtual_memory"])
def test_a_state_that_cannot_be_read_stops_nothing(monkeypatch, name):
    """As in containers and some clouds: psutil raises, or returns None."""
    monkeypatch.setattr(registry.psutil, name, broken)
    assert "not readable" in state().values()


@pytest.mark.parametrize("condition", REGISTRY, ids=[c.name for c in REGISTRY])
def test_a_condition_that_cannot_be_read_stops_nothing(monkeypatch, condition):
    others = [c._replace(read=broken) if c is condition else c for c in REGISTRY]
    monkeypatch.setattr(registry, "REGISTRY", others)
    found = conditions("1 in each pool", {"numpy": numpy_backend})
    assert json.loads(json.dumps(found)) == found
    shown = registry.in_words([found])
    assert registry.in_brief(found)
    if isinstance(found[condition.name], str) and condition.in_words:
        assert "not readable: FileNotFoundError: no such file" in shown[condition.name]


# --- how two processes differ


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, ""),
        ({"threads": "2 in each pool"}, "threads: 2 in each pool"),
        ({"pools": {"libopenblas.so": "0.3 2 threads"}}, "pools: libopenblas.so=0.3 2 threads"),
        ({"pools": {"libopenblas.so": "0.3 1 threads", "libgomp.so": "1 threads"}}, ""),
        ({"settings": {"other": {"threads": 2}}}, ""),
        ({"settings": {"one": {"threads": 2}}}, "settings: one={'threads': 2}"),
        ({"versions": {"numpy": "2.5", "scipy": "1.17"}}, "versions: numpy=2.5"),
    ],
)
def test_differences_in_words(changed, words):
    assert differences(made(), made(**changed)) == words


def test_every_difference_is_named():
    other = made(threads="2 in each pool", settings={"one": {"threads": 2}})
    found = differences(made(), other)
    assert found == "threads: 2 in each pool, settings: one={'threads': 2}"


def test_a_condition_is_one_entry(monkeypatch):
    """A new condition needs one entry, and is then read, stored, compared and shown."""
    values = iter(["red", "blue", "blue"])
    color = registry.Condition("color", lambda *_: next(values), str.upper, is_brief=True)
    monkeypatch.setattr(registry, "REGISTRY", (*registry.REGISTRY, color))
    one, other, third = (conditions("", {}) for _ in range(3))
    assert differences(one, other) == "color: blue"
    assert differences(other, third) == ""
    run = stored.run()
    run["processes"][0]["conditions"] = one
    assert facts(typed(run))["color"] == "RED"
    assert registry.in_brief(one).endswith("; color red")
    assert "color" not in facts(typed(stored.run())), "an older run does not have it"


def test_what_a_framework_brings_is_that_of_all_processes():
    run = stored.run()
    [process] = run["processes"]
    pools = {"libgomp-1.so": "1 threads"}
    other = process | {"conditions": process["conditions"] | {"pools": pools}}
    run["processes"] = [process, other]
    assert facts(typed(run))["pools"] == "libgomp 1 threads; libx.so 1.0 1 threads"


# --- threads


@pytest.mark.parametrize("count", [0, -1, len(usable_processors()) + 1])
def test_more_threads_than_processors_are_a_mistake(count):
    with pytest.raises(ValueError, match=rf"--threads {count}: this process may use 1 to \d+$"):
        enforce(count, pin=False)


def test_the_mistake_is_told_on_the_command_line():
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "--threads", "1000"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--threads 1000: this process may use 1 to " in done.stderr


# What OpenMP, OpenBLAS, MKL, Numba and XLA read, each by its own name.
VARIABLES = "OMP_NUM_THREADS OPENBLAS_NUM_THREADS MKL_NUM_THREADS NUMBA_NUM_THREADS NPROC"
ENFORCED = f"""
import os
from benchmarks.measure.threads import enforce, fastest, usable_processors
before = usable_processors()
os.environ |= dict.fromkeys("{VARIABLES}".split(), "7")
print(enforce(1, pin={{pin}}))
print({{{{os.environ[name] for name in "{VARIABLES}".split()}}}})
print(usable_processors() == {{processors}})
"""


def test_every_pool_is_set():
    said, pools, same = python(ENFORCED.format(pin=False, processors="before"))
    assert said == "1 in each pool"
    assert (pools, same) == ("{'1'}", "True")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="affinity is set on Linux only")
def test_a_pinned_process_has_so_many_processors():
    said, pools, same = python(ENFORCED.format(pin=True, processors="before[-1:]"))
    assert said.startswith("1 in each pool, 1 of ")
    assert (pools, same) == ("{'1'}", "True")


def test_what_was_imported_before_is_named_and_nothing_is_claimed():
    said, _, same = python("import numpy\n" + ENFORCED.format(pin=False, processors="before"))
    assert said == "not enforced: numpy was imported before"
    assert same == "True"


def test_no_time_is_taken_with_a_pool_that_was_there_before():
    """As with pytest-randomly, which imports NumPy: its BLAS would have all threads."""
    code = "import numpy\nfrom benchmarks.measure.threads import enforce\nenforce(1, pin=True)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "ValueError: numpy was imported before the number of threads could be set" in done.stderr


@pytest.mark.parametrize(
    ("speeds", "count", "expected"),
    [
        ({0: "5800", 1: "5700", 2: "4000", 3: "4000"}, 1, [1]),  # fast cores, then slow ones
        ({0: "5800", 1: "5700", 2: "4000", 3: "4000"}, 2, [0, 1]),
        ({0: "5800", 1: "5700", 2: "4000", 3: "4000"}, 3, [3, 0, 1]),
        ({0: "446", 1: "446", 2: "1024", 3: "1024"}, 1, [3]),  # as ARM numbers them
        ({0: None, 1: None, 2: None}, 1, [2]),  # nothing is said
        ({0: "fast", 1: "fast"}, 1, [1]),
    ],
)
def test_the_processor_is_one_of_the_fastest(tmp_path, speeds, count, expected):
    for number, speed in speeds.items():
        file = tmp_path / f"cpu{number}" / "cpufreq" / "cpuinfo_max_freq"
        file.parent.mkdir(parents=True)
        if speed:
            file.write_text(f"{speed}000\n")
    assert fastest([*speeds], count, tmp_path) == expected


def test_a_framework_sees_what_was_set():
    [threads] = python(
        "from benchmarks.measure.threads import enforce\nenforce(1, pin=False)\n"
        "import numpy, threadpoolctl\n"
        "print({pool['num_threads'] for pool in threadpoolctl.threadpool_info()})"
    )
    assert threads == "{1}"


def test_what_a_framework_sets_is_no_condition():
    """threadpoolctl, JAX and PyTorch set variables when they are imported."""
    code = (
        "import os; given = dict(os.environ)\n"
        "from benchmarks.store import conditions, machine\n"
        "import numpy, threadpoolctl\n"
        "os.environ['XLA_FLAGS'] = os.environ['TF_CPP_MIN_LOG_LEVEL'] = 'mine'\n"
        "from benchmarks.store.variables import GIVEN\n"
        "print(given == GIVEN)"
    )
    assert python(code) == ["True"]
