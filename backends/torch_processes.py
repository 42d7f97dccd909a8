"""PyTorch in several processes, as torchrun starts them. gloo connects CPUs, nccl GPUs."""

import atexit
import os
from datetime import timedelta

import torch
import torch.distributed as dist


def join(seconds, devices):
    """Connect this process with the others; alone it is a group of one.

    Raises ValueError if this process is to have several devices.
    """
    if devices > 1:
        raise ValueError(
            f"PyTorch needs a process for each of {devices} devices: start it with torchrun"
        )
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    if "WORLD_SIZE" in os.environ:
        dist.init_process_group(timeout=timedelta(seconds=seconds))
    else:
        dist.init_process_group(store=dist.HashStore(), rank=0, world_size=1)
    atexit.register(dist.destroy_process_group)
