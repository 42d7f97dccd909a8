"""What a reader has to know of a stored run beside its numbers: conditions, and what is missing."""

from textwrap import wrap
from typing import Any

from benchmarks.analyse.rows import processes
from benchmarks.measure import calibration
from benchmarks.show.text import name

KEPT = ("threads", "allocator", "denormals", "pins")


def missing(run: dict[str, Any]) -> list[str]:
    """A line for each row that is void or was left out, and for each process that failed."""
    lines = [f"void: {r['group']}, {name(r)}: {r['void']}" for r in run["void"]]
    for reason, names in left_out(run).items():
        lines += wrap(f"left out: {', '.join(names)}: {reason}", 80)
    for reason, names in failed(run).items():
        lines += wrap(f"failed: {', '.join(names)}: {reason}", 80)
    return [*lines, ""] if lines else []


def partial(run: dict[str, Any]) -> str:
    """That processes are missing or were cut short, and how many; "" if none is."""
    failed, there = run.get("failed", []), [process["name"] for process in run["processes"]]
    cut = sum(process["name"] in there for process in failed)  # they have a part, and no end
    count = f"{len(failed)} of {len(failed) + len(there) - cut} processes"
    return f"Partial run: {count} are missing or were cut short." if failed else ""


def failed(run: dict[str, Any]) -> dict[str, list[str]]:
    """By reason, the processes that have no part in the run."""
    found: dict[str, list[str]] = {}
    for process in run.get("failed", []):
        found.setdefault(process["reason"], []).append(process["name"])
    return found


def left_out(run: dict[str, Any]) -> dict[str, list[str]]:
    """By reason, the cells that were not measured."""
    found: dict[str, dict[str, None]] = {}
    for row in run["left_out"]:
        found.setdefault(row["reason"], {})[name(row)] = None
    return {reason: list(names) for reason, names in found.items()}


def conditions(run: dict[str, Any]) -> list[str]:
    """How many processes, under which conditions, and whether the machine was steady."""
    first = run["processes"][0]["conditions"]
    kept = "; ".join(f"{word} {first[word]}" for word in KEPT)
    lines = [repetitions(run), f"Conditions: {kept}.", *unsteady(run)]
    return [line for text in lines for line in wrap(text, 80)]


def repetitions(run: dict[str, Any]) -> str:
    """In how many processes a backend was measured, and what that means for the intervals."""
    often = processes(run)
    if often == 1:
        return "One process: how another one would differ is not in the intervals."
    return f"{often} processes of each backend." if often else ""


def unsteady(run: dict[str, Any]) -> list[str]:
    """A line on the processes in which the machine was not steady; none if it always was."""
    drifts: dict[str, list[str]] = {}
    for process in run["processes"]:
        if process["unstable"]:
            drifts.setdefault(process["name"], []).append(f"{process['drift']:.0%}")
    if not drifts:
        return []
    count = f"{sum(map(len, drifts.values()))} of {len(run['processes'])}"
    told = "; ".join(f"{name} {', '.join(found)}" for name, found in drifts.items())
    return [
        f"Unstable: in {count} processes the calibration loop drifted by more than "
        f"{calibration.LIMIT:.0%}: {told}."
    ]
