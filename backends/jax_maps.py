"""The elementwise maps of JAX, as its users call them: jax.nn, jax.numpy, jax.scipy.

Where JAX has no function of its own, as for most losses, it is what Optax computes, or the line
that users write. Each takes x (n,) and returns (n,); the backend differentiates them. The names and
the fixed parameters are those of reference/maps.py.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax.scipy.special import erf, xlog1py, xlogy

from reference.maps import BOUNDS, DELTA, TARGET


def log_cosh(x):  # as optax.losses.log_cosh
    return jnp.logaddexp(x, -x) - jnp.log(2.0).astype(x.dtype)


def squared_error(x):
    return jnp.square(x - TARGET)


def cross_entropy(y, x):  # of a probability x
    return -(xlogy(y, x) + xlog1py(1 - y, -x))


def logit_cross_entropy(y, x):  # as optax.losses.sigmoid_binary_cross_entropy
    return -y * jax.nn.log_sigmoid(x) - (1 - y) * jax.nn.log_sigmoid(-x)


def hinge(x):  # as optax.losses.hinge_loss
    return jnp.maximum(0, 1 - x)


def huber(x):  # as optax.losses.huber_loss
    errors = jnp.abs(x - TARGET)
    quadratic = jnp.minimum(errors, DELTA)
    return 0.5 * quadratic**2 + DELTA * (errors - quadratic)


FUNCTIONS = {
    "square": jnp.square,
    "reciprocal": jnp.reciprocal,
    "sqrt": jnp.sqrt,
    "exp": jnp.exp,
    "expm1": jnp.expm1,
    "log": jnp.log,
    "log1p": jnp.log1p,
    "sin": jnp.sin,
    "cos": jnp.cos,
    "tanh": jnp.tanh,
    "atan": jnp.arctan,
    "erf": erf,
    "sigmoid": jax.nn.sigmoid,
    "log_sigmoid": jax.nn.log_sigmoid,
    "softplus": jax.nn.softplus,
    "relu": jax.nn.relu,
    "relu6": jax.nn.relu6,
    "leaky_relu": jax.nn.leaky_relu,
    "elu": jax.nn.elu,
    "celu": jax.nn.celu,
    "selu": jax.nn.selu,
    "gelu_erf": partial(jax.nn.gelu, approximate=False),
    "gelu_tanh": partial(jax.nn.gelu, approximate=True),
    "silu": jax.nn.silu,
    "mish": jax.nn.mish,
    "hard_tanh": jax.nn.hard_tanh,
    "hard_sigmoid": jax.nn.hard_sigmoid,
    "hard_swish": jax.nn.hard_swish,
    "softsign": jax.nn.soft_sign,
    "abs": jnp.abs,
    "clip": lambda x: jnp.clip(x, *BOUNDS),
    "maximum_zero": lambda x: jnp.maximum(x, 0),
    "sinc": jnp.sinc,
    "log_cosh": log_cosh,
    "xlogx": lambda x: xlogy(x, x),
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
    "gelu": jax.nn.gelu,
    "softplus": jax.nn.softplus,
    "hard_sigmoid": jax.nn.hard_sigmoid,
    "hard_tanh": jax.nn.hard_tanh,
    "leaky_relu": jax.nn.leaky_relu,
    "elu": jax.nn.elu,
    "celu": jax.nn.celu,
    "selu": jax.nn.selu,
    "sinc": jnp.sinc,
}
