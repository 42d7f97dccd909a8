"""What DTensor makes of a row times a diagonal matrix, over two processes.

torchrun --standalone --nproc-per-node 2 examples/devices/dtensor.py
"""

import torch
import torch.distributed as dist
from torch.distributed.tensor import Shard, distribute_tensor, init_device_mesh
from torch.distributed.tensor.debug import CommDebugMode

B = 1024
dist.init_process_group("gloo")
mesh = init_device_mesh("cpu", (dist.get_world_size(),))
row = distribute_tensor(torch.ones(1, B), mesh, [Shard(1)])
diagonal = distribute_tensor(torch.ones(B), mesh, [Shard(0)])


def dense(row, diagonal):
    return row @ torch.diag(diagonal)


def elementwise(row, diagonal):
    return row * diagonal


for function in dense, elementwise:
    with CommDebugMode() as seen:
        result = function(row, diagonal)
    matrix = torch.diag(diagonal)
    if dist.get_rank() == 0:
        print(f"{function.__name__}: {dict(seen.get_comm_counts())}, {result.placements}")
        if function is dense:
            print(f"  the matrix is {matrix.placements}, {tuple(matrix.to_local().shape)} here")

# The mean of unequal shards: 513 and 512 examples.
torch.manual_seed(0)
Z, Y = torch.randn(B + 1, 1, dtype=torch.float64), torch.randint(2, (B + 1, 1)).double()
mean = torch.nn.functional.binary_cross_entropy_with_logits
sharded = mean(*(distribute_tensor(a, mesh, [Shard(0)]) for a in (Z, Y)))
error = float(sharded.full_tensor() / mean(Z, Y) - 1)
if dist.get_rank() == 0:
    print(f"mean over {B + 1} examples: {sharded.placements}, off by {error:.1e}")
dist.destroy_process_group()
