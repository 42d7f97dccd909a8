"""The catalog of elementwise maps: value and derivative of each in mpmath, and where they are hard.

A map is a function of one variable, so its Jacobian on an array is diagonal. Parameters and targets
are fixed here and are decimal numbers, not rounded ones. The formulas keep their digits for any
argument at any precision: no difference of nearly equal numbers except at a zero of the result.

At a kink `exact` gives a derivative of nan: there is none. A finite end of a domain belongs to it.
"""

from collections.abc import Callable
from math import copysign, inf, nan
from typing import Any, NamedTuple

import numpy as np
from mpmath import mp

from reference.sample import sample, special
from reference.words import BOUNDS, DELTA, TARGET, check_name
from reference.words import MAPS as NAMES

__all__ = [
    "BOUNDS", "DELTA", "MAPS", "TARGET", "Exact", "Map", "exact", "larger_term", "near_zero",
    "sample", "special",
]  # fmt: skip

BITS = 200  # 50 are left where a float64 comes as near to a zero of a derivative as it can
FAR = 2.0**40  # mpmath's erfc fails near 1e155; the series' second term is beyond 160 bits here
HUGE, HUGER = mp.mpf(2) ** 2100, mp.mpf(2) ** 2200  # beyond every float64 and their products


class Map(NamedTuple):
    """An elementwise map; value and derivative take and return mpmath numbers.

    domain:    closed; inf allowed
    kinks:     where the derivative, or for softplus_threshold the value, jumps
    switches:  where implementations usually change their formula: to be sampled densely
    zeros:     where the derivative passes zero since two terms cancel; sinc' has one near every
               n + 1/2, and the first are here
    term:      one of these two terms, of x (n,), roughly
    bound:     where the textbook's derivative may be off by more than 4 ULP, by how much, and why
    """

    name: str
    formula: str
    value: Callable[[Any], Any]
    derivative: Callable[[Any], Any]
    source: str
    domain: tuple[float, float] = (-inf, inf)
    kinks: tuple[float, ...] = ()
    switches: tuple[float, ...] = ()
    zeros: tuple[float, ...] = ()
    term: Callable[[np.ndarray], np.ndarray] | None = None
    bound: str = ""


class Exact(NamedTuple):
    """Value and derivative, each as the nearest float64 and what that leaves, all (n,) float64.

    Both together have 106 bits, fewer below 1e-292: a remainder below the smallest float64 is 0.
    """

    value: np.ndarray
    value_rest: np.ndarray
    derivative: np.ndarray
    derivative_rest: np.ndarray


def exact(map: str | Map, x: np.ndarray) -> Exact:
    """Value and derivative at the numbers x (n,), of any float dtype, which are taken as exact.

    nan outside the domain and where neither a value nor a limit exists; at +-inf and where a
    formula gives no number the limit; -0 is a zero below 0. Raises ValueError for an unknown name.
    """
    if isinstance(map, str):
        check_name("map", map, tuple(MAPS))
        map = MAPS[map]
    with mp.workprec(BITS):
        rows = [_exact(map, number) for number in np.asarray(x, np.float64).tolist()]
    return Exact(*np.array(rows, np.float64).reshape(-1, 4).T)


def larger_term(map: Map, x: np.ndarray, derivative: np.ndarray) -> np.ndarray:
    """The size of the larger of the two terms of a derivative (n,), 0 for a map without terms."""
    if map.term is None:
        return np.zeros(len(x))
    with np.errstate(all="ignore"):  # x may be infinite, the derivative nan
        one = map.term(x)
        return np.maximum(np.abs(one), np.abs(derivative - one))


def near_zero(map: Map, quantity: str, x: float) -> bool:
    """Whether the two terms of a derivative cancel at x to less than half of the larger one."""
    if quantity != "derivative" or map.term is None:
        return False
    at = np.array([x])
    derivative = exact(map, at).derivative
    return bool(np.abs(derivative[0]) < larger_term(map, at, derivative)[0] / 2)


