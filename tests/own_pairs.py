"""Pairs of functions that are the same, for the calibration of diagjac: no false alarm on any.

Each entry of PAIRS makes the arguments of compare_gradients of a random stream; numbers, scales and
batches are drawn anew for each seed. Shapes stay, since JAX compiles for each.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
import torch.nn.functional as F

from tests.own_examples import example

mlp, softmax, attention = map(example, ("mlp", "softmax", "attention"))
PAIRS: dict[str, Callable[[np.random.Generator], dict[str, Any]]] = {}


def pair(name, jax_loss, torch_loss, **more):
    """Add a pair of losses; the decorated function draws (params, batch)."""
    functions = {"jax": jax.jit(jax_loss), "torch": torch_loss} | more

    def add(draw):
        def made(stream):
            params, batch = draw(stream)
            return {"functions": functions, "params": params, "batch": batch}

        PAIRS[name] = made
        return draw

    return add


def like(tree, stream, scale=1.0):
    """Normal numbers in the shapes of an example's parameters."""
    if isinstance(tree, dict):
        return {name: like(leaf, stream, scale) for name, leaf in tree.items()}
    return stream.normal(0, scale, tree.shape)


# --- the examples


def mlp_batch(stream, count):
    return {
        "X": stream.normal(size=(count, mlp.FEATURES)),
        "Y": stream.integers(0, 2, (count, 1)).astype(float),
    }


MLP = {"torch_loss": mlp.torch_loss, "numpy": mlp.numpy_elementwise}


@pair("network, 32 examples", mlp.jax_loss, **MLP)
def _(stream):
    return like(mlp.params, stream, 0.5), mlp_batch(stream, 32)


@pair("network, 1 example", mlp.jax_loss, **MLP)
def _(stream):
    return like(mlp.params, stream, 0.5), mlp_batch(stream, 1)


@pair("network, 4096 examples", mlp.jax_loss, mlp.torch_loss)
def _(stream):
    return like(mlp.params, stream, 0.5), mlp_batch(stream, 4096)


@pair("network, parameters of 1e-6", mlp.jax_loss, **MLP)
def _(stream):
    return like(mlp.params, stream, 1e-6), mlp_batch(stream, 32)


@pair("softmax regression", softmax.jax_loss, softmax.torch_loss, numpy=softmax.numpy_dense)
def _(stream):
    batch = {"X": stream.normal(size=(64, 6)), "labels": stream.integers(0, 4, 64)}
    return like(softmax.params, stream), batch


@pair("softmax regression, inputs of 1e-3 to 1e3", softmax.jax_loss, softmax.torch_loss)
def _(stream):
    scales = 10.0 ** stream.uniform(-3, 3, 6)
    batch = {"X": stream.normal(size=(64, 6)) * scales, "labels": stream.integers(0, 4, 64)}
    return {"W": stream.normal(size=(6, 4)) / scales[:, None], "b": stream.normal(size=4)}, batch


@pair("attention", attention.jax_loss, attention.torch_loss, numpy=attention.numpy_product)
def _(stream):
    return like(attention.params, stream, 0.4), like(attention.batch, stream)


# --- one layer, without and with a function behind it


def linear(params, batch):
    return batch["X"] @ params["w"] + params["b"]


def regression(stream, count, spread=0.0, features=8):
    """Features and parameters over up to 2 * spread decades, whose products are of order 1."""
    scales = 10.0 ** stream.uniform(-spread, spread, features)
    X = stream.normal(size=(count, features)) * scales
    params = {"w": stream.normal(size=features) / scales, "b": stream.normal(size=())}
    return params, {"X": X, "y": stream.integers(0, 2, count).astype(float)}


@pair(
    "squares, 4096 examples",
    lambda p, b: ((linear(p, b) - b["y"]) ** 2).mean(),
    lambda p, b: F.mse_loss(linear(p, b), b["y"]),
)
def _(stream):
    return regression(stream, 4096)


@pair(
    "squares, parameters of 1e-6 to 1e6",
    lambda p, b: ((linear(p, b) - b["y"]) ** 2).mean(),
    lambda p, b: F.mse_loss(linear(p, b), b["y"]),
)
def _(stream):
    return regression(stream, 64, spread=6)


@pair(
    "logistic, from logits",
    lambda p, b: (jax.nn.softplus(linear(p, b)) - b["y"] * linear(p, b)).mean(),
    lambda p, b: F.binary_cross_entropy_with_logits(linear(p, b), b["y"]),
)
def _(stream):
    return regression(stream, 256)


def jax_from_probabilities(params, batch):
    P = jax.nn.sigmoid(linear(params, batch))
    return -(batch["y"] * jnp.log(P) + (1 - batch["y"]) * jnp.log(1 - P)).mean()


def torch_from_probabilities(params, batch):
    return F.binary_cross_entropy(torch.sigmoid(linear(params, batch)), batch["y"])


@pair("logistic, from probabilities", jax_from_probabilities, torch_from_probabilities)
def _(stream):
    return regression(stream, 256)


@pair(
    "logistic, logits against probabilities",
    lambda p, b: (jax.nn.softplus(linear(p, b)) - b["y"] * linear(p, b)).mean(),
    torch_from_probabilities,
)
def _(stream):
    return regression(stream, 256)


