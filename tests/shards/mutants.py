"""Cells over several devices that are wrong on purpose: the real file with one place changed."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import backends
from tests.mutants import BACKENDS, changed

EVEN, UNEVEN = "even", "wide"  # families with B = 256, and B = 7 over two devices


class Mutant(NamedTuple):
    """A change of one place in backends/<backend>_shards.py, and a cell and a family it reaches."""

    backend: str
    old: str
    new: str
    partition: str = "batch"
    formulation: str = "elementwise"
    family: str = EVEN

    @property
    def words(self):
        """The cell, over two devices."""
        execution = {"jax": "run", "torch": "eager"}[self.backend]
        words = "logistic", self.backend, execution, "cpu", self.formulation, "float64"
        return [*words, f"{self.partition}/2"]

    def source(self):
        """The changed source."""
        return changed(BACKENDS / f"{self.backend}_shards.py", self.old, self.new)

    def use(self):
        """Let all cells over several devices of this process use the changed file from now on."""
        name = f"{self.backend}_shards"
        with TemporaryDirectory() as folder:
            path = Path(folder) / f"{name}.py"
            path.write_text(self.source(), encoding="utf-8")
            spec = spec_from_file_location(f"backends.{name}", path)
            module = module_from_spec(spec)
            spec.loader.exec_module(module)
        sys.modules[spec.name] = module
        setattr(backends, name, module)
        backends._sharded.cache_clear()


SUM = "dW, db = lax.psum((dW, db), AXIS)"
MEANS = "loss, accuracy = lax.pmean((loss, accuracy), AXIS)"
SECOND = "lax.axis_index(AXIS) == 1"
OWN = "own = jax_backend.make_differentiate(jax_backend.PARTS[model], formulation)"
WHOLE_BATCH = "jax_backend.make_differentiate(jax_backend.PARTS[model], formulation, sys.maxsize)"
PART = "lambda index: np.array(array[index])"
MAPPED = "jax.shard_map(function, mesh=self.mesh, in_specs=specs, out_specs=WHOLE)"


def unchecked(function):
    """The function in place of the mapped one, without JAX's check that all copies are equal."""
    return MAPPED.replace("(function,", f"({function},").replace(
        "WHOLE)", "WHOLE, check_vma=False)"
    )


JAX = {
    "nothing is changed": Mutant("jax", SUM, SUM),
    "a shard is left out": Mutant(
        "jax", SUM, SUM.replace("(dW, db)", f"(dW * ~({SECOND}), db * ~({SECOND}))")
    ),
    "gradients are summed twice": Mutant(
        "jax", SUM, f"{SUM}; dW, db = dW * lax.axis_size(AXIS), db * lax.axis_size(AXIS)"
    ),
    "gradients are averaged": Mutant("jax", SUM, SUM.replace("psum", "pmean")),
    "the loss is summed": Mutant("jax", MEANS, MEANS.replace("pmean", "psum")),
    "a device has stale parameters": Mutant(
        "jax", MAPPED,
        unchecked(f"lambda W, *a: function(W * jax.numpy.where({SECOND}, 1.001, 1), *a)"),
    ),
    "a device's copy is late": Mutant(
        "jax", MAPPED,
        unchecked(
            "lambda *a: jax.tree.map(lambda t: "
            f"jax.numpy.where({SECOND}, jax.numpy.roll(t, 1), t), function(*a))"
        ),
    ),
    "a shard is lost on the way": Mutant(
        "jax", PART, f"{PART} * (not index[-2].start)", partition="automatic"
    ),
    "a block is no matrix": Mutant(
        "jax", OWN, OWN.replace("formulation", "'elementwise'"), formulation="dense"
    ),
    "the matrix is no matrix": Mutant(
        "jax", WHOLE_BATCH, WHOLE_BATCH.replace("formulation", "'elementwise'"),
        "automatic", "dense",
    ),
}  # fmt: skip

REDUCE = "dist.all_reduce(total)"
SIZES = "loss[None] * B, loss.new_full((1,), B)"
GRADIENT = "return Gradient(dW[:, None], db[None], (loss / B)[0]), decision"
RIGHT = "counts = torch.cat([(accuracy * B).round(), accuracy.new_full((1,), B)])"
SPLIT = "own = np.array_split(array, n, axis=-2)[dist.get_rank()]"
STATES = "found = torch_backend.loop(parts, advance, *arguments)"
TORCH_OWN = "own = make_differentiate(torch_backend.PARTS[model], formulation, execution)"
FULL = "t.full_tensor() for t in tensors"
TORCH = {
    "nothing is changed": Mutant("torch", REDUCE, REDUCE),
    "nothing is changed, unequal shards": Mutant("torch", REDUCE, REDUCE, family=UNEVEN),
    "a shard is left out": Mutant("torch", REDUCE, f"total *= dist.get_rank() == 0; {REDUCE}"),
    "gradients are summed twice": Mutant("torch", REDUCE, f"{REDUCE}; {REDUCE}"),
    "gradients are averaged": Mutant(
        "torch", REDUCE, f"{REDUCE}; total[:-2] /= dist.get_world_size()"
    ),
    "the loss is summed": Mutant(
        "torch", GRADIENT, GRADIENT.replace("loss / B", "dist.get_world_size() * loss / B")
    ),
    "a mean of means": Mutant(
        "torch", SIZES, "loss[None], loss.new_full((1,), 1)", family=UNEVEN
    ),
    "an accuracy of accuracies": Mutant(
        "torch", RIGHT, "counts = torch.cat([accuracy, accuracy.new_full((1,), 1)])", family=UNEVEN
    ),
    "a device has stale parameters": Mutant(
        "torch", GRADIENT, GRADIENT.replace("dW[:, None]", "dW[:, None] * (dist.get_rank() == 0)")
    ),
    "a device's copy is late": Mutant(
        "torch", STATES, f"{STATES}; found.W[-1] = found.W[-1 - dist.get_rank()]"
    ),
    "all devices have the first shard": Mutant(
        "torch", SPLIT, SPLIT.replace("dist.get_rank()", "0"), partition="automatic"
    ),
    "sums are not shared": Mutant(
        "torch", FULL, FULL.replace("full_tensor", "to_local"), partition="automatic"
    ),
    "a block is no matrix": Mutant(
        "torch", TORCH_OWN, TORCH_OWN.replace("formulation", "'elementwise'"), formulation="dense"
    ),
    "the matrix is no matrix": Mutant(
        "torch", TORCH_OWN, TORCH_OWN.replace("formulation", "'elementwise'"), "automatic", "dense"
    ),
}  # fmt: skip
MUTANTS = {"jax": JAX, "torch": TORCH}