def _exact(map: Map, x: float) -> tuple[float, float, float, float]:
    low, high = map.domain
    if not low <= x <= high:  # nan too
        return (nan,) * 4
    derivative = (nan,) * 2 if x in map.kinks else _pair(_at(map.derivative, x, map.domain))
    return *_pair(_at(map.value, x, map.domain)), *derivative


def _at(function: Callable[[Any], Any], x: float, domain: tuple[float, float]) -> Any:
    """The function at x, or its limit there if the formula gives no number."""
    try:
        found = function(mp.mpf(x))
    except (ZeroDivisionError, ValueError):
        found = mp.nan
    return _limit(function, x, domain) if mp.isnan(found) else found


def _limit(function: Callable[[Any], Any], x: float, domain: tuple[float, float]) -> Any:
    """What the function has at numbers extremely near x, if all of them round to one float64."""
    if abs(x) == inf:
        near = [mp.sign(x) * far for far in (HUGE, HUGER)]
    else:
        near = [mp.fadd(x, s / far, exact=True) for s in _sides(x, domain) for far in (HUGE, HUGER)]
    found = [function(number) for number in near]
    return found[0] if len({float(number) for number in found}) == 1 else mp.nan


def _sides(x: float, domain: tuple[float, float]) -> list[int]:
    """Where the limit is taken: below, above or both; at a zero inside, on the side of its sign."""
    if x == 0 and domain[0] < 0 < domain[1]:
        return [int(copysign(1, x))]
    return [-1] * (x > domain[0]) + [1] * (x < domain[1])


def _pair(number: Any) -> tuple[float, float]:
    high = float(number)
    return high, float(number - high) if abs(high) < inf else 0.0


# --- formulas that are used more than once or need more than a line


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def _sigmoid_slope(x: Any) -> Any:
    return 1 / (2 + mp.exp(x) + mp.exp(-x))


def _softplus(x: Any) -> Any:
    return mp.log1p(mp.exp(x))


def _normal(x: Any) -> Any:
    """The density of the normal distribution."""
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def _normal_up_to(x: Any) -> Any:
    """Its distribution function; erfc keeps the digits of the tail, and is quicker than ncdf."""
    t = -x / mp.sqrt(2)
    if t < FAR:
        return mp.erfc(t) / 2
    return mp.exp(-t * t) / (2 * t * mp.sqrt(mp.pi)) * (1 - 1 / (2 * t * t))  # DLMF 7.12.1


def _clip(x: Any) -> Any:
    return min(max(x, mp.mpf(BOUNDS[0])), mp.mpf(BOUNDS[1]))


def _relu6(x: Any) -> Any:
    return min(max(x, mp.zero), mp.mpf(6))


def _inside(x: Any, low: float, high: float, slope: Any) -> Any:
    return slope if low < x < high else mp.zero


def _tanh_argument(x: Any) -> tuple[Any, Any]:
    """2 u and 2 x u' of gelu_tanh, u = sqrt(2 / pi) (x + 0.044715 x^3)."""
    scale, cube = mp.sqrt(8 / mp.pi), x**3 * 44715 / 10**6
    return scale * (x + cube), scale * (x + 3 * cube)


def _gelu_tanh(x: Any) -> Any:
    return x * _sigmoid(_tanh_argument(x)[0])  # 1 + tanh(u) = 2 sigmoid(2 u)


def _gelu_tanh_slope(x: Any) -> Any:
    twice, growth = _tanh_argument(x)
    return _sigmoid(twice) + growth * _sigmoid_slope(twice)


def _mish(x: Any) -> Any:
    w = mp.exp(x)
    n = w * (w + 2)
    return x * n / (n + 2)  # tanh(log(1 + w)) = n / (n + 2)


def _mish_slope(x: Any) -> Any:
    w = mp.exp(x)
    n = w * (w + 2)
    return n / (n + 2) + 4 * x * w * (1 + w) / (n + 2) ** 2


def _selu_scale() -> Any:
    return mp.mpf(10507009873554804934193349852946) / 10**31


def _selu_tail() -> Any:
    """The scale times alpha."""
    return _selu_scale() * 16732632423543772848170429916717 / 10**31


