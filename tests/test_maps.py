"""The catalog of maps and its exact values; maps by hand; backends without maps."""

from itertools import count

import mpmath
import numpy as np
import pytest
from mpmath import mp

import backends
from reference import maps, words
from reference.maps import MAPS
from tests.map_checks import HAND_WRITTEN, drawn, flaws, flaws_at_kinks, truth_at

BITS = 200
FINE = np.finfo(float).smallest_subnormal


# --- the catalog


def test_there_are_36_maps_and_the_losses_each_with_its_source():
    assert tuple(MAPS) == words.MAPS
    assert len(MAPS) >= 36 + 7
    for map in MAPS.values():
        assert map.formula
        assert map.source.startswith("https://")
        assert map.domain[0] < map.domain[1]
        places = map.kinks + map.switches + map.zeros
        assert all(map.domain[0] < at < map.domain[1] for at in places)


@pytest.mark.parametrize("name", [name for name, map in MAPS.items() if map.kinks])
def test_at_a_kink_the_derivative_jumps_or_else_the_value(name):
    for kink in MAPS[name].kinks:
        found = maps.exact(
            name, np.array([np.nextafter(kink, -9e9), kink, np.nextafter(kink, 9e9)])
        )
        assert np.isnan(found.derivative[1])
        assert np.isfinite(found.value[1])
        jumps = [abs(values[2] - values[0]) for values in (found.value, found.derivative)]
        assert max(jumps) > 1e-9


@pytest.mark.parametrize("name", [name for name, map in MAPS.items() if map.switches or map.zeros])
def test_elsewhere_it_does_not(name):
    for at in MAPS[name].switches + MAPS[name].zeros:
        found = maps.exact(name, np.array([np.nextafter(at, -9e9), at, np.nextafter(at, 9e9)]))
        assert np.ptp(found.derivative) < 1e-14
        assert np.ptp(found.value) < 1e-14


@pytest.mark.parametrize("name", [name for name, map in MAPS.items() if map.zeros])
def test_a_zero_is_the_float64_nearest_to_it(name):
    for zero in MAPS[name].zeros:
        half = np.spacing(abs(zero)) / 2
        with mp.workprec(BITS):
            below, above = (MAPS[name].derivative(mp.mpf(zero) + s * half) for s in (-1, 1))
        assert below * above <= 0
        assert maps.near_zero(MAPS[name], "derivative", zero)
        assert not maps.near_zero(MAPS[name], "value", zero)
        assert not maps.near_zero(MAPS[name], "derivative", 5 * zero)


# --- the exact values


def ordinary(name, count):
    """Numbers of the domain that are no kinks, of sizes from 1e-9 to 1e3."""
    x = maps.sample(MAPS[name], "float64", 12 * count)
    x = x[(abs(x) > 1e-9) & (abs(x) < 1e3) & ~np.isin(x, np.array(MAPS[name].kinks, float))]
    return x[np.linspace(0, len(x) - 1, count).astype(int)].tolist()


def check_derivative(name, count):
    """The step of mpmath's difference is about 2^-200 of x: its square is nothing here."""
    one = MAPS[name]
    with mp.workprec(BITS):
        for x in map(mp.mpf, ordinary(name, count)):
            exact, found = one.derivative(x), mpmath.diff(one.value, x, relative=True)
            unit = abs(exact) + abs(one.value(x) / x)
            assert abs(exact - found) <= unit * mp.mpf(2) ** -150, x


@pytest.mark.parametrize("name", MAPS)
def test_a_derivative_is_that_of_the_value(name):
    check_derivative(name, 12)


@pytest.mark.slow
@pytest.mark.parametrize("name", MAPS)
def test_a_derivative_is_that_of_the_value_at_many_points(name):
    check_derivative(name, 150)


