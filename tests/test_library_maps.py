"""The maps of JAX and PyTorch: all formulations agree, calls without options are the maps that they
should be, and their differences from the exact values are those of the published atlas. Mutants
have others.
"""

from functools import partial
from itertools import product

import numpy as np
import pytest

import backends
from benchmarks.analyse import atlas as analyse
from benchmarks.analyse.atlas import Row
from benchmarks.measure.map_values import DEFAULTS, GRID, defaults, tried
from reference.maps import MAPS
from tests import map_rows

LIBRARIES = {"jax": "step", "torch": "eager"}
LACKING = {"jax": {"softplus_threshold", "hard_sigmoid_keras"}, "torch": {"hard_sigmoid_keras"}}


@pytest.fixture(params=LIBRARIES)
def library(request):
    if request.param in backends.unavailable():
        pytest.skip(f"{request.param} is not installed")
    return request.param


def test_every_map_that_the_library_has_is_there(library):
    assert {*MAPS} - {*backends.load(library).MAPS} == LACKING[library]


def test_a_call_without_options_is_the_map_of_its_name_with_few_exceptions(library):
    calls = {k.removeprefix(DEFAULTS): found for k, found in defaults(backends.load(library))}
    found = analyse.defaults({library: calls}, GRID, [*MAPS])
    others = {one.name: one.found[library] for one in found if one.found[library] != one.name}
    assert others == {
        "jax": {"gelu": "gelu_tanh"},
        "torch": {"gelu": "gelu_erf", "softplus": "softplus_threshold"},
    }[library]  # fmt: skip


@pytest.mark.parametrize(("name", "precision"), [("gelu_erf", "float64"), ("xlogx", "float32")])
def test_all_formulations_pull_back_the_same_row(library, name, precision):
    """Within some roundings: the row is multiplied before or after the derivative's own factors."""
    module, execution = backends.load(library), LIBRARIES[library]
    random = np.random.default_rng(3)
    row, x = random.uniform(0.5, 1, (1, 17)), random.uniform(0.05, 0.95, 17)
    arrays = [module.from_numpy(array.astype(precision), "cpu") for array in (row, x)]
    found = {}
    for formulation in ("dense", "elementwise", "autodiff", "jacrev"):
        value, pulled = module.make_map(name, formulation, execution)(*arrays)
        found[formulation] = module.to_numpy(value), module.to_numpy(pulled)
        assert found[formulation][0].shape == (17,)
        assert found[formulation][1].shape == (1, 17)
        assert {array.dtype for array in found[formulation]} == {np.dtype(precision)}
    near = 4 * np.finfo(precision).eps  # of terms up to 1, which may cancel
    for pair in found.values():
        for one, other in zip(pair, found["autodiff"], strict=True):
            np.testing.assert_allclose(one, other, rtol=near, atol=near)


def test_dense_forms_a_matrix_and_elementwise_does_not(library):
    module, execution = backends.load(library), LIBRARIES[library]
    arrays = [module.from_numpy(np.array(a), "cpu") for a in ([[np.inf, 1.0]], [0.5, 0.25])]
    for formulation, has_nan in (("dense", True), ("jacrev", True), ("elementwise", False)):
        pulled = module.to_numpy(module.make_map("tanh", formulation, execution)(*arrays)[1])
        assert np.isnan(pulled).any() == has_nan, formulation


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_formats_of_16_bits(library, precision):
    """An exact result of a few bits, and that the format itself was used."""
    module, execution = backends.load(library), LIBRARIES[library]
    function = module.make_map("square", "autodiff", execution)
    given = [np.ones((1, 2), np.float32), np.array([1.5, 1.0 + 2**-12], np.float32)]
    arrays = [module.cast(module.from_numpy(array, "cpu"), precision) for array in given]
    value, pulled = (module.to_numpy(module.cast(a, "float32")) for a in function(*arrays))
    assert value.tolist() == [2.25, 1.0]
    assert pulled.tolist() == [[3.0, 2.0]]


# --- beside the published atlas


def same_versions(library):
    """Only the versions of the published atlas have its differences."""
    from benchmarks.store.conditions import versions

    names = {"jax": ("jax", "jaxlib"), "torch": ("torch",)}[library]
    installed, then = versions(), map_rows.published().versions
    if any(installed[name] != then[name] for name in names):
        pytest.skip(f"the published atlas has {', '.join(f'{n} {then[n]}' for n in names)}")


def beside(library, execution, name, dtype):
    found = tried(library, (name, dtype, execution), map_rows.truth(name, dtype).x)
    return map_rows.news(Row(name, dtype, library, execution, found))


FAST = "elu", "clip", "softplus", "cross_entropy_0"
CASES = [
    pytest.param(library, name, marks=[] if name in FAST else pytest.mark.slow)
    for library, name in product(LIBRARIES, MAPS)
    if name not in LACKING[library]
]


@pytest.mark.parametrize(("library", "name"), CASES, indirect=["library"])
def test_differences_are_the_published_ones(library, name):
    same_versions(library)
    for dtype in ("float64", "float32"):
        assert beside(library, LIBRARIES[library], name, dtype) == []


# --- mutants


