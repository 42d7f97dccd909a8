"""Pairs (init, step) for check_training, of a loss and an optimizer of a framework."""

from collections.abc import Callable
from typing import Any

from diagjac.trees import flatten, rebuild


def with_optax(loss: Callable[..., Any], optimizer: Any) -> tuple[Any, Any]:
    """Make a pair of a loss in JAX and an Optax optimizer.

    with_optax(loss, optax.adam(1e-3))
    """
    import jax
    import optax

    @jax.jit
    def step(params: Any, state: Any, batch: Any) -> tuple[Any, Any]:
        grads = jax.grad(loss)(params, batch)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    return optimizer.init, step


def with_torch(loss: Callable[..., Any], optimizer: Callable[..., Any]) -> tuple[Any, Any]:
    """Make a pair of a loss in PyTorch and a function that makes an optimizer of tensors.

    with_torch(loss, lambda tensors: torch.optim.Adam(tensors, lr=1e-3))
    """
    import torch

    def init(params: Any) -> Any:
        leaves = {
            name: leaf.detach().clone().requires_grad_()
            for name, leaf in flatten(params, "params").items()
        }
        return leaves, optimizer(list(leaves.values()))

    def step(params: Any, state: Any, batch: Any) -> tuple[Any, Any]:
        leaves, rule = state
        with torch.no_grad():
            for name, leaf in flatten(params, "params").items():
                leaves[name].copy_(leaf)
        rule.zero_grad()
        loss(rebuild(params, leaves, "params"), batch).backward()
        rule.step()
        new = {name: leaf.detach().clone() for name, leaf in leaves.items()}
        return rebuild(params, new, "params"), state

    return init, step