DEFINITIONS = {  # as they stand in the sources; digits that cancel are made up for by bits
    "expm1": lambda x: mp.exp(x) - 1,
    "log1p": lambda x: mp.log(1 + x),
    "tanh": lambda x: (mp.exp(x) - mp.exp(-x)) / (mp.exp(x) + mp.exp(-x)),
    "erf": lambda x: 1 - mp.erfc(x),
    "sigmoid": lambda x: mp.exp(x) / (mp.exp(x) + 1),
    "log_sigmoid": lambda x: mp.log(1 / (1 + mp.exp(-x))),
    "softplus": lambda x: mp.log(1 + mp.exp(x)),
    "softplus_threshold": lambda x: x if x > 20 else mp.log(1 + mp.exp(x)),
    "relu6": lambda x: min(max(0, x), 6),
    "leaky_relu": lambda x: max(0, x) + min(0, x) / 100,
    "elu": lambda x: max(0, x) + min(0, mp.exp(x) - 1),
    "celu": lambda x: max(0, x) + min(0, mp.exp(x) - 1),
    "selu": lambda x: mp.mpf("1.0507009873554804934193349852946") * (
        max(0, x) + min(0, mp.mpf("1.6732632423543772848170429916717") * (mp.exp(x) - 1))
    ),
    "gelu_erf": lambda x: x * (1 + mp.erf(x / mp.sqrt(2))) / 2,
    "gelu_tanh": lambda x: (
        x / 2 * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (x + mp.mpf("0.044715") * x**3)))
    ),
    "silu": lambda x: x / (1 + mp.exp(-x)),
    "mish": lambda x: x * mp.tanh(mp.log(1 + mp.exp(x))),
    "hard_tanh": lambda x: -1 if x < -1 else 1 if x > 1 else x,
    "hard_sigmoid": lambda x: 0 if x <= -3 else 1 if x >= 3 else x / 6 + mp.mpf(1) / 2,
    "hard_sigmoid_keras": lambda x: max(0, min(1, mp.mpf("0.2") * x + mp.mpf("0.5"))),
    "hard_swish": lambda x: 0 if x <= -3 else x if x >= 3 else x * (x + 3) / 6,
    "sinc": lambda x: mp.sin(mp.pi * x) / (mp.pi * x),
    "log_cosh": lambda x: mp.log((mp.exp(x) + mp.exp(-x)) / 2),
    "xlogx": lambda x: x * mp.log(x),
    "cross_entropy_0": lambda x: -mp.log(1 - x),
    "logit_cross_entropy_0": lambda x: -mp.log(1 - 1 / (1 + mp.exp(-x))),
    "logit_cross_entropy_1": lambda x: -mp.log(1 / (1 + mp.exp(-x))),
    "hinge": lambda x: max(0, 1 - x),
    "huber": lambda x: (x - 1) ** 2 / 2 if abs(x - 1) < 1 else abs(x - 1) - mp.mpf(1) / 2,
}  # fmt: skip


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_value_is_what_the_source_defines(name):
    """At 4000 bits, of which 1 + tanh at -30 loses 2900."""
    for x in (x for x in ordinary(name, 16) if abs(x) < 30):
        with mp.workprec(4000):
            right = mp.mpf(DEFINITIONS[name](mp.mpf(x)))
        with mp.workprec(BITS):
            found = MAPS[name].value(mp.mpf(x))
            assert abs(found - right) <= abs(right) * mp.mpf(2) ** -180, x


@pytest.mark.parametrize("name", MAPS)
def test_twice_the_bits_change_no_exact_result(name, monkeypatch):
    """106 bits are returned; in a few places the last of them may round to the other side."""
    x = np.concatenate(
        [maps.sample(MAPS[name], "float64", 40), maps.special(MAPS[name], "float64")]
    )
    once = maps.exact(name, x)
    monkeypatch.setattr(maps, "BITS", 2 * maps.BITS)
    twice = maps.exact(name, x)
    for part, rest, again, rest_again in ((*once[:2], *twice[:2]), (*once[2:], *twice[2:])):
        assert np.array_equal(part, again, equal_nan=True)
        with np.errstate(invalid="ignore"):
            assert (abs(rest - rest_again) <= np.maximum(2.0**-100 * abs(part), FINE))[
                np.isfinite(part)
            ].all()


LIMITS = [  # map, x, value, derivative
    ("reciprocal", 0.0, np.inf, -np.inf), ("reciprocal", -0.0, -np.inf, -np.inf),
    ("sqrt", -0.0, 0, np.inf), ("log", -0.0, -np.inf, np.inf), ("log", -1, np.nan, np.nan),
    ("log1p", -1, -np.inf, np.inf), ("sin", np.inf, np.nan, np.nan), ("sinc", 0, 1, 0),
    ("sinc", np.inf, 0, 0), ("silu", -np.inf, 0, 0), ("gelu_erf", -np.inf, 0, 0),
    ("gelu_erf", np.inf, np.inf, 1), ("gelu_tanh", -np.inf, 0, 0), ("mish", -np.inf, 0, 0),
    ("mish", np.inf, np.inf, 1), ("softsign", -np.inf, -1, 0), ("hard_swish", -np.inf, 0, 0),
    ("xlogx", 0, 0, -np.inf), ("xlogx", np.inf, np.inf, np.inf), ("abs", 0, 0, np.nan),
    ("cross_entropy_0", 1, np.inf, np.inf), ("cross_entropy_1", 0, np.inf, -np.inf),
    ("cross_entropy_1", 1.5, np.nan, np.nan), ("huber", -np.inf, np.inf, -1),
    ("exp", np.nan, np.nan, np.nan), ("log_cosh", -np.inf, np.inf, -1),
]  # fmt: skip


