"""The sample of the atlas: what it contains, and whether a random one finds what it misses."""

import numpy as np
import pytest

from reference import maps, words
from reference.formats import FORMATS
from reference.maps import MAPS
from tests.map_checks import drawn, off


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("precision", words.DTYPES)
def test_a_sample_is_ordered_and_inside_and_has_all_sizes(name, precision):
    map, form = MAPS[name], FORMATS[precision]
    x = maps.sample(map, precision, 400)
    assert x.dtype == precision
    assert 300 <= len(x) <= 400
    assert (np.diff(x) > 0).all()
    low, high = map.domain
    assert ((x >= low) & (x <= high)).all()
    exponents = np.unique(np.frexp(x[x > 0])[1])
    assert exponents[0] < form.least
    assert exponents[-1] >= min(form.most, np.frexp(min(high, form.largest))[1] - 1)
    gaps = np.diff(exponents)
    assert gaps.max() <= (24 if precision == "float64" else 4)


@pytest.mark.parametrize("name", [name for name, m in MAPS.items() if m.kinks + m.zeros])
def test_a_sample_is_dense_at_kinks_and_zeros(name):
    x = maps.sample(MAPS[name], "float64", 600)
    for at in (at for at in MAPS[name].kinks + MAPS[name].zeros if at):
        for near in (1e-12, 1e-7, 1e-3, 0.3):
            close = abs(x - at) < near * abs(at)
            assert (x[close] < at).any()
            assert (x[close] > at).any()


@pytest.mark.parametrize("precision", words.DTYPES)
def test_special_numbers(precision):
    x, form = maps.special(MAPS["relu6"], precision), FORMATS[precision]
    assert x.dtype == precision
    assert np.isnan(x[-1])
    assert (np.diff(x[:-1]) >= 0).all()
    expected = [0, 1, 6, form.tiny, form.largest, np.inf, form.tiny / 4]
    assert {*expected, *(-n for n in expected if n != 6)} <= {*x.tolist()}
    assert sorted(np.signbit(x[x == 0])) == [False, True]
    six = np.array(6, precision)
    assert {np.nextafter(six, six - 1), np.nextafter(six, six + 1)} <= {*x}


def naive(x):
    """Maps and derivatives as people write them: each loses its digits somewhere."""
    t, s, e = np.tanh(x), 1 / (1 + np.exp(-x)), np.exp(x)
    softplus = np.log(1 + e)
    return {
        "tanh": (t, 1 - t * t),
        "sigmoid": (s, s * (1 - s)),
        "silu": (x * s, s + x * s * (1 - s)),
        "expm1": (e - 1, (e - 1) + 1),
        "softplus": (softplus, s),
        "log_sigmoid": (np.log(s), 1 - s),
        "elu": (np.where(x > 0, x, e - 1), np.where(x > 0, 1, (e - 1) + 1)),
        "mish": (
            x * np.tanh(softplus), np.tanh(softplus) + x * s * (1 - np.tanh(softplus) ** 2),
        ),
        "softsign": (x / (1 + abs(x)), 1 / (1 + abs(x)) - abs(x) / (1 + abs(x)) ** 2),
        "log_cosh": (np.log(np.cosh(x)), np.tanh(x)),
        "sinc": (np.sinc(x), (np.cos(np.pi * x) - np.sinc(x)) / x),
        "xlogx": (x * np.log(x), np.log(x) + 1),
    }  # fmt: skip


def worst(name, x):
    """The largest finite errors of the naive forms in ULP; at 2^53 no digit is left."""
    exact, form = maps.exact(name, x), FORMATS["float64"]
    with np.errstate(all="ignore"):
        value, derivative = naive(x)[name]
    found = (
        off(value, *exact[:2]) / form.ulp(exact.value),
        off(derivative, *exact[2:]) / form.ulp(exact.derivative),
    )
    return [min(max(1.0, np.max(error[np.isfinite(error)])), 2.0**53) for error in found]


@pytest.mark.slow
@pytest.mark.parametrize("name", naive(np.ones(1)))
def test_a_random_sample_finds_no_errors_that_the_sample_misses(name):
    """Ten times as many random numbers find at most one more of the 16 digits lost."""
    sampled = worst(name, maps.sample(MAPS[name], "float64", 600))
    found = worst(name, drawn(name, 6000, "float64"))
    print(name, [f"{size:.3g}" for size in (*sampled, *found)])
    assert all(own >= other / 16 for own, other in zip(sampled, found, strict=True))
