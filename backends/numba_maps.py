"""The elementwise maps in Numba: the formulas of numpy_maps.py, number by number.

Each function takes x (n,) in float64 and writes the value and the diagonal of the Jacobian, both
(n,), in one loop that names its callees: Numba's disk cache wants that. Where NumPy computes both
sides of a condition and takes one, only that one is computed here.
"""

from functools import partial

import numpy as np
from numba import njit

from backends import map_constants as c
from reference.words import BOUNDS, DELTA, TARGET

LOW, HIGH = BOUNDS

compiled = partial(njit, cache=True, error_model="numpy")  # 1/0 is inf, as in the other backends


# --- what the maps share


@compiled()
def choose(x, condition, this, other):
    """Where a comparison decides, nan has to be kept."""
    if np.isnan(x):
        return x
    return this if condition else other


@compiled()
def larger(x, bound):  # max keeps no nan
    return choose(x, x > bound, x, bound)


@compiled()
def smaller(x, bound):
    return choose(x, x < bound, x, bound)


@compiled()
def size(x):
    """abs(x), at most 1e4: all tails are 0 there, and infinity times 0 would be nan."""
    return smaller(abs(x), 1e4)


@compiled()
def exp_in_two(y):
    """exp(y), y <= 0, as a product of two numbers that are not subnormal where exp(y) is."""
    if y < -c.SHIFT:
        return np.exp(y + c.SHIFT), c.SHRUNK  # the sum is exact
    return np.exp(y), 1.0


@compiled()
def gauss_in_three(t, rate):
    """exp(-rate t^2), rate 1 or 1/2, as a (1 + b) u: t^2 rounded would lose up to ten bits."""
    high = np.float64(np.float32(t))  # its square is exact
    most, unit = exp_in_two(-rate * (high * high))
    return most, np.expm1(-rate * (t - high) * (t + high)), unit


@compiled()
def product(a, b):
    """A product and its rounding error: Dekker 1971, doi:10.1007/BF01397083."""
    a_high, b_high = a * 134217729.0, b * 134217729.0  # 2^27 + 1
    a_high, b_high = a_high - (a_high - a), b_high - (b_high - b)
    a_low, b_low, p = a - a_high, b - b_high, a * b
    return p, a_low * b_low - (p - a_high * b_high - a_low * b_high - a_high * b_low)


@compiled()
def total(a, b):
    """A sum and its rounding error: Knuth, The Art of Computer Programming 2, 4.2.2."""
    found = a + b
    from_b = found - a
    return found, (a - (found - from_b)) + (b - from_b)


@compiled()
def polynomial(coefficients, s):
    """The highest power comes first."""
    found = coefficients[0]
    for k in range(1, len(coefficients)):
        found = found * s + coefficients[k]
    return found


@compiled()
def quotient(coefficients, s, zero):
    """(P(s) - P(zero)) / (s - zero) of a polynomial P: Horner's scheme for zero, and for s."""
    found, constant = 0.0, coefficients[0]
    for k in range(1, len(coefficients)):
        found = found * s + constant
        constant = constant * zero + coefficients[k]
    return found


@compiled()
def normal_tail(t, more):
    """(1 + more) Phi(-t) / exp(-t^2 / 2) for the normal distribution function Phi."""
    under, under_rest = total(t, 1.0)
    s = (t - 4) / (t + 4)
    first, rest = c.MILLS[-1], s * polynomial(c.MILLS[:-1], s)
    return (first + (rest + (first + rest) * (more - under_rest / under))) / under


@compiled()
def square_of_one_plus(e):
    """(1 + e)^2 with one rounding if e is small, instead of three."""
    return 1 + e * (2 + e)


@compiled()
def sigmoid_at(x):
    e = np.exp(-abs(x))
    return (e if x < 0 else 1.0) / (1 + e)


@compiled()
def softplus_at(x):
    return larger(x, 0.0) + np.log1p(np.exp(-abs(x)))


