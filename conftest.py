"""Options that choose cells, the one hook that makes parameters of them, and what is printed."""

from pathlib import Path

import pytest

import backends

WORDS = ("backend", "device", "model", "formulation", "execution", "dtype")
CELLS = pytest.StashKey[list[backends.Cell]]()
VERDICTS = pytest.StashKey[list]()


def pytest_addoption(parser):
    group = parser.getgroup("diagjac", "which cells are tested and benchmarked")
    for word in WORDS:
        text = f"only this {word} (repeatable)"
        text += "; a name, or the path of a file <name>_backend.py" if word == "backend" else ""
        group.addoption(f"--{word}", action="append", default=[], help=text)
    group.addoption("--quick", action="store_true", help="a benchmark of a minute: dense and "
                    "elementwise, default executions, shorter runs, three batch sizes")  # fmt: skip


def pytest_configure(config):
    chosen = {word: config.getoption(word) for word in WORDS}
    chosen["dtype"] = chosen["dtype"] or ["float64"]
    try:
        chosen["backend"] = [_name(given) for given in chosen["backend"]]
        found = backends.cells(**chosen)
    except (ValueError, ImportError) as error:
        raise pytest.UsageError(str(error)) from None
    if not found:
        given = " ".join(f"--{w} {v}" for w, values in chosen.items() for v in values)
        raise pytest.UsageError(f"no cell exists here for {given}")
    config.stash[CELLS] = found
    config.stash[VERDICTS] = []


def _name(given):
    return backends.add(given) if given.endswith(".py") else given


def pytest_report_header(config):
    lines = [f"backends: {', '.join(dict.fromkeys(cell.backend for cell in config.stash[CELLS]))}"]
    return lines + [f"not usable here: {n}: {why}" for n, why in backends.unavailable().items()]


def pytest_ignore_collect(collection_path, config):
    """Plain pytest tests, pytest --benchmark-only benchmarks: leave the other folder alone."""
    if config.args_source != pytest.Config.ArgsSource.TESTPATHS:
        return None
    other = "tests" if config.getoption("benchmark_only") else "benchmarks"
    return True if collection_path == config.rootpath / other else None


def pytest_generate_tests(metafunc):
    """Parametrize by whichever words of a cell the test asks for: each combination once."""
    words = [word for word in backends.Cell._fields if word in metafunc.fixturenames]
    if words:
        cells = metafunc.config.stash[CELLS]
        values = dict.fromkeys(tuple(getattr(cell, w) for w in words) for cell in cells)
        metafunc.parametrize(words, [v if len(words) > 1 else v[0] for v in values])


@pytest.fixture
def judge(request):
    """Assert that a verdict passes, and keep it for the summary of what was observed."""

    def judge(verdict):
        request.config.stash[VERDICTS].append((request.node.name, verdict))
        assert verdict.passed, str(verdict)

    return judge


def pytest_terminal_summary(terminalreporter, config):
    checks = [(c, name) for name, v in config.stash[VERDICTS] for c in v.checks]
    if checks:
        terminalreporter.section("observed, of what is allowed: the worst of all comparisons")
    for quantity in dict.fromkeys(check.quantity for check, _ in checks):
        check, name = max(
            ((c, n) for c, n in checks if c.quantity == quantity),
            key=lambda pair: pair[0].observed / (pair[0].allowed or 1),
        )
        terminalreporter.line(f"{check}   {Path(name).name}")
