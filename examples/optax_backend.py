"""Optax around a jitted step: how most people train in JAX today."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import optax

from backends.contract import Gradient, Trajectory

BASE = "jax"
FORMULATIONS = ("fused",)  # the library combines sigmoid and loss
EXECUTIONS = ("step",)


def losses(model, params, x, y):  # -> (B, 1), (B, 1)   J0, and the prediction or its logit
    z = x @ params["W"] + params["b"]
    if model == "linear":
        return optax.squared_error(z, y), z
    return optax.sigmoid_binary_cross_entropy(z, y), z


def objective(model, params, x, y, dJ_dJ0):
    J0, z = losses(model, params, x, y)
    correct = ((z > 0) == y).mean(dtype=y.dtype) if model == "logistic" else None
    return dJ_dJ0 * J0.sum(), (J0.mean(), correct)


@cache
def jitted_gradient(model):
    @jax.jit
    def gradient(W, b, X, Y, dJ_dJ0):
        params = {"W": W, "b": b}
        grads, (loss, _) = jax.grad(partial(objective, model), has_aux=True)(params, X, Y, dJ_dJ0)
        return Gradient(grads["W"], grads["b"], loss)

    return gradient


@cache
def jitted_step(model):
    @jax.jit
    def step(params, state, x, y, learning_rate, dJ_dJ0):
        optimizer = optax.sgd(learning_rate)
        grads, records = jax.grad(partial(objective, model), has_aux=True)(params, x, y, dJ_dJ0)
        updates, state = optimizer.update(grads, state)
        return optax.apply_updates(params, updates), state, records

    return step


def train(model, W, b, X, Y, learning_rate, dJ_dJ0, epochs):
    step, params = jitted_step(model), {"W": W, "b": b}
    state = optax.sgd(learning_rate).init(params)
    batches = list(zip(X, Y, strict=True))
    track, records = [params], []
    for _ in range(epochs):
        for x, y in batches:
            params, state, record = step(params, state, x, y, learning_rate, dJ_dJ0)
            track.append(params)
            records.append(record)
    W, b = (stacked([params[name] for params in track]) for name in ("W", "b"))
    losses, accuracies = zip(*records, strict=True)
    accuracy = stacked(accuracies) if model == "logistic" else None
    return Trajectory(W, b, stacked(losses), accuracy)


def stacked(arrays):
    """In parts: stacking thousands in one call would compile for minutes."""
    parts = [arrays[i : i + 100] for i in range(0, len(arrays), 100)]
    return jnp.concatenate([jnp.stack(part) for part in parts])


def make_gradient(model, formulation, execution):
    return jitted_gradient(model)


def make_train(model, formulation, execution):
    return partial(train, model)
