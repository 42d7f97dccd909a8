"""Options that choose cells, test parameters from cells, and the storing and printing of runs."""

import json
import os
from copy import deepcopy
from pathlib import Path

import pytest

# Otherwise JAX takes most of a GPU's memory as soon as it is asked for its devices.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

# JAX keeps all compiled code for later runs, as Numba and torch.compile do by default.
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "0")
ROOT = Path(__file__).parent

# NumPy must not be imported here: --threads has to be set before any thread pool exists.
CELL_OPTIONS = ("backend", "device", "model", "formulation", "execution", "dtype")
ALL_OF_THEM = "python -m benchmarks list shows all that exist here"
CELLS = pytest.StashKey[list]()
THREADS = pytest.StashKey[str]()
STATE = pytest.StashKey[dict]()
CHECKS = "checks"  # of a test: [quantity, observed / allowed, text]; pytest-xdist passes them on
LEFT_OUT = pytest.StashKey[list]()
UNFINISHED = pytest.StashKey[list]()  # rows whose call or check raised an error
SHARDS = pytest.StashKey[list]()  # what gradients over several devices do on one of them
FAILED = pytest.StashKey[str]()  # why this process ended early, if it did
RUN = pytest.StashKey[Path]()  # the file of the run
STORED = pytest.StashKey[bool]()  # whether it is there, from an earlier row


