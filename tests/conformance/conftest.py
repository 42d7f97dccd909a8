"""The fixtures of the conformance tests: a cell, and a problem with the reference's trajectory."""

import pytest

import backends
from tests.conformance.runs import COMPILED, FAMILIES, Subject, is_left_to_runs, is_slow, solved


@pytest.hookimpl(tryfirst=True)  # before -m "not slow" is applied
def pytest_collection_modifyitems(items):
    for item in items:
        compiled = getattr(item.module, "COMPILED", COMPILED)
        if is_slow(*shape_and_execution(item), compiled) or is_long(item):
            item.add_marker(pytest.mark.slow)
    items[:] = [item for item in items if not is_left_to_runs(*shape_and_execution(item))]


def shape_and_execution(item):
    words = item.callspec.params if hasattr(item, "callspec") else {}
    return words.get("family", words.get("B")), words.get("execution")


def is_long(item):
    """Whether it takes a second or more to count the memory of this run."""
    if item.originalname != "test_a_run_takes_little_more_than_its_result":
        return False
    at = item.callspec.params
    quick = at["model"] == "logistic" and at["formulation"] in ("elementwise", "fused")
    compiles = at["backend"] == "torch" and at["execution"] != "eager"
    return at["backend"] in ("jax", "torch") and (compiles or not quick)


@pytest.fixture
def subject(model, backend, execution, device, formulation):
    return Subject(backends.load(backend), model, formulation, execution, device)


@pytest.fixture(params=FAMILIES)
def family(request):
    return request.param


@pytest.fixture
def run(family, model, dtype):
    """The problem, and the reference's trajectory of it."""
    return solved(family, model, dtype)