def _sinc_slope(x: Any) -> Any:
    """-pi j1(pi x) near 0, with j1(y) = y / 3 0F1(5/2, -y^2 / 4): DLMF 10.53 and 10.16.9."""
    if abs(x) < 1:
        return -(mp.pi**2) * x / 3 * mp.hyp0f1(mp.mpf(5) / 2, -((mp.pi * x) ** 2) / 4)
    return (mp.cospi(x) - mp.sincpi(x)) / x


def _huber(x: Any) -> Any:
    far = abs(x - TARGET)
    return far * far / 2 if far <= DELTA else DELTA * (far - mp.mpf(DELTA) / 2)


def _logistic(x: np.ndarray) -> np.ndarray:
    """In float64, for terms."""
    return 1 / (1 + np.exp(-x))


def _gelu_term(x: np.ndarray) -> np.ndarray:
    """The density times x; the other one is the distribution function."""
    return x * np.exp(-x * x / 2) / np.sqrt(2 * np.pi)


def _sinc_term(x: np.ndarray) -> np.ndarray:
    """sinc(x) / -x from the first n + 1/2 on; nearer to 0 a series is used, without these terms."""
    return np.where(abs(x) < 1, 0, -np.sinc(x) / np.where(x == 0, 1, x))


# --- the catalog

TORCH = "https://docs.pytorch.org/docs/stable/generated/torch.nn."
DLMF = "https://dlmf.nist.gov/"
ARXIV = "https://arxiv.org/abs/"
POSITIVE, PROBABILITY = (0.0, inf), (0.0, 1.0)
# The first zeros of sinc', where tan(pi x) = pi x.
SINC_ZEROS = (1.4302966531242027, 2.459024032956761, 3.47088972434702)