@pair(
    "Poisson",
    lambda p, b: (jnp.exp(linear(p, b)) - b["y"] * linear(p, b)).mean(),
    lambda p, b: F.poisson_nll_loss(linear(p, b), b["y"]),
)
def _(stream):
    return regression(stream, 256)


# --- deeper


def jax_normalized(params, batch):
    H = batch["X"] @ params["W"]
    H = (H - H.mean(-1, keepdims=True)) / jnp.sqrt(H.var(-1, keepdims=True) + 1e-5)
    return ((jax.nn.gelu(H * params["scale"] + params["shift"]) - batch["Y"]) ** 2).mean()


def torch_normalized(params, batch):
    H = F.layer_norm(batch["X"] @ params["W"], (16,), params["scale"], params["shift"])
    return F.mse_loss(F.gelu(H, approximate="tanh"), batch["Y"])


@pair("layer norm and gelu", jax_normalized, torch_normalized)
def _(stream):
    params = {"W": stream.normal(size=(8, 16)), "scale": np.ones(16), "shift": np.zeros(16)}
    return params, {"X": stream.normal(size=(64, 8)), "Y": stream.normal(size=(64, 16))}


def jax_convolution(params, batch):
    H = batch["X"]
    for kernel in params["kernels"]:
        H = jnp.tanh(jax.lax.conv(H, kernel, (1, 1), "SAME"))
    return -jnp.take_along_axis(
        jax.nn.log_softmax(H.mean((2, 3)) @ params["out"]), batch["labels"][:, None], axis=1
    ).mean()


def torch_convolution(params, batch):
    H = batch["X"]
    for kernel in params["kernels"]:
        H = torch.tanh(F.conv2d(H, kernel, padding="same"))
    return F.cross_entropy(H.mean((2, 3)) @ params["out"], batch["labels"])


@pair("convolutions", jax_convolution, torch_convolution)
def _(stream):
    kernels = [stream.normal(0, 0.3, shape) for shape in ((6, 2, 3, 3), (6, 6, 3, 3))]
    params = {"kernels": kernels, "out": stream.normal(size=(6, 3))}
    return params, {"X": stream.normal(size=(8, 2, 9, 9)), "labels": stream.integers(0, 3, 8)}


def jax_biased(params, batch):
    H = jax.lax.conv(batch["X"], params["kernel"], (1, 1), "SAME")
    H = jnp.tanh(H + params["bias"][:, None, None])
    return ((H.mean((2, 3)) @ params["out"] - batch["Y"]) ** 2).mean()


def torch_biased(params, batch):
    H = torch.tanh(F.conv2d(batch["X"], params["kernel"], params["bias"], padding="same"))
    return F.mse_loss(H.mean((2, 3)) @ params["out"], batch["Y"])


@pair("convolution, sums of 32,768 terms", jax_biased, torch_biased)
def _(stream):
    kernel = stream.normal(0, 0.3, (4, 3, 3, 3))
    params = {"kernel": kernel, "bias": stream.normal(0, 0.1, 4), "out": stream.normal(size=(4, 2))}
    X = np.abs(stream.normal(size=(8, 3, 64, 64)))
    return params, {"X": X, "Y": stream.normal(size=(8, 2))}


def recurrent(params, batch, xp):
    H = xp.zeros_like(batch["X"][0] @ params["U"])
    for X in batch["X"]:
        H = xp.tanh(X @ params["U"] + H @ params["V"])
    return ((H - batch["Y"]) ** 2).mean()


@pair("20 recurrent steps", partial(recurrent, xp=jnp), partial(recurrent, xp=torch))
def _(stream):
    params = {"U": stream.normal(size=(4, 8)), "V": stream.normal(0, 0.5, (8, 8))}
    return params, {"X": stream.normal(size=(20, 16, 4)), "Y": stream.normal(size=(16, 8))}


def embedded(params, batch, logsumexp):
    H = params["table"][batch["words"]].mean(1)
    return (logsumexp(H @ params["out"]) - (H @ params["out"])[:, 0]).mean()


@pair(
    "an embedding",
    partial(embedded, logsumexp=lambda Z: jax.nn.logsumexp(Z, axis=1)),
    partial(embedded, logsumexp=lambda Z: torch.logsumexp(Z, 1)),
)
def _(stream):
    params = {"table": stream.normal(size=(50, 6)), "out": stream.normal(size=(6, 5))}
    return params, {"words": stream.integers(0, 40, (32, 7))}


def rectified(params, batch, relu):
    H = relu(batch["X"] @ params["W1"] + params["b1"])
    return ((relu(H @ params["W2"]) @ params["W3"] - batch["Y"]) ** 2).mean()


@pair("relu, 256 examples", partial(rectified, relu=jax.nn.relu), partial(rectified, relu=F.relu))
def _(stream):
    params = {
        "W1": stream.normal(size=(6, 16)), "b1": np.zeros(16),
        "W2": stream.normal(size=(16, 16)), "W3": stream.normal(size=(16, 1)),
    }  # fmt: skip
    return params, {"X": stream.normal(size=(256, 6)), "Y": stream.normal(size=(256, 1))}
