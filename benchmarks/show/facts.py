"""What was run, where and under which conditions, in words, and what was not measured."""

from typing import Any

from benchmarks.analyse import rows as query
from benchmarks.show import notes
from benchmarks.show.text import title

Run = dict[str, Any]
VERSIONS = ("numpy", "numba", "jax", "jaxlib", "torch", "scipy", "diagjac")
EXPECTED = ("numpy", "numba", "jax", "torch")  # beside the reference; the others are examples


def facts(run: Run) -> dict[str, str]:
    """Each thing that bears on the numbers, by its name; what the run does not know is left out."""
    first = run["processes"][0]["conditions"]
    machine, system = run["machine_info"], first.get("system", {})
    found = {
        "run": f"{'quick' if run['quick'] else 'full'}, {_measured(run)}",
        "date": run["datetime"][:19].replace("T", " "),
        "commit": _commit(run["commit_info"]),
        "processor": machine.get("cpu", {}).get("brand_raw", machine.get("processor", "")),
        "system": " ".join(str(machine.get(word, "")) for word in ("system", "release", "machine")),
        "Python": str(machine.get("python_version", "")),
        "versions": _versions(first["versions"]),
        "threads": first["threads"],
        "pools": _pools(run),
        "processes": notes.repetitions(run),
        "allocator": first["allocator"],
        **{name: str(system[name]) for name in sorted(system) if system[name] != "not readable"},
        "denormals": first["denormals"],
        "garbage collector": str(first.get("garbage collector", "")),
        "pins": f"constraints.txt, SHA-256 {first['pins']}...",
        "steadiness": " ".join(notes.unsteady(run)) or "No process drifted by more than 10 %.",
    }
    return {name: text for name, text in found.items() if text.strip()}


def not_measured(run: Run) -> list[str]:
    """A sentence for everything that one could expect in the run and that is not there."""
    rows = [row["extra_info"] for row in run["benchmarks"]]
    backends, devices = {row["backend"] for row in rows}, {row["device"] for row in rows}
    told = [
        f"{', '.join(names)}: left out. {reason}." for reason, names in notes.left_out(run).items()
    ]
    absent = [title(name) for name in EXPECTED if name not in backends]
    told += [f"{', '.join(absent)}: no row in this run."] if absent else []
    if devices <= {"cpu"}:
        told.append("GPU: not measured. docs/gpu.md says how to measure it.")
    failed = notes.failed(run).items()
    return told + [f"{', '.join(names)}: failed. {reason}." for reason, names in failed]


def void(run: Run) -> list[tuple[str, str, str]]:
    """Comparison, cell and reason of each row that does not count."""
    return [
        (row["group"], " ".join(row[word] for word in query.WORDS), row["void"])
        for row in run["void"]
    ]


def _measured(run: Run) -> str:
    groups = {row["group"] for row in run["benchmarks"] + run["void"]}
    backends = dict.fromkeys(row["extra_info"]["backend"] for row in run["benchmarks"])
    return (
        f"{len(run['benchmarks'])} rows in {len(groups)} comparisons, {len(run['void'])} void; "
        f"{', '.join(map(title, backends))}"
    )


def _commit(info: dict[str, Any]) -> str:
    changed = ", with changes that are not committed" if info.get("dirty") else ""
    return f"{str(info.get('id') or 'unknown')[:12]}{changed}"


def _versions(versions: dict[str, Any]) -> str:
    return ", ".join(f"{name} {versions[name]}" for name in VERSIONS if name in versions)


def _pools(run: Run) -> str:
    """The kernels of every pool of threads that any process had."""
    pools = (process["conditions"].get("pools", {}) for process in run["processes"])
    found = {file: what for of_process in pools for file, what in of_process.items()}
    return "; ".join(f"{file.split('-')[0]} {what}" for file, what in sorted(found.items()))
