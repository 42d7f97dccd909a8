"""Every wrong input is reported with the value and what is allowed, and changes no file.

One table for each kind: problems, the command line, stored files, backends from outside, and the
environment. tests/test_problems.py has the problems that are refused for their values.
"""

import copy
import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import backends
from benchmarks.__main__ import main
from benchmarks.measure import environment
from reference.problems import batched, make
from tests import stored

ROOT = Path(__file__).parents[1]
SMALL = {"examples": 10, "batch_size": 4, "features": 2, "epochs": 1, "seed": 0}


def contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# --- problems


def made(**changes):
    return lambda: make("linear", **SMALL | changes)


def data(x, y=None, **changes):
    """A problem from given data."""
    y = np.ones((len(x), 1), x.dtype) if y is None else y
    W, b = np.ones((x.shape[-1], 1), x.dtype), np.ones((1, 1), x.dtype)
    return lambda: batched("linear", x, y, W, b, **{"batch_size": 2, "epochs": 1} | changes)


ONES = np.ones((4, 2))
PROBLEMS = {
    "more numbers than can be counted": (
        made(examples=2**62, features=2**62),
        f"examples * features must be at most {2**60 - 1} numbers of float64, got {2**124}",
    ),
    "more states than can be counted": (
        made(epochs=10**30), "(epochs * K + 1) * F, all states, must be at most",
    ),
    "more bytes than can be counted": (made(epochs=2**60), f"got {2**62 + 2}"),
    "a rate beyond floats": (made(learning_rate=10**400), "learning_rate must be a positive"),
    "a rate that cannot be printed": (
        made(learning_rate=10**5000), "got a number of int with thousands of digits",
    ),
    "a fraction beyond floats": (
        made(learning_rate=Fraction(10**400, 3)), "learning_rate must be a positive number",
    ),
    "epochs that cannot be printed": (
        made(epochs=-(10**5000)), "epochs must be a whole number of at least 1, got a number",
    ),
    "epochs as a float": (made(epochs=2.0), "epochs must be a whole number of at least 1, got 2.0"),
    "epochs as true": (made(epochs=True), "epochs must be a whole number of at least 1, got True"),
    "epochs as text": (made(epochs="2"), "epochs must be a whole number of at least 1, got '2'"),
    "a rate as true": (made(learning_rate=True), "learning_rate must be a positive number"),
    "a complex rate": (made(learning_rate=1j), "learning_rate must be a positive number"),
    "a rate as an array": (made(learning_rate=np.ones(2)), "got array([1., 1.])"),
    "a seed as text": (made(seed="0"), "seed must be a whole number of at least 0, got '0'"),
    "no seed": (made(seed=None), "seed must be a whole number of at least 0, got None"),
    "a batch beyond all": (made(batch_size=2**70), f"at most the 10 examples, got {2**70}"),
    "no contractive rate": (
        made(dJ_dJ0=1e-320), "learning_rate has to be given: the contractive one would be inf",
    ),
    "data too large for a rate": (
        data(1e300 * ONES), "learning_rate has to be given: the contractive one would be 0.0",
    ),
    "a mask": (
        data(np.ma.masked_equal(ONES, 1)), "x must be an array without a mask, got MaskedArray",
    ),
    "three axes": (
        lambda: batched("linear", np.ones((4, 2, 1)), ONES, ONES, ONES, batch_size=2, epochs=1),
        "x must have shape (N, F) and y (N, 1), got (4, 2, 1) and (4, 2)",
    ),
    "complex numbers": (data(ONES + 0j), "x must be one of float64, float32, got complex128"),
    "long numbers": (data(ONES.astype(np.longdouble)), "x must be one of float64, float32, got"),
    "objects": (data(ONES.astype(object)), "x must be one of float64, float32, got object"),
    "text": (data(ONES.astype(str)), "x must be one of float64, float32, got <U32"),
    "labels for the other": (
        lambda: batched("logistic", ONES, 2 * ONES[:, :1], ONES[:2, :1], ONES[:1, :1],
                        batch_size=2, epochs=1),
        "labels of logistic must be 0 or 1, got 2.0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", PROBLEMS)
def test_a_problem(case):
    build, message = PROBLEMS[case]
    with pytest.raises(ValueError) as raised:  # noqa: PT011  # the message is compared below
        build()
    assert message in str(raised.value)
    assert len(str(raised.value)) < 250
    assert "\n" not in str(raised.value)


# --- the command line

COMMANDS = {
    "nothing": ([], "the following arguments are required: COMMAND"),
    "another word": (["wrong"], "invalid choice: 'wrong' (choose from"),
    "processes as a word": (["run", "--processes", "x"], "a whole number of at least 1, got x"),
    "half a process": (["run", "--processes", "1.5"], "a whole number of at least 1, got 1.5"),
    "no process": (["run", "--processes", "0"], "a whole number of at least 1, got 0"),
    "less than none": (["run", "--processes", "-1"], "a whole number of at least 1, got -1"),
    "no time": (["run", "--timeout", "0"], "a whole number of at least 1, got 0"),
    "no device": (["run", "--devices", "0"], "--devices: a whole number of at least 1, got 0"),
    "devices as a word": (["run", "--devices", "x"], "a whole number of at least 1, got x"),
    "devices for one that has none": (
        ["run", "--devices", "2", "--backend", "numpy"],
        "unknown backend over several devices 'numpy'; one of: jax, torch",
    ),
    "time without end": (["run", "--timeout", "inf"], "a whole number of at least 1, got inf"),
    "no file": (["run", "--benchmark-json"], "--benchmark-json: expected one argument"),
    "a backend without a name": (["run", "--backend"], "--backend: expected one argument"),
    "one run": (["compare", "a.json"], "the following arguments are required: B.json"),
    "three runs": (["compare", "a", "b", "c"], "a: No such file or directory"),
    "less than 0 %": (["compare", "a", "b", "--fail-slower", "-1"], "of 0 or more, got -1"),
    "no number of %": (["compare", "a", "b", "--fail-slower", "x"], "of 0 or more, got x"),
    "nan %": (["compare", "a", "b", "--fail-slower", "nan"], "of 0 or more, got nan"),
    "endless %": (["compare", "a", "b", "--fail-slower", "inf"], "of 0 or more, got inf"),
    "an option of another command": (["report", "--processes", "1"], "unrecognized arguments"),
    "no such run": (["report", "none.json"], "none.json: No such file or directory"),
    "a folder of something": (["report", "."], "journal.json: No such file or directory"),
    "no such README": (["report", "0001_full.json", "--readme", "none.md"], "none.md: No such"),
    "a run that is there": (
        ["run", "--benchmark-json", "0001_full.json", "--quick", "--backend", "numpy"],
        "exists already, and no stored run",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", COMMANDS)
def test_a_command(case, tmp_path, monkeypatch, capsys):
    arguments, message = COMMANDS[case]
    monkeypatch.chdir(tmp_path)
    Path("0001_full.json").write_text(json.dumps(stored.run()))
    main(["report", "0001_full.json"])
    before = contents(tmp_path)
    capsys.readouterr()
    try:
        code = main(arguments)
    except SystemExit as ended:
        code = ended.code
    assert code == 2
    assert message in capsys.readouterr().err
    assert contents(tmp_path) == before


OPTIONS = {
    "threads as a word": (["--threads", "x"], "--threads: invalid int value: 'x'"),
    "no thread": (["--threads", "0"], "--threads 0: this process may use 1 to "),
    "a backend that is no file": (
        ["--backend=/nowhere/x_backend.py"], "a backend is a file named <name>_backend.py, got ",
    ),
    "a file that is no backend": (["--backend=setup.py"], "a backend is a file named <name>"),
    "words of no cell": (
        ["--backend=numpy", "--device=cuda"],
        "nothing to test: no backend has the combination --backend numpy --device cuda",
    ),
    "a run that is there": (
        ["--benchmark-only", "--benchmark-json=constraints.txt"],
        "constraints.txt: a run is stored in a file named *.json",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", OPTIONS)
def test_an_option(case):
    arguments, message = OPTIONS[case]
    before = (ROOT / "constraints.txt").read_bytes()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert message in done.stderr
    assert (ROOT / "constraints.txt").read_bytes() == before


# --- stored files


WHOLE = stored.whole()
FIELDS = (
    "quick", "datetime", "machine_info", "commit_info", "benchmarks", "void", "left_out",
    "processes", "trajectories", "benchmarks.0.group", "benchmarks.0.stats",
    "benchmarks.0.stats.median", "benchmarks.0.stats.q1", "benchmarks.0.extra_info",
    "benchmarks.0.extra_info.backend", "benchmarks.0.extra_info.ratio",
    "benchmarks.0.extra_info.rounds", "benchmarks.0.extra_info.verdict",
    "benchmarks.0.extra_info.verdict.checks", "benchmarks.0.extra_info.conditions",
    "void.0.void", "void.0.group", "left_out.0.reason", "processes.0.name",
    "processes.0.conditions", "processes.0.conditions.versions", "processes.0.unstable",
    "trajectories.0.loss",
)  # fmt: skip


def changed(field, edit):
    """A whole run as text, with one field edited: edit takes its container and its name."""
    run = copy.deepcopy(WHOLE)
    *way, last = field.split(".")
    at = run
    for step in way:
        at = at[int(step) if step.isdigit() else step]
    edit(at, last)
    return json.dumps(run)


def remove(at, name):
    del at[name]


def spoil(at, name):
    at[name] = "soon" if isinstance(at[name], float) else 7


FILES = {
    "nothing": ("", "not valid JSON"),
    "half of it": (json.dumps(WHOLE)[:-1000], "not valid JSON"),
    "no text": (b"\x80\x81", "not valid JSON"),
    "endless depth": ("[" * 10**5, "not valid JSON"),
    "half a letter": (changed("datetime", lambda at, n: at.update({n: "\ud800"})), "not valid"),
    "a list": ("[]", "not a stored run of this suite: Expected `object`, got `array`"),
    "a number": ("7", "not a stored run of this suite: Expected `object`, got `int`"),
    "nan": (changed("benchmarks.0.stats.median", lambda at, n: at.update({n: float("nan")})),
            "not a stored run of this suite: Expected `float` >= -1.79"),
    "a number beyond floats": (
        changed("benchmarks.0.stats.median", lambda at, n: at.update({n: 10**400})),
        "not a stored run of this suite: Number out of range",
    ),
    "a later schema": (changed("quick", lambda at, n: at.update(schema=99)),
                       "its schema is 99; one of: 2, 3"),
    "a schema as text": (changed("quick", lambda at, n: at.update(schema="1")), "schema is '1'"),
    **{f"without {field}": (changed(field, remove), f"field `{field.split('.')[-1]}`")
       for field in FIELDS},
    **{f"a number for {field}": (changed(field, spoil), field.split(".")[-1]) for field in FIELDS},
}  # fmt: skip


@pytest.mark.parametrize("case", FILES)
def test_a_stored_file(case, tmp_path, capsys):
    text, message = FILES[case]
    path = tmp_path / "0001_full.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    before = contents(tmp_path)
    assert main(["report", str(path)]) == 2
    out, err = capsys.readouterr()
    [line] = err.splitlines()
    assert line.startswith(f"{path}: no")
    assert message in line
    assert len(line) < 300
    assert (out, contents(tmp_path)) == ("", before)


# --- backends from outside

GUEST = "from backends.numpy_backend import *\nfrom backends.numpy_backend import {}\n".format(
    "DEVICES, FORMULATIONS, EXECUTIONS"
)
GUESTS = {
    "no Python": ("def f(:", "SyntaxError: invalid syntax"),
    "no text": (b"x = '\xff'", "SyntaxError: (unicode error) 'utf-8' codec"),
    "zeros": (b"x = 0\x00", "null bytes"),
    "a framework that is not there": ("import not_there", "No module named 'not_there'"),
    "an error": ("raise RuntimeError('no  driver')", "RuntimeError: no  driver"),
    "an exit": ("import sys; sys.exit('no license')", "SystemExit: no license"),
    "lines": ("raise OSError('two\\nlines')", "OSError: two lines"),
    "nothing of the contract": ("", "lacks DEVICES, FORMULATIONS, EXECUTIONS, from_numpy"),
    "one part missing": (GUEST + "del is_ready", "lacks is_ready of the contract"),
    "no device": (GUEST + "DEVICES = ()", "DEVICES must be a tuple of one or more of cpu, cuda"),
    "another device": (GUEST + "DEVICES = ('tpu',)", "got ('tpu',)"),
    "another execution": (GUEST + "EXECUTIONS = ('warp',)", "of eager, step, block, run, got ('"),
    "a formulation as text": (GUEST + "FORMULATIONS = 'dense'", "jacrev, got 'dense'"),
    "a formulation twice named": (GUEST + "FORMULATIONS = [['dense']]", "got [['dense']]"),
    "no function": (GUEST + "make_train = 3", "make_train must be a function, got 3"),
}


@pytest.fixture
def registry(monkeypatch):
    """The registry without what a test has added to it."""
    monkeypatch.setattr(backends, "_added", {})
    yield backends
    for look in (backends._import, backends._read):
        look.cache_clear()


@pytest.mark.parametrize("case", GUESTS)
def test_a_backend_from_outside(case, tmp_path, registry):
    text, message = GUESTS[case]
    path = tmp_path / "guest_backend.py"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    registry.add(path)
    with pytest.raises(backends.Unavailable) as raised:
        registry.cells(backend=["guest"])
    assert str(raised.value).startswith("backend 'guest' is not usable here: ")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert registry.cells(backend=["numpy"]), "the others work"
    assert path.read_bytes() == (text if isinstance(text, bytes) else text.encode())


NAMES = {
    "another ending": "guest.py",
    "no name": "_backend.py",
    "no Python name": "my-own_backend.py",
    "a name that is taken": "numpy_backend.py",
    "a folder": "folder_backend.py",
    "nothing": "missing_backend.py",
}


@pytest.mark.parametrize("case", NAMES)
def test_a_file_that_is_no_backend(case, tmp_path, registry):
    path = tmp_path / NAMES[case]
    if case == "a folder":
        path.mkdir()
    elif case != "nothing":
        path.write_text("")
    with pytest.raises(ValueError, match=f"(a backend is a file named <name>_backend.py|there is a "
                       f"backend named 'numpy' already), got {path}"):  # fmt: skip
        registry.add(path)


# --- the environment

VARIABLES = {
    "a device that is not there": ("jax", "JAX_PLATFORMS", "wrong", "DEVICES must be a tuple of"),
    "no truth": ("jax", "JAX_ENABLE_X64", "maybe", "invalid truth value 'maybe'"),
    "threads as a word": ("numba", "NUMBA_NUM_THREADS", "none", "'none' could not be parsed"),
    "no thread": ("numba", "NUMBA_NUM_THREADS", "0", "Number of threads specified must be > 0"),
    "another level": ("numba", "NUMBA_OPT", "wrong", "supported values are 0, 1, 2, 3"),
    "another log": ("torch", "TORCH_LOGS", "wrong", "Invalid log settings: wrong"),
}


@pytest.mark.parametrize("case", VARIABLES)
def test_a_variable_of_a_framework(case):
    """What a framework says of its variables is reported for its backend; the others work."""
    backend, name, value, message = VARIABLES[case]
    if backend in backends.unavailable():
        pytest.skip(backends.unavailable()[backend])
    code = (
        "import backends\n"
        f"try: backends.load({backend!r})\n"
        "except backends.Unavailable as error: print(error)\n"
        "assert backends.cells(backend=['numpy'])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=ROOT, env=os.environ | {name: value},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    [line] = done.stdout.splitlines()
    assert line.startswith(f"backend {backend!r} is not usable here: ")
    assert message in line


@pytest.mark.parametrize("name", [*environment.INTERPRETED, *environment.WATCHING])
def test_a_variable_that_changes_what_is_measured(name, monkeypatch):
    monkeypatch.setenv(name, "1")
    effect = "checks every call" if name in environment.WATCHING else "switches compiling off"
    with pytest.raises(ValueError, match=f"^{name}=1: {effect}; unset it$"):
        environment.check()
    monkeypatch.setenv(name, "0")
    environment.check()


def test_it_is_told_on_the_command_line():
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only"],
        cwd=ROOT, env=os.environ | {"JAX_DISABLE_JIT": "true"}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert done.stderr.startswith("ERROR: JAX_DISABLE_JIT=true: switches compiling off")