# --- elementary functions


@compiled()
def square(x, value, diagonal):
    for i in range(len(x)):
        value[i], diagonal[i] = x[i] * x[i], 2 * x[i]


@compiled()
def reciprocal(x, value, diagonal):
    for i in range(len(x)):
        inverse = 1 / x[i]
        value[i], diagonal[i] = inverse, -(inverse * inverse)


@compiled()
def sqrt(x, value, diagonal):
    for i in range(len(x)):
        root = np.sqrt(x[i])
        value[i], diagonal[i] = root, 0.5 / abs(root)


@compiled()
def exp(x, value, diagonal):
    for i in range(len(x)):
        value[i] = diagonal[i] = np.exp(x[i])


@compiled()
def expm1(x, value, diagonal):
    for i in range(len(x)):
        value[i], diagonal[i] = np.expm1(x[i]), np.exp(x[i])


@compiled()
def log(x, value, diagonal):
    for i in range(len(x)):
        value[i], diagonal[i] = np.log(x[i]), np.nan if x[i] < 0 else 1 / abs(x[i])


@compiled()
def log1p(x, value, diagonal):
    for i in range(len(x)):
        value[i], diagonal[i] = np.log1p(x[i]), np.nan if x[i] < -1 else 1 / (1 + x[i])


@compiled()
def sin(x, value, diagonal):
    for i in range(len(x)):
        value[i], diagonal[i] = np.sin(x[i]), np.cos(x[i])


@compiled()
def cos(x, value, diagonal):
    for i in range(len(x)):
        value[i], diagonal[i] = np.cos(x[i]), -np.sin(x[i])


@compiled()
def tanh(x, value, diagonal):
    for i in range(len(x)):
        e = np.exp(-2 * abs(x[i]))
        value[i], diagonal[i] = np.tanh(x[i]), 4 * e / square_of_one_plus(e)


@compiled()
def atan(x, value, diagonal):
    for i in range(len(x)):
        inverse = 1 / x[i]
        value[i] = np.arctan(x[i])
        diagonal[i] = 1 / (1 + x[i] * x[i]) if abs(x[i]) < 2.0**30 else inverse * inverse


@compiled()
def erf(x, value, diagonal):
    for i in range(len(x)):
        t = size(x[i])
        most, more, unit = gauss_in_three(t, 1.0)
        if t < 0.7:
            value[i] = x[i] * polynomial(c.ERF, t * t)
        else:
            value[i] = np.copysign(1 - 2 * normal_tail(c.ROOT_2 * t, more) * most * unit, x[i])
        diagonal[i] = (c.TWICE_PER_ROOT_PI + c.TWICE_PER_ROOT_PI * more) * most * unit


# --- smooth activations


@compiled()
def sigmoid(x, value, diagonal):
    for i in range(len(x)):
        e = np.exp(-abs(x[i]))
        value[i] = (e if x[i] < 0 else 1.0) / (1 + e)
        diagonal[i] = e / square_of_one_plus(e)


@compiled()
def softplus(x, value, diagonal):
    for i in range(len(x)):
        value[i], diagonal[i] = softplus_at(x[i]), sigmoid_at(x[i])


@compiled()
def log_sigmoid(x, value, diagonal):
    for i in range(len(x)):
        value[i], diagonal[i] = -softplus_at(-x[i]), sigmoid_at(-x[i])


@compiled()
def elu(x, value, diagonal):
    for i in range(len(x)):
        below = smaller(x[i], 0.0)
        value[i], diagonal[i] = x[i] if x[i] > 0 else np.expm1(below), np.exp(below)


@compiled()
def selu(x, value, diagonal):
    for i in range(len(x)):
        below = smaller(x[i], 0.0)
        value[i] = c.SELU_SCALE * x[i] if x[i] > 0 else c.SELU_TAIL * np.expm1(below)
        diagonal[i] = c.SELU_SCALE if x[i] >= 0 else c.SELU_TAIL * np.exp(below)


