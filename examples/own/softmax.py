"""Softmax regression in JAX, PyTorch and NumPy: a map whose Jacobian is not diagonal.

    python -m diagjac check examples/own/softmax.py

Z = X W + b (B,C), P = softmax of each row, J0 = -log P[label]. Entry i of a row of P depends on all
entries of that row of Z, so an example's Jacobian is full, diag(p) - p p^T (C,C). Examples do not
mix: the Jacobian of the batch is block-diagonal, (B,C,C) instead of (BC,BC).
"""

import jax
import jax.numpy as jnp
import numpy as np
import torch.nn.functional as F

B, FEATURES, C = 64, 6, 4
stream = np.random.default_rng(0)
params = {"W": stream.normal(0, 0.5, (FEATURES, C)), "b": stream.normal(0, 0.1, C)}
batch = {"X": stream.normal(0, 1, (B, FEATURES)), "labels": stream.integers(0, C, B)}


@jax.jit
def jax_loss(params, batch):
    Z = batch["X"] @ params["W"] + params["b"]
    return -jnp.take_along_axis(jax.nn.log_softmax(Z), batch["labels"][:, None], axis=1).mean()


def torch_loss(params, batch):
    return F.cross_entropy(batch["X"] @ params["W"] + params["b"], batch["labels"])


# --- by hand


def softmax(Z):  # (..., C) -> (..., C)
    E = np.exp(Z - Z.max(axis=-1, keepdims=True))
    return E / E.sum(axis=-1, keepdims=True)


def dense(rows, P):  # (B,C), (B,C) -> (B,C)   forms B * C * C numbers
    jacobian = P[:, :, None] * (np.eye(P.shape[1], dtype=P.dtype) - P[:, None, :])
    return np.einsum("bi,bij->bj", rows, jacobian)


def product(rows, P):  # (B,C), (B,C) -> (B,C)   the same product: diag(p) and a matrix of rank one
    return rows * P - (rows * P).sum(axis=1, keepdims=True) * P


def gradient(pullback, params, batch):
    X, labels = batch["X"], batch["labels"]
    P = softmax(X @ params["W"] + params["b"])
    examples = np.arange(len(X))
    J0 = -np.log(P[examples, labels])
    dJ_dP = np.zeros_like(P)
    dJ_dP[examples, labels] = -1 / (len(X) * P[examples, labels])  # dJ_dJ0 times dJ0_dP
    dJ_dZ = pullback(dJ_dP, P)
    return J0.mean(), {"W": X.T @ dJ_dZ, "b": dJ_dZ.sum(axis=0)}


def numpy_dense(params, batch):
    return gradient(dense, params, batch)


def numpy_product(params, batch):
    return gradient(product, params, batch)


functions = {
    "jax": jax_loss,
    "torch": torch_loss,
    "numpy: dense": numpy_dense,
    "numpy: product": numpy_product,
}
