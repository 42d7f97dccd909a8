"""The maps of JAX and PyTorch: all formulations agree, defaults are what is stated, and the classes
of their differences are those of the published atlas, which mutants do not have.
"""

from functools import partial
from itertools import product

import numpy as np
import pytest

import backends
from benchmarks.analyse import atlas as analyse
from benchmarks.measure.map_values import GRID, defaults
from reference.maps import MAPS
from tests import map_rows

LIBRARIES = {"jax": "step", "torch": "eager"}


@pytest.fixture(params=LIBRARIES)
def library(request):
    if request.param in backends.unavailable():
        pytest.skip(f"{request.param} is not installed")
    return request.param


def test_every_map_of_the_catalog_is_there(library):
    assert tuple(MAPS) == backends.load(library).MAPS


def test_a_default_is_the_map_that_is_stated(library):
    """The file says which map of the catalog a call without options is; the call is evaluated."""
    module = backends.load(library)
    calls = {key.removeprefix("default "): found for key, found in defaults(module)}
    found = analyse.defaults({library: calls}, GRID, list(MAPS))
    stated = {name: of_catalog for name, (of_catalog, _) in module.MAP_DEFAULTS.items()}
    assert {one.name: one.found[library] for one in found} == stated
    assert len(stated) > 12


def test_the_default_gelu_is_another_one_in_each_framework():
    found = {name: backends.load(name).MAP_DEFAULTS["gelu"][0] for name in LIBRARIES}
    assert found == {"jax": "gelu_tanh", "torch": "gelu_erf"}


