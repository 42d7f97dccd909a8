"""The versions of the stored run, and how an older one is read.

2   the fields that store/run.py names, without kind
3   with kind, also in void rows; the execution "epoch" is called "block"
4   the ratio to the C loop is called "C"; it was "limit"

Fields that are not known here stay as they are. No run of version 1 was published.
"""

from typing import Any

OLDEST, CURRENT = 2, 4
OF_OTHERS = "ratio", "log_ratio", "beside"  # of a row: each has an entry for each of the others


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
    try:
        run = _from_2(run) if version == 2 else run
        run = _from_3(run) if version <= 3 else run
    except (KeyError, TypeError, AttributeError):  # not valid rows: typed says where
        return run
    return {**run, "schema": CURRENT}


def _from_2(run: dict[str, Any]) -> dict[str, Any]:
    benchmarks = [
        {**row, "extra_info": _row_from_2(row["group"], row["extra_info"])}
        for row in run["benchmarks"]
    ]
    void = [_row_from_2(row["group"], row) for row in run["void"]]
    left_out = [_renamed(row) for row in run["left_out"]]
    return {**run, "benchmarks": benchmarks, "void": void, "left_out": left_out}


def _row_from_2(group: str, row: dict[str, Any]) -> dict[str, Any]:
    """In version 2 the kind of a row is the first word of its group."""
    return {"kind": group.split(" ")[0], **_renamed(row)}


def _renamed(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "execution": "block"} if row.get("execution") == "epoch" else row


def _from_3(run: dict[str, Any]) -> dict[str, Any]:
    rows = [{**row, "extra_info": _row_from_3(row["extra_info"])} for row in run["benchmarks"]]
    return {**run, "benchmarks": rows}


def _row_from_3(row: dict[str, Any]) -> dict[str, Any]:
    found = {word: row[word] for word in OF_OTHERS if word in row}
    return row | {
        word: {"C" if name == "limit" else name: value for name, value in others.items()}
        for word, others in found.items()
    }
