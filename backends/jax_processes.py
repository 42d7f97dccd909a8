"""JAX in several processes, which the variables of torchrun name.

It imports no backend: the processes have to be connected before JAX looks for its devices.
"""

import os

import jax


def join(seconds, devices):
    """Connect this process with the others, if there are any; it may have several devices."""
    if (processes := int(os.environ.get("WORLD_SIZE", 1))) > 1:
        jax.distributed.initialize(
            f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}", processes,
            int(os.environ["RANK"]), initialization_timeout=seconds,
            # Then JAX aborts this process without a line: the caller's own limits end it first.
            heartbeat_timeout_seconds=10 * seconds,
        )  # fmt: skip