@compiled()
def gelu_erf(x, value, diagonal):
    """Phi(-t) = polynomial / (t + 1) * exp(-t^2 / 2); near 0 Phi is 1/2 + erf(x / sqrt(2)) / 2."""
    for i in range(len(x)):
        t = size(x[i])
        most, more, unit = gauss_in_three(t, 0.5)
        tail = normal_tail(t, more)
        density, rest = product(t, c.K)
        rest += density * more + t * c.K_REST
        if x[i] < -0.25:
            slope = (tail - density) - rest
            if t < 1.5:  # the same, from its zero
                d = -t - c.GELU_ERF
                share = 8 * quotient(c.MILLS, (t - 4) / (t + 4), c.GELU_ERF_S)
                share /= (t + 4) * (4 - c.GELU_ERF)
                growth, growth_rest = total(c.K, (-c.K * c.GELU_ERF - share) / (1 + t))
                slope = growth * d
                rest = d * (growth_rest + c.K_REST) - growth * c.GELU_ERF_REST
                slope += rest + (slope + rest) * more
            value[i] = -t * tail * most * unit
            diagonal[i] = slope * most * unit
        else:
            phi = 1 - tail * most * unit
            if x[i] < 1:
                phi = 0.5 + x[i] * (c.ROOT_HALF / 2) * polynomial(c.ERF, t * t / 2)
            value[i] = x[i] * phi
            diagonal[i] = phi + np.copysign(density + rest, x[i]) * most * unit


@compiled()
def gelu_tanh(x, value, diagonal):
    """X sigmoid(v), v = A x + B x^3 in two parts: exp(v) multiplies v's relative error by v."""
    for i in range(len(x)):
        t = size(x[i])
        p, p_rest = product(t, t)
        q, q_rest = product(c.B, p)
        w, w_rest = total(c.A, q)
        v, v_rest = product(t, w)
        v_rest += t * (w_rest + (c.A_REST + (q_rest + c.B * p_rest + c.B_REST * p)))
        most, unit = exp_in_two(-v)
        e = most * unit
        growth, rest = total(v, 2 * t * q)  # x v'
        under, under_rest = total(1.0, e * (2 + e))  # (1 + e)^2
        if x[i] < 0:
            off = v_rest + under_rest / under
            far = 1 - growth
            slope = far + (e - (rest + v_rest) - e * v_rest - (far + e) * off)  # 1 + x v' + exp(v)
            if 0.5 < t < 1.2:  # the same, from its zero
                d = -t - c.GELU_TANH
                squares = p - t * c.GELU_TANH + c.GELU_TANH * c.GELU_TANH
                line, line_rest = total(c.A, 3 * c.B * squares)
                slope = line * d
                more = c.GELU_TANH_EXP * np.expm1((d - c.GELU_TANH_REST) * (c.A + c.B * squares))
                rest = more + d * (line_rest + c.A_REST) - line * c.GELU_TANH_REST
                slope += rest - (slope + more) * off
            value[i] = -(t - t * v_rest) * most / (1 + e) * unit
            diagonal[i] = slope * most * unit / under
        else:
            value[i] = x[i] / (1 + e)
            diagonal[i] = (1 + e + growth * e) / under


@compiled()
def silu(x, value, diagonal):
    for i in range(len(x)):
        t = size(x[i])
        most, unit = exp_in_two(-t)
        e = most * unit
        under, rest = total(1.0, e * (2 + e))  # (1 + e)^2
        if x[i] < 0:
            slope = (1 - t) + e
            if 0.5 < t < 2:
                d = (-t - c.SILU) - c.SILU_REST
                slope = d + c.SILU_EXP * np.expm1(d)  # 1 + x + exp(x) from its zero
            value[i] = -t * most / (1 + e) * unit
            diagonal[i] = (slope - slope * (rest / under)) * most * unit / under
        else:
            value[i] = x[i] / (1 + e)
            diagonal[i] = (1 + e + t * e) / under


