"""The fixtures of the conformance tests: a cell, and a problem with the reference's trajectory."""

import pytest

import backends
from tests.conformance.runs import FAMILIES, Subject, is_slow, solved


@pytest.hookimpl(tryfirst=True)  # before -m "not slow" is heeded
def pytest_collection_modifyitems(items):
    for item in items:
        words = item.callspec.params if hasattr(item, "callspec") else {}
        shape = words.get("family", words.get("B"))
        if shape and "execution" in words and is_slow(shape, words["execution"]):
            item.add_marker(pytest.mark.slow)


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
