"""A network with two hidden layers, in JAX, PyTorch and NumPy: are its gradients the same?

    python -m diagjac check examples/own/mlp.py

X (B,F) -> Z1 (B,H) -> A1 = gelu(Z1) -> Z2 (B,H) -> A2 = tanh(Z2) -> Z3 (B,1), the logit, and
J0 = log(1 + exp(Z3)) - Y Z3, the cross-entropy. The loss is the mean of J0.
"""

from math import erf

import jax
import jax.numpy as jnp
import numpy as np
import torch
import torch.nn.functional as F

B, FEATURES, H = 32, 5, 8
stream = np.random.default_rng(0)
params = {
    "W1": stream.normal(0, 0.5, (FEATURES, H)), "b1": stream.normal(0, 0.1, (1, H)),
    "W2": stream.normal(0, 0.5, (H, H)), "b2": stream.normal(0, 0.1, (1, H)),
    "W3": stream.normal(0, 0.5, (H, 1)), "b3": np.zeros((1, 1)),
}  # fmt: skip
batch = {
    "X": stream.normal(0, 1, (B, FEATURES)),
    "Y": stream.integers(0, 2, (B, 1)).astype(float),
}


@jax.jit
def jax_loss(params, batch):
    A1 = jax.nn.gelu(batch["X"] @ params["W1"] + params["b1"], approximate=False)
    A2 = jnp.tanh(A1 @ params["W2"] + params["b2"])
    Z3 = A2 @ params["W3"] + params["b3"]
    return (jax.nn.softplus(Z3) - batch["Y"] * Z3).mean()


def torch_loss(params, batch):
    A1 = F.gelu(batch["X"] @ params["W1"] + params["b1"])
    A2 = torch.tanh(A1 @ params["W2"] + params["b2"])
    Z3 = A2 @ params["W3"] + params["b3"]
    return F.binary_cross_entropy_with_logits(Z3, batch["Y"])


# --- by hand: every map has its Jacobian


def dense(row, diagonal):  # (1,n), (n,) -> (1,n)   forms n * n numbers
    return row @ np.diag(diagonal)


def elementwise(row, diagonal):  # (1,n), (n,) -> (1,n)   forms n numbers
    return row * diagonal


def normal_cdf(Z):  # (B,H) -> (B,H)
    return ((1 + np.vectorize(erf, otypes=[float])(Z / np.sqrt(2))) / 2).astype(Z.dtype)


def normal_density(Z):
    return np.exp(-(Z**2) / 2) / Z.dtype.type(np.sqrt(2 * np.pi))


def gradient(pullback, params, batch):
    """Loss and gradients; pullback multiplies a row by a diagonal Jacobian."""
    W1, b1, W2, b2, W3, b3 = params.values()
    X, Y = batch["X"], batch["Y"]
    Z1 = X @ W1 + b1
    A1 = Z1 * normal_cdf(Z1)
    A2 = np.tanh(A1 @ W2 + b2)
    Z3 = A2 @ W3 + b3
    J0 = np.logaddexp(0, Z3) - Y * Z3

    def through(diagonal, dJ_dA):  # dJ_dA, diagonal (B,n): all entries of the batch as one row
        return pullback(dJ_dA.reshape(1, -1), diagonal.ravel()).reshape(dJ_dA.shape)

    dJ_dJ0 = np.full_like(Z3, 1 / len(X))  # (B,1)
    dJ_dZ3 = through(1 / (1 + np.exp(-Z3)) - Y, dJ_dJ0)  # dJ0_dZ3 is diagonal
    dJ_dZ2 = through(1 - A2**2, dJ_dZ3 @ W3.T)  # dA2_dZ2 is diagonal, dZ3_dA2 is not: W3
    dJ_dZ1 = through(normal_cdf(Z1) + Z1 * normal_density(Z1), dJ_dZ2 @ W2.T)
    grads = {}
    for number, A, dJ_dZ in (("1", X, dJ_dZ1), ("2", A1, dJ_dZ2), ("3", A2, dJ_dZ3)):
        grads["W" + number] = A.T @ dJ_dZ
        grads["b" + number] = dJ_dZ.sum(axis=0, keepdims=True)
    return J0.mean(), grads


def numpy_dense(params, batch):
    return gradient(dense, params, batch)


def numpy_elementwise(params, batch):
    return gradient(elementwise, params, batch)


functions = {
    "jax": jax_loss,
    "torch": torch_loss,
    "numpy: dense": numpy_dense,
    "numpy: elementwise": numpy_elementwise,
}
