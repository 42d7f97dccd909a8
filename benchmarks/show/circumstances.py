"""What a reader has to know of a run besides its numbers: how it was made, what is missing."""

from textwrap import wrap
from typing import Any

from benchmarks.measure import calibration
from benchmarks.show.wording import name, title
from benchmarks.store.conditions import in_brief, in_words
from benchmarks.store.run import Run

EXPECTED = ("numpy", "numba", "jax", "torch")  # besides the reference; the others are examples
SHARDING = ("jax", "torch")  # those that share a batch over several devices

ALLOWED = f"{calibration.DRIFT_ALLOWED:.0%}"


def facts(run: Run) -> dict[str, str]:
    """All that affects the numbers, by name; what the run does not know is left out."""
    machine = run.machine_info
    found = {
        "run": f"{'quick' if run.quick else 'full'}, {_measured(run)}",
        "date": run.datetime[:19].replace("T", " "),
        "commit": _commit(run.commit_info),
        "processor": machine.get("cpu", {}).get("brand_raw", machine.get("processor", "")),
        "system": " ".join(str(machine.get(word, "")) for word in ("system", "release", "machine")),
        "Python": str(machine.get("python_version", "")),
        "processes": repetitions(run),
        **in_words([process.conditions for process in run.processes]),
        "steadiness": " ".join(unsteady(run)) or f"No process drifted by more than {ALLOWED}.",
    }
    return {name: text for name, text in found.items() if text.strip()}


def not_measured(run: Run) -> list[str]:
    """A sentence for everything that could be expected in the run and is missing."""
    rows = [*(entry.extra_info for entry in run.benchmarks), *run.shards]
    told = [f"{', '.join(names)}: left out. {why}." for why, names in _left_out(run).items()]
    told += [f"{', '.join(names)}: no time. {why}." for why, names in _not_timed(run).items()]
    expected = SHARDING if run.shards else EXPECTED
    absent = [title(name) for name in expected if name not in {row.backend for row in rows}]
    told += [f"{', '.join(absent)}: no row in this run."] if absent else []
    if {row.device for row in rows} <= {"cpu"}:
        told.append("GPU: not measured. docs/gpu.md says how to measure it.")
    failed = _failed(run).items()
    return told + [f"{', '.join(names)}: failed. {reason}." for reason, names in failed]


def missing(run: Run) -> list[str]:
    """A line for each row that is void or was left out, and for each process that failed."""
    lines = [f"void: {row.group}, {name(row)}: {row.void}" for row in run.void]
    sections = {"left out": _left_out(run), "no time": _not_timed(run), "failed": _failed(run)}
    for word, found in sections.items():
        for reason, names in found.items():
            lines += wrap(f"{word}: {', '.join(names)}: {reason}", 80)
    return [*lines, ""] if lines else []


def partial(run: Run) -> str:
    """How many processes are missing or were cut short, as a sentence; "" if none."""
    there = [process.name for process in run.processes]
    cut = sum(process.name in there for process in run.failed)  # they stored rows, but not all
    count = f"{len(run.failed)} of {len(run.failed) + len(there) - cut} processes"
    return f"Partial run: {count} are missing or were cut short." if run.failed else ""


def conditions(run: Run) -> list[str]:
    """How many processes, under which conditions, and whether the machine was steady."""
    lines = [repetitions(run), f"Conditions: {in_brief(run.processes[0].conditions)}."]
    lines += unsteady(run)
    return [line for text in lines for line in wrap(text, 80)]


def repetitions(run: Run) -> str:
    """In how many processes a backend was measured, and what that means for the intervals."""
    often = max((len(entry.extra_info.rounds) for entry in run.benchmarks), default=0)
    if often == 1:
        return "One process: the intervals do not cover differences between processes."
    return f"{often} processes of each backend." if often else ""


def unsteady(run: Run) -> list[str]:
    """A line on the processes in which the machine was not steady; no line if it always was."""
    drifts: dict[str, list[str]] = {}
    for process in run.processes:
        if process.unstable:
            drifts.setdefault(process.name, []).append(f"{process.drift:.0%}")
    if not drifts:
        return []
    count = f"{sum(map(len, drifts.values()))} of {len(run.processes)}"
    told = "; ".join(f"{name} {', '.join(found)}" for name, found in drifts.items())
    return [
        f"Unstable: in {count} processes the calibration loop drifted by more than "
        f"{ALLOWED}: {told}."
    ]


def _failed(run: Run) -> dict[str, list[str]]:
    """The processes that failed, by reason."""
    found: dict[str, list[str]] = {}
    for process in run.failed:
        found.setdefault(process.reason, []).append(process.name)
    return found


def _left_out(run: Run) -> dict[str, list[str]]:
    """The cells that were not measured, by reason; without those of _not_timed."""
    found: dict[str, dict[str, None]] = {}
    for row in run.left_out:
        found.setdefault(row.reason, {})[name(row)] = None
    known = {one.not_timed for one in run.shards}
    return {reason: list(names) for reason, names in found.items() if reason not in known}


def _not_timed(run: Run) -> dict[str, list[str]]:
    """The backends and shardings of which all but the time was measured, by reason."""
    found: dict[str, dict[str, None]] = {}
    for one in run.shards:
        if one.not_timed:
            reason = one.not_timed.removeprefix("not measured: ")
            found.setdefault(reason, {})[f"{one.backend} {one.sharding}"] = None
    return {reason: list(names) for reason, names in found.items()}


def _measured(run: Run) -> str:
    groups = {entry.group for entry in run.benchmarks} | {row.group for row in run.void}
    backends = dict.fromkeys(entry.extra_info.backend for entry in run.benchmarks)
    return (
        f"{len(run.benchmarks)} rows in {len(groups)} comparisons, {len(run.void)} void; "
        f"{', '.join(map(title, backends))}"
    )


def _commit(info: dict[str, Any]) -> str:
    changed = ", with changes that are not committed" if info.get("dirty") else ""
    return f"{str(info.get('id') or 'unknown')[:12]}{changed}"
