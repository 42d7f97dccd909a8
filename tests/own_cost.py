"""What a check costs: python -m tests.own_cost torch jax prints a line of docs/own-functions.md."""

import resource
import sys
import time
from functools import partial

import numpy as np

from diagjac import compare_gradients

WIDTH, B = 2236, 1024  # two square matrices: 10 million parameters
ROUNDS = 5


def numpy_gradient(params, batch):
    A = np.tanh(batch["X"] @ params["W1"])
    error = A @ params["W2"] - batch["Y"]
    row = error * error.dtype.type(2 / error.size)
    dJ_dZ = (row @ params["W2"].T) * (1 - A**2)
    return (error**2).mean(), {"W1": batch["X"].T @ dJ_dZ, "W2": A.T @ row}


def in_torch():
    import torch

    def loss(params, batch):
        A = torch.tanh(batch["X"] @ params["W1"])
        return torch.nn.functional.mse_loss(A @ params["W2"], batch["Y"])

    def gradient(params, batch):
        params = {name: torch.tensor(leaf, requires_grad=True) for name, leaf in params.items()}
        batch = {name: torch.tensor(leaf) for name, leaf in batch.items()}
        return lambda: torch.autograd.grad(loss(params, batch), list(params.values()))

    return loss, gradient


def in_jax():
    import jax

    jax.config.update("jax_enable_x64", True)

    @jax.jit
    def loss(params, batch):
        A = jax.numpy.tanh(batch["X"] @ params["W1"])
        return ((A @ params["W2"] - batch["Y"]) ** 2).mean()

    def gradient(params, batch):
        params, batch = jax.tree.map(jax.numpy.asarray, (params, batch))
        function = jax.jit(jax.grad(loss))
        return lambda: jax.block_until_ready(function(params, batch))

    return loss, gradient


def in_numpy():
    return numpy_gradient, lambda *numbers: partial(numpy_gradient, *numbers)


FRAMEWORKS = {"numpy": in_numpy, "torch": in_torch, "jax": in_jax}


def seconds(call):
    """Processor time of all threads: the mean of some rounds, after one that is not timed."""
    call()
    start = time.process_time()
    for _ in range(ROUNDS):
        call()
    return (time.process_time() - start) / ROUNDS


def resident():
    """Bytes, at most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(names):
    stream = np.random.default_rng(0)
    params = {name: stream.normal(0, WIDTH**-0.5, (WIDTH, WIDTH)) for name in ("W1", "W2")}
    batch = {name: stream.normal(size=(B, WIDTH)) for name in ("X", "Y")}
    losses, gradients = zip(*(FRAMEWORKS[name]() for name in names), strict=True)
    each = [seconds(gradient(params, batch)) for gradient in gradients]
    before, start = resident(), time.process_time()
    functions = {f"{names[i]}:{i}": loss for i, loss in enumerate(losses)}
    report = compare_gradients(functions, params, batch)
    whole = time.process_time() - start
    copies = (resident() - before) / sum(param.nbytes for param in params.values())
    told = " ".join(f"{second:.2f}" for second in each)
    print(
        f"{' '.join(names)}, B = {B}: {report.verdict}; a gradient {told} s, the check "
        f"{whole:.1f} s, {whole / np.mean(each):.0f} gradients, {copies:.1f} copies of params"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["numpy", "numpy"]))
