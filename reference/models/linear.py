"""Linear regression: Pred = Z, and J0 is the squared error."""

from typing import Any

import numpy as np
from numpy import ndarray as Array

HAS_ACCURACY = False
CURVATURE = 2.0


# --- the textbook


def forward(W: Array, b: Array, X: Array, Y: Array) -> tuple[Array, Array]:
    """Pred = X W + b and J0 = (Y - Pred)^2, (B,1) each, from W (F,1), b (1,1), X (B,F), Y (B,1)."""
    Pred = X @ W + b
    J0 = (Y - Pred) ** 2
    return Pred, J0


def dJ0_dPred(Pred: Array, Y: Array) -> Array:
    """The Jacobian (B,B) of J0 = (Y - Pred)^2: diag(-2 (Y - Pred))."""
    return np.diag((-2 * (Y - Pred)).flatten())


DIAGONALS = ("dJ0_dPred",)
JACOBIANS = (dJ0_dPred,)


# --- the same in extended precision, and rounding errors


def exact(Z: Any, Y: Any, exp: Any, log: Any) -> tuple[tuple[Any, ...], Any, Any]:
    """The diagonals, dJ0_dZ and J0, of the shape of Z."""
    slope = -2 * (Y - Z)
    return (slope,), slope, (Y - Z) ** 2


def masses(Z: Array, Y: Array, s: Array, formulation: str) -> tuple[Array, Array]:
    """2 (|Y| + s) and (|Y| + s)^2: Pred is subtracted from Y."""
    size = np.abs(Y) + s
    return 2 * size, size**2


def condition(Z: Array, Y: Array, s: Array) -> Array:
    """0: the diagonal is judged by its largest entry, which is of the size of Y and s."""
    return np.zeros_like(s)


GRADIENT = (
    8,
    "Three rounding errors in each term, in either program, and two in the step of 2^60 that "
    "shows the gradient of training. The sums over the batch and over the features add sqrt(B) + "
    "sqrt(F), since their errors have random signs. A third of it was observed.",
)


# --- data


TUTORIAL = True
SAMPLED = 9  # an epoch
RUN = {
    "examples": 300, "features": 5, "batch_size": 32, "epochs": 30,
    "learning_rate": 0.03, "dJ_dJ0": 1 / 32,
}  # fmt: skip
TARGETS = "Y of linear must be finite"


def stream() -> Any:
    """The tutorial's: legacy MT19937."""
    return np.random.RandomState(0)


def features(stream: Any, shape: tuple[int, int]) -> Array:
    """The data x (N,F), standard normal."""
    return stream.standard_normal(shape)


def targets(stream: Any, Z: Array) -> Array:
    """Z itself, without noise: training finds the true parameters again."""
    return Z


def allowed_targets(Y: Array) -> Array:
    """Any finite number is one."""
    return np.isfinite(Y)
