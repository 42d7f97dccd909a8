"""The textbook as a backend: the baseline of every table."""

from functools import partial

import numpy as np

from backends.contract import Forward
from reference import backprop
from reference.models import load

DEVICES = ("cpu",)
MODELS = ("linear", "logistic", "poisson")
FORMULATIONS = ("dense",)
EXECUTIONS = ("eager",)
BASE = "numpy"


def forward(model, W, b, X, Y):
    Pred, J0 = model.forward(W, b, X, Y)
    jacobians = (jacobian(Pred, Y) for jacobian in model.JACOBIANS)
    return Forward(Pred, J0, tuple(np.diagonal(jacobian).copy() for jacobian in jacobians))


def make_forward(model):
    return partial(forward, load(model))


def make_gradient(model, formulation, execution):
    return partial(backprop.gradient, model)


def make_train(model, formulation, execution):
    return partial(backprop.train, model)
