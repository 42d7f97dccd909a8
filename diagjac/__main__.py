"""The command line: python -m diagjac check FILE."""

import argparse
import runpy
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from diagjac import compare_gradients, compare_training
from diagjac.distance import DIFFERS, UNKNOWN
from diagjac.point import DTYPES
from diagjac.report import Report

AGREE, DIFFER, MISTAKE, CANNOT_TELL = range(4)
CODES = {DIFFERS: DIFFER, UNKNOWN: CANNOT_TELL}
FILE = (
    "a Python file that holds functions, params, and batch (gradients) or batches (training), "
    "as check_gradients and check_training take them"
)


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m diagjac", allow_abbrev=False,
        epilog="exit codes: 0 they agree, 1 they differ, 2 a mistake in the file or arguments, "
        "3 cannot tell",
    )  # fmt: skip
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    text = "compare the functions that a file holds"
    check = commands.add_parser("check", help=text, description=text, epilog=parser.epilog)
    check.add_argument("file", type=Path, metavar="FILE.py", help=FILE)
    check.add_argument("--dtype", choices=DTYPES, default="float64", help="default: float64")
    check.add_argument("--seed", type=int, default=0, help="of the perturbations; default: 0")
    given = parser.parse_args(arguments)
    return _check(given.file, given.dtype, given.seed)


def _check(file: Path, dtype: str, seed: int) -> int:
    if not file.is_file():
        return _mistake(f"{file}: there is no such file")
    sys.path.insert(0, str(file.resolve().parent))  # as python FILE does
    try:
        compare, held = _held(runpy.run_path(str(file)))
        report = compare(*held, dtype=dtype, seed=seed)
    except Exception as error:
        if isinstance(error, ValueError) and _is_own(error):
            return _mistake(f"{file}: {error}")
        traceback.print_exc()  # the caller's code knows best where
        return MISTAKE
    print(report)
    return CODES.get(report.verdict, AGREE)


def _held(names: dict[str, Any]) -> tuple[Callable[..., Report], list[Any]]:
    """What to call, and with what. Raises ValueError if the file lacks a name."""
    data = "batches" if "batches" in names else "batch"
    missing = [name for name in ("functions", "params", data) if name not in names]
    if missing:
        raise ValueError(f"it has no {', '.join(missing)}; it is {FILE}")
    compare = compare_training if data == "batches" else compare_gradients
    return compare, [names[name] for name in ("functions", "params", data)]


def _is_own(error: ValueError) -> bool:
    """Whether the error was raised by this package, and not by the caller's code."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] in ("diagjac", "__main__")


def _mistake(text: str) -> int:
    print(text, file=sys.stderr)
    return MISTAKE


if __name__ == "__main__":
    sys.exit(main())
