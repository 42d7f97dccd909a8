"""The textbook as a cell: the named baseline of every table."""

from functools import cache, partial

import numpy as np

from backends.contract import Forward
from backends.numpy_backend import (
    compile_seconds,
    from_numpy,
    is_ready,
    settings,
    synchronize,
    temporary_bytes,
    to_numpy,
)
from reference import backprop
from reference.words import MODELS, check_name

__all__ = [
    "compile_seconds",
    "from_numpy",
    "is_ready",
    "settings",
    "synchronize",
    "temporary_bytes",
    "to_numpy",
]

DEVICES = ("cpu",)
FORMULATIONS = ("dense",)
EXECUTIONS = ("eager",)


def linear(W, b, X, Y):
    Pred, J0 = backprop.linear(W, b, X, Y)
    return Forward(Pred, J0, (np.diagonal(backprop.linear_dJ0_dPred(Pred, Y)).copy(),))


def logistic(W, b, X, Y):
    Pred, J0 = backprop.logistic(W, b, X, Y)
    jacobians = backprop.logistic_dJ0_dPred(Pred, Y), backprop.logistic_dPred_dZ(Pred)
    return Forward(Pred, J0, tuple(np.diagonal(jacobian).copy() for jacobian in jacobians))


@cache
def make_forward(model):
    check_name("model", model, MODELS)
    return linear if model == "linear" else logistic


@cache
def make_gradient(model, formulation, execution):
    check_name("model", model, MODELS)
    check_name("formulation", formulation, FORMULATIONS)
    check_name("execution", execution, EXECUTIONS)
    return partial(backprop.gradient, model)


@cache
def make_train(model, formulation, execution):
    check_name("model", model, MODELS)
    check_name("formulation", formulation, FORMULATIONS)
    check_name("execution", execution, EXECUTIONS)
    return partial(backprop.train, model)
