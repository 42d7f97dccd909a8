"""Whether a Jacobian was a matrix: zero times infinity is nan, and only a matrix has the zeros.

The product of a row of infinite entries and a diagonal matrix is nan in every column, since each
column has zeros. Multiplied by the diagonal alone the row stays infinite, and signs are chosen so
that no sum of infinities is nan. The probes call functions directly: a Problem takes no infinite
numbers.

An allocated matrix is no proof that it was used, and neither is the peak of the memory.
"""

from typing import NamedTuple

import numpy as np

from reference.models import load

MATRICES = ("dense", "jacrev")  # the formulations that form them
JUDGED = (*MATRICES, "elementwise")  # in the others a nan shows nothing
RATE = 1e-30  # learning rate of a run: finite gradients do not move W, infinite ones still do
ANY, LAST = "a Jacobian", "the last Jacobian"  # what a probe shows


class Probe(NamedTuple):
    """Arguments of a gradient or a run whose result shows whether there was a matrix.

    W (F,1), b (1,1), X (K,B,F), Y (K,B,1).
    """

    W: np.ndarray
    b: np.ndarray
    X: np.ndarray
    Y: np.ndarray
    dJ_dJ0: float


def probes(model: str, shape: tuple[int, int, int], dtype: str, k: int = 0) -> dict[str, Probe]:
    """The probes of a model for X of a shape (K,B,F), by what each of them shows.

    "a Jacobian" has an infinite dJ_dJ0, so that one matrix anywhere in the chain shows; for the
    first step only, since after it nothing is finite. "the last Jacobian" is for chains of two or
    more, in step k: the row is finite until the last Jacobian but one makes it overflow, since Pred
    is so small that 1 / Pred is near the largest number.
    """
    K, B, F = shape
    share = np.linspace(0.5, 1, K * B * F, dtype=dtype).reshape(K, B, F)
    W, b = np.full((F, 1), 1 / F, dtype), np.zeros((1, 1), dtype)
    found = {}
    if k == 0:
        found[ANY] = Probe(W, b, share, np.zeros((K, B, 1), dtype), np.inf)
    if len(load(model).JACOBIANS) > 1:
        # Pred is still a normal number: XLA flushes smaller ones to 0.
        Z = 0.998 * np.log(float(np.finfo(dtype).tiny))
        X, Y = share.copy(), np.ones((K, B, 1), dtype)
        X[k] = -Z
        found[LAST] = Probe(-W, b, X, Y, 1e3)
    return found


def flaw(formulation: str, shows: str, dW: np.ndarray) -> str:
    """Why a gradient, or the state after it, lacks the structure of the formulation, or "".

    elementwise is judged by ANY only: near the largest number a derivative that a framework derives
    may be nan without a matrix. autodiff and fused may be nan with any infinite row: not judged.
    """
    bad = np.isnan(dW)
    if formulation in MATRICES and not bad.all():
        return f"{shows} is no matrix: with a matrix every column would be nan"
    if formulation == "elementwise" and shows == ANY and bad.any():
        return f"{shows} is a matrix: without a matrix no column would be nan"
    return ""
