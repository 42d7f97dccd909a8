"""The folder of a run under way: a journal of its processes, and what each of them has stored.

It outlives the command that made it. However that one ends, the parts of the processes that had
finished lie here, and the journal tells which ones are missing.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.store import run as store
from benchmarks.store.files import Mistake, put
from benchmarks.store.shape import mismatch

JOURNAL = "journal.json"
SHAPE = {"run": str, "jobs": [{"name": str, "state": str, "reason": str}]}
WAITING, MEASURED, NOTHING, FAILED = "waiting", "measured", "nothing", "failed"
ENDED = "not measured: the run ended before or during it"
Run = dict[str, Any]


class Gathered(NamedTuple):
    """The parts of a folder, the processes that have none, and the file that the run is to be."""

    parts: list[Run]
    failed: list[dict[str, str]]
    path: Path


class Parts:
    """The folder of one run."""

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        """For a run that is to be stored in path. Raises Mistake where its folder is there."""
        self.folder = path.absolute().with_suffix("")
        if self.folder.exists():
            raise Mistake(
                f"{self.folder}: holds a run that was not finished; python -m benchmarks report "
                f"{self.folder} stores what was measured of it"
            )
        self.folder.mkdir()
        self.jobs = [{"name": name, "state": WAITING, "reason": ""} for name in names]
        self.journal = {"run": path.name, "jobs": self.jobs}
        self._write()

    def base(self, number: int) -> Path:
        """What the files of a process are named after; they are counted from 1."""
        return _base(self.folder, number)

    def note(self, number: int, state: str, reason: str) -> None:
        """What became of a process."""
        self.jobs[number - 1] |= {"state": state, "reason": reason}
        self._write()

    def _write(self) -> None:
        put(self.folder / JOURNAL, json.dumps(self.journal, indent=1) + "\n")


def gather(folder: Path) -> Gathered:
    """Whatever lies in the folder. Raises Mistake where it is none of a run."""
    journal = _journal(folder)
    parts: list[Run] = []
    failed = []
    for number, job in enumerate(journal["jobs"], 1):
        part, reason = _part(_base(folder, number).with_suffix(".json"))
        parts += [part] if part else []
        if part is None and job["state"] != NOTHING:
            told = job["reason"] or reason or ENDED
            failed.append({"name": job["name"], "reason": told})
    return Gathered(parts, failed, folder.with_name(Path(journal["run"]).name))


def remove(folder: Path) -> None:
    """The folder of a run that is stored: its parts are merged, its logs of no use."""
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


def _part(file: Path) -> tuple[Run | None, str]:
    """What a process stored, or None and the reason."""
    if not file.exists():
        return None, ""
    try:
        return store.read(file), ""
    except Mistake as mistake:
        return None, f"left out: {mistake}"


def _journal(folder: Path) -> Run:
    file = folder / JOURNAL
    try:
        journal = json.loads(file.read_bytes())
    except OSError as error:
        raise Mistake(f"{file}: {error.strerror}") from None
    except ValueError as error:
        raise Mistake(f"{file}: no JSON, or not all of it: {error}") from None
    if problem := mismatch(journal, SHAPE, "the file"):
        raise Mistake(f"{file}: not the journal of a run: {problem}")
    return dict(journal)


def _base(folder: Path, number: int) -> Path:
    return folder / f"{number:02}"
