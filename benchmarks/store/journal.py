"""The folder of an unfinished run: a journal of its processes, and what each of them has stored.

If the command that made it ends early, in whatever way, the parts of the finished processes are
here, and the journal says which ones are missing.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from benchmarks.store.files import Mistake, put
from benchmarks.store.run import read

JOURNAL = "journal.json"
WAITING, MEASURED, NOTHING, FAILED = "waiting", "measured", "nothing", "failed"
ENDED = "not measured: the run ended before or during it"
JSON = dict[str, Any]


class Job(msgspec.Struct):
    """A process of the run, its state, and the reason for it."""

    name: str
    state: str
    reason: str


class Journal(msgspec.Struct):
    """The content of the journal: the name of the run's file, and its processes."""

    run: str
    jobs: list[Job]


class Gathered(NamedTuple):
    """The parts in a folder, the processes that failed, and the file for the run."""

    parts: list[JSON]
    failed: list[dict[str, str]]
    path: Path


class RunFolder:
    """The folder of one run."""

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        """Make the folder of a run that will be stored in path. Raises Mistake if it exists."""
        self.folder = path.absolute().with_suffix("")
        if self.folder.exists():
            raise Mistake(
                f"{self.folder}: holds a run that was not finished; python -m benchmarks report "
                f"{self.folder} stores what was measured of it"
            )
        self.folder.mkdir()
        self.journal = Journal(path.name, [Job(name, WAITING, "") for name in names])
        self._write()

    def base(self, number: int) -> Path:
        """The path of a process's files without suffix; processes are counted from 1."""
        return _base(self.folder, number)

    def note(self, number: int, state: str, reason: str) -> None:
        """Store the state of a process in the journal."""
        job = self.journal.jobs[number - 1]
        job.state, job.reason = state, reason
        self._write()

    def _write(self) -> None:
        text = json.dumps(msgspec.to_builtins(self.journal), indent=1)
        put(self.folder / JOURNAL, text + "\n")


def gather(folder: Path) -> Gathered:
    """Read the folder. Raises Mistake if it is not that of a run."""
    journal = _journal(folder)
    parts: list[JSON] = []
    failed = []
    for number, job in enumerate(journal.jobs, 1):
        part, reason = _part(_base(folder, number).with_suffix(".json"))
        parts += [part] if part else []
        if part is None and job.state != NOTHING:
            told = job.reason or reason or ENDED
            failed.append({"name": job.name, "reason": told})
    return Gathered(parts, failed, folder.with_name(Path(journal.run).name))


def remove(folder: Path) -> None:
    """Remove the folder of a run that is stored, with its parts and logs."""
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


def _part(file: Path) -> tuple[JSON | None, str]:
    """What a process stored, or None and the reason."""
    if not file.exists():
        return None, ""
    try:
        return read(file), ""
    except Mistake as mistake:
        return None, f"left out: {mistake}"


def _journal(folder: Path) -> Journal:
    file = folder / JOURNAL
    try:
        return msgspec.convert(json.loads(file.read_bytes()), Journal)
    except OSError as error:
        raise Mistake(f"{file}: {error.strerror}") from None
    except msgspec.ValidationError as error:
        raise Mistake(f"{file}: not the journal of a run: {error}") from None
    except ValueError as error:
        raise Mistake(f"{file}: not valid JSON: {error}") from None


def _base(folder: Path, number: int) -> Path:
    return folder / f"{number:02}"