def torch_mutants():
    import torch
    import torch.nn.functional as F

    def huber(x):
        return F.huber_loss(x, torch.ones_like(x), reduction="none", delta=1.001)

    return {  # what is wrong: the map, and the function in its place
        "slope off by 32 ULP": ("leaky_relu", lambda x: F.leaky_relu(x, 0.01 * (1 + 2.0**-47))),
        "scale off by 32 ULP": ("selu", lambda x: F.selu(x) * (1 + 2.0**-47)),
        "gelu by tanh": ("gelu_erf", partial(F.gelu, approximate="tanh")),
        "gelu by erf": ("gelu_tanh", F.gelu),
        "relu6 to 6.0000001": ("relu6", lambda x: F.hardtanh(x, 0.0, 6.0000001)),
        "slope of 0.2": ("hard_sigmoid", lambda x: F.hardtanh(0.2 * x + 0.5, 0.0, 1.0)),
        "threshold 15": ("softplus", partial(F.softplus, threshold=15)),
        "abs'(0) is 1": ("abs", lambda x: torch.where(x >= 0, x, -x)),
        "relu'(0) is 1": ("relu", lambda x: torch.where(x >= 0, x, 0 * x)),
        "tanh in float32": ("tanh", lambda x: torch.tanh(x.float()).to(x.dtype)),
        "sin in float32": ("sin", lambda x: torch.sin(x.float()).to(x.dtype)),
        "huber with 1.001": ("huber", huber),
    }


def jax_mutants():
    import jax
    import jax.numpy as jnp

    def clip(x):
        return jnp.where(x > 1, 1.0, jnp.where(x < -1, -1.0, x))

    def silu(x):
        return jnp.where(x < -30, x * 0, jax.nn.silu(x))

    return {
        "alpha in its tenth digit": ("elu", partial(jax.nn.elu, alpha=1 + 1e-10)),
        "another alpha": ("celu", partial(jax.nn.celu, alpha=1.01)),
        "a tail is lost": ("silu", silu),
        "log1p as log(1 + x)": ("log1p", lambda x: jnp.log(1 + x)),
        "clip'(1) of where": ("clip", clip),
        "leaky_relu'(0) is 0.01": ("leaky_relu", lambda x: jnp.where(x > 0, x, 0.01 * x)),
        "sigmoid by exp(-x)": ("sigmoid", lambda x: 1 / (1 + jnp.exp(-x))),
        "log_cosh by cosh": ("log_cosh", lambda x: jnp.log(jnp.cosh(x))),
    }


MUTANTS = {"torch": torch_mutants, "jax": jax_mutants}


def test_mutants_are_caught(library):
    same_versions(library)
    module, execution = backends.load(library), LIBRARIES[library]
    alive = []
    for mutant, (name, function) in MUTANTS[library]().items():
        changed = module.map_of(function, "autodiff", execution)
        if not map_rows.news(map_rows.row(library, execution, name, changed, "float64")):
            alive.append(mutant)
    assert alive == []


# --- the findings that are public


FINDINGS = [  # map, quantity, class, and the rows that have it; docs/atlas.md
    ("softplus", "value", "another function", {"torch eager", "torch step"}),
    ("softplus", "derivative", "another function", {"torch eager", "torch step"}),
    ("mish", "derivative", "digits lost", {"torch eager", "torch step"}),
    ("elu", "derivative", "digits lost", {"jax step"}),
    ("celu", "derivative", "digits lost", {"jax step"}),
    ("selu", "derivative", "digits lost", {"jax step"}),
    ("expm1", "derivative", "digits lost", {"jax step", "torch eager", "torch step"}),
    ("tanh", "derivative", "digits lost", {"jax step", "torch eager", "torch step"}),
    ("sigmoid", "derivative", "digits lost", {"jax step", "torch eager", "torch step"}),
    ("gelu_erf", "value", "digits lost", {"jax step", "torch eager", "torch step"}),
    ("softsign", "derivative", "digits lost", {"jax step", "torch eager"}),
    ("log_sigmoid", "derivative", "digits lost", {"jax step"}),
    ("silu", "derivative", "digits lost", {"jax step", "torch eager"}),
    ("relu", "derivative", "nan lost", {"jax step", "torch eager"}),
    ("elu", "derivative", "nan lost", {"torch eager"}),
    ("hard_tanh", "derivative", "nan lost", {"jax step", "torch eager"}),
    ("gelu_tanh", "derivative", "edge of the range", {"jax step"}),
    ("relu", "derivative", "subnormals flushed", {"jax step"}),
    ("sqrt", "derivative", "subnormals flushed", {"jax step"}),
]


@pytest.mark.parametrize(("name", "quantity", "kind", "rows"), FINDINGS)
def test_a_public_finding_is_in_the_published_atlas(name, quantity, kind, rows):
    found = {
        f"{one.backend} {one.execution}" for one in map_rows.published().findings
        if (one.map, one.quantity, one.kind, one.dtype) == (name, quantity, kind, "float64")
    }  # fmt: skip
    assert rows <= found


KINKS = [  # map, x, JAX, PyTorch
    ("abs", 0, 1, 0), ("leaky_relu", 0, 1, 0.01), ("hard_tanh", 1, 1, 0), ("hard_tanh", -1, 1, 0),
    ("clip", 1, 0.5, 1), ("clip", -1, 0.5, 1), ("relu", 0, 0, 0), ("relu6", 0, 0, 0),
    ("relu6", 6, 0, 0), ("maximum_zero", 0, 0.5, 0.5),
]  # fmt: skip


@pytest.mark.parametrize(("name", "x", "jax", "torch"), KINKS)
def test_a_public_convention_is_in_the_published_atlas(name, x, jax, torch):
    own = [k for k in map_rows.published().kinks if (k.map, k.dtype) == (name, "float64")]
    [kink] = [kink for kink in own if float(kink.x) == x]
    assert [float(kink.found[row]) for row in ("jax step", "torch eager")] == [jax, torch]
