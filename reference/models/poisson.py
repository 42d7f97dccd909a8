"""Poisson regression: Pred = exp(Z) is the mean of a count Y, and J0 its negative log-likelihood.

The part of the likelihood without parameters, log(Y!), is left out, as is usual.
"""

from typing import Any

import numpy as np
from numpy import ndarray as Array

HAS_ACCURACY = False
CURVATURE = None  # exp(Z), which has no bound: see problems.contractive_rate


# --- the textbook


def forward(W: Array, b: Array, X: Array, Y: Array) -> tuple[Array, Array]:
    """Pred = exp(Z) with Z = X W + b, and J0 = Pred - Y log(Pred); (B,1) each.

    From W (F,1), b (1,1), X (B,F), Y (B,1) of counts: whole numbers of 0 and more. If exp(Z) rounds
    to 0, J0 is nan for Y = 0 and infinite for Y > 0. If it overflows, J0 is nan.
    """
    Pred = np.exp(X @ W + b)
    J0 = Pred - Y * np.log(Pred)
    return Pred, J0


def dJ0_dPred(Pred: Array, Y: Array) -> Array:
    """The Jacobian (B,B) of J0 = Pred - Y log(Pred): diag(1 - Y / Pred).

    Where Pred has rounded to 0 this is 0/0 for Y = 0, and infinite otherwise.
    """
    return np.diag((1 - Y / Pred).flatten())


def dPred_dZ(Pred: Array, Y: Array) -> Array:
    """The Jacobian (B,B) of Pred = exp(Z): diag(Pred)."""
    return np.diag(Pred.flatten())


DIAGONALS = ("dJ0_dPred", "dPred_dZ")
JACOBIANS = (dJ0_dPred, dPred_dZ)


# --- the same in extended precision, and rounding errors


def exact(Z: Any, Y: Any, exp: Any, log: Any) -> tuple[tuple[Any, ...], Any, Any]:
    """The diagonals, dJ0_dZ and J0, of the shape of Z."""
    P = exp(Z)
    return (1 - Y / P, P), P - Y, P - Y * Z


def masses(Z: Array, Y: Array, s: Array, formulation: str) -> tuple[Array, Array]:
    """P + Y + P s and (P + Y) (1 + s): P has an error of its own, and that of Z.

    Both are relative to P. Y is subtracted; log(P) has both errors again, times Y.
    """
    P = np.exp(np.minimum(Z, 700))
    return P + Y + P * s, (P + Y) * (1 + s)


def curvature(Z: Array, Y: Array) -> Array:
    """exp(Z), the second derivative of J0 in Z."""
    return np.exp(Z)


def condition(Z: Array, Y: Array, s: Array) -> Array:
    """s: P and 1 / P inherit the error of Z."""
    return s


GRADIENT = (
    17,
    "7.4 for either program: 3.4 from exp, and four roundings in 1 - Y/P and its products, on "
    "terms up to P + Y; 2 for the step of 2^60. The sums add as in linear.",
)


# --- data


TUTORIAL = False
SAMPLED = 95  # five epochs
RUN = {
    "examples": 5000, "features": 3, "batch_size": 256, "epochs": 500,
    "learning_rate": 0.01, "dJ_dJ0": 1 / 5000,
}  # fmt: skip
TARGETS = "counts of poisson must be whole numbers of 0 or more"


def stream() -> Any:
    """A stream of this project: the tutorial has no such run. The sizes are those of logistic."""
    return np.random.default_rng(4)


def features(stream: Any, shape: tuple[int, int]) -> Array:
    """The data x (N,F), uniform between 0 and 1."""
    return stream.uniform(0, 1, shape)


def targets(stream: Any, Z: Array) -> Array:
    """Counts drawn with the mean exp(Z)."""
    return stream.poisson(np.exp(Z)).astype(np.float64)


def allowed_targets(Y: Array) -> Array:
    """Where Y is a count."""
    return (Y >= 0) & (np.floor(Y) == Y)
