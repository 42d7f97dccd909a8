"""Each model has one file here; the rest of reference/ does not ask which model it is.

A model predicts from Z = X W + b. Its file has these names; all columns are (B,1):

    DIAGONALS            names of the local Jacobians, in the order of the chain
    JACOBIANS            the functions of (Pred, Y) that form them, (B,B), in the same order
    HAS_ACCURACY         whether Pred > 0.5 predicts a class, so that a run has an accuracy
    CURVATURE            the largest second derivative of J0 in Z; None if it has no bound
    curvature(Z, Y)      that derivative, if it has no bound
    GRADIENT             (what is allowed of a gradient in u * mass, the reason)
    TUTORIAL             whether the published run is the tutorial's
    RUN                  the published run: examples, features, and arguments of problems.batched
    SAMPLED              steps between the states of that run that the oracle stores
    stream()             the random stream of the published run
    features(stream, shape)                   x, drawn from a stream of NumPy
    targets(stream, Z)                        y (N,1), from Z of the true parameters
    allowed_targets(Y)                        where Y is allowed, (K,B,1) of bool
    TARGETS                                   what targets have to be, in words
    forward(W, b, X, Y)                       Pred and J0, as the textbook has them
    exact(Z, Y, exp, log)                     the diagonals, their product dJ0_dZ, and J0, for
                                              any kind of number that exp and log take
    masses(Z, Y, s, formulation)              what the rounding errors of a gradient and of a loss
                                              scale with: see agreement.masses
    condition(Z, Y, s)                        the relative errors of its diagonals, in u, that come
                                              from those of Z and 1 - Pred
"""

import importlib
from functools import cache
from typing import Any

from reference.words import MODELS, check_name


@cache
def load(name: str) -> Any:
    """The module of a model. Raises ValueError for another name."""
    check_name("model", name, MODELS)
    return importlib.import_module(f"reference.models.{name}")
