"""The maps of a backend that writes its diagonals by hand: 4 ULP everywhere, and their structure.

Where a framework derives them, the atlas says how far they are off.
"""

import numpy as np
import pytest

import backends
from reference.maps import MAPS
from reference.structure import ANY, flaw
from reference.words import DTYPES
from tests import map_checks
from tests.map_checks import truth


def select(cells, config):
    """Cells with maps by hand; the map of a run is that of a step."""
    found = []
    for cell in cells:
        module = backends.load(cell.backend)
        first = next(word for word in ("step", *module.EXECUTIONS) if word in module.EXECUTIONS)
        is_hand_written = module.MAPS and "autodiff" not in module.FORMULATIONS
        if is_hand_written and cell.execution == first and cell.formulation != "fused":
            found.append(cell)
    return found


def made(name, backend, formulation, execution, device):
    """The map in this form on the device, as a function of NumPy arrays."""
    module = backends.load(backend)
    if name not in module.MAPS:
        pytest.skip(f"{backend} has no {name}")
    function = module.make_map(name, formulation, execution)

    def there_and_back(row, x):
        arrays = [module.from_numpy(array, device) for array in (row, x)]
        found = [module.to_numpy(array) for array in function(*arrays)]
        for array, before in zip(arrays, (row, x), strict=True):
            assert np.array_equal(module.to_numpy(array), before, equal_nan=True)
        return found

    return there_and_back


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("precision", DTYPES)
def test_value_and_derivative_are_within_four_ulp(name, precision, backend, execution, device):
    function = made(name, backend, "elementwise", execution, device)
    found = map_checks.errors(function, name, truth(name, precision))
    print(f"{name}: value {4 * found[0].max():.2g}, derivative {4 * found[1].max():.2g} ULP")
    assert map_checks.flaws(function, name, truth(name, precision)) == ""


@pytest.mark.parametrize("name", MAPS)
def test_each_form_pulls_back_the_same_row(name, backend, formulation, execution, device):
    """The row times the diagonal, rounded once; a second call gives the same bits."""
    x = truth(name, "float64").x
    function = made(name, backend, formulation, execution, device)
    diagonal = map_checks.evaluated(made(name, backend, "elementwise", execution, device), x)[1]
    x, diagonal = x[np.isfinite(diagonal)], diagonal[np.isfinite(diagonal)]
    row = np.linspace(-1, 2, len(x))[None]
    with np.errstate(over="ignore", under="ignore"):
        expected = row * diagonal
    keep = np.isfinite(expected[0])
    value, pulled = function(row, x)
    assert np.array_equal(pulled[:, keep], expected[:, keep])
    again = function(row, x)
    assert np.array_equal(again[0], value, equal_nan=True)


def test_each_form_has_the_structure_it_is_called_by(backend, formulation, execution, device):
    for name in ("square", "silu", "clip"):
        function = made(name, backend, formulation, execution, device)
        pulled = function(np.full((1, 32), np.inf), np.full(32, 0.5))[1]
        assert flaw(formulation, ANY, pulled) == ""


def test_what_makes_maps_is_memoized_and_checks_names(backend, formulation, execution, device):
    module = backends.load(backend)
    words = module.MAPS[0], formulation, execution
    assert module.make_map(*words) is module.make_map(*words)
    for place, word in enumerate(("map", "formulation", "execution")):
        wrong = [*words[:place], "wrong", *words[place + 1 :]]
        with pytest.raises(ValueError, match=f"unknown {word} 'wrong'; one of: "):
            module.make_map(*wrong)
    with pytest.raises(ValueError, match="unknown formulation 'fused'; one of: dense"):
        module.make_map(module.MAPS[0], "fused", execution)
