"""The types of the contract in backends/__init__.py."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from reference.backprop import Gradient, Trajectory

__all__ = ["Backend", "Forward", "Gradient", "Structure", "Trajectory"]


class Forward(NamedTuple):
    """The forward pass on one batch: arrays of any framework.

    Pred (B,1):  the prediction
    J0 (B,1):    the loss of each example
    diagonals:   the diagonals (B,) of the local Jacobians in the order of the chain:
                 linear (dJ0_dPred,), logistic and poisson (dJ0_dPred, dPred_dZ)
    """

    Pred: Any
    J0: Any
    diagonals: tuple[Any, ...]


class Structure(NamedTuple):
    """What one call over several devices does on one of them.

    temporary_bytes:  what it allocates beyond its inputs and outputs
    collectives:      {name: (calls, bytes)}; bytes: the size of what the device receives
    """

    temporary_bytes: int
    collectives: dict[str, tuple[int, int]]


class Backend(Protocol):
    """A module with these names."""

    DEVICES: tuple[str, ...]
    FORMULATIONS: tuple[str, ...]
    EXECUTIONS: tuple[str, ...]

    def from_numpy(self, array: np.ndarray, device: str) -> Any: ...
    def to_numpy(self, array: Any) -> np.ndarray: ...
    def synchronize(self, tree: Any) -> Any: ...
    def is_ready(self, tree: Any) -> bool: ...
    def make_forward(self, model: str) -> Callable[..., Forward]: ...
    def make_gradient(
        self, model: str, formulation: str, execution: str
    ) -> Callable[..., Gradient]: ...
    def make_train(
        self, model: str, formulation: str, execution: str
    ) -> Callable[..., Trajectory]: ...
    def temporary_bytes(self, function: Callable[..., Any], *arguments: Any) -> int: ...
    def compile_seconds(self) -> dict[str, float]: ...
    def settings(self) -> dict[str, Any]: ...
