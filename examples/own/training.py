"""A training run with Adam, in Optax, torch.optim and NumPy: does it take the same steps?

    python -m diagjac check examples/own/training.py

The network is that of mlp.py, with a new batch in each step.
"""

import mlp
import numpy as np
import optax
import torch

from diagjac import with_optax, with_torch

RATE, STEPS = 0.01, 10
BETA_1, BETA_2, EPS = 0.9, 0.999, 1e-8
params = mlp.params
stream = np.random.default_rng(1)
batches = [
    {
        "X": stream.normal(0, 1, (mlp.B, mlp.FEATURES)),
        "Y": stream.integers(0, 2, (mlp.B, 1)).astype(float),
    }
    for _ in range(STEPS)
]


def numpy_init(params):
    zeros = {name: np.zeros_like(param) for name, param in params.items()}
    return 0, zeros, dict(zeros)


def numpy_step(params, state, batch):
    count, first, second = state
    count += 1
    _, grads = mlp.gradient(mlp.elementwise, params, batch)
    new = {}
    for name, grad in grads.items():
        first[name] = BETA_1 * first[name] + (1 - BETA_1) * grad
        second[name] = BETA_2 * second[name] + (1 - BETA_2) * grad**2
        mean, square = first[name] / (1 - BETA_1**count), second[name] / (1 - BETA_2**count)
        new[name] = params[name] - RATE * mean / (np.sqrt(square) + EPS)
    return new, (count, first, second)


functions = {
    "jax": with_optax(mlp.jax_loss, optax.adam(RATE)),
    "torch": with_torch(mlp.torch_loss, lambda tensors: torch.optim.Adam(tensors, lr=RATE)),
    "numpy": (numpy_init, numpy_step),
}
