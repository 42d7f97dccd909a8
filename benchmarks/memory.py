"""The memory that is free for this process: on the machine, and under its cgroups' limits."""

from collections.abc import Iterator
from pathlib import Path

import psutil

CGROUPS = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
FILES = (  # limit, use and the part of it that the kernel gives back: version 2, version 1
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def free() -> int:
    """Bytes that this process may still take without being killed or swapping."""
    return min([int(psutil.virtual_memory().available), *within_limits(CGROUPS, OWN)])


def within_limits(cgroups: Path, own: Path) -> Iterator[int]:
    """What is left under each limit of the process's cgroups and their parents."""
    for folder in _folders(cgroups, own):
        for limit, used, reclaimable in FILES:
            try:
                most, now = (int((folder / file).read_text()) for file in (limit, used))
                stat = dict(map(str.split, (folder / "memory.stat").read_text().splitlines()))
            except (OSError, ValueError):  # no limit is the word max, or no file
                continue
            yield max(most - now + int(stat.get(reclaimable, 0)), 0)


def _folders(cgroups: Path, own: Path) -> Iterator[Path]:
    """The folders of the process's memory cgroups, up to the root."""
    try:
        lines = own.read_text().splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "memory"):
            top = cgroups / controllers
            folder = top / path.lstrip("/")
            yield from (folder, *(parent for parent in folder.parents if top in parent.parents))
            yield top
