"""What a stored run has to look like before anything is made from it."""

import sys
from typing import Any

from benchmarks.analyse import rows as query

LARGEST = sys.float_info.max  # JSON has whole numbers of any length; nan is above none
FINITE, NUMBER = "a finite number", "a number"
WORDS = dict.fromkeys(query.WORDS, str)
CHECK = {"quantity": str, "observed": FINITE, "allowed": FINITE, "unit": str}
VERDICT = {"passed": bool, "checks": [CHECK], "obstacle": str}
MAYBE = (FINITE, type(None))
STAGES = ("import", "to device", "first run", "steady", "to host", "numpy")
LIFE = dict.fromkeys(STAGES, FINITE) | dict.fromkeys(("trace", "compile"), MAYBE)
INFO = {
    **WORDS, "ratio": {}, "rounds": [int], "faults": [FINITE], "verdict": VERDICT, "void": str,
    "conditions": str, "B?": int, "steps?": int, "examples?": int, "features?": int,
    "temporary_bytes?": FINITE, "matrix_bytes?": int,
    "distance?": [[FINITE]], "caches?": str, "compiles?": bool, "break_even?": MAYBE,
    "life?": LIFE,
}  # fmt: skip
TOGETHER = {
    "B": ("temporary_bytes", "matrix_bytes"),
    "life": ("caches", "compiles", "break_even"),
    "examples": ("features",),
}
PROCESS = {
    "name": str, "drift": NUMBER, "unstable": bool,
    "conditions": {"threads": str, "allocator": str, "denormals": str, "pins": str, "versions": {}},
}  # fmt: skip
RUN = {
    "schema?": int, "quick": bool, "datetime": str, "machine_info": {}, "commit_info": {},
    "benchmarks": [
        {"group": str, "stats": dict.fromkeys(("median", "q1", "q3"), FINITE), "extra_info": INFO}
    ],
    "void": [{**WORDS, "group": str, "void": str}],
    "left_out": [{**WORDS, "reason": str}],
    "failed?": [{"name": str, "reason": str}],
    "processes": [PROCESS],
    "trajectories": [
        {"model": str, "dtype": str, "loss": [FINITE], "accuracy?": [FINITE],
         "parameters?": [[FINITE]], "true?": [FINITE]}
    ],
}  # fmt: skip


def flaw(run: Any) -> str:
    """Where a run is not what it has to be, in words; "" if it is one."""
    found = mismatch(run, RUN, "the file")
    if not found and not run["processes"]:
        return "it has no process"
    infos = [] if found else [row["extra_info"] for row in run["benchmarks"]]
    return found or next(filter(None, (_flaw_of_row(info) for info in infos)), "")


def mismatch(value: Any, shape: Any, place: str) -> str:
    """Where a value is not of a shape, in words; "" if it is."""
    if isinstance(shape, dict):
        return _flaw_of_dict(value, shape, place)
    if isinstance(shape, list):
        if not isinstance(value, list):
            return f"{place} is not a list"
        return next(filter(None, (mismatch(v, shape[0], f"{place}[]") for v in value)), "")
    return "" if _is(value, shape) else f"{place} is {_shown(value)}"


def _flaw_of_dict(value: Any, shape: dict[str, Any], place: str) -> str:
    if not isinstance(value, dict):
        return f"{place} is not an object"
    for key, inner in shape.items():
        name = key.removesuffix("?")
        if name not in value:
            if key == name:
                return f"{place} has no {name}"
        elif found := mismatch(value[name], inner, name):
            return found
    return ""


def _is(value: Any, shape: Any) -> bool:
    """Whether a plain value is of a type, a number, or of one of several kinds."""
    if isinstance(shape, tuple):
        return any(_is(value, kind) for kind in shape)
    if isinstance(value, bool) or isinstance(shape, type):
        return shape in (bool, type(value)) and type(value) is shape
    return isinstance(value, int | float) and (shape == NUMBER or abs(value) <= LARGEST)


def _flaw_of_row(info: dict[str, Any]) -> str:
    for name, others in TOGETHER.items():
        for other in others if name in info else ():
            if other not in info:
                return f"a row with {name} has no {other}"
    for name, ratio in info["ratio"].items():
        found = mismatch(ratio, [FINITE], f"the ratio to {name}")
        if found or len(ratio) != 3 or min(ratio) <= 0:
            return found or f"the ratio to {name} is not a value with its interval"
    return ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 40 else f"{text[:40]}..."
