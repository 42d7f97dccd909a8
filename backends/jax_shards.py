"""One batch over several devices in JAX: a mesh with one axis, and XLA's own partitioner or none.

The devices are those of this process, or of all processes that jax_processes.py has connected.
"""

import re
import sys
from functools import partial

import jax
import numpy as np
from jax import lax
from jax.experimental import multihost_utils
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from backends import jax_backend
from backends.contract import Gradient, Structure

AXIS = "batch"  # of the mesh
WHOLE = PartitionSpec()
COLLECTIVE = re.compile(
    r"= (\S+|\([^)]*\)) (all-reduce|all-gather|all-to-all|reduce-scatter|collective-permute)"
    r"(?:-start)?\("
)
SHAPE = re.compile(r"([a-z]+)(\d+)\[([\d,]*)\]")  # f64[1024,3]


class Shards:
    """The functions of the backend for batches that are sharded over the first devices there are.

    automatic: XLA partitions the backend's own functions, as the shardings of X and Y suggest.
    batch: each device computes the gradient of its own examples, and these are summed.
    """

    def __init__(self, partition, devices, device):
        self.partition, self.devices = partition, devices
        found = np.array(jax.devices(device)[:devices])
        if len(found) < devices:
            raise ValueError(f"JAX has {len(found)} devices ({device}) here, {devices} are needed")
        self.mesh = Mesh(found, (AXIS,), axis_types=(AxisType.Auto,))

    def from_numpy(self, array):
        """A copy of the whole array on every device."""
        return self._put(array, WHOLE)

    def batch_from_numpy(self, array):
        """A copy of X (..., B, F) or Y (..., B, 1), sharded by B.

        Raises ValueError if B is not a multiple of the devices: XLA's shards are equal.
        """
        *others, B, _ = array.shape
        if B % self.devices:
            raise ValueError(
                f"B = {B} over {self.devices} devices: JAX needs a multiple of {self.devices}, "
                "since its shards are equal"
            )
        return self._put(array, PartitionSpec(*[None] * len(others), AXIS))

    def make_gradient(self, model, formulation, execution):
        """gradient(W, b, X, Y, dJ_dJ0) of the whole batch, the same on every device."""
        differentiate = self._differentiate(model, formulation)

        def gradient(*arguments):
            return differentiate(*arguments)[0]

        if self.partition == "batch":
            gradient = self._mapped(gradient, PartitionSpec(AXIS), numbers=1)
        return jax.jit(gradient, out_shardings=self._sharding(WHOLE))

    def make_train(self, model, formulation, execution):
        """train(W, b, X, Y, learning_rate, dJ_dJ0, epochs) -> Trajectory, on every device."""
        parts, differentiate = jax_backend.PARTS[model], self._differentiate(model, formulation)

        def train(W, b, X, Y, learning_rate, dJ_dJ0, epochs):
            run = partial(jax_backend.make_run(parts, differentiate), epochs=epochs)
            if self.partition == "batch":
                run = self._mapped(run, PartitionSpec(None, AXIS), numbers=2)
            return run(W, b, X, Y, learning_rate, dJ_dJ0)

        return jax.jit(train, static_argnames="epochs", out_shardings=self._sharding(WHOLE))

    def gathered(self, numbers):  # (k,) of every process -> (processes, k)
        return multihost_utils.process_allgather(np.asarray(numbers)[None], tiled=True)

    def copies(self, array):
        """What each device of this process has of the array, in NumPy arrays."""
        return [np.array(shard.data) for shard in array.addressable_shards]

    def structure(self, function, *arguments):
        """What the compiler says of one call: bytes on a device, and what the devices exchange."""
        compiled = function.lower(*arguments).compile()
        temporary = compiled.memory_analysis().temp_size_in_bytes
        return Structure(temporary, collectives(compiled.as_text()))

    def _differentiate(self, model, formulation):
        if self.partition == "batch":
            return self._summed(model, formulation)
        # All examples at once: XLA would gather a sharded batch to cut it into parts.
        return jax_backend.make_differentiate(jax_backend.PARTS[model], formulation, sys.maxsize)

    def _summed(self, model, formulation):
        """The backend's own gradient of the device's examples, and its sum over all devices."""
        own = jax_backend.make_differentiate(jax_backend.PARTS[model], formulation)

        def differentiate(*arguments):
            (dW, db, loss), accuracy = own(*arguments)
            dW, db = lax.psum((dW, db), AXIS)
            loss, accuracy = lax.pmean((loss, accuracy), AXIS)  # the shards are equal
            return Gradient(dW, db, loss), accuracy

        return differentiate

    def _mapped(self, function, batch, numbers):
        specs = (WHOLE, WHOLE, batch, batch, *[WHOLE] * numbers)
        return jax.shard_map(function, mesh=self.mesh, in_specs=specs, out_specs=WHOLE)

    def _sharding(self, spec):
        return NamedSharding(self.mesh, spec)

    def _put(self, array, spec):  # every process has the whole array, and its devices take parts
        return jax.make_array_from_callback(
            array.shape, self._sharding(spec), lambda index: np.array(array[index])
        )


def collectives(text):
    """{name: (calls, bytes)} of a compiled program's collectives; bytes of what one device gets."""
    found: dict[str, tuple[int, int]] = {}
    for shapes, name in COLLECTIVE.findall(text):
        calls, size = found.get(name, (0, 0))
        found[name] = calls + 1, size + sum(map(_bytes, SHAPE.findall(shapes)))
    return found


def _bytes(shape):
    _, bits, lengths = shape
    return int(bits) // 8 * int(np.prod([int(n) for n in lengths.split(",") if n]))
