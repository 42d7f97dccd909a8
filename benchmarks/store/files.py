"""Write files completely or not at all; try a place before anything is measured."""

import os
from pathlib import Path

ROOM = 2**23  # bytes: a full run takes two megabytes, and its pages as much again


class Mistake(ValueError):
    """Something that the user gave cannot be used; the text is the one line to print."""


def put(path: Path, text: str) -> None:
    """Write the file completely: an old one stays until the new one is complete.

    Raises OSError with the name of the file, which the error of a full disk lacks.
    """
    beside = _beside(path)
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        error.filename = str(path)
        raise
    finally:
        beside.unlink(missing_ok=True)


def claim(path: Path) -> None:
    """Make sure that a run can be stored in path. Raises Mistake, of one line, if it cannot."""
    if path.suffix != ".json":
        raise Mistake(f"{path}: a run is stored in a file named *.json")
    if path.exists():
        raise Mistake(f"{path}: exists already, and no stored run is overwritten")
    prepare(path)


def prepare(path: Path) -> None:
    """Make the folder of path, and check that a run has room there. Raises Mistake if not."""
    beside = _beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            beside.write_bytes(bytes(ROOM))
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise Mistake(f"{path}: nothing can be stored there: {error.strerror}") from None


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}")
