"""One backend for a long time: many steps in one run; many runs in one process, without growth.

python -m tests.endurance.long BACKEND prints one JSON object: the cells that trained, the steps of
the long run, how often each cell ran, by how much the process has grown, and what failed.
"""

import argparse
import gc
import json
import sys
from dataclasses import replace
from typing import Any

import psutil

import backends
from backends import Cell
from benchmarks.measure.calls import to_numpy, train_call
from reference import backprop
from reference.agreement import compare
from reference.problems import Problem, make

STEPS, RUNS = 100_000, 1000
WARM = RUNS // 5  # runs before the first measurement: then pools and arenas exist
GROWTH = 4 * 2**20  # bytes that a process may grow by in all further runs after the warm ones
Resources = dict[str, int]


def resources() -> Resources:
    """What this process holds now."""
    gc.collect()
    own = psutil.Process()
    descriptors = own.num_fds() if hasattr(own, "num_fds") else own.num_handles()
    return {
        "bytes": own.memory_info().rss, "descriptors": descriptors, "threads": own.num_threads(),
    }  # fmt: skip


def cells(backend: str) -> list[Cell]:
    """Each execution once, elementwise if the backend has it."""
    found = {c.execution: c for c in reversed(backends.cells(backend=[backend], model=["linear"]))}
    known = backends.cells(backend=[backend], model=["linear"], formulation=["elementwise"])
    return list((found | {cell.execution: cell for cell in known}).values())


def long(cell: Cell, steps: int) -> str:
    """Train this many steps in one run; why its verdict failed, or ""."""
    small = make("linear", examples=32, batch_size=8, features=3, epochs=1, seed=1)
    problem = replace(small, epochs=steps // len(small.X))
    found = to_numpy(cell, train_call(cell, problem)())
    return compare(problem, found, _reference(problem), formulation=cell.formulation).failure


def repeated(cell: Cell) -> tuple[str, Resources]:
    """Train one short problem many times; why it failed, or "", and what has grown."""
    problem = make("linear", examples=32, batch_size=8, features=3, epochs=3, seed=1)
    call, expected = train_call(cell, problem), _reference(problem)
    before: Resources = {}
    for number in range(RUNS):
        if number == WARM:
            before = resources()
        result = call()
    after = resources()
    growth = {name: after[name] - before[name] for name in after}
    verdict = compare(problem, to_numpy(cell, result), expected, formulation=cell.formulation)
    return verdict.failure or _leak(growth), growth


def _leak(growth: Resources) -> str:
    allowed = {"bytes": GROWTH, "descriptors": 0, "threads": 0}
    return ", ".join(f"{n} more {name}" for name, n in growth.items() if n > allowed[name])


def _reference(problem: Problem) -> Any:
    p = problem
    return backprop.train(p.model, p.W, p.b, p.X, p.Y, p.learning_rate, p.dJ_dJ0, p.epochs)


def main(arguments: list[str] | None = None) -> int:
    """Run the tests above on a backend and print the result; 1 if something failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.endurance.long", allow_abbrev=False)
    parser.add_argument("backend", choices=backends.names())
    parser.add_argument("--steps", type=int, default=STEPS, help=f"of the long run ({STEPS})")
    given = parser.parse_args(arguments)
    chosen = cells(given.backend)
    failed, grown = [], []
    for cell in chosen:
        why, growth = repeated(cell)
        grown.append(growth)
        failed += [f"{cell}: {text}" for text in (long(cell, given.steps), why) if text]
    worst = {name: max(growth[name] for growth in grown) for name in grown[0]}
    found = {
        "cells": len(chosen),
        "steps": given.steps,
        "runs": RUNS,
        "growth": worst,
        "failed": failed,
    }
    print(json.dumps(found))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
