"""Ports that are wrong on purpose, each with the kind of finding that explains it.

A port makes the arguments of compare_gradients. None as kind: no explanation of diagjac fits, and
it has to say so instead of guessing. tests/own_runs.py has those of training.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import torch
import torch.nn.functional as F

from diagjac.diagnosis.precision import rounded
from tests.own_examples import example

mlp, softmax, attention = map(example, ("mlp", "softmax", "attention"))


class Port(NamedTuple):
    """The kind of the finding that has to come first, and what makes the arguments of a check."""

    kind: str | None
    make: Callable[[], dict[str, Any]]


PORTS: dict[str, Port] = {}


def port(kind):
    """Add a port to PORTS under the name of the function that makes it."""

    def add(make):
        PORTS[make.__name__] = Port(kind, make)
        return make

    return add


def given(first, other, at=mlp, **changes):
    """The arguments of a check of two functions at the numbers of an example."""
    return {"functions": first | other, "params": at.params, "batch": at.batch} | changes


JAX = {"jax": mlp.jax_loss}


def by_hand(change):
    """The example's NumPy gradients after a change of them."""

    def gradient(params, batch):
        loss, grads = mlp.numpy_elementwise(params, batch)
        return loss, change(grads, params)

    return {"numpy": gradient}


def torch_network(
    params, batch, gelu=F.gelu, product=torch.matmul, hidden=lambda A: A, reduction="mean"
):
    A1 = gelu(product(batch["X"], params["W1"]) + params["b1"])
    A2 = hidden(torch.tanh(product(A1, params["W2"]) + params["b2"]))
    Z3 = product(A2, params["W3"]) + params["b3"]
    return F.binary_cross_entropy_with_logits(Z3, batch["Y"], reduction=reduction)


def in_torch(**changes):
    return {"torch": partial(torch_network, **changes)}


# --- factors and signs


@port("factor")
def off_by_a_billionth():
    return given(JAX, by_hand(lambda grads, _: {n: g * (1 + 1e-9) for n, g in grads.items()}))


@port("factor")
def off_by_a_hundred_thousandth_in_float32():
    factor = np.float32(1 + 1e-5)
    change = by_hand(lambda grads, _: {n: g * factor for n, g in grads.items()})
    return given(JAX, change, dtype="float32")


@port("factor")
def one_over_the_data_for_one_over_the_batch():
    data = 5000
    return given(JAX, {"torch": lambda p, b: torch_network(p, b) * mlp.B / data})


@port("factor")
def sum_for_mean():
    return given(JAX, in_torch(reduction="sum"))


@port("factor")
def square_with_its_half():
    def jax_loss(params, batch):
        return 0.5 * attention.jax_loss(params, batch)

    return given({"torch": attention.torch_loss}, {"jax": jax_loss}, attention)


@port("factor")
def clipped_to_a_norm():
    def clipped(grads, _):
        norm = np.sqrt(sum((g**2).sum() for g in grads.values()))
        return {name: g * min(1, 0.1 / norm) for name, g in grads.items()}

    return given(JAX, by_hand(clipped))


@port("factor")
def one_layer_twice_as_much():
    return given(JAX, by_hand(lambda grads, _: grads | {"W2": 2 * grads["W2"]}))


@port("sign")
def ascent():
    return given(JAX, by_hand(lambda grads, _: {name: -g for name, g in grads.items()}))


# --- what is left out, added or turned


@port("missing parameter")
def missing_bias():
    return given(JAX, {"torch": lambda p, b: torch_network(p | {"b1": 0 * p["b1"].detach()}, b)})


@port("no gradient")
def detached_parameter():
    return given(JAX, {"torch": lambda p, b: torch_network(p | {"W1": p["W1"].detach()}, b)})


@port("weight decay")
def weight_decay_in_the_gradient():
    return given(JAX, by_hand(lambda grads, p: {n: g + 1e-4 * p[n] for n, g in grads.items()}))


@port("transposed")
def transposed_weight():
    return given(JAX, {"torch": lambda p, b: torch_network(p | {"W2": p["W2"].T}, b)})


@port("transposed")
def transposed_gradient():
    return given(JAX, by_hand(lambda grads, _: grads | {"W2": grads["W2"].T}))


