"""The elementwise maps in NumPy: the value, and the diagonal of the Jacobian written by hand.

Each function takes x (n,) in float64 and returns both (n,), within 4 ULP, in forms that keep their
digits: docs/maps.md derives them. At a kink the diagonal is the smaller one in size of both sides,
and 0 for abs. Outside its domain a map is nan, and so is its diagonal.
"""

import numpy as np

from backends import map_constants as c
from reference.words import BOUNDS, DELTA, TARGET

# --- what the maps share


def choose(x, condition, this, other):
    """Where a comparison decides, nan has to be kept."""
    return np.where(np.isnan(x), x, np.where(condition, this, other))


def size(x):
    """abs(x), at most 1e4: all tails are 0 there, and infinity times 0 would be nan."""
    return np.minimum(np.abs(x), 1e4)


def exp_in_two(y):
    """exp(y), y <= 0, as a product of two numbers that are not subnormal where exp(y) is."""
    far = y < -c.SHIFT
    return np.exp(np.where(far, y + c.SHIFT, y)), np.where(far, c.SHRUNK, 1.0)  # y + SHIFT is exact


def gauss_in_three(t, rate):
    """exp(-rate t^2), rate 1 or 1/2, as a (1 + b) u: t^2 rounded would lose up to ten bits."""
    high = t.astype(np.float32).astype(np.float64)  # its square is exact
    most, unit = exp_in_two(-rate * (high * high))
    return most, np.expm1(-rate * (t - high) * (t + high)), unit


def product(a, b):
    """A product and its rounding error: Dekker 1971, doi:10.1007/BF01397083."""
    a_high, b_high = a * 134217729.0, b * 134217729.0  # 2^27 + 1
    a_high, b_high = a_high - (a_high - a), b_high - (b_high - b)
    a_low, b_low, p = a - a_high, b - b_high, a * b
    return p, a_low * b_low - (p - a_high * b_high - a_low * b_high - a_high * b_low)


def total(a, b):
    """A sum and its rounding error: Knuth, The Art of Computer Programming 2, 4.2.2."""
    found = a + b
    from_b = found - a
    return found, (a - (found - from_b)) + (b - from_b)


def polynomial(coefficients, s):
    """The highest power comes first."""
    found = np.full_like(s, coefficients[0])
    for term in coefficients[1:]:
        found = found * s + term
    return found


def quotient(coefficients, s, zero):
    """(P(s) - P(zero)) / (s - zero) of a polynomial P: Horner's scheme for zero, and for s."""
    found, constant = np.zeros_like(s), coefficients[0]
    for term in coefficients[1:]:
        found = found * s + constant
        constant = constant * zero + term
    return found


def normal_tail(t, more):
    """(1 + more) Phi(-t) / exp(-t^2 / 2) for the normal distribution function Phi."""
    under, under_rest = total(t, 1.0)
    s = (t - 4) / (t + 4)
    first, rest = c.MILLS[-1], s * polynomial(c.MILLS[:-1], s)
    return (first + (rest + (first + rest) * (more - under_rest / under))) / under


def square_of_one_plus(e):
    """(1 + e)^2 with one rounding if e is small, instead of three."""
    return 1 + e * (2 + e)


# --- elementary functions


def square(x):
    return x * x, 2 * x


def reciprocal(x):
    inverse = 1 / x
    return inverse, -(inverse * inverse)


def sqrt(x):
    root = np.sqrt(x)
    return root, 0.5 / np.abs(root)


def exp(x):
    e = np.exp(x)
    return e, e


def expm1(x):
    return np.expm1(x), np.exp(x)


def log(x):
    return np.log(x), np.where(x < 0, np.nan, 1 / np.abs(x))


def log1p(x):
    return np.log1p(x), np.where(x < -1, np.nan, 1 / (1 + x))


def sin(x):
    return np.sin(x), np.cos(x)


def cos(x):
    return np.cos(x), -np.sin(x)


def tanh(x):
    e = np.exp(-2 * np.abs(x))
    return np.tanh(x), 4 * e / square_of_one_plus(e)