def pytest_addoption(parser):
    group = parser.getgroup("diagjac", "which cells are tested and benchmarked")
    for word in CELL_OPTIONS:
        text = f"only this {word} (repeatable)"
        text += "; a name, or the path of a file <name>_backend.py" if word == "backend" else ""
        group.addoption(f"--{word}", action="append", default=[], help=text)
    text = "takes minutes: only dense, elementwise, fused; default executions, shorter runs, "
    group.addoption("--quick", action="store_true", help=f"{text}three batch sizes")
    text = "benchmark only elementwise maps: this one, all, or the path of a file <name>_map.py"
    group.addoption("--map", action="append", default=[], help=f"{text} (repeatable)")
    text = "benchmark only batches that are sharded over N devices: --backend jax, or torch in N "
    group.addoption("--devices", type=int, metavar="N", help=f"{text}processes, as of torchrun")
    group.addoption("--no-report", action="store_true", help="only store the run")
    group.addoption(
        "--threads", type=int, default=1, metavar="N", help="threads in every pool (default 1)"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    from benchmarks.measure import devices, environment, pytest_options
    from benchmarks.measure.threads import enforce
    from benchmarks.told import MISTAKE

    for key in (LEFT_OUT, UNFINISHED, SHARDS):
        config.stash[key] = []
    environment.place_caches(ROOT)
    try:
        environment.check()
        is_timed = config.getoption("benchmark_only") and not config.option.collectonly
        if is_timed:
            pytest_options.check(config)
        over = _devices(config) if is_timed else {}
        config.stash[THREADS] = enforce(config.getoption("threads"), pin=is_timed, **over)
    except ValueError as error:
        raise _refused(MISTAKE, error) from None
    if over:
        _join(config, over["devices"])
    config.stash[CELLS] = _chosen_cells(config)
    _check_maps(config)
    if config.args_source == pytest.Config.ArgsSource.TESTPATHS:  # no path was named
        config.args = ["benchmarks" if config.getoption("benchmark_only") else "tests"]
    if over and devices.rank() > 0:
        config.option.benchmark_json = None  # the first process stores the run
    elif is_timed:
        from benchmarks.store.conditions import state

        config.stash[RUN] = _claimed(config)
        config.option.benchmark_json = Path(os.devnull)  # the run is stored by put, see below
        config.stash[STATE] = state()


def _devices(config):
    """How enforce is to place this process, if a batch is sharded over devices."""
    if (count := config.getoption("devices")) is None:
        return {}
    from benchmarks.measure import devices

    own = devices.here(count)
    devices.make(own)
    return {"devices": own, "place": devices.place()}


def _join(config, devices):
    """Connect this process with those of the other devices, and keep the rows if one is lost."""
    from benchmarks.measure.processes import Processes, join
    from benchmarks.told import MISTAKE

    try:
        join(config.getoption("backend"), devices)
    except ValueError as error:
        raise _refused(MISTAKE, error) from None
    if "WORLD_SIZE" in os.environ:
        config.pluginmanager.register(Processes(FAILED, _store))


def _refused(kind, reason):
    """The error that ends pytest before any test, also told to the run that started it."""
    from benchmarks.told import tell

    tell(kind=kind, reason=str(reason))
    return pytest.UsageError(str(reason))


def _claimed(config):
    """The file of the run, after a check that it can be written."""
    from benchmarks.store.files import Mistake, claim
    from benchmarks.store.run import next_path
    from benchmarks.told import MISTAKE

    path = config.getoption("benchmark_json")
    path = path or next_path(config.rootpath / "results", config.getoption("quick"))
    try:
        claim(path)
    except Mistake as mistake:
        raise _refused(MISTAKE, mistake) from None
    return path.absolute()


def _chosen_cells(config):
    import backends
    from benchmarks.told import MISTAKE, NOTHING, UNUSABLE
    from reference.models import load
    from reference.words import MODELS

    chosen = {word: config.getoption(word) for word in CELL_OPTIONS}
    chosen["dtype"] = chosen["dtype"] or ["float64"]
    if config.getoption("quick"):
        chosen["formulation"] = chosen["formulation"] or ["dense", "elementwise", "fused"]
        chosen["model"] = chosen["model"] or [name for name in MODELS if load(name).TUTORIAL]
    try:
        if config.getoption("benchmark_only") and not chosen["backend"]:
            backends.add(config.rootpath / "examples" / "native_backend.py")  # the C loop
        chosen["backend"] = [_name(given) for given in chosen["backend"]]
        found = backends.cells(**chosen, importing=not config.option.collectonly)
    except backends.Unavailable as error:
        raise _refused(UNUSABLE, error) from None
    except ValueError as error:
        raise _refused(MISTAKE, error) from None
    if not found:
        given = " ".join(f"--{w} {v}" for w, values in chosen.items() for v in values)
        what = "measure" if config.getoption("benchmark_only") else "test"
        text = f"nothing to {what}: no backend has the combination {given}; {ALL_OF_THEM}"
        raise _refused(NOTHING, text)
    return found


def _check_maps(config):
    """Refuse an unknown map before anything is collected."""
    given = [name for name in config.getoption("map") if name != "all"]
    if given:
        from backends import own_maps
        from benchmarks.told import MISTAKE

        try:
            for name in given:
                own_maps.add(name)
        except ValueError as error:
            raise _refused(MISTAKE, error) from None


def _name(given):
    import backends

    return backends.add(given) if given.endswith(".py") else given


def pytest_report_header(config):
    import backends

    lines = [f"backends: {', '.join(dict.fromkeys(cell.backend for cell in config.stash[CELLS]))}"]
    lines += [f"runs the code of {path}, from outside this project" for path in backends.guests()]
    if config.getoption("backend"):  # then other backends are not imported
        return lines
    unusable = backends.unavailable(importing=not config.option.collectonly)
    return lines + [f"not usable here: {n}: {why}" for n, why in unusable.items()]


def pytest_generate_tests(metafunc):
    """Parametrize a test by the words of a cell among its arguments, each combination once."""
    from backends import Cell

    words = [word for word in Cell._fields if word in metafunc.fixturenames]
    if words:
        config = metafunc.config
        select = getattr(metafunc.module, "select", lambda cells, config: cells)
        cells = select(config.stash[CELLS], config)
        values = dict.fromkeys(tuple(getattr(cell, w) for w in words) for cell in cells)
        names = ",".join(words)
        metafunc.parametrize(names, [v if len(words) > 1 else v[0] for v in values])


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items, config):
    """Drop the tests, called NOTSET, that pytest makes if select leaves no cell; group the rest."""
    items[:] = [i for i in items if "NOTSET" not in i.name or not hasattr(i.module, "select")]
    for option, name in (("map", "map"), ("devices", "sharding")):
        if config.getoption("benchmark_only") and config.getoption(option):
            items[:] = [i for i in items if name in getattr(i, "fixturenames", ())]
    if "PYTEST_XDIST_WORKER" in os.environ:  # one worker for tests that share compiled code
        for item in items:
            words = getattr(item, "callspec", None) and item.callspec.params
            if words and "backend" in words:
                group = f"{words['backend']}-{words.get('model', '')}"
                item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture
def judge(request):
    """Assert that a verdict passes, and keep its checks for the summary."""

    def judge(verdict):
        checks = [[c.quantity, c.observed / (c.allowed or 1), str(c)] for c in verdict.checks]
        request.node.user_properties.append((CHECKS, checks))
        assert verdict.passed, str(verdict)

    return judge


@pytest.fixture
def leave_out(request):
    """Skip a row of a benchmark, with a reason that the report will show."""

    def leave_out(cell, reason):
        request.config.stash[LEFT_OUT].append({**cell._asdict(), "reason": reason})
        pytest.skip(reason)

    return leave_out


