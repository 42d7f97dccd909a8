"""What tests share: a browser, and processes without the options of the user's pytest."""

import os

import pytest

# The processes that tests start have neither the options nor the order of the user's pytest.
os.environ["PYTEST_ADDOPTS"] = "-p no:randomly"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    """A headless Chromium."""
    pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    from tests import screens

    browser = screens.browser(tmp_path_factory.mktemp("profile"))
    if browser is None:
        pytest.skip("no chromium with chromedriver is installed")
    yield browser
    browser.quit()