def atan(x):
    inverse = 1 / x
    return np.arctan(x), np.where(np.abs(x) < 2.0**30, 1 / (1 + x * x), inverse * inverse)


def erf(x):
    t = size(x)
    most, more, unit = gauss_in_three(t, 1.0)
    far = np.copysign(1 - 2 * normal_tail(c.ROOT_2 * t, more) * most * unit, x)
    value = np.where(t < 0.7, x * polynomial(c.ERF, t * t), far)
    return value, (c.TWICE_PER_ROOT_PI + c.TWICE_PER_ROOT_PI * more) * most * unit


# --- smooth activations


def sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e), e / square_of_one_plus(e)


def softplus(x):
    e = np.exp(-np.abs(x))
    return np.maximum(x, 0) + np.log1p(e), np.where(x < 0, e, 1) / (1 + e)


def log_sigmoid(x):
    value, diagonal = softplus(-x)
    return -value, diagonal


def elu(x):
    below = np.minimum(x, 0)
    return np.where(x > 0, x, np.expm1(below)), np.exp(below)


def selu(x):
    below = np.minimum(x, 0)
    value = np.where(x > 0, c.SELU_SCALE * x, c.SELU_TAIL * np.expm1(below))
    return value, np.where(x >= 0, c.SELU_SCALE, c.SELU_TAIL * np.exp(below))


def gelu_erf(x):
    """Phi(-t) = polynomial / (t + 1) * exp(-t^2 / 2); near 0 Phi is 1/2 + erf(x / sqrt(2)) / 2."""
    t = size(x)
    most, more, unit = gauss_in_three(t, 0.5)
    tail = normal_tail(t, more)
    density, rest = product(t, np.full_like(t, c.K))
    rest += density * more + t * c.K_REST
    d = -t - c.GELU_ERF
    share = 8 * quotient(c.MILLS, (t - 4) / (t + 4), c.GELU_ERF_S) / ((t + 4) * (4 - c.GELU_ERF))
    growth, growth_rest = total(c.K, (-c.K * c.GELU_ERF - share) / (1 + t))
    near = growth * d  # (Phi(-t) - density) / exp(-t^2 / 2) from its zero
    near_rest = d * (growth_rest + c.K_REST) - growth * c.GELU_ERF_REST
    near += near_rest + (near + near_rest) * more
    slope_below = np.where(t < 1.5, near, (tail - density) - rest) * most * unit
    near_0 = 0.5 + x * (c.ROOT_HALF / 2) * polynomial(c.ERF, t * t / 2)
    phi = np.where(x < 1, near_0, 1 - tail * most * unit)
    slope = phi + np.copysign(density + rest, x) * most * unit
    is_below = x < -0.25
    value = np.where(is_below, -t * tail * most * unit, x * phi)
    return value, choose(x, is_below, slope_below, slope)


def gelu_tanh(x):
    """X sigmoid(v), v = A x + B x^3 in two parts: exp(v) multiplies v's relative error by v."""
    t = size(x)
    p, p_rest = product(t, t)
    q, q_rest = product(np.full_like(p, c.B), p)
    w, w_rest = total(c.A, q)
    v, v_rest = product(t, w)
    v_rest += t * (w_rest + (c.A_REST + (q_rest + c.B * p_rest + c.B_REST * p)))
    most, unit = exp_in_two(-v)
    e = most * unit
    growth, rest = total(v, 2 * t * q)  # x v'
    under, under_rest = total(1.0, e * (2 + e))  # (1 + e)^2
    off = v_rest + under_rest / under
    far = 1 - growth
    below = far + (e - (rest + v_rest) - e * v_rest - (far + e) * off)  # 1 + x v' + exp(v)
    d = -t - c.GELU_TANH
    squares = p - t * c.GELU_TANH + c.GELU_TANH * c.GELU_TANH
    line, line_rest = total(c.A, 3 * c.B * squares)
    near = line * d  # the same from its zero: the difference of x v', and that of exp(v)
    more = c.GELU_TANH_EXP * np.expm1((d - c.GELU_TANH_REST) * (c.A + c.B * squares))
    near += more + d * (line_rest + c.A_REST) - line * c.GELU_TANH_REST - (near + more) * off
    slope_below = np.where((t > 0.5) & (t < 1.2), near, below) * most * unit
    slope = choose(x, x < 0, slope_below, 1 + e + growth * e) / under
    return np.where(x < 0, -(t - t * v_rest) * most / (1 + e) * unit, x / (1 + e)), slope


