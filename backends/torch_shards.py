"""One batch over several processes in PyTorch, each with a device, as torchrun starts them.

gloo connects CPUs, nccl GPUs.
"""

import os
from datetime import timedelta

import torch
import torch.distributed as dist
from torch.distributed.tensor import DTensor, Replicate, Shard, init_device_mesh
from torch.distributed.tensor.debug import CommDebugMode
from torch.utils import _pytree as pytree

from backends import torch_backend
from backends.contract import Gradient, Structure
from backends.torch_backend import make_differentiate, number, update

NAMES = {  # of the collectives, by that of the operator
    "all_reduce": "all-reduce", "allreduce_": "all-reduce",
    "all_gather_into_tensor": "all-gather", "reduce_scatter_tensor": "reduce-scatter",
    "all_to_all_single": "all-to-all",
}  # fmt: skip


def join(seconds):
    """Connect this process with the others, which the variables of torchrun name."""
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    alone = {} if "WORLD_SIZE" in os.environ else {"store": dist.HashStore(), "rank": 0}
    size = {} if "WORLD_SIZE" in os.environ else {"world_size": 1}
    dist.init_process_group(timeout=timedelta(seconds=seconds), **alone, **size)


def leave():
    dist.destroy_process_group()


def gathered(numbers):  # (k,) of every process -> a list of them, by rank
    found = [None] * dist.get_world_size()
    dist.all_gather_object(found, numbers)
    return found


class Shards:
    """The functions of the backend for batches that are sharded over all processes.

    automatic: X and Y are DTensors, and DTensor partitions the backend's own functions.
    batch: each process computes the gradient of its own examples, and these are summed.
    """

    def __init__(self, partition, devices, device):
        if devices != dist.get_world_size():
            raise ValueError(
                f"PyTorch needs a process for each of {devices} devices, "
                f"there are {dist.get_world_size()}: start it with torchrun"
            )
        self.is_automatic, self.devices, self.device = partition == "automatic", devices, device
        self.mesh = init_device_mesh(device, (devices,))

    def put(self, W, b, X, Y):
        """W (F,1) and b (1,1) on every device, X (..., B, F) and Y (..., B, 1) sharded by B.

        Raises ValueError if a device would get no example, or, with automatic, if B is not a
        multiple of the devices: DTensor's mean over unequal shards may be the mean of their means.
        """
        B, n = X.shape[-2], self.devices
        if B < n:
            raise ValueError(f"B = {B} over {n} devices: each needs an example")
        if self.is_automatic and B % n:
            raise ValueError(
                f"B = {B} over {n} devices: automatic partitioning needs a multiple of {n}, since "
                "some of DTensor's means over unequal shards are means of means"
            )
        X, Y = (torch.tensor(a, device=self.device) for a in (X, Y))
        X, Y = (a.tensor_split(n, dim=-2)[dist.get_rank()].contiguous() for a in (X, Y))
        if self.is_automatic:
            X, Y = (DTensor.from_local(a, self.mesh, [Shard(a.ndim - 2)]) for a in (X, Y))
        return [*(torch.tensor(a, device=self.device) for a in (W, b)), X, Y]

    def make_gradient(self, model, formulation, execution):
        """gradient(W, b, X, Y, dJ_dJ0) of the whole batch, the same on every device."""
        differentiate = self._differentiate(model, formulation, execution)

        @torch.no_grad()
        def gradient(W, b, X, Y, dJ_dJ0):
            gradient, _ = differentiate(*self._everywhere(W, b), X, Y, *self._everywhere(number(dJ_dJ0, W)))
            return Gradient(*self._whole(gradient))

        return gradient

    def make_train(self, model, formulation, execution):
        """train(W, b, X, Y, learning_rate, dJ_dJ0, epochs) -> Trajectory, on every device."""
        parts = torch_backend.PARTS[model]
        differentiate = self._differentiate(model, formulation, execution)

        def advance(W, b, X, Y, *numbers):
            state, numbers = self._everywhere(W, b), self._everywhere(*numbers)
            return self._whole(update(parts, differentiate, *state, X, Y, *numbers))

        @torch.no_grad()
        def train(*arguments):
            found = torch_backend.loop(parts, advance, 1, *arguments)
            if self.is_automatic or not parts.has_accuracy:
                return found
            return found._replace(accuracy=mean_of_all(found.accuracy, arguments[2].shape[1]))

        return train

    def structure(self, function, *arguments):
        """What one call does on this device: bytes from the profiler, collectives as dispatched."""
        with Collectives() as seen:
            function(*arguments)
        return Structure(torch_backend.temporary_bytes(function, *arguments), seen.found())

    def _differentiate(self, model, formulation, execution):
        own = make_differentiate(torch_backend.PARTS[model], formulation, execution)
        return own if self.is_automatic else summed(own)

    def _everywhere(self, *tensors):
        if not self.is_automatic:
            return tensors
        return [DTensor.from_local(t, self.mesh, [Replicate()], run_check=False) for t in tensors]

    def _whole(self, tensors):
        return [t.full_tensor() for t in tensors] if self.is_automatic else tensors


def summed(own):
    """The gradient of own for all devices' examples, from one all_reduce.

    A shard may be smaller than another: the loss is summed, and divided by the number of examples.
    """

    def differentiate(W, b, X, Y, dJ_dJ0):
        (dW, db, loss), decision = own(W, b, X, Y, dJ_dJ0)
        B = len(X)
        total = torch.cat([dW.ravel(), db.ravel(), loss[None] * B, loss.new_full((1,), B)])
        dist.all_reduce(total)
        dW, db, loss, B = total.split([W.numel(), 1, 1, 1])
        return Gradient(dW[:, None], db[None], (loss / B)[0]), decision

    return differentiate


def mean_of_all(accuracy, B):  # (S,) of the B examples here -> (S,) of those of all devices
    counts = torch.cat([(accuracy * B).round(), accuracy.new_full((1,), B)])
    dist.all_reduce(counts)
    return counts[:-1] / counts[-1]


class Collectives(CommDebugMode):
    """What CommDebugMode counts, with the size of the results."""

    def __init__(self):
        super().__init__()
        self._sizes = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = super().__torch_dispatch__(func, types, args, kwargs)
        if out is not NotImplemented and (name := NAMES.get(func._overloadpacket.__name__)):
            leaves = [leaf for leaf in pytree.tree_leaves(out) if isinstance(leaf, torch.Tensor)]
            self._sizes.append((name, sum(leaf.nbytes for leaf in leaves)))
        return out

    def found(self):
        """{name: (calls, bytes)}; bytes of what this device gets."""
        if len(self._sizes) != self.get_total_counts():
            raise NotImplementedError(f"a collective without a name here: {self.get_comm_counts()}")
        names = dict.fromkeys(name for name, _ in self._sizes)
        sizes = {n: [size for name, size in self._sizes if name == n] for n in names}
        return {name: (len(found), sum(found)) for name, found in sizes.items()}