@port("not finite")
def logarithm_of_zero():
    """P = 1 where the logit is above 37: 0 log 0."""

    def numpy_gradient(params, batch):
        with np.errstate(all="ignore"):
            P = 1 / (1 + np.exp(-(batch["X"] @ params["W"])))
            dJ_dP = (P - batch["Y"]) / (P * (1 - P)) / len(P)
            return {"W": batch["X"].T @ (dJ_dP * P * (1 - P))}

    def torch_loss(params, batch):
        return F.binary_cross_entropy_with_logits(batch["X"] @ params["W"], batch["Y"])

    X = np.linspace(-30, 50, 20)[:, None]
    words = {"params": {"W": np.ones((1, 1))}, "batch": {"X": X, "Y": (X > 5).astype(float)}}
    return {"functions": {"torch": torch_loss, "numpy": numpy_gradient}} | words


# --- the batch


@port("batch")
def features_late_by_one():
    return given(JAX, {"torch": lambda p, b: torch_network(p, b | {"X": b["X"].roll(1, 0)})})


@port("batch")
def labels_in_reverse_order():
    return given(JAX, {"torch": lambda p, b: torch_network(p, b | {"Y": b["Y"].flip(0)})})


@port("batch")
def images_on_their_side():
    def jax_loss(params, batch):
        return ((batch["X"].reshape(16, -1) @ params["W"] - batch["Y"]) ** 2).mean()

    def torch_loss(params, batch):
        return F.mse_loss(batch["X"].mT.reshape(16, -1) @ params["W"], batch["Y"])

    stream = np.random.default_rng(0)
    batch = {"X": stream.normal(size=(16, 5, 5)), "Y": stream.normal(size=(16, 3))}
    params = {"W": stream.normal(size=(25, 3))}
    functions = {"jax": jax_loss, "torch": torch_loss}
    return {"functions": functions, "params": params, "batch": batch}


@port("example")
def last_example_dropped():
    cut = {"torch": lambda p, b: torch_network(p, {name: x[:-1] for name, x in b.items()})}
    return given(JAX, cut)


@port("broadcast")
def broadcast_that_sums():
    """Targets (B,) against predictions (B,1): all pairs, (B,B)."""

    def jax_loss(params, batch):
        return ((batch["X"] @ params["W"] - batch["y"][:, None]) ** 2).mean()

    def torch_loss(params, batch):
        return ((batch["X"] @ params["W"] - batch["y"]) ** 2).mean()

    stream = np.random.default_rng(0)
    batch = {"X": stream.normal(size=(16, 5)), "y": stream.normal(size=16)}
    functions = {"jax": jax_loss, "torch": torch_loss}
    return {"functions": functions, "params": {"W": np.ones((5, 1))}, "batch": batch}


@port("not used")
def mask_that_is_not_applied():
    def jax_loss(params, batch):
        squares = (batch["X"] @ params["W"] - batch["Y"]) ** 2
        return (squares * batch["mask"][:, None]).mean()

    def torch_loss(params, batch):
        return F.mse_loss(batch["X"] @ params["W"], batch["Y"])

    stream = np.random.default_rng(0)
    batch = {"X": stream.normal(size=(16, 5)), "Y": stream.normal(size=(16, 3))}
    batch["mask"] = np.arange(16) < 11
    functions = {"jax": jax_loss, "torch": torch_loss}
    return {"functions": functions, "params": {"W": np.ones((5, 3))}, "batch": batch}


# --- maps


@port("map")
def gelu_by_tanh_in_torch():
    return given(JAX, in_torch(gelu=lambda Z: F.gelu(Z, approximate="tanh")))


@port("map")
def gelu_by_tanh_in_jax():
    def jax_loss(params, batch):
        A1 = jax.nn.gelu(batch["X"] @ params["W1"] + params["b1"])
        A2 = jnp.tanh(A1 @ params["W2"] + params["b2"])
        Z3 = A2 @ params["W3"] + params["b3"]
        return (jax.nn.softplus(Z3) - batch["Y"] * Z3).mean()

    return given({"jax": jax.jit(jax_loss)}, in_torch())


@port("map")
def gelu_by_tanh_in_float32():
    return given(JAX, in_torch(gelu=lambda Z: F.gelu(Z, approximate="tanh")), dtype="float32")


def normalized(params, batch, norm, xp):
    H = norm(batch["X"] @ params["W"]) * params["scale"]
    return (xp.tanh(H) * batch["Y"]).mean()


def normalization(first, other):
    stream = np.random.default_rng(0)
    batch = {"X": stream.normal(size=(16, 5)), "Y": stream.normal(size=(16, 6))}
    params = {"W": stream.normal(size=(5, 6)), "scale": np.ones(6)}
    return {"functions": first | other, "params": params, "batch": batch}


