"""Logistic regression: Pred = 1 / (1 + exp(-Z)), and J0 is the cross-entropy."""

from typing import Any

import numpy as np
from numpy import ndarray as Array

HAS_ACCURACY = True
CURVATURE = 0.25  # p (1 - p) <= 1/4


# --- the textbook


def forward(W: Array, b: Array, X: Array, Y: Array) -> tuple[Array, Array]:
    """Pred = 1 / (1 + exp(-Z)) with Z = X W + b, and J0, the cross-entropy; (B,1) each.

    J0 = -(Y log(Pred) + (1 - Y) log(1 - Pred)), from W (F,1), b (1,1), X (B,F), Y (B,1) of 0 and 1.
    """
    Z = X @ W + b
    Pred = 1 / (1 + np.exp(-Z))
    J0 = -(Y * np.log(Pred) + (1 - Y) * np.log(1 - Pred))
    return Pred, J0


def dJ0_dPred(Pred: Array, Y: Array) -> Array:
    """The Jacobian (B,B) of the cross-entropy: diag((Pred - Y) / (Pred (1 - Pred))).

    Once Pred rounds to 0 or 1 an entry is 0/0, or infinite where Y is the other one. It is the
    tutorial's form, unchanged.
    """
    return np.diag(((Pred - Y) / (Pred * (1 - Pred))).flatten())


def dPred_dZ(Pred: Array, Y: Array) -> Array:
    """The Jacobian (B,B) of Pred = 1 / (1 + exp(-Z)): diag(Pred (1 - Pred))."""
    return np.diag((Pred * (1 - Pred)).flatten())


DIAGONALS = ("dJ0_dPred", "dPred_dZ")
JACOBIANS = (dJ0_dPred, dPred_dZ)


# --- the same in extended precision, and rounding errors


def exact(Z: Any, Y: Any, exp: Any, log: Any) -> tuple[tuple[Any, ...], Any, Any]:
    """The diagonals, dJ0_dZ and J0, of the shape of Z."""
    P = 1 / (1 + exp(-Z))
    variance = P * (1 - P)
    J0 = -(Y * log(P) + (1 - Y) * log(1 - P))
    return ((P - Y) / variance, variance), P - Y, J0


def masses(Z: Array, Y: Array, s: Array, formulation: str) -> tuple[Array, Array]:
    """|P - Y| + P + P (1 - P) s and 1 + J0 + s + lost: P has an error of its own, and that of Z.

    lost = (1 - Y) e^Z: 1 - P has the error u, relative to itself u e^Z, and log(1 - P) inherits
    that. Fused does not take this logarithm, so there lost is 0. In autodiff and jacrev the
    framework derives the cross-entropy: 1 / (1 - P) and P (1 - P) are rounded separately, which
    adds P lost to the first mass.
    """
    P = np.exp(-np.logaddexp(0, -Z))
    lost = (1 - Y) * np.exp(np.minimum(Z, 700))
    m = np.abs(P - Y) + P + P * (1 - P) * s
    m += P * lost if formulation in ("autodiff", "jacrev") else 0
    return m, 1 + np.logaddexp(0, Z) - Y * Z + s + (0 if formulation == "fused" else lost)


def condition(Z: Array, Y: Array, s: Array) -> Array:
    """The sum s + lost: 1 / P inherits the error of Z, and 1 / (1 - P) that of 1 - P."""
    return s + (1 - Y) * np.exp(np.minimum(Z, 700))


GRADIENT = (
    16,
    "5 for the reference, up to 9 for the other program, 2 for the step of 2^60: exp (up to "
    "1.6 ULP), sum and quotient of Pred, then difference, quotient and products. The sums add "
    "as in linear. A third of it was observed. A pullback wrong by 1e-12 gives more than 600.",
)


# --- data


TUTORIAL = True
SAMPLED = 95  # five epochs
RUN = {
    "examples": 5000, "features": 3, "batch_size": 256, "epochs": 500,
    "learning_rate": 0.01, "dJ_dJ0": 1 / 5000,
}  # fmt: skip
TARGETS = "labels of logistic must be 0 or 1"


def stream() -> Any:
    """The tutorial's: legacy MT19937."""
    return np.random.RandomState(3)


def features(stream: Any, shape: tuple[int, int]) -> Array:
    """The data x (N,F), uniform between 0 and 1."""
    return stream.uniform(0, 1, shape)


def targets(stream: Any, Z: Array) -> Array:
    """1 where Z > 0, else 0."""
    return (Z > 0).astype(np.float64)


def allowed_targets(Y: Array) -> Array:
    """Where Y is 0 or 1."""
    return (Y == 0) | (Y == 1)
