"""The numbers of the hand-written maps, computed again in mpmath."""

import numpy as np
from mpmath import mp

from backends import map_constants
from reference.maps import MAPS

BITS = 200


def in_two(number):
    high = float(number)
    return high, float(number - high)


def solved(name):
    """The zero of a derivative, to all bits."""
    return mp.findroot(MAPS[name].derivative, MAPS[name].zeros[0])


def numbers():
    """What the numbers of backends/map_constants.py are meant to be."""
    silu, mish, gelu, z = (solved(name) for name in ("silu", "mish", "gelu_tanh", "gelu_erf"))
    a = 2 * mp.sqrt(2 / mp.pi)
    b = a * mp.mpf("0.044715")
    scale = mp.mpf("1.0507009873554804934193349852946")
    return {
        "LOG2": mp.log(2), "ROOT_2": mp.sqrt(2), "ROOT_HALF": mp.sqrt(0.5),
        "K": 1 / mp.sqrt(2 * mp.pi), "TWICE_PER_ROOT_PI": 2 / mp.sqrt(mp.pi),
        "SELU_SCALE": scale, "SELU_TAIL": scale * mp.mpf("1.6732632423543772848170429916717"),
        "SHIFT": 37, "SHRUNK": mp.exp(-37), "PER_E": mp.exp(-1), "SILU": silu,
        "SILU_EXP": mp.exp(silu), "MISH": mish, "MISH_EXP": mp.exp(mish), "GELU_TANH": gelu,
        "GELU_TANH_EXP": mp.exp(a * gelu + b * gelu**3), "A": a, "B": b, "GELU_ERF": z,
        "GELU_ERF_S": (-z - 4) / (-z + 4),
    }  # fmt: skip


def tail_series(terms, nodes=128):
    """The Chebyshev series of (t + 1) Phi(-t) / exp(-t^2 / 2), as powers of (t - 4) / (t + 4)."""

    def function(s):
        t = 4 * (1 + s) / (1 - s)
        return (t + 1) * mp.exp(t * t / 2) * mp.erfc(t / mp.sqrt(2)) / 2

    angles = [mp.pi * (k + mp.mpf(1) / 2) / nodes for k in range(nodes)]
    values = [function(mp.cos(angle)) for angle in angles]
    series = [
        mp.fdot(values, [mp.cos(j * angle) for angle in angles]) * (2 if j else 1) / nodes
        for j in range(terms)
    ]
    powers, before, found = [mp.mpf(1)], [mp.mpf(0), mp.mpf(1)], [mp.mpf(0)] * terms  # T0, T1
    for size in series:
        for k, coefficient in enumerate(powers):
            found[k] += size * coefficient
        twice = [mp.mpf(0), *(2 * coefficient for coefficient in before)]
        powers, before = (
            before,
            [one - other for one, other in zip(twice, powers + [0] * terms, strict=False)],
        )
    return found[::-1]


def power_series(name, terms):
    """The coefficients of these series, the highest power first."""
    coefficient = {
        "ERF": lambda k: 2 / mp.sqrt(mp.pi) * (-1) ** k / (mp.factorial(k) * (2 * k + 1)),
        "SINC": lambda k: 6 * mp.mpf(-1) ** k * (k + 1) / mp.factorial(2 * k + 3),
        "COSH": lambda k: 1 / mp.factorial(2 * k + 2),
    }[name]
    return [coefficient(k) for k in range(terms - 1, -1, -1)]


def wrong_numbers(module):
    """The names of what is not the nearest number in a module of constants."""
    with mp.workprec(BITS):
        expected = {name: float(number) for name, number in numbers().items()}
        rests = {f"{n}_REST": in_two(number)[1] for n, number in numbers().items()}
        expected |= {name: rest for name, rest in rests.items() if hasattr(module, name)}
        expected["MILLS"] = tuple(map(float, tail_series(len(module.MILLS))))
        for name, terms in (("ERF", 15), ("SINC", 11), ("COSH", 9)):
            expected[name] = tuple(map(float, power_series(name, terms)))
    return [n for n, number in expected.items() if differs(n, getattr(module, n), number)]


def differs(name, found, expected):
    """Coefficients of power series are quotients of rounded numbers; all others are the nearest."""
    one, other = np.atleast_1d(found), np.atleast_1d(expected)
    allowed = 2 * np.spacing(abs(other)) if name != "MILLS" and len(one) > 1 else 0
    return one.shape != other.shape or bool((abs(one - other) > allowed).any())


def test_numbers_are_the_nearest_ones():
    assert wrong_numbers(map_constants) == []
    named = {name for name in vars(map_constants) if name.isupper()}
    with mp.workprec(BITS):
        assert named == {*numbers(), "MILLS", "ERF", "SINC", "COSH"} | {
            name for name in named if name.endswith("_REST")
        }
