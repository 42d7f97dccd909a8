"""Losses in JAX, differentiated by jax.value_and_grad as they are given: jitted or not."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax
import numpy as np

from diagjac.frameworks import scalar


def scope(dtype: str) -> AbstractContextManager[Any]:
    """JAX computes in float32 unless it is told otherwise."""
    return jax.enable_x64(True) if dtype == "float64" else nullcontext()


def array(value: np.ndarray) -> Any:
    """A JAX array on the default device."""
    return jax.numpy.asarray(value)


def to_numpy(value: Any) -> np.ndarray:
    """A NumPy array; waits until it is computed."""
    return np.asarray(value)


def parameters(params: Any) -> Any:
    """The same arrays: a gradient needs nothing of them."""
    return params


def value_and_grad(loss: Callable[..., Any], params: Any, batch: Any) -> tuple[Any, Any]:
    """The loss, and its gradients in the structure of params. Raises Mistake: it is no scalar."""
    return jax.value_and_grad(lambda params, batch: scalar(loss(params, batch)))(params, batch)
