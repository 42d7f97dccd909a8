"""A pytest plugin: once a test of a backend has failed, the others of that backend are skipped."""

import pytest

failed = set()


def _backend(item):
    return item.callspec.params.get("backend") if hasattr(item, "callspec") else None


def pytest_runtest_setup(item):
    if _backend(item) in failed:
        pytest.skip("a test of this backend has failed already")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed and _backend(item):
        failed.add(_backend(item))
    return report