def silu(x):
    t = size(x)
    most, unit = exp_in_two(-t)
    e = most * unit
    under, rest = total(1.0, e * (2 + e))  # (1 + e)^2
    d = (-t - c.SILU) - c.SILU_REST
    near = d + c.SILU_EXP * np.expm1(d)  # 1 + x + exp(x) from its zero
    slope_below = np.where((t > 0.5) & (t < 2), near, (1 - t) + e)
    slope_below = (slope_below - slope_below * (rest / under)) * most * unit
    slope = choose(x, x < 0, slope_below, 1 + e + t * e) / under
    return np.where(x < 0, -t * most / (1 + e) * unit, x / (1 + e)), slope


def mish(x):
    """With e = exp(-abs(x)): x (1 + 2 e) / (1 + 2 e + 2 e^2) above 0, x e (e + 2) / (...) below."""
    t = size(x)
    most, unit = exp_in_two(-t)
    e = most * unit
    below = 2 + e * (2 + e)
    under, under_rest = total(4.0, e * (8 + e * (8 + e * (4 + e))))
    off = under_rest / under
    far, rest = total(4 * (1 - t), e * (6 - 4 * t + e * (4 + e)))
    d = -t - c.MISH
    g = c.MISH_EXP * np.expm1(d - c.MISH_REST)  # e - MISH_EXP
    near = 4 * (1 + c.MISH_EXP) * d  # 4 (1 + x) + e (6 + 4 x + e (4 + e)) from its zero
    near_rest = g * (e * (e + c.MISH_EXP + 4) + c.MISH_EXP * (c.MISH_EXP + 4) + 6 - 4 * t)
    near_rest -= 4 * (1 + c.MISH_EXP) * c.MISH_REST + (near + near_rest) * off
    omega = np.where((t > 0.8) & (t < 1.5), near + near_rest, far + (rest - far * off))
    slope_below = omega * most * unit / under
    slope = 1 + e * (4 + e * (6 + 4 * t + e * (4 + 4 * t)))
    slope /= 1 + e * (4 + e * (8 + e * (8 + 4 * e)))
    above = x * ((1 + 2 * e) / (1 + e * (2 + 2 * e)))
    value = np.where(x < 0, -t * most * (e + 2) / below * unit, above)
    return value, choose(x, x < 0, slope_below, slope)


def softsign(x):
    t = np.abs(x)
    inverse = 1 / (1 + t)
    value = np.where(t < 1, x * inverse, np.copysign(1 / (1 + 1 / t), x))
    return value, np.where(t < 2.0**60, 1 / square_of_one_plus(t), inverse * inverse)


def sinc(x):
    """Sin and cos of pi x from its exact distance to the nearest integer; a series near 0."""
    n = np.rint(x)
    r, sign = x - n, 1 - 2 * np.mod(n, 2)
    y = np.pi * x
    value = np.where(x == 0, 1, sign * np.sin(np.pi * r) / y)
    far = (sign * np.sin(np.pi * (0.5 - np.abs(r))) - value) / x
    near = -(np.pi**2 / 3) * x * polynomial(c.SINC, y * y)
    ends = np.isinf(x)
    return np.where(ends, 0, value), np.where(ends, 0, np.where(np.abs(x) < 0.5, near, far))


def log_cosh(x):
    t = np.abs(x)
    square = np.minimum(t, 1) ** 2
    far = t + (np.log1p(np.exp(-2 * t)) - c.LOG2)
    return np.where(t < 0.75, np.log1p(square * polynomial(c.COSH, square)), far), np.tanh(x)


