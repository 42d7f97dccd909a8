"""What one process of a run tells the run that started it, in a small file beside its part.

The file is one JSON object: kind and reason, where there is nothing to measure; row, number and of
while rows are measured.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.store.files import put

FILE = "DIAGJAC_TOLD"  # the variable that names the file; only a run sets it, for its processes
NOTHING, UNUSABLE, MISTAKE = "nothing", "unusable", "mistake"  # the kinds


def tell(**what: Any) -> None:
    """Write it for the run that this process belongs to, if it belongs to one."""
    if FILE in os.environ:
        with suppress(OSError):  # a full disk costs the run a line, and no row
            put(Path(os.environ[FILE]), json.dumps(what))


def told(file: Path) -> dict[str, Any]:
    """What a process has told last; {} if nothing."""
    try:
        return dict(json.loads(file.read_bytes()))
    except OSError:  # not there, or just being replaced, which Windows lets nobody read
        return {}
