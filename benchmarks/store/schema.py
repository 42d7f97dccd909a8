"""The versions of the stored run, and how an older one is read.

2   the fields that store/run.py names, without kind
3   kind: what a row is of, also where it is void

Fields that are not known here stay as they are. No run of version 1 was published.
"""

from typing import Any

OLDEST, CURRENT = 2, 3


def upgraded(run: Any) -> Any:
    """The run in the current form; what is no run stays what it is.

    Raises ValueError for one of a version that is not known.
    """
    if not isinstance(run, dict) or not {"benchmarks", "processes"} <= run.keys():
        return run
    version = run.get("schema")
    if type(version) is not int or not OLDEST <= version <= CURRENT:
        known = ", ".join(map(str, range(OLDEST, CURRENT + 1)))
        raise ValueError(f"its schema is {version!r}; one of: {known}")
    return _with_kinds(run) if version == OLDEST else run


def _with_kinds(run: dict[str, Any]) -> dict[str, Any]:
    """In version 2 the kind of a row is the first word of its group."""
    try:
        benchmarks = [
            {**row, "extra_info": {"kind": row["group"].split(" ")[0], **row["extra_info"]}}
            for row in run["benchmarks"]
        ]
        void = [{"kind": row["group"].split(" ")[0], **row} for row in run["void"]]
    except (KeyError, TypeError, AttributeError):  # no rows: reading says where
        return run
    return {**run, "schema": CURRENT, "benchmarks": benchmarks, "void": void}
