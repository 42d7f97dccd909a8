"""A block of attention in JAX, PyTorch and NumPy.

    python -m diagjac check examples/own/attention.py

Q, K, V (B,T,D) are linear in X (B,T,D); A = softmax(Q K^T / sqrt(D)) (B,T,T), row by row; the loss
is the mean of (A V W - Y)^2. A key's bias adds the same number to a whole row before the softmax,
so its gradient is 0 but for rounding: the report says so.
"""

import jax
import jax.numpy as jnp
import numpy as np
import torch

B, T, D = 4, 6, 8
stream = np.random.default_rng(0)
params = {
    name: {"W": stream.normal(0, 0.4, (D, D)), "b": stream.normal(0, 0.1, D)}
    for name in ("query", "key", "value", "out")
}
batch = {"X": stream.normal(0, 1, (B, T, D)), "Y": stream.normal(0, 1, (B, T, D))}


def linear(layer, X):
    return X @ layer["W"] + layer["b"]


@jax.jit
def jax_loss(params, batch):
    Q, K, V = (linear(params[name], batch["X"]) for name in ("query", "key", "value"))
    A = jax.nn.softmax(Q @ K.mT / jnp.sqrt(D).astype(Q.dtype))
    return ((linear(params["out"], A @ V) - batch["Y"]) ** 2).mean()


def torch_loss(params, batch):
    Q, K, V = (linear(params[name], batch["X"]) for name in ("query", "key", "value"))
    AV = torch.nn.functional.scaled_dot_product_attention(Q, K, V)
    return torch.nn.functional.mse_loss(linear(params["out"], AV), batch["Y"])


# --- by hand


def softmax(Z):  # (..., T) -> (..., T)
    E = np.exp(Z - Z.max(axis=-1, keepdims=True))
    return E / E.sum(axis=-1, keepdims=True)


def dense(rows, A):  # (B,T,T), (B,T,T) -> (B,T,T)   forms B * T * T * T numbers
    jacobian = A[..., :, None] * (np.eye(A.shape[-1], dtype=A.dtype) - A[..., None, :])
    return np.einsum("bti,btij->btj", rows, jacobian)


def product(rows, A):  # (B,T,T), (B,T,T) -> (B,T,T)   forms B * T * T numbers
    return rows * A - (rows * A).sum(axis=-1, keepdims=True) * A


def gradient(pullback, params, batch):
    X, scale = batch["X"], 1 / np.sqrt(batch["X"].shape[-1]).astype(batch["X"].dtype)
    Q, K, V = (linear(params[name], X) for name in ("query", "key", "value"))
    A = softmax(Q @ K.mT * scale)
    AV = A @ V
    error = linear(params["out"], AV) - batch["Y"]
    dJ_dO = 2 * error / error.size  # diagonal: the square is an elementwise map
    dJ_dAV = dJ_dO @ params["out"]["W"].T
    dJ_dS = pullback(dJ_dAV @ V.mT, A) * scale
    at = {"query": (X, dJ_dS @ K), "key": (X, dJ_dS.mT @ Q), "value": (X, A.mT @ dJ_dAV)}
    at["out"] = AV, dJ_dO
    grads = {
        name: {"W": np.einsum("bti,btj->ij", inputs, row), "b": row.sum(axis=(0, 1))}
        for name, (inputs, row) in at.items()
    }
    return (error**2).mean(), grads


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