@pytest.mark.parametrize("name", ["gelu_erf", "clip", "huber", "xlogx"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_all_formulations_pull_back_the_same_row(library, name, dtype):
    """Within a rounding: the row is multiplied before or after the derivative's own factors."""
    module, execution = backends.load(library), LIBRARIES[library]
    random = np.random.default_rng(3)
    row, x = random.uniform(0.5, 1, (1, 17)), random.uniform(0.05, 0.95, 17)
    arrays = [module.from_numpy(array.astype(dtype), "cpu") for array in (row, x)]
    found = {}
    for formulation in ("dense", "elementwise", "autodiff", "jacrev"):
        value, pulled = module.make_map(name, formulation, execution)(*arrays)
        found[formulation] = module.to_numpy(value), module.to_numpy(pulled)
        assert found[formulation][0].shape == (17,)
        assert found[formulation][1].shape == (1, 17)
        assert {array.dtype for array in found[formulation]} == {np.dtype(dtype)}
    for value, pulled in found.values():
        assert np.array_equal(value, found["autodiff"][0])
        np.testing.assert_allclose(pulled, found["autodiff"][1], rtol=4 * np.finfo(dtype).eps)


def test_dense_forms_a_matrix_and_elementwise_does_not(library):
    module, execution = backends.load(library), LIBRARIES[library]
    arrays = [module.from_numpy(np.array(a), "cpu") for a in ([[np.inf, 1.0]], [0.5, 0.25])]
    for formulation, has_nan in (("dense", True), ("jacrev", True), ("elementwise", False)):
        pulled = module.to_numpy(module.make_map("tanh", formulation, execution)(*arrays)[1])
        assert np.isnan(pulled).any() == has_nan, formulation


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_formats_of_16_bits(library, dtype):
    """An exact result of a few bits, and that the format itself was used."""
    module, execution = backends.load(library), LIBRARIES[library]
    function = module.make_map("square", "autodiff", execution)
    given = [np.ones((1, 2), np.float32), np.array([1.5, 1.0 + 2**-12], np.float32)]
    arrays = [module.cast(module.from_numpy(array, "cpu"), dtype) for array in given]
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


FAST = tuple(name for i, name in enumerate(MAPS) if i % 4 == 0)


@pytest.mark.parametrize(
    "name", [n if n in FAST else pytest.param(n, marks=pytest.mark.slow) for n in MAPS]
)
def test_differences_are_the_published_ones(library, name):
    same_versions(library)
    execution = LIBRARIES[library]
    function = backends.load(library).make_map(name, "autodiff", execution)
    found = map_rows.differences(map_rows.row(library, execution, name, function))
    assert found == map_rows.expected(library, execution, name)


# --- mutants


def torch_mutants():
    import torch
    import torch.nn.functional as F

    huber = partial(F.huber_loss, target=torch.zeros(()), reduction="none", delta=1.001)
    return {  # what is wrong: the map, and the function in its place
        "slope in its ninth digit": ("leaky_relu", lambda x: F.leaky_relu(x, 0.01 + 1e-10)),
        "scale in its thirteenth digit": ("selu", lambda x: F.selu(x) * (1 + 2.0**-43)),
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


@pytest.mark.parametrize("library", LIBRARIES)
def test_mutants_are_caught(library):
    if library in backends.unavailable():
        pytest.skip(f"{library} is not installed")
    same_versions(library)
    module, execution = backends.load(library), LIBRARIES[library]
    alive = []
    for mutant, (name, function) in MUTANTS[library]().items():
        changed = module.map_of(function, "autodiff", execution)
        found = map_rows.differences(map_rows.row(library, execution, name, changed))
        if found == map_rows.expected(library, execution, name):
            alive.append(mutant)
    assert alive == []


# --- the findings that are public


FINDINGS = [  # map, quantity, class, dtype, and the rows that have it; docs/atlas.md
    ("softplus", "value", "another function", "float64", {"torch eager", "torch step"}),
    ("softplus", "derivative", "another function", "float64", {"torch eager", "torch step"}),
    ("mish", "derivative", "another function", "float64", {"torch eager", "torch step"}),
    ("elu", "derivative", "digits lost", "float64", {"jax step"}),
    ("celu", "derivative", "digits lost", "float64", {"jax step"}),
    ("selu", "derivative", "digits lost", "float64", {"jax step"}),
    ("expm1", "derivative", "digits lost", "float64", {"jax step", "torch eager", "torch step"}),
    ("tanh", "derivative", "digits lost", "float64", {"jax step", "torch eager", "torch step"}),
    ("sigmoid", "derivative", "digits lost", "float64", {"jax step", "torch eager", "torch step"}),
    ("gelu_erf", "value", "digits lost", "float64", {"jax step", "torch eager", "torch step"}),
    ("softsign", "derivative", "digits lost", "float64", {"jax step", "torch eager"}),
    ("log_sigmoid", "derivative", "digits lost", "float64", {"jax step"}),
    ("silu", "derivative", "digits lost", "float64", {"jax step", "torch eager"}),
    ("relu", "derivative", "nan lost", "float64", {"jax step", "torch eager"}),
    ("elu", "derivative", "nan lost", "float64", {"torch eager"}),
    ("hard_tanh", "derivative", "nan lost", "float64", {"jax step", "torch eager"}),
    ("gelu_tanh", "derivative", "edge of the range", "float64", {"jax step"}),
    ("relu", "derivative", "subnormals flushed", "float64", {"jax step"}),
    ("sqrt", "derivative", "subnormals flushed", "float64", {"jax step"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "quantity", "kind", "dtype", "rows"), FINDINGS)
def test_a_public_finding_is_in_the_published_atlas(name, quantity, kind, dtype, rows):
    found = {
        f"{one.backend} {one.execution}" for one in map_rows.published().findings
        if (one.map, one.quantity, one.kind, one.dtype) == (name, quantity, kind, dtype)
    }  # fmt: skip
    assert rows <= found


KINKS = [  # map, x, JAX, PyTorch
    ("abs", 0, 1, 0), ("leaky_relu", 0, 1, 0.01), ("hard_tanh", 1, 1, 0), ("hard_tanh", -1, 1, 0),
    ("clip", None, 0.5, 1), ("relu", 0, 0, 0), ("relu6", 0, 0, 0), ("relu6", 6, 0, 0),
    ("maximum_zero", 0, 0.5, 0.5),
]  # fmt: skip


@pytest.mark.parametrize(("name", "x", "jax", "torch"), KINKS)
def test_a_public_convention_is_in_the_published_atlas(name, x, jax, torch):
    own = [k for k in map_rows.published().kinks if (k.map, k.dtype) == (name, "float64")]
    own = [k for k in own if x is None or float(k.x) == x]
    assert own
    for kink, (row, value) in product(own, (("jax step", jax), ("torch eager", torch))):
        assert float(kink.found[row]) == value