_ALL = (
    Map("square", "x^2", lambda x: x * x, lambda x: 2 * x, DLMF + "1.1"),
    Map("reciprocal", "1/x", lambda x: 1 / x, lambda x: -1 / x**2, DLMF + "1.1"),
    Map("sqrt", "sqrt(x)", mp.sqrt, lambda x: 1 / (2 * mp.sqrt(x)), DLMF + "4.2", POSITIVE),
    Map("exp", "exp(x)", mp.exp, mp.exp, DLMF + "4.2"),
    Map("expm1", "exp(x) - 1", mp.expm1, mp.exp, DLMF + "4.2"),
    Map("log", "log(x)", mp.log, lambda x: 1 / x, DLMF + "4.2", POSITIVE),
    Map("log1p", "log(1 + x)", mp.log1p, lambda x: 1 / (1 + x), DLMF + "4.2", (-1.0, inf)),
    Map("sin", "sin(x)", mp.sin, mp.cos, DLMF + "4.14"),
    Map("cos", "cos(x)", mp.cos, lambda x: -mp.sin(x), DLMF + "4.14"),
    Map("tanh", "tanh(x)", mp.tanh, lambda x: mp.sech(x) ** 2, DLMF + "4.28"),
    Map("atan", "atan(x)", mp.atan, lambda x: 1 / (1 + x * x), DLMF + "4.23"),
    Map(
        "erf", "2/sqrt(pi) int_0^x exp(-t^2) dt",
        mp.erf, lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x), DLMF + "7.2",
    ),
    Map("sigmoid", "1 / (1 + exp(-x))", _sigmoid, _sigmoid_slope, TORCH + "Sigmoid.html"),
    Map(
        "log_sigmoid", "-log(1 + exp(-x))",
        lambda x: -_softplus(-x), lambda x: _sigmoid(-x), TORCH + "LogSigmoid.html",
    ),
    Map("softplus", "log(1 + exp(x))", _softplus, _sigmoid, TORCH + "Softplus.html",
        switches=(20.0,)),
    Map(
        "softplus_threshold", "log(1 + exp(x)) for x <= 20, then x",
        lambda x: x if x > 20 else _softplus(x), lambda x: mp.one if x > 20 else _sigmoid(x),
        TORCH + "Softplus.html", kinks=(20.0,),
    ),
    Map(
        "relu", "max(x, 0)",
        lambda x: max(x, mp.zero), lambda x: mp.mpf(x > 0), TORCH + "ReLU.html",
        kinks=(0.0,),
    ),
    Map(
        "relu6", "min(max(x, 0), 6)",
        _relu6, lambda x: _inside(x, 0, 6, mp.one), TORCH + "ReLU6.html", kinks=(0.0, 6.0),
    ),
    Map(
        "leaky_relu", "x for x > 0, else 0.01 x",
        lambda x: x if x > 0 else x / 100, lambda x: mp.one if x > 0 else mp.one / 100,
        TORCH + "LeakyReLU.html", kinks=(0.0,),
    ),
    Map(
        "elu", "x for x > 0, else exp(x) - 1",
        lambda x: x if x > 0 else mp.expm1(x), lambda x: mp.one if x > 0 else mp.exp(x),
        ARXIV + "1511.07289",
    ),
    Map(
        "celu", "x for x > 0, else exp(x) - 1",
        lambda x: x if x > 0 else mp.expm1(x), lambda x: mp.one if x > 0 else mp.exp(x),
        ARXIV + "1704.07483",
    ),
    Map(
        "selu", "s x for x > 0, else s a (exp(x) - 1), s = 1.0507..., a = 1.6732...",
        lambda x: _selu_scale() * x if x > 0 else _selu_tail() * mp.expm1(x),
        lambda x: _selu_scale() if x > 0 else _selu_tail() * mp.exp(x),
        ARXIV + "1706.02515", kinks=(0.0,),
    ),
    Map(
        "gelu_erf", "x (1 + erf(x / sqrt(2))) / 2",
        lambda x: x * _normal_up_to(x), lambda x: _normal_up_to(x) + x * _normal(x),
        ARXIV + "1606.08415", zeros=(-0.7517915246935645,), term=_gelu_term,
    ),
    Map(
        "gelu_tanh", "x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2",
        _gelu_tanh, _gelu_tanh_slope, ARXIV + "1606.08415", zeros=(-0.7524614220710163,),
        term=lambda x: _logistic(np.sqrt(8 / np.pi) * (x + 0.044715 * x**3)),
    ),
    Map(
        "silu", "x / (1 + exp(-x))",
        lambda x: x * _sigmoid(x), lambda x: _sigmoid(x) + x * _sigmoid_slope(x),
        ARXIV + "1702.03118", zeros=(-1.2784645427610737,), term=_logistic,
    ),
    Map(
        "mish", "x tanh(log(1 + exp(x)))",
        _mish, _mish_slope, ARXIV + "1908.08681", switches=(20.0,),
        zeros=(-1.1924312145154952,), term=lambda x: np.tanh(np.log1p(np.exp(x))),
    ),
    Map(
        "hard_tanh", "min(max(x, -1), 1)",
        _clip, lambda x: _inside(x, *BOUNDS, mp.one),
        TORCH + "Hardtanh.html", kinks=BOUNDS,
    ),
    Map(
        "hard_sigmoid", "min(max(x + 3, 0), 6) / 6",
        lambda x: _relu6(x + 3) / 6, lambda x: _inside(x, -3, 3, mp.one / 6),
        TORCH + "Hardsigmoid.html", kinks=(-3.0, 3.0),
    ),
    Map(
        "hard_sigmoid_keras", "min(max(0.2 x + 0.5, 0), 1), of Keras before version 3 and of ONNX",
        lambda x: min(max((2 * x + 5) / 10, mp.zero), mp.one),
        lambda x: _inside(x, -2.5, 2.5, mp.one / 5),
        "https://onnx.ai/onnx/operators/onnx__HardSigmoid.html", kinks=(-2.5, 2.5),
    ),
    Map(
        "hard_swish", "x min(max(x + 3, 0), 6) / 6",
        lambda x: x * _relu6(x + 3) / 6,
        lambda x: mp.one if x > 3 else _inside(x, -3, 3, (2 * x + 3) / 6),
        ARXIV + "1905.02244", kinks=(-3.0, 3.0), zeros=(-1.5,),
        term=lambda x: np.where(abs(x) < 3, 0.5, 0),
    ),
    Map(
        "softsign", "x / (1 + abs(x))",
        lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2, TORCH + "Softsign.html",
    ),
    Map(
        "abs", "abs(x)", abs, mp.sign, "https://numpy.org/doc/stable/reference/generated/numpy."
        "absolute.html", kinks=(0.0,),
    ),
    Map(
        "clip", "min(max(x, -1), 1)",
        _clip, lambda x: _inside(x, *BOUNDS, mp.one),
        "https://numpy.org/doc/stable/reference/generated/numpy.clip.html", kinks=BOUNDS,
    ),
    Map(
        "maximum_zero", "max(x, 0)",
        lambda x: max(x, mp.zero), lambda x: mp.mpf(x > 0),
        "https://numpy.org/doc/stable/reference/generated/numpy.maximum.html", kinks=(0.0,),
    ),
    Map(
        "sinc", "sin(pi x) / (pi x)", mp.sincpi, _sinc_slope,
        "https://numpy.org/doc/stable/reference/generated/numpy.sinc.html",
        zeros=(*(-z for z in SINC_ZEROS), *SINC_ZEROS), term=_sinc_term,
        bound="4 ULP of the larger of cos(pi x) and sinc(x), over x, where it is larger than the "
        "derivative: each of its infinitely many zeros would need its own constants",
    ),
    Map(
        "log_cosh", "log(cosh(x))",
        lambda x: mp.log1p(2 * mp.sinh(x / 2) ** 2), mp.tanh,
        "https://optax.readthedocs.io/en/latest/api/losses.html",
    ),
    Map(
        "xlogx", "x log(x), 0 at 0",
        lambda x: x * mp.log(x), lambda x: mp.log(x) + 1,
        "https://docs.scipy.org/doc/scipy/reference/generated/scipy.special.xlogy.html",
        POSITIVE, switches=(1.0,), zeros=(0.36787944117144233,), term=np.ones_like,
    ),
    Map(
        "squared_error", "(x - 1)^2",
        lambda x: (x - TARGET) ** 2, lambda x: 2 * (x - TARGET), TORCH + "MSELoss.html",
        switches=(TARGET,),
    ),
    Map(
        "cross_entropy_0", "-log(1 - x)",
        lambda x: -mp.log1p(-x), lambda x: 1 / (1 - x), TORCH + "BCELoss.html", PROBABILITY,
    ),
    Map(
        "cross_entropy_1", "-log(x)",
        lambda x: -mp.log(x), lambda x: -1 / x, TORCH + "BCELoss.html", PROBABILITY,
    ),
    Map(
        "logit_cross_entropy_0", "log(1 + exp(x))",
        _softplus, _sigmoid, TORCH + "BCEWithLogitsLoss.html", switches=(20.0,),
    ),
    Map(
        "logit_cross_entropy_1", "log(1 + exp(-x))",
        lambda x: _softplus(-x), lambda x: -_sigmoid(-x), TORCH + "BCEWithLogitsLoss.html",
    ),
    Map(
        "hinge", "max(1 - x, 0)",
        lambda x: max(1 - x, mp.zero), lambda x: -mp.one if x < 1 else mp.zero,
        "https://scikit-learn.org/stable/modules/generated/sklearn.metrics.hinge_loss.html",
        kinks=(1.0,),
    ),
    Map(
        "huber", "(x - 1)^2 / 2 for abs(x - 1) <= 1, else abs(x - 1) - 1/2",
        _huber, lambda x: min(max(x - TARGET, mp.mpf(-DELTA)), mp.mpf(DELTA)),
        TORCH + "HuberLoss.html", switches=(TARGET - DELTA, TARGET, TARGET + DELTA),
    ),
)  # fmt: skip


_BY_NAME = {map.name: map for map in _ALL}
MAPS: dict[str, Map] = {name: _BY_NAME[name] for name in NAMES}