@pytest.mark.parametrize(("name", "x", "value", "derivative"), LIMITS)
def test_ends_and_limits(name, x, value, derivative):
    found = maps.exact(name, np.array([x]))
    assert np.array_equal(found.value, [value], equal_nan=True)
    assert np.array_equal(found.derivative, [derivative], equal_nan=True)


def test_an_unknown_map_is_named_with_the_known_ones():
    with pytest.raises(ValueError, match="unknown map 'wrong'; one of: square, reciprocal, "):
        maps.exact("wrong", np.zeros(1))


# --- the hand-written maps


@pytest.fixture(params=HAND_WRITTEN)
def backend_of_maps(request):
    try:
        module = backends.load(request.param)
    except backends.Unavailable as error:
        pytest.skip(str(error))
    return lambda name: module.make_map(name, "elementwise", HAND_WRITTEN[request.param])


@pytest.mark.parametrize("name", [name for name, map in MAPS.items() if map.kinks])
@pytest.mark.parametrize("precision", words.DTYPES)
def test_at_a_kink_the_derivative_is_the_smaller_one(name, precision, backend_of_maps):
    assert flaws_at_kinks(backend_of_maps(name), name, precision) == ""


@pytest.mark.parametrize("name", HAND_WRITTEN)
def test_both_backends_have_every_map(name):
    if backends.unavailable(importing=False).get(name):
        pytest.skip(f"{name} is not installed")
    assert tuple(MAPS) == backends.load(name).MAPS


@pytest.mark.slow
@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("precision", words.DTYPES)
def test_hand_written_maps_at_random_numbers(name, precision, backend_of_maps):
    numbers = drawn(name, 2000, precision)
    assert flaws(backend_of_maps(name), name, truth_at(name, numbers)) == ""


# --- backends without maps


BARE = "from backends.numpy_backend import *\ndel MAPS, make_map\n"
NUMBERS = count()


@pytest.fixture
def loaded(tmp_path):
    """A backend of this source, loaded; removed after the test."""
    found = []

    def load(source):
        path = tmp_path / f"bare{next(NUMBERS)}_backend.py"  # a name is imported once
        path.write_text(source)
        found.append(backends.add(str(path)))
        return backends.load(found[-1])

    yield load
    for name in found:
        backends._added.pop(name)


def test_a_backend_without_maps_is_valid(loaded):
    for source in (BARE, "BASE = 'numpy'\nFORMULATIONS, EXECUTIONS = ('fused',), ('eager',)\n"):
        module = loaded(source)
        assert module.MAPS == ()
        with pytest.raises(ValueError, match=r"bare\d_backend.py has no MAPS, got 'relu'"):
            module.make_map("relu", "elementwise", "eager")
        assert module.make_forward("linear")


@pytest.mark.parametrize(
    ("added", "message"),
    [
        ("MAPS = ('relu',)", "lacks make_map of the contract"),
        ("MAPS = ('wrong',)\ndef make_map(*words): pass", "MAPS must be a tuple of one or more of"),
        ("MAPS = ()\ndef make_map(*words): pass", "MAPS must be a tuple of one or more of square"),
        ("MAPS = ('relu',)\nmake_map = 3", "make_map must be a function, got 3"),
    ],
)
def test_maps_that_break_the_contract(loaded, added, message):
    with pytest.raises((ValueError, backends.Unavailable), match=message):
        loaded(BARE + added)


def test_some_maps_are_enough(loaded):
    module = loaded(
        BARE + "MAPS = ('relu',)\ndef make_map(name, *words): return lambda row, x: (x, row)\n"
    )
    assert module.make_map("relu", "dense", "eager") is module.make_map("relu", "dense", "eager")
    with pytest.raises(ValueError, match="unknown map 'elu'; one of: relu"):
        module.make_map("elu", "dense", "eager")
