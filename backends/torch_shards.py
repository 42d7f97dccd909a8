"""One batch over several processes in PyTorch, each with a device, as torchrun starts them."""

from functools import partial

import numpy as np
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


class Shards:
    """The functions of the backend for batches that are sharded over all processes.

    automatic: X and Y are DTensors, and DTensor partitions the backend's own functions.
    batch: each process computes the gradient of its own examples, and these are summed.
    """

    def __init__(self, partition, devices, device):
        if devices != dist.get_world_size():
            raise ValueError(
                f"PyTorch needs a process for each of {devices} devices, "
                f"there are {dist.get_world_size()}"
            )
        self.is_automatic, self.devices, self.device = partition == "automatic", devices, device
        self.mesh = init_device_mesh(device, (devices,))

    def from_numpy(self, array):
        """A copy of the whole array on every device."""
        return torch.tensor(array, device=self.device)

    def batch_from_numpy(self, array):
        """The part of this device of X (..., B, F) or Y (..., B, 1), sharded by B.

        Raises ValueError if a device would get no example, or, with automatic, if B is not a
        multiple of the devices: DTensor's mean over unequal shards may be the mean of their means.
        """
        B, n = array.shape[-2], self.devices
        if n > B:
            raise ValueError(f"B = {B} over {n} devices: each needs an example")
        if self.is_automatic and B % n:
            raise ValueError(
                f"B = {B} over {n} devices: automatic partitioning needs a multiple of {n}, since "
                "some of DTensor's means over unequal shards are means of means"
            )
        own = np.array_split(array, n, axis=-2)[dist.get_rank()]
        shard = torch.tensor(np.ascontiguousarray(own), device=self.device)
        if not self.is_automatic:
            return shard
        return DTensor.from_local(shard, self.mesh, [Shard(array.ndim - 2)], run_check=False)

    def make_gradient(self, model, formulation, execution):
        """gradient(W, b, X, Y, dJ_dJ0) of the whole batch, the same on every device."""
        differentiate = self._differentiate(model, formulation, execution)

        @torch.no_grad()
        def gradient(W, b, X, Y, dJ_dJ0):
            return differentiate(W, b, X, Y, number(dJ_dJ0, W))[0]

        return gradient

    def make_train(self, model, formulation, execution):
        """train(W, b, X, Y, learning_rate, dJ_dJ0, epochs) -> Trajectory, on every device."""
        parts = torch_backend.PARTS[model]
        differentiate = self._differentiate(model, formulation, execution)

        def advance(*arguments):
            W, b, loss, *accuracy = update(parts, differentiate, *arguments)
            return W, b, loss, *(self._whole(accuracy) if self.is_automatic else accuracy)

        @torch.no_grad()
        def train(*arguments):
            found = torch_backend.loop(parts, advance, *arguments)
            if self.is_automatic or not parts.has_accuracy:
                return found
            return found._replace(accuracy=mean_of_all(found.accuracy, arguments[2].shape[1]))

        return train

    def gathered(self, numbers):  # (k,) of every process -> a list of them
        found = [None] * self.devices
        dist.all_gather_object(found, numbers)
        return found

    def copies(self, array):
        """What the device of this process has of the array, in a list: it has one device."""
        own = array.to_local() if isinstance(array, DTensor) else array
        return [torch_backend.to_numpy(own)]

    def structure(self, function, *arguments):
        """What one call does on this device: bytes from the profiler, collectives as dispatched."""
        with Collectives() as seen:
            function(*arguments)
        return Structure(torch_backend.temporary_bytes(function, *arguments), seen.found())

    def _differentiate(self, model, formulation, execution):
        own = make_differentiate(torch_backend.PARTS[model], formulation, execution)
        return partial(self._partitioned, own) if self.is_automatic else summed(own)

    def _partitioned(self, own, W, b, X, Y, dJ_dJ0):
        """The gradient of own, whole: a step on a part of it would round W and b once more."""
        W, b, dJ_dJ0 = (
            DTensor.from_local(t, self.mesh, [Replicate()], run_check=False)
            for t in (W, b, dJ_dJ0)
        )  # fmt: skip
        gradient, decision = own(W, b, X, Y, dJ_dJ0)
        return Gradient(*self._whole(gradient)), decision

    def _whole(self, tensors):
        return [t.full_tensor() for t in tensors]


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
