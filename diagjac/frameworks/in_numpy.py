"""Anything else: functions that take NumPy arrays and return gradients, alone or after the loss."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from diagjac.frameworks import scalar
from diagjac.trees import flatten


def scope(dtype: str) -> AbstractContextManager[Any]:
    """Nothing to set."""
    return nullcontext()


def array(value: np.ndarray) -> np.ndarray:
    """A copy, which the function may change without harm."""
    return value.copy()


def to_numpy(value: Any) -> np.ndarray:
    """The same, if it is a NumPy array."""
    return np.asarray(value)


def parameters(params: Any) -> Any:
    """The same arrays: a gradient needs nothing of them."""
    return params


def value_and_grad(function: Callable[..., Any], params: Any, batch: Any) -> tuple[Any, Any]:
    """The loss or None, and the gradients: the function returns (loss, gradients) or gradients.

    Raises Mistake if the loss is no scalar.
    """
    result = function(params, batch)
    if not (isinstance(result, tuple) and len(result) == 2):
        return None, result
    wanted = {*flatten(params, "params")}
    if {*flatten(result, "params")} == wanted:  # two parameters in a tuple
        return None, result
    return scalar(result[0]), result[1]