@compiled()
def mish(x, value, diagonal):
    """With e = exp(-abs(x)): x (1 + 2 e) / (1 + 2 e + 2 e^2) above 0, x e (e + 2) / (...) below."""
    for i in range(len(x)):
        t = size(x[i])
        most, unit = exp_in_two(-t)
        e = most * unit
        if x[i] < 0:
            under, under_rest = total(4.0, e * (8 + e * (8 + e * (4 + e))))
            off = under_rest / under
            far, rest = total(4 * (1 - t), e * (6 - 4 * t + e * (4 + e)))
            slope = far + (rest - far * off)
            if 0.8 < t < 1.5:  # 4 (1 + x) + e (6 + 4 x + e (4 + e)) from its zero
                d = -t - c.MISH
                g = c.MISH_EXP * np.expm1(d - c.MISH_REST)  # e - MISH_EXP
                slope = 4 * (1 + c.MISH_EXP) * d
                rest = e * (e + c.MISH_EXP + 4) + c.MISH_EXP * (c.MISH_EXP + 4) + 6 - 4 * t
                rest = g * rest - 4 * (1 + c.MISH_EXP) * c.MISH_REST
                slope += rest - (slope + rest) * off
            value[i] = -t * most * (e + 2) / (2 + e * (2 + e)) * unit
            diagonal[i] = slope * most * unit / under
        else:
            slope = 1 + e * (4 + e * (6 + 4 * t + e * (4 + 4 * t)))
            value[i] = x[i] * ((1 + 2 * e) / (1 + e * (2 + 2 * e)))
            diagonal[i] = slope / (1 + e * (4 + e * (8 + e * (8 + 4 * e))))


@compiled()
def softsign(x, value, diagonal):
    for i in range(len(x)):
        t = abs(x[i])
        inverse = 1 / (1 + t)
        value[i] = x[i] * inverse if t < 1 else np.copysign(1 / (1 + 1 / t), x[i])
        diagonal[i] = 1 / square_of_one_plus(t) if t < 2.0**60 else inverse * inverse


@compiled()
def sinc(x, value, diagonal):
    """Sin and cos of pi x from its exact distance to the nearest integer; a series near 0."""
    for i in range(len(x)):
        n = np.rint(x[i])
        r, sign = x[i] - n, 1 - 2 * (n - 2 * np.floor(n / 2))
        y = np.pi * x[i]
        value[i] = 1.0 if x[i] == 0 else sign * np.sin(np.pi * r) / y
        if abs(x[i]) < 0.5:
            diagonal[i] = -(np.pi**2 / 3) * x[i] * polynomial(c.SINC, y * y)
        elif np.isinf(x[i]):
            value[i] = diagonal[i] = 0.0
        else:
            diagonal[i] = (sign * np.sin(np.pi * (0.5 - abs(r))) - value[i]) / x[i]


@compiled()
def log_cosh(x, value, diagonal):
    for i in range(len(x)):
        t = abs(x[i])
        if t < 0.75:
            square = t * t
            value[i] = np.log1p(square * polynomial(c.COSH, square))
        else:
            value[i] = t + (np.log1p(np.exp(-2 * t)) - c.LOG2)
        diagonal[i] = np.tanh(x[i])


@compiled()
def xlogx(x, value, diagonal):
    """log(x) + 1 is log1p(e (x - 1/e)), which keeps its digits near the zero at 1/e."""
    for i in range(len(x)):
        log_x = np.nan if x[i] < 0 else np.log(abs(x[i]))
        value[i] = 0.0 if x[i] == 0 else x[i] * log_x
        if abs(x[i] - c.PER_E) < 0.2:
            diagonal[i] = np.log1p(np.e * ((x[i] - c.PER_E) - c.PER_E_REST))
        else:
            diagonal[i] = log_x + 1


# --- maps with kinks


