"""What docs/atlas.md tells a reader to change does remove the difference: each is tried here."""

import math

import numpy as np
import pytest

import backends
from benchmarks.analyse import atlas as analyse
from benchmarks.store.atlas import DIGITS, EDGE, FUNCTION
from tests import map_rows

LIBRARIES = {"jax": "step", "torch": "eager"}


def jax_remedies():
    import jax
    import jax.numpy as jnp

    def elu(x):
        return jnp.where(x < -1, jnp.exp(jnp.minimum(x, -1)) - 1, jax.nn.elu(jnp.maximum(x, -1)))

    def gelu_tanh(x):
        return jnp.where(abs(x) < 1e100, jax.nn.gelu(jnp.clip(x, -1e100, 1e100)), jax.nn.relu(x))

    def sinc(x):
        y = (jnp.pi * x) ** 2
        near = 1 - y / 6 * (1 - y / 20 * (1 - y / 42 * (1 - y / 72)))
        return jnp.where(abs(x) < 0.03, near, jnp.sinc(jnp.where(abs(x) < 0.03, 1.0, x)))

    def log_cosh(x):
        near = jnp.log1p(2 * jnp.sinh(jnp.clip(x, -1, 1) / 2) ** 2)
        return jnp.where(abs(x) < 1, near, jnp.logaddexp(x, -x) - math.log(2))

    @jax.custom_jvp
    def tanh(x):
        return jnp.tanh(x)

    @tanh.defjvp
    def tanh_jvp(x, dx):
        e = jnp.exp(-2 * abs(x[0]))
        return tanh(x[0]), 4 * e / (1 + e) ** 2 * dx[0]

    return {
        "gelu": ("gelu_erf", "value", FUNCTION, jax.nn.gelu,
                 lambda x: jax.nn.gelu(x, approximate=False), 0),
        "elu": ("elu", "derivative", DIGITS, jax.nn.elu, elu, 4),
        "sigmoid": ("sigmoid", "derivative", DIGITS, jax.nn.sigmoid,
                    lambda x: jnp.exp(jax.nn.log_sigmoid(x)), 1000),
        "tanh": ("tanh", "derivative", DIGITS, jnp.tanh, tanh, 4),
        "sinc": ("sinc", "derivative", FUNCTION, jnp.sinc, sinc, 0),
        "log_cosh": ("log_cosh", "value", DIGITS,
                     lambda x: jnp.logaddexp(x, -x) - math.log(2), log_cosh, 8),
        "gelu at the edge": ("gelu_tanh", "derivative", EDGE, jax.nn.gelu, gelu_tanh, 1e3),
    }  # fmt: skip


def torch_remedies():
    import torch
    import torch.nn.functional as F

    class Tanh(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return torch.tanh(x)

        @staticmethod
        def backward(ctx, row):
            (x,) = ctx.saved_tensors
            e = torch.exp(-2 * x.abs())
            return row * 4 * e / (1 + e) ** 2

    def expm1(x):
        tail = torch.exp(x.clamp(max=-1)) - 1
        return torch.where(x < -1, tail, torch.expm1(x.clamp(min=-1)))

    def log_cosh(x):
        return torch.logaddexp(x, -x) - math.log(2)

    def softsign(x):
        return torch.where(x.abs() < 1, F.softsign(x), x.sign() - x.sign() / (1 + x.abs()))

    def binary(y):
        return lambda x: F.binary_cross_entropy_with_logits(
            x, torch.full_like(x, y), reduction="none"
        )

    def gelu(x):
        return x * torch.special.erfc(-x * math.sqrt(0.5)) / 2

    return {
        "gelu": ("gelu_tanh", "value", FUNCTION, F.gelu,
                 lambda x: F.gelu(x, approximate="tanh"), 0),
        "softplus": ("softplus", "derivative", FUNCTION, F.softplus,
                     lambda x: F.softplus(x, threshold=40), 0),
        "sigmoid": ("sigmoid", "derivative", DIGITS, torch.sigmoid,
                    lambda x: F.logsigmoid(x).exp(), 1000),
        "tanh": ("tanh", "derivative", DIGITS, torch.tanh, Tanh.apply, 4),
        "expm1": ("expm1", "derivative", DIGITS, torch.expm1, expm1, 4),
        "softsign": ("softsign", "derivative", DIGITS, F.softsign, softsign, 8),
        "hard_sigmoid": ("hard_sigmoid", "derivative", FUNCTION, F.hardsigmoid,
                         lambda x: F.relu6(x + 3) / 6, 0),
        "cross-entropy, 0": ("logit_cross_entropy_0", "value", DIGITS, binary(0.0),
                             lambda x: F.softplus(x, threshold=40), 4),
        "cross-entropy, 1": ("logit_cross_entropy_1", "derivative", DIGITS, binary(1.0),
                             lambda x: -F.logsigmoid(x), 4),
        "gelu's tail": ("gelu_erf", "value", DIGITS, F.gelu, gelu, 2000),
        "log_cosh": ("log_cosh", "value", EDGE, lambda x: torch.log(torch.cosh(x)), log_cosh, 1e16),
    }  # fmt: skip


REMEDIES = {"jax": jax_remedies, "torch": torch_remedies}


@pytest.fixture(params=LIBRARIES)
def library(request):
    if request.param in backends.unavailable():
        pytest.skip(f"{request.param} is not installed")
    return request.param


def error(library, name, quantity, kind, function):
    """The largest error of a class in ULP, infinite if a result is no number; 0 without any."""
    module, execution = backends.load(library), LIBRARIES[library]
    mapped = module.map_of(function, "autodiff", execution)
    row = map_rows.row(library, execution, name, mapped, "float64")
    found = analyse.findings(row, map_rows.truth(name, "float64"))
    sizes = [math.inf if f.ulp is None else f.ulp for f in found
             if (f.quantity, f.kind) == (quantity, kind)]  # fmt: skip
    return max(sizes, default=0)


def test_what_the_docs_advise_removes_the_difference(library):
    wrong = []
    for word, (name, quantity, kind, usual, remedy, left) in REMEDIES[library]().items():
        before, after = (error(library, name, quantity, kind, f) for f in (usual, remedy))
        if not (before > 10 * max(left, 1) and after <= left):
            wrong.append(f"{word}: {before} ULP before, {after} after")
    assert wrong == []


def kinks(library):
    """For each map with another convention a form that has the same one everywhere."""
    module = backends.load(library)
    if library == "jax":
        from jax import numpy as np_
    else:
        import torch as np_
    forms = {
        "abs": (0, lambda x: x * np_.sign(x)),
        "leaky_relu": (0, lambda x: np_.where(x > 0, x, 0.01 * x)),
        "clip": (1, lambda x: np_.where(x < 1, np_.where(x > -1, x, -1.0), 1.0)),
        "relu": (math.nan, lambda x: np_.where(x <= 0, 0.0, x)),
    }
    for name, (at, function) in forms.items():
        arrays = [module.from_numpy(np.array(a), "cpu") for a in ([[1.0]], [float(at)])]
        mapped = module.map_of(function, "autodiff", LIBRARIES[library])
        yield name, *(float(module.to_numpy(a).ravel()[0]) for a in mapped(*arrays))


def test_a_form_with_where_has_the_same_convention_in_both(library):
    found = {name: (value, derivative) for name, value, derivative in kinks(library)}
    expected = {"abs": (0, 0), "leaky_relu": (0, 0.01), "clip": (1, 0), "relu": (math.nan, 1)}
    assert found.keys() == expected.keys()
    for name, pair in expected.items():
        assert found[name] == pytest.approx(pair, nan_ok=True, rel=1e-15), name
