"""Losses in PyTorch, differentiated by torch.autograd.grad."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch

from diagjac.frameworks import Mistake, scalar
from diagjac.trees import flatten, rebuild


def scope(dtype: str) -> AbstractContextManager[Any]:
    """Nothing to set but that gradients are recorded."""
    return torch.enable_grad()


def array(value: np.ndarray) -> torch.Tensor:
    """A copy as a tensor on the default device."""
    return torch.tensor(value)


def to_numpy(value: Any) -> np.ndarray:
    """A NumPy array; the tensor may lie on any device."""
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)


def parameters(params: Any) -> Any:
    """Tensors that gradients can be taken with respect to."""
    leaves = {name: leaf.requires_grad_() for name, leaf in flatten(params, "params").items()}
    return rebuild(params, leaves, "params")


def value_and_grad(loss: Callable[..., Any], params: Any, batch: Any) -> tuple[Any, Any]:
    """The loss, and its gradients in the structure of params; 0 where there is none.

    Raises Mistake if the loss is no scalar, or does not depend on any parameter.
    """
    params = parameters(params)
    leaves = flatten(params, "params")
    value = scalar(loss(params, batch))
    if not isinstance(value, torch.Tensor) or not value.requires_grad:
        raise Mistake("the loss depends on no parameter: it was detached, or made anew")
    found = torch.autograd.grad(value, list(leaves.values()), allow_unused=True)
    grads = {
        name: torch.zeros_like(leaf) if grad is None else grad
        for (name, leaf), grad in zip(leaves.items(), found, strict=True)
    }
    return value, rebuild(params, grads, "params")
