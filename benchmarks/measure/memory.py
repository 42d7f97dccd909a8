"""The memory that a row needs, and what is free: on the machine, and under limits."""

from collections.abc import Iterator
from pathlib import Path

import psutil

from reference.models import load

try:
    import resource
except ImportError:  # not a Unix
    resource = None  # type: ignore[assignment]

# The B x B matrices that exist beside the Jacobians of a gradient: with dense, the one of the timed
# traffic; with jacrev, an identity and the matrix that it multiplies.
# tests/conformance/test_memory.py counts them.
MORE = {"dense": 1, "jacrev": 2}
MARGIN = 2  # for what allocators keep, and what other programs take meanwhile
CGROUPS = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
FILES = (  # limit, use and its reclaimable part: cgroups of version 2, of version 1
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def need(model: str, formulation: str, B: int, itemsize: int) -> int:
    """Bytes that one gradient needs at most: its own, or those of the baseline beside it."""
    return (len(load(model).JACOBIANS) + MORE.get(formulation, 0)) * B * B * itemsize


def lack(need: int) -> str:
    """A message if so many bytes are more than may be taken, with both numbers; "" if not."""
    there = free()
    if MARGIN * need <= there:
        return ""
    return f"needs {_size(need)}, and {MARGIN} times that is more than the {_size(there)} free"


def free() -> int:
    """Bytes that this process may still take without being killed, refused or swapping."""
    limits = *within_limits(CGROUPS, OWN), *_address_space()
    return min([int(psutil.virtual_memory().available), *limits])


def _address_space() -> Iterator[int]:
    """What is left under ulimit -v, if there is one."""
    if resource and (most := resource.getrlimit(resource.RLIMIT_AS)[0]) != resource.RLIM_INFINITY:
        yield max(most - psutil.Process().memory_info().vms, 0)


def _size(number: int) -> str:
    return f"{number / 2**30:.2g} GiB"


def within_limits(cgroups: Path, own: Path) -> Iterator[int]:
    """What is left under each limit of the process's cgroups and their parents."""
    for folder in _folders(cgroups, own):
        for limit, used, reclaimable in FILES:
            try:
                most, now = (int((folder / file).read_text()) for file in (limit, used))
                stat = dict(map(str.split, (folder / "memory.stat").read_text().splitlines()))
            except (OSError, ValueError):  # without a limit: the word max, or no file
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
