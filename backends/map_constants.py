"""Numbers of the textbook maps in NumPy and Numba: docs/maps.md says what they are good for.

A number in two parts is the nearest float64 and what that leaves. Coefficients of polynomials begin
with the highest power. tests/test_map_numbers.py computes all of them again in mpmath.
"""

from math import factorial

import numpy as np

LOG2, ROOT_2, ROOT_HALF = 0.6931471805599453, 1.4142135623730951, 0.7071067811865476
K, K_REST = 0.3989422804014327, -2.49232720227773e-17  # 1 / sqrt(2 pi)
TWICE_PER_ROOT_PI = 1.1283791670955126  # 2 / sqrt(pi)
SELU_SCALE, SELU_TAIL = 1.0507009873554805, 1.7580993408473768  # the latter is scale * alpha

# exp(-37) is nearer to its float64 than exp of its neighbors: 0.008 of half an ULP.
SHIFT, SHRUNK = 37.0, 8.533047625744066e-17

# Zeros of derivatives in two parts, and exp there: of xlogx (1/e), silu, mish, gelu_tanh, gelu_erf.
PER_E, PER_E_REST = 0.36787944117144233, -1.2428753672788363e-17
SILU, SILU_REST, SILU_EXP = -1.2784645427610737, -1.0946994183093437e-16, 0.2784645427610738
MISH, MISH_REST, MISH_EXP = -1.1924312145154952, -4.8484829848031044e-17, 0.3034825352815289
GELU_TANH, GELU_TANH_REST = -0.7524614220710163, 3.635560509207687e-17
GELU_TANH_EXP = 0.29195521191476714  # of A x + B x^3 there
GELU_ERF, GELU_ERF_REST = -0.7517915246935645, 1.4956759177009883e-17
GELU_ERF_S = -0.6835755437557642  # (t - 4) / (t + 4), t = -GELU_ERF

# 2 sqrt(2 / pi) (x + 0.044715 x^3) = A x + B x^3
A, A_REST = 1.5957691216057308, -9.96930880911092e-17
B, B_REST = 0.07135481627260025, -6.175149918155315e-19

# (t + 1) Phi(-t) / exp(-t^2 / 2), Phi the normal distribution function, for t >= 0 as a polynomial
# in (t - 4) / (t + 4): its Chebyshev series as long as terms exceed 2^-57.
MILLS = np.array([
    1.968773941157256e-10, 1.7873545221852657e-10, -1.9068104342795306e-09,
    -2.6180348731255444e-09, 8.858538843412724e-09, 2.0257667136861587e-08,
    -2.3315488161994288e-08, -1.1446850712758079e-07, 4.242344418455244e-09,
    5.548340462207789e-07, 4.029912427574402e-07, -2.6144101706596152e-06,
    -3.4316562688625695e-06, 1.3627395285352675e-05, 2.1249915729449347e-05,
    -8.785330394797745e-05, -9.443023204456728e-05, 0.0006948971219073166, -0.0002856231002340135,
    -0.005002378592511494, 0.017936097479808313, -0.03219783742802203, 0.02860036405354698,
    0.013999634724424333, -0.09670347732652577, 0.47205320650984467,
])  # fmt: skip

# erf(x) / x in powers of x^2 up to 1/2: DLMF 7.6.1.
ERF = np.array(
    [TWICE_PER_ROOT_PI * (-1) ** k / (factorial(k) * (2 * k + 1)) for k in reversed(range(15))]
)
# -3 sinc'(x) / (pi^2 x) in powers of (pi x)^2 up to pi^2 / 4.
SINC = np.array([6 * (-1) ** k * (k + 1) / factorial(2 * k + 3) for k in reversed(range(11))])
# (cosh(x) - 1) / x^2 in powers of x^2 up to 9/16.
COSH = np.array([1 / factorial(2 * k + 2) for k in reversed(range(9))])
