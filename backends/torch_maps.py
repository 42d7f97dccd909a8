"""The elementwise maps of PyTorch, as its users call them: torch and torch.nn.functional.

Each takes x (n,) and returns (n,); the backend differentiates them. The names and the fixed
parameters are those of reference/maps.py. Softplus switches to the identity above 20 unless it is
told otherwise, so it is shown beside both maps of the catalog.
"""

from functools import partial

import torch
import torch.nn.functional as F

from reference.maps import BOUNDS, DELTA, TARGET


def log_cosh(x):  # PyTorch has none
    return torch.log(torch.cosh(x))


def squared_error(x):
    return F.mse_loss(x, torch.full_like(x, TARGET), reduction="none")


def cross_entropy(y, x):  # of a probability x
    return F.binary_cross_entropy(x, torch.full_like(x, y), reduction="none")


def logit_cross_entropy(y, x):
    return F.binary_cross_entropy_with_logits(x, torch.full_like(x, y), reduction="none")


def hinge(x):
    return torch.clamp(1 - x, min=0)


def huber(x):
    return F.huber_loss(x, torch.full_like(x, TARGET), reduction="none", delta=DELTA)


FUNCTIONS = {
    "square": torch.square,
    "reciprocal": torch.reciprocal,
    "sqrt": torch.sqrt,
    "exp": torch.exp,
    "expm1": torch.expm1,
    "log": torch.log,
    "log1p": torch.log1p,
    "sin": torch.sin,
    "cos": torch.cos,
    "tanh": torch.tanh,
    "atan": torch.atan,
    "erf": torch.erf,
    "sigmoid": torch.sigmoid,
    "log_sigmoid": F.logsigmoid,
    "softplus": F.softplus,
    "softplus_threshold": F.softplus,
    "relu": F.relu,
    "relu6": F.relu6,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "celu": F.celu,
    "selu": F.selu,
    "gelu_erf": partial(F.gelu, approximate="none"),
    "gelu_tanh": partial(F.gelu, approximate="tanh"),
    "silu": F.silu,
    "mish": F.mish,
    "hard_tanh": F.hardtanh,
    "hard_sigmoid": F.hardsigmoid,
    "hard_swish": F.hardswish,
    "softsign": F.softsign,
    "abs": torch.abs,
    "clip": lambda x: torch.clamp(x, *BOUNDS),
    "maximum_zero": lambda x: torch.maximum(x, torch.zeros_like(x)),
    "sinc": torch.sinc,
    "log_cosh": log_cosh,
    "xlogx": lambda x: torch.xlogy(x, x),
    "squared_error": squared_error,
    "cross_entropy_0": partial(cross_entropy, 0.0),
    "cross_entropy_1": partial(cross_entropy, 1.0),
    "logit_cross_entropy_0": partial(logit_cross_entropy, 0.0),
    "logit_cross_entropy_1": partial(logit_cross_entropy, 1.0),
    "hinge": hinge,
    "huber": huber,
}

# The calls without options of names that mean more than one function somewhere.
DEFAULTS = {
    "gelu": F.gelu,
    "softplus": F.softplus,
    "hard_sigmoid": F.hardsigmoid,
    "hard_tanh": F.hardtanh,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "celu": F.celu,
    "selu": F.selu,
    "sinc": torch.sinc,
}
