"""The versions of the stored run, and how an older one is read.

2   the fields that store/run.py names, without kind
3   with kind, also in void rows; the execution "epoch" is called "block"

Fields that are not known here stay as they are. No run of version 1 was published.
"""

from typing import Any

OLDEST, CURRENT = 2, 3


def upgraded(run: Any) -> Any:
    """The run in the current schema; what is not a run is returned as it is.

    Raises ValueError for an unknown version.
    """
    if not isinstance(run, dict) or not {"benchmarks", "processes"} <= run.keys():
        return run
    version = run.get("schema")
    if type(version) is not int or not OLDEST <= version <= CURRENT:
        known = ", ".join(map(str, range(OLDEST, CURRENT + 1)))
        raise ValueError(f"its schema is {version!r}; one of: {known}")
    return _from_2(run) if version == OLDEST else run


def _from_2(run: dict[str, Any]) -> dict[str, Any]:
    try:
        benchmarks = [
            {**row, "extra_info": _row_from_2(row["group"], row["extra_info"])}
            for row in run["benchmarks"]
        ]
        void = [_row_from_2(row["group"], row) for row in run["void"]]
        left_out = [_renamed(row) for row in run["left_out"]]
    except (KeyError, TypeError, AttributeError):  # not valid rows: typed says where
        return run
    new = {"schema": CURRENT, "benchmarks": benchmarks, "void": void, "left_out": left_out}
    return {**run, **new}


def _row_from_2(group: str, row: dict[str, Any]) -> dict[str, Any]:
    """In version 2 the kind of a row is the first word of its group."""
    return {"kind": group.split(" ")[0], **_renamed(row)}


def _renamed(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "execution": "block"} if row.get("execution") == "epoch" else row
