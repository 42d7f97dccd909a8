"""The processes that tests start have neither the options nor the order of the user's pytest."""

import os

os.environ["PYTEST_ADDOPTS"] = "-p no:randomly"