def jax_layer_norm(H, eps=1e-6):
    mean, variance = H.mean(-1, keepdims=True), jnp.var(H, axis=-1, keepdims=True)
    return (H - mean) / jnp.sqrt(variance + eps)


@port("map")
def eps_of_a_normalization():
    return normalization(
        {"jax": partial(normalized, norm=jax_layer_norm, xp=jnp)},
        {"torch": partial(normalized, norm=lambda H: F.layer_norm(H, (6,)), xp=torch)},
    )


@port("map")
def variance_over_one_less():
    def torch_layer_norm(H):
        return (H - H.mean(-1, keepdim=True)) / torch.sqrt(H.var(-1, keepdim=True) + 1e-6)

    return normalization(
        {"jax": partial(normalized, norm=jax_layer_norm, xp=jnp)},
        {"torch": partial(normalized, norm=torch_layer_norm, xp=torch)},
    )


@port("map")
def softplus_with_a_threshold():
    """The identity above 20: off by 2e-9, and in the derivative too."""
    batch = {"X": np.linspace(-5, 25, 40)[:, None]}
    functions = {
        "jax": lambda p, b: jax.nn.softplus(b["X"] @ p["W"]).mean(),
        "torch": lambda p, b: F.softplus(b["X"] @ p["W"]).mean(),
    }
    return {"functions": functions, "params": {"W": np.ones((1, 3))}, "batch": batch}


@port("kink")
def slope_of_abs_at_zero():
    X = np.random.default_rng(0).normal(size=(20, 4))
    X[3] = 0
    functions = {
        "jax": lambda p, b: jnp.abs(p["w"] - b["X"]).mean(),
        "torch": lambda p, b: torch.abs(p["w"] - b["X"]).mean(),
    }
    return {"functions": functions, "params": {"w": np.zeros(4)}, "batch": {"X": X}}


@port(None)
def derivative_at_the_wrong_place():
    """1 - Z^2 in place of 1 - tanh(Z)^2: an error of a derivation that nothing here predicts."""

    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, Z):
            ctx.save_for_backward(Z)
            return torch.tanh(Z)

        @staticmethod
        def backward(ctx, row):
            return row * (1 - ctx.saved_tensors[0] ** 2)

    def torch_loss(params, batch):
        A1 = F.gelu(batch["X"] @ params["W1"] + params["b1"])
        Z3 = Wrong.apply(A1 @ params["W2"] + params["b2"]) @ params["W3"] + params["b3"]
        return F.binary_cross_entropy_with_logits(Z3, batch["Y"])

    return given(JAX, {"torch": torch_loss})


@port(None)
def softmax_taken_as_diagonal():
    diagonal = partial(softmax.gradient, lambda rows, P: rows * P * (1 - P))
    return given({"jax": softmax.jax_loss}, {"numpy": diagonal}, softmax)


# --- precision


class Narrow(torch.autograd.Function):
    """A product whose factors are rounded to so many bits, forward and backward."""

    @staticmethod
    def forward(ctx, A, W, bits):
        ctx.save_for_backward(A, W)
        ctx.bits = bits
        return narrow(A, bits) @ narrow(W, bits)

    @staticmethod
    def backward(ctx, row):
        A, W = (narrow(saved, ctx.bits) for saved in ctx.saved_tensors)
        row = narrow(row, ctx.bits)
        return row @ W.mT, A.mT @ row, None


def narrow(tensor, bits):
    return torch.from_numpy(rounded(tensor.detach().numpy(), bits))


@port("precision")
def tf32_inside():
    return given(JAX, in_torch(product=lambda A, W: Narrow.apply(A, W, 11)))


@port("precision")
def tf32_inside_float32():
    return given(JAX, in_torch(product=lambda A, W: Narrow.apply(A, W, 11)), dtype="float32")


@port("precision")
def bfloat16_inside():
    return given(JAX, in_torch(product=lambda A, W: (A.bfloat16() @ W.bfloat16()).to(W.dtype)))


@port("precision")
def float32_inside():
    def jax_loss(params, batch):
        low = jax.tree.map(lambda leaf: leaf.astype("float32"), (params, batch))
        return mlp.jax_loss(*low).astype("float64")

    return given({"torch": mlp.torch_loss}, {"jax": jax_loss})


@port("precision")
def hidden_layer_in_float32():
    return given(JAX, in_torch(hidden=lambda A: A.float().double()))
