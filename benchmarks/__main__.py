"""The command line of the benchmarks: python -m benchmarks run."""

import argparse
import sys
from pathlib import Path

from benchmarks import processes
from benchmarks.store import next_path

RESULTS = Path(__file__).parents[1] / "results"


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser(
        "run",
        allow_abbrev=False,
        help="measure every backend in fresh processes, several times, and merge",
        description="Options that are not listed go to pytest: --quick, --model linear, ...",
    )
    run.add_argument("--processes", type=_positive, default=3, help="of each backend (default 3)")
    run.add_argument("--backend", action="append", default=[], help="only this one (repeatable)")
    run.add_argument("--timeout", type=_positive, default=1800, help="of one process, in seconds")
    run.add_argument("--benchmark-json", type=Path, help="where the run is stored")
    run.set_defaults(function=_run)
    given, others = parser.parse_known_args(arguments)
    return given.function(given, others)


def _run(given: argparse.Namespace, options: list[str]) -> int:
    path = given.benchmark_json or next_path(RESULTS, "--quick" in options)
    try:
        return processes.run(path, given.backend, given.processes, given.timeout, options)
    except ValueError as error:
        print(f"\n{error}", file=sys.stderr)
        return 2


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"at least 1, got {text}")
    return number


if __name__ == "__main__":
    sys.exit(main())