@pytest.fixture
def keep_structure(request):
    """Keep what a cell over several devices does on one of them."""

    def keep_structure(cell, **facts):
        request.config.stash[SHARDS].append(cell._asdict() | facts)

    return keep_structure


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Keep a row whose call or check raises an error as a void row with that error."""
    report = yield
    if item.config.getoption("benchmark_only") and report.failed and report.when != "teardown":
        from benchmarks.measure.row import unfinished

        item.config.stash[UNFINISHED] += unfinished(item, call.excinfo, CELL_OPTIONS)
    return report


def pytest_runtest_setup(item):
    from benchmarks.told import tell

    items = item.session.items
    row = item.callspec.id if hasattr(item, "callspec") else item.name
    tell(row=row, number=items.index(item), of=len(items))


def pytest_benchmark_update_machine_info(config, machine_info):
    machine_info.pop("node", None)  # the name of the machine is not stored


def pytest_benchmark_update_json(config, benchmarks, output_json):
    import backends
    from benchmarks.analyse.process import complete
    from benchmarks.store.conditions import conditions, state
    from benchmarks.store.files import put
    from benchmarks.store.run import unused

    if not config.stash.get(STORED, False):
        config.stash[RUN] = unused(config.stash[RUN])
    config.stash[STORED] = True
    names = dict.fromkeys(cell.backend for cell in config.stash[CELLS])
    modules = {name: backends.load(name) for name in names}
    process = {
        "name": " ".join(names),
        "conditions": conditions(config.stash[THREADS], modules),
        "before": config.stash[STATE],
        "after": state(),
    }
    complete(output_json, config.stash[LEFT_OUT], config.getoption("quick"), process)
    output_json["void"] += config.stash[UNFINISHED]
    output_json["shards"] = config.stash[SHARDS]
    session = config.pluginmanager.get_plugin("session")
    interrupted = session.exitstatus == pytest.ExitCode.INTERRUPTED
    if reason := config.stash.get(FAILED, "interrupted" if interrupted else ""):
        output_json["failed"].append({"name": process["name"], "reason": reason})
    try:
        put(config.stash[RUN], json.dumps(output_json, separators=(",", ":")) + "\n")
    except OSError as error:
        pytest.exit(f"{error.filename}: {error.strerror}", returncode=1)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """Store a run that has no row with a time: pytest-benchmark does not, and the reasons count."""
    config = session.config
    path = config.stash.get(RUN, None)
    kept = [config.stash[key] for key in (UNFINISHED, LEFT_OUT, SHARDS)]
    if path is None or not any(kept):
        return
    is_stored = config.stash.get(STORED, False)
    if is_stored and (FAILED not in config.stash or any(config._benchmarksession.benchmarks)):
        return
    _store(config, [])


def _store(config, benchmarks):
    """Store these rows as pytest-benchmark does at the end."""
    hook = config.hook
    machine = hook.pytest_benchmark_generate_machine_info(config=config)
    hook.pytest_benchmark_update_machine_info(config=config, machine_info=machine)
    output = hook.pytest_benchmark_generate_json(
        config=config, benchmarks=benchmarks, include_data=True, machine_info=machine,
        commit_info=hook.pytest_benchmark_generate_commit_info(config=config),
    )  # fmt: skip
    output = deepcopy(output)  # it is changed, and these rows may be stored again
    hook.pytest_benchmark_update_json(config=config, benchmarks=benchmarks, output_json=output)


def pytest_terminal_summary(terminalreporter, config):
    if worst := _worst(terminalreporter):
        terminalreporter.section("checks nearest to their tolerance")
        for line in worst:
            terminalreporter.line(line)
    path = config.stash.get(RUN, None)
    report = config.getoption("benchmark_only") and not config.getoption("no_report")
    if report and path and path.exists():
        from benchmarks.show.report import write

        terminalreporter.section("results")
        for line in write(path):
            terminalreporter.line(line)


def _worst(terminalreporter):
    """For each quantity the check that came nearest to its tolerance, with its test."""
    worst = {}
    reports = [r for found in terminalreporter.stats.values() for r in found]
    for report in reports:
        for name, checks in getattr(report, "user_properties", ()):
            for quantity, share, text in checks if name == CHECKS else ():
                if share >= worst.get(quantity, (-1,))[0]:
                    worst[quantity] = share, f"{text}   {report.nodeid.rpartition('::')[2]}"
    return [line for _, line in worst.values()]
