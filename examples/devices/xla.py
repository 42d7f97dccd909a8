"""What XLA's partitioner makes of a row times a diagonal matrix, over four CPU devices.

python examples/devices/xla.py
"""

import os

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"

import jax
import jax.numpy as jnp
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

B = 1024
mesh = Mesh(jax.devices(), ("batch",), axis_types=(AxisType.Auto,))
row = jax.device_put(jnp.ones((1, B)), NamedSharding(mesh, PartitionSpec(None, "batch")))
diagonal = jax.device_put(jnp.ones(B), NamedSharding(mesh, PartitionSpec("batch")))


def dense(row, diagonal):
    return row @ jnp.diag(diagonal)


def elementwise(row, diagonal):
    return row * diagonal


def by_batch(function):
    specs = PartitionSpec(None, "batch"), PartitionSpec("batch")
    return jax.shard_map(function, mesh=mesh, in_specs=specs, out_specs=specs[0])


for name, function in {
    "dense, automatic": dense,
    "elementwise, automatic": elementwise,
    "dense, by the batch": by_batch(dense),
}.items():
    compiled = jax.jit(function).lower(row, diagonal).compile()
    print(f"{name}: {compiled.memory_analysis().temp_size_in_bytes} bytes on each device,")
    print(f"  the result is {compiled.output_shardings.spec}")
    for line in compiled.as_text().splitlines():
        if any(f" {word}(" in line for word in ("all-reduce", "all-gather", "dot")):
            print("  " + line.strip().split(", metadata")[0].split(", channel_id")[0])
