"""The command line: python -m benchmarks COMMAND. Each command has a --help."""

import argparse
import os
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import backends
from benchmarks.measure import environment
from benchmarks.run import finished, run
from benchmarks.show import report
from benchmarks.store.atlas import is_atlas
from benchmarks.store.files import Mistake
from benchmarks.store.machine import next_file
from benchmarks.store.run import next_path

RESULTS = Path(__file__).parents[1] / "results"
ENDURANCE, ENDURANCE_MODULE = "endurance", "tests.endurance.main"
PROOFS = {  # name: module, help; a module is imported only when its command is called
    "verdicts": ("benchmarks.verdicts", "judge every cell, print and store the table"),
    "self-test": ("benchmarks.self_test", "test the clock with known ratios: two minutes"),
    ENDURANCE: (ENDURANCE_MODULE, "test long runs, kills and wrong input: about ten minutes"),
}
FORMATS = "csv", "parquet", "md"


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code: 2 for a mistake in its arguments or files."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", allow_abbrev=False,
        epilog="exit codes: 0 done, 1 failed, 2 a mistake in arguments or files; "
        "docs/commands.md says for each command what 1 means",
    )  # fmt: skip
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    parser.add_argument("--version", action="version", version=f"diagjac {_version()}")
    adds = _add_run, _add_report, _add_compare, _add_history, _add_export, _add_list, _add_atlas
    for add in adds:
        add(commands)
    for name, (module, text) in PROOFS.items():
        proof = commands.add_parser(name, help=text, description=text, add_help=name != ENDURANCE)
        proof.set_defaults(function=_proof, module=module)
    given, others = parser.parse_known_args(arguments)
    if others and given.function is not _run and getattr(given, "module", "") != ENDURANCE_MODULE:
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    try:
        code = given.function(given, others)
        sys.stdout.flush()
        return code
    except Mistake as mistake:
        print(mistake, file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader has closed the pipe, as head does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a full disk, a read-only folder
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 2


def _add_run(commands: Any) -> None:
    parser = commands.add_parser(
        "run",
        allow_abbrev=False,
        help="measure each backend in several fresh processes, and merge them",
        description="All other options go to pytest: --quick, --model linear, ...",
    )
    parser.add_argument(
        "--processes", type=_positive, default=3, help="processes per backend (default 3)"
    )
    parser.add_argument("--backend", action="append", default=[], help="only this one (repeatable)")
    parser.add_argument(
        "--timeout", type=_positive, default=1800, help="limit of one process, in seconds"
    )
    parser.add_argument("--benchmark-json", type=Path, help="the file of the run")
    parser.add_argument(
        "--devices", type=_positive, metavar="N",
        help="measure only batches that are sharded over 1, 2, 4, ... and N devices",
    )  # fmt: skip
    parser.set_defaults(function=_run)


def _add_report(commands: Any) -> None:
    report = commands.add_parser(
        "report", help="show stored runs again: tables, figures, README.md and report.html"
    )
    report.add_argument(
        "files", nargs="*", type=Path, metavar="FILE",
        help="a stored run, or the folder of an unfinished one; "
        "default: the newest full run of every machine in results/own/, or the published one",
    )  # fmt: skip
    report.add_argument(
        "--readme", type=Path, metavar="README",
        help="rewrite the marked block of this file from the run (from the last of several)",
    )  # fmt: skip
    report.set_defaults(function=_report)


def _add_compare(commands: Any) -> None:
    compare = commands.add_parser(
        "compare", help="compare two stored runs row by row, or more side by side; or two atlases"
    )
    compare.add_argument("one", type=Path, metavar="A.json")
    compare.add_argument("other", type=Path, metavar="B.json")
    compare.add_argument(
        "more", nargs="*", type=Path, metavar="C.json", help="further runs: all side by side"
    )
    compare.add_argument(
        "--fail-slower", type=_percentage, metavar="PERCENT",
        help="exit with 1 if a row of B is slower by more than that, with its whole interval, if a "
        "row of A is void or missing in B, or if a process of B failed",
    )  # fmt: skip
    compare.add_argument(
        "--allow-missing", action="store_true", help="with --fail-slower: rows of A may be missing"
    )
    compare.add_argument("--all", action="store_true", help="show the rows without a change too")
    compare.add_argument("--markdown", action="store_true", help="for the summary of a CI run")
    compare.set_defaults(function=_compare)


def _add_history(commands: Any) -> None:
    history = commands.add_parser(
        "history", help="show how the ratios of one machine changed over its full runs"
    )
    history.add_argument("folder", type=Path, metavar="FOLDER", help="as results/own/<machine>")
    history.add_argument("--all", action="store_true", help="show the ratios without a change too")
    history.add_argument("--markdown", action="store_true", help="for the summary of a CI run")
    history.set_defaults(function=_history)


def _add_export(commands: Any) -> None:
    export = commands.add_parser("export", help="write a stored run as CSV, Parquet or Markdown")
    export.add_argument("file", type=Path, metavar="RUN.json")
    export.add_argument(
        "to", type=Path, metavar="TABLE", help=f"a file that ends in .{', .'.join(FORMATS)}"
    )
    export.set_defaults(function=_export)


def _add_list(commands: Any) -> None:
    text = "list every cell that exists here, and why a backend is missing"
    commands.add_parser("list", help=text, description=text).set_defaults(function=_list)


def _add_atlas(commands: Any) -> None:
    text = "compare every elementwise map and its derivative with exact values in every framework"
    atlas = commands.add_parser("atlas", help=text, description=f"{text}; docs/atlas.md")
    atlas.add_argument(
        "--map", action="append", default=[], metavar="MAP",
        help="only this map: a name, or the path of a file <name>_map.py (repeatable)",
    )  # fmt: skip
    atlas.add_argument("--backend", action="append", default=[], help="only this one (repeatable)")
    atlas.add_argument("--dtype", action="append", default=[], help="only this one (repeatable)")
    atlas.add_argument("--json", type=Path, metavar="FILE", help="the file of the atlas")
    atlas.set_defaults(function=_atlas)


def _run(given: argparse.Namespace, options: list[str]) -> int:
    path = given.benchmark_json or next_path(RESULTS, "--quick" in options)
    try:
        return run(path, given.backend, given.processes, given.timeout, options, given.devices)
    except Mistake:
        raise
    except ValueError as error:
        if path.exists():  # measured: the options were right
            raise
        raise Mistake(f"\n{error}") from None


def _report(given: argparse.Namespace, _: list[str]) -> int:
    files = [_file(named) for named in given.files] or report.newest_own(RESULTS)
    if not files:
        raise Mistake(f"no full run in {RESULTS}; make bench-full measures one")
    for file in files:
        of_atlas = is_atlas(file) and _needing_pandas("show.atlas_report")
        print("\n".join(of_atlas.write(file) if of_atlas else report.write(file, chosen=True)))
    if given.readme:
        _needing_pandas("show.readme").rewrite(given.readme, files[-1])
        print(f"wrote {given.readme}")
    return 0


def _file(named: Path) -> Path:
    """The file of a run. The run of an unfinished one's folder is stored first."""
    file = finished(named) if named.is_dir() else named
    if file is None:
        raise Mistake(f"{named}: nothing was measured before the run ended")
    return file


def _compare(given: argparse.Namespace, _: list[str]) -> int:
    if given.more:
        if given.fail_slower is not None:
            raise Mistake("--fail-slower compares two runs")
        files = [given.one, given.other, *given.more]
        print("\n".join(_needing_pandas("show.runs").side_by_side(files, given.markdown)))
        return 0
    if is_atlas(given.one) or is_atlas(given.other):
        made = _needing_pandas("show.compare_atlases")
        lines, code = made.compare(given.one, given.other, given.all)
        print("\n".join(lines))
        return int(code)
    words = given.one, given.other, given.fail_slower, given.allow_missing
    lines, code = _needing_pandas("show.compare").compare(*words, given.all, given.markdown)
    print("\n".join(lines))
    return code


def _history(given: argparse.Namespace, _: list[str]) -> int:
    lines = _needing_pandas("show.runs").history(given.folder, given.all, given.markdown)
    print("\n".join(lines))
    return 0


def _export(given: argparse.Namespace, _: list[str]) -> int:
    if given.to.suffix[1:] not in FORMATS:
        raise Mistake(f"{given.to}: not a file that ends in .{', .'.join(FORMATS)}")
    _needing_pandas("analyse.frame").export(given.file, given.to)
    print(f"wrote {given.to}")
    return 0


def _needing_pandas(module: str) -> Any:
    """Import a module that needs pandas. Raises Mistake, with what to install, if it fails."""
    try:
        return import_module(f"benchmarks.{module}")
    except ImportError as error:
        raise Mistake(f"{error}; {report.NEEDS_REPORT}") from None


def _list(_: argparse.Namespace, __: list[str]) -> int:
    print("\n".join(map(str, backends.cells(importing=False))))
    for name, why in backends.unavailable(importing=False).items():
        print(f"not usable here: {name}: {why}")
    return 0


def _atlas(given: argparse.Namespace, _: list[str]) -> int:
    path = given.json or next_file(RESULTS, "atlas")
    return int(import_module("benchmarks.atlas").main(path, given.map, given.backend, given.dtype))


def _proof(given: argparse.Namespace, others: list[str]) -> int:
    environment.place_caches(RESULTS.parent)
    main: Any = import_module(given.module).main
    return int(main(others) if given.module == ENDURANCE_MODULE else main())


def _version() -> str:
    file = Path(__file__).parents[1] / "pyproject.toml"
    return str(tomllib.loads(file.read_text(encoding="utf-8"))["project"]["version"])


def _percentage(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"a number of 0 or more, got {text}")
    return number


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"a whole number of at least 1, got {text}")
    return number


if __name__ == "__main__":
    sys.exit(main())
