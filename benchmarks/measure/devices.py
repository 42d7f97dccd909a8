"""The devices that share a batch, in a run with --devices: of this process, and of others.

The variables of torchrun say which of the processes this one is: RANK, WORLD_SIZE, MASTER_ADDR and
MASTER_PORT, and on one machine LOCAL_RANK. Without them this process is alone.
"""

import os
import platform
from typing import Any
from zlib import crc32

from benchmarks.measure.threads import PINNED

NOWHERE = -1  # in place of a processor, if this process is kept on none


def here(devices: int) -> int:
    """How many of the devices this process has. Raises ValueError if they do not divide."""
    if devices < 1:
        raise ValueError(f"--devices {devices}: at least 1")
    processes = int(os.environ.get("WORLD_SIZE", 1))
    if devices % processes:
        raise ValueError(f"--devices {devices}: not a multiple of the {processes} processes")
    return devices // processes


def rank() -> int:
    """The number of this process, from 0; number 0 stores the run."""
    return int(os.environ.get("RANK", 0))


def place() -> int:
    """The number of this process among those of its machine."""
    return int(os.environ.get("LOCAL_RANK", 0))


def make(count: int) -> None:
    """Let XLA have so many devices of one thread each on this machine's processors."""
    flags = f"--xla_force_host_platform_device_count={count} --xla_cpu_multi_thread_eigen=false"
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()


def why_not_timed(gathered: Any, devices: int) -> str:
    """Why a call over the devices of all processes cannot be timed here, or "".

    Each device needs a processor of its own: this machine's name and its processors are compared.
    """
    pinned = sorted(PINNED) or [NOWHERE]
    everyone = [[int(number) for number in one] for one in gathered([_host(), *pinned])]
    found = [(host, number) for host, *own in everyone for number in own]
    if any(number == NOWHERE for _, number in found):
        return f"not measured: fewer processors than {devices} devices"
    if len({*found}) < len(found):
        return "not measured: two devices share a processor; LOCAL_RANK says which"
    return ""


def _host() -> int:
    return crc32(platform.node().encode())
