"""Whether a Jacobian was a matrix: zero times infinity is nan, and only a matrix has the zeros.

A row with an infinite entry makes every column of its product with a diagonal matrix nan, since the
entry meets the zeros of the other columns. Multiplied by the diagonal alone it stays infinite, and
signs are chosen so that no sum of infinities is nan. The probes call functions directly: a Problem
takes no infinite numbers.

That a matrix was allocated proves nothing, and neither does the peak of the memory.
"""

from typing import NamedTuple

import numpy as np

from reference.models import load

MATRICES = ("dense", "jacrev")  # the formulations that form them
JUDGED = (*MATRICES, "elementwise")  # of the others a result that is nan shows nothing
RATE = 1e-30  # of a run: a step that is no probe leaves W where it is; infinity remains infinite
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

    "a Jacobian" has an infinite dJ_dJ0, so that one matrix in the chain is enough; in the first
    step only, since after it nothing is finite. "the last Jacobian", of a chain of several, shows
    itself in step k: the row is finite until the last but one overflows, as Pred is so small that
    1 / Pred is near the largest number.
    """
    K, B, F = shape
    share = np.linspace(0.5, 1, K * B * F, dtype=dtype).reshape(K, B, F)
    W, b = np.full((F, 1), 1 / F, dtype), np.zeros((1, 1), dtype)
    found = {}
    if k == 0:
        found[ANY] = Probe(W, b, share, np.zeros((K, B, 1), dtype), np.inf)
    if len(load(model).JACOBIANS) > 1:
        # exp(-Z) is a normal number still: XLA takes what is below for 0.
        Z = 0.998 * np.log(float(np.finfo(dtype).tiny))
        X, Y = share.copy(), np.ones((K, B, 1), dtype)
        X[k] = -Z
        found[LAST] = Probe(-W, b, X, Y, 1e3)
    return found


def flaw(formulation: str, shows: str, dW: np.ndarray) -> str:
    """Why a gradient, or the state after it, has not the structure of the formulation, or "".

    Only ANY shows that elementwise has no matrix: at the edge of the range a derivative that a
    framework has derived is nan by itself. So is that of autodiff and fused with an infinite row.
    """
    bad = np.isnan(dW)
    if formulation in MATRICES and not bad.all():
        return f"{shows} is no matrix: the zeros of a diagonal matrix leave no column as it is"
    if formulation == "elementwise" and shows == ANY and bad.any():
        return f"{shows} is a matrix: a product with a diagonal alone makes nothing nan"
    return ""
