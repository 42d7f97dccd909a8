"""squareplus, a softplus without exponentials: (x + sqrt(x^2 + 4)) / 2.

A map of one's own for the atlas: docs/atlas.md says what may be in such a file. JAX has the
function. In PyTorch people write the formula, and lose all digits where x is large and negative;
the NumPy form keeps them.
"""

import mpmath

FORMULA = "(x + sqrt(x^2 + 4)) / 2"


def exact(x):
    return (x + mpmath.hypot(x, 2)) / 2 if x > 0 else 2 / (mpmath.hypot(x, 2) - x)


def derivative(x):
    return exact(x) / mpmath.hypot(x, 2) if mpmath.isfinite(x) else mpmath.mpf(x > 0)


def numpy(x):  # the value, and the diagonal of the Jacobian
    import numpy as np

    root = np.hypot(x, x.dtype.type(2))
    value = np.where(x > 0, (x + root) / 2, 2 / (root - x))
    return value, value / root


def jax(x):
    import jax

    return jax.nn.squareplus(x)


def torch(x):
    import torch

    return (x + torch.sqrt(x * x + 4)) / 2
