"""Maps that are wrong on purpose must fail the tests of maps: one change of the source each."""

import importlib.util
import sys
from typing import NamedTuple

import pytest

import backends
from tests.map_checks import HAND_WRITTEN, flaws, truth
from tests.mutants import BACKENDS, changed
from tests.test_map_numbers import wrong_numbers


class Mutant(NamedTuple):
    """A change of one place of a file that some map, or else some constant, depends on."""

    map: str
    old: str
    new: str
    file: str = "numpy_maps"


def numba(*words):
    return Mutant(*words, file="numba_maps")


def constant(*words):
    return Mutant("", *words, file="map_constants")


MUTANTS = {
    # a number in its last digit
    "scale": constant("SELU_TAIL = 1.0507009873554805,", "SELU_TAIL = 1.0507009873554802,"),
    "coefficient": constant("0.47205320650984467", "0.47205320650984461"),
    "rest of a zero": constant("-1.0946994183093437e-16", "-1.0946994183093435e-16"),
    "log(2)": Mutant("log_cosh", "- c.LOG2)", "- 0.693147180559945)"),
    "slope": Mutant("leaky_relu", "0.01 * x)", "0.010000000000001 * x)"),
    # a threshold
    "relu6 above 6": Mutant("relu6", "np.clip(x, 0, 6)", "np.clip(x, 0, 6.000001)"),
    "threshold 19.5": Mutant("softplus_threshold", "x > 20, x, value", "x > 19.5, x, value"),
    "narrow window": Mutant("xlogx", "np.abs(x - c.PER_E) < 0.2", "np.abs(x - c.PER_E) < 0.002"),
    "wide huber": Mutant(
        "huber", "np.clip(residual, -DELTA, DELTA)", "np.clip(residual, -DELTA, 1.001)"
    ),
    # a kink's side
    "relu at 0": Mutant("relu", "choose(x, x > 0, 1.0, 0.0)", "choose(x, x >= 0, 1.0, 0.0)"),
    "hinge at 1": Mutant("hinge", "x < 1, -1.0", "x <= 1, -1.0"),
    "clip at -1": Mutant("clip", "(x > low) & (x < high)", "(x >= low) & (x < high)"),
    "selu at 0": Mutant("selu", "np.where(x >= 0, c.SELU_SCALE,", "np.where(x > 0, c.SELU_SCALE,"),
    # a factor lost far out in a tail
    "unit of silu": Mutant("silu", "-t * most / (1 + e) * unit", "-t * most / (1 + e)"),
    "rest of x^2": Mutant("erf", "t.astype(np.float32).astype(np.float64)", "t"),
    "rest of A": Mutant("gelu_tanh", "(c.A_REST + (q_rest", "(0 * c.A_REST + (q_rest"),
    "parity": Mutant("sinc", "1 - 2 * np.mod(n, 2)", "1 - 2 * np.mod(n, 2) * (x < 20)"),
    "expm1 + 1": Mutant("expm1", "np.expm1(x), np.exp(x)", "np.expm1(x), np.expm1(x) + 1"),
    # float32 inside
    "float32 in tanh": Mutant(
        "tanh", "e = np.exp(-2 * np.abs(x))", "e = np.exp(-2 * np.abs(x).astype(np.float32))"
    ),
    "float32 in sigmoid": Mutant(
        "sigmoid", "(1 + e), e / square_of_one_plus(e)",
        "(1 + e), (e / square_of_one_plus(e)).astype(np.float32)",
    ),
    # nan and the domain
    "nan lost": Mutant(
        "relu6", "choose(x, (x > 0) & (x < 6), 1.0, 0.0)", "np.where((x > 0) & (x < 6), 1.0, 0.0)"
    ),
    "log below 0": Mutant("log", "np.where(x < 0, np.nan, 1 / np.abs(x))", "1 / np.abs(x)"),
    # the same in Numba
    "Numba, relu at 0": numba("relu", "x[i] > 0, 1.0, 0.0)", "x[i] >= 0, 1.0, 0.0)"),
    "Numba, rest of x^2": numba("erf", "np.float64(np.float32(t))", "t"),
    "Numba, expm1 + 1": numba("elu", "(below), np.exp(below)", "(below), np.expm1(below) + 1"),
    "Numba, log(1 + e)": numba(
        "softplus", "np.log1p(np.exp(-abs(x)))", "np.log(1 + np.exp(-abs(x)))"
    ),
    "Numba, nan lost": numba("relu", "choose(x, x > bound, x, bound)", "x if x > bound else bound"),
    "Numba, kink at 3": numba("hard_swish", "abs(x[i]) < 3, (2", "abs(x[i]) <= 3, (2"),
}  # fmt: skip


def loaded(mutant, folder, monkeypatch):
    """The changed file as a module."""
    path = folder / f"{mutant.file}.py"
    source = changed(BACKENDS / path.name, mutant.old, mutant.new)
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(f"mutant_{mutant.file}", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)  # Numba's cache looks it up
    spec.loader.exec_module(module)
    return module


def noticed(mutant, module):
    """What the tests say about a module: of its constants, or of one of its maps."""
    if mutant.file == "map_constants":
        return ", ".join(wrong_numbers(module))
    name = mutant.file.removesuffix("_maps")
    backend = backends.load(name)
    functions = module.FUNCTIONS if name == "numpy" else module.LOOPS
    function = backend.in_float64(functions[mutant.map])
    of_row = backend.map_of(function, "elementwise", HAND_WRITTEN[name])
    return flaws(of_row, mutant.map, truth(mutant.map, "float64"))


COMPILED = [pytest.param(n, marks=pytest.mark.slow) for n in MUTANTS if n.startswith("Numba")]


@pytest.mark.parametrize("name", [*(n for n in MUTANTS if not n.startswith("Numba")), *COMPILED])
def test_a_wrong_map_is_noticed(name, tmp_path, monkeypatch):
    mutant = MUTANTS[name]
    if mutant.file == "numba_maps" and "numba" in backends.unavailable(importing=False):
        pytest.skip("numba is not installed")
    found = noticed(mutant, loaded(mutant, tmp_path, monkeypatch))
    assert found
    print(f"{name}: {found}")


def test_an_unchanged_copy_is_not(tmp_path, monkeypatch):
    for name in ("selu", "relu"):
        same = Mutant(name, "def selu(x)", "def selu(x)")
        assert noticed(same, loaded(same, tmp_path, monkeypatch)) == ""
    same = constant("LOG2,", "LOG2,")
    assert noticed(same, loaded(same, tmp_path, monkeypatch)) == ""
