"""The versions of the stored run, and how an older one is read.

1   without a schema: the fields that store/run.py names, failed only where a process failed
2   schema; failed always: the processes that have no part in the run, with the reason

Fields that are not known here stay as they are.
"""

from typing import Any

CURRENT = 2


def upgraded(run: dict[str, Any]) -> dict[str, Any]:
    """The run in the current form. Raises ValueError for one of a later version."""
    version = run.get("schema", 1)
    if type(version) is not int or not 1 <= version <= CURRENT:
        raise ValueError(f"its schema is {version!r}; one of: {_known()}")
    return {**run, "schema": CURRENT, "failed": run.get("failed", [])}


def _known() -> str:
    return ", ".join(map(str, range(1, CURRENT + 1)))
