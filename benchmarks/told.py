"""What a process tells the run that started it, in a small file beside its part.

The file is one JSON object: row, number and of while rows are measured; kind and reason if there is
nothing to measure.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.store.files import put

FILE = "DIAGJAC_TOLD"  # the variable with the file's path; only a run sets it, for its processes
NOTHING, UNUSABLE, MISTAKE = "nothing", "unusable", "mistake"  # the kinds


def tell(**what: Any) -> None:
    """Write this to the file, if a run has started this process."""
    if FILE in os.environ:
        with suppress(OSError):  # on a full disk only the progress is lost
            put(Path(os.environ[FILE]), json.dumps(what))


def told(file: Path) -> dict[str, Any]:
    """What a process has written last; {} if nothing."""
    try:
        return dict(json.loads(file.read_bytes()))
    except OSError:  # missing, or being replaced: then Windows allows no reading
        return {}