@compiled()
def softplus_threshold(x, value, diagonal):
    for i in range(len(x)):
        value[i] = x[i] if x[i] > 20 else softplus_at(x[i])
        diagonal[i] = 1.0 if x[i] > 20 else sigmoid_at(x[i])


@compiled()
def relu(x, value, diagonal):
    for i in range(len(x)):
        value[i], diagonal[i] = larger(x[i], 0.0), choose(x[i], x[i] > 0, 1.0, 0.0)


@compiled()
def relu6(x, value, diagonal):
    for i in range(len(x)):
        value[i] = smaller(larger(x[i], 0.0), 6.0)
        diagonal[i] = choose(x[i], 0 < x[i] < 6, 1.0, 0.0)


@compiled()
def leaky_relu(x, value, diagonal):
    for i in range(len(x)):
        value[i] = x[i] if x[i] > 0 else 0.01 * x[i]
        diagonal[i] = choose(x[i], x[i] > 0, 1.0, 0.01)


@compiled()
def clip(x, value, diagonal):
    for i in range(len(x)):
        value[i] = smaller(larger(x[i], LOW), HIGH)
        diagonal[i] = choose(x[i], LOW < x[i] < HIGH, 1.0, 0.0)


@compiled()
def hard_sigmoid(x, value, diagonal):
    for i in range(len(x)):
        value[i] = smaller(larger(x[i] + 3, 0.0), 6.0) / 6
        diagonal[i] = choose(x[i], abs(x[i]) < 3, 1 / 6, 0.0)


@compiled()
def hard_sigmoid_keras(x, value, diagonal):
    for i in range(len(x)):
        value[i] = smaller(larger(x[i] + 2.5, 0.0), 5.0) / 5
        diagonal[i] = choose(x[i], abs(x[i]) < 2.5, 0.2, 0.0)


@compiled()
def hard_swish(x, value, diagonal):
    for i in range(len(x)):
        inside = x[i] * (smaller(larger(x[i] + 3, 0.0), 6.0) / 6)
        value[i] = choose(x[i], x[i] > -3, inside, 0.0)
        outside = 1.0 if x[i] > 0 else 0.0
        diagonal[i] = choose(x[i], abs(x[i]) < 3, (2 * x[i] + 3) / 6, outside)


@compiled()
def absolute(x, value, diagonal):
    for i in range(len(x)):
        value[i], diagonal[i] = abs(x[i]), np.sign(x[i])


# --- losses of a prediction


@compiled()
def squared_error(x, value, diagonal):
    for i in range(len(x)):
        residual = x[i] - TARGET
        value[i], diagonal[i] = residual * residual, 2 * residual


@compiled()
def cross_entropy_0(x, value, diagonal):
    for i in range(len(x)):
        inside = x[i] if 0 <= x[i] <= 1 else np.nan
        value[i], diagonal[i] = -np.log1p(-inside), 1 / (1 - inside)


@compiled()
def cross_entropy_1(x, value, diagonal):
    for i in range(len(x)):
        inside = abs(x[i]) if 0 <= x[i] <= 1 else np.nan
        value[i], diagonal[i] = -np.log(inside), -1 / inside


@compiled()
def logit_cross_entropy_1(x, value, diagonal):
    for i in range(len(x)):
        value[i], diagonal[i] = softplus_at(-x[i]), -sigmoid_at(-x[i])


@compiled()
def hinge(x, value, diagonal):
    for i in range(len(x)):
        value[i], diagonal[i] = larger(1 - x[i], 0.0), choose(x[i], x[i] < 1, -1.0, 0.0)


@compiled()
def huber(x, value, diagonal):
    for i in range(len(x)):
        residual = x[i] - TARGET
        far = x[i] - (TARGET + DELTA / 2) if residual > 0 else (TARGET - DELTA / 2) - x[i]
        value[i] = residual * residual / 2 if abs(residual) <= DELTA else DELTA * far
        diagonal[i] = smaller(larger(residual, -DELTA), DELTA)


# --- all of them


LOOPS = {
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