def xlogx(x):
    """log(x) + 1 is log1p(e (x - 1/e)), which keeps its digits near the zero at 1/e."""
    near = np.log1p(np.e * ((x - c.PER_E) - c.PER_E_REST))
    log_x = np.log(np.abs(x))
    value = np.where(x == 0, 0, x * log_x)
    slope = np.where(np.abs(x - c.PER_E) < 0.2, near, log_x + 1)
    return np.where(x < 0, np.nan, value), np.where(x < 0, np.nan, slope)


# --- maps with kinks


def softplus_threshold(x):
    value, diagonal = softplus(x)
    return np.where(x > 20, x, value), np.where(x > 20, 1, diagonal)


def relu(x):
    return np.maximum(x, 0), choose(x, x > 0, 1.0, 0.0)


def relu6(x):
    return np.clip(x, 0, 6), choose(x, (x > 0) & (x < 6), 1.0, 0.0)


def leaky_relu(x):
    return np.where(x > 0, x, 0.01 * x), choose(x, x > 0, 1.0, 0.01)


def clip(x):
    low, high = BOUNDS
    return np.clip(x, low, high), choose(x, (x > low) & (x < high), 1.0, 0.0)


def hard_sigmoid(x):
    return np.clip(x + 3, 0, 6) / 6, choose(x, np.abs(x) < 3, 1 / 6, 0.0)


def hard_sigmoid_keras(x):
    return np.clip(x + 2.5, 0, 5) / 5, choose(x, np.abs(x) < 2.5, 0.2, 0.0)


def hard_swish(x):
    value = choose(x, x > -3, x * (np.clip(x + 3, 0, 6) / 6), 0.0)
    return value, choose(x, np.abs(x) < 3, (2 * x + 3) / 6, np.where(x > 0, 1.0, 0.0))


def absolute(x):
    return np.abs(x), np.sign(x)


# --- losses of a prediction


def squared_error(x):
    residual = x - TARGET
    return residual * residual, 2 * residual


def cross_entropy_0(x):
    outside = (x < 0) | (x > 1)
    return np.where(outside, np.nan, -np.log1p(-x)), np.where(outside, np.nan, 1 / (1 - x))


def cross_entropy_1(x):
    outside = (x < 0) | (x > 1)
    return np.where(outside, np.nan, -np.log(x)), np.where(outside, np.nan, -1 / np.abs(x))


def logit_cross_entropy_1(x):
    value, diagonal = softplus(-x)
    return value, -diagonal


def hinge(x):
    return np.maximum(1 - x, 0), choose(x, x < 1, -1.0, 0.0)


def huber(x):
    residual = x - TARGET
    far = np.where(residual > 0, x - (TARGET + DELTA / 2), (TARGET - DELTA / 2) - x)
    value = np.where(np.abs(residual) <= DELTA, residual * residual / 2, DELTA * far)
    return value, np.clip(residual, -DELTA, DELTA)


# --- all of them


FUNCTIONS = {
    "square": square, "reciprocal": reciprocal, "sqrt": sqrt, "exp": exp, "expm1": expm1,
    "log": log, "log1p": log1p, "sin": sin, "cos": cos, "tanh": tanh, "atan": atan, "erf": erf,
    "sigmoid": sigmoid, "log_sigmoid": log_sigmoid, "softplus": softplus,
    "softplus_threshold": softplus_threshold, "relu": relu, "relu6": relu6,
    "leaky_relu": leaky_relu, "elu": elu, "celu": elu, "selu": selu, "gelu_erf": gelu_erf,
    "gelu_tanh": gelu_tanh, "silu": silu, "mish": mish, "hard_tanh": clip,
    "hard_sigmoid": hard_sigmoid, "hard_sigmoid_keras": hard_sigmoid_keras,
    "hard_swish": hard_swish, "softsign": softsign, "abs": absolute, "clip": clip,
    "maximum_zero": relu, "sinc": sinc, "log_cosh": log_cosh, "xlogx": xlogx,
    "squared_error": squared_error, "cross_entropy_0": cross_entropy_0,
    "cross_entropy_1": cross_entropy_1, "logit_cross_entropy_0": softplus,
    "logit_cross_entropy_1": logit_cross_entropy_1, "hinge": hinge, "huber": huber,
}  # fmt: skip
