"""exp in Numba, in a form that LLVM vectorizes: only arithmetic and bit operations, no branch.

LLVM vectorizes the loop around np.exp, but then calls the C library once per element, about 5 ns
each, which is the whole cost of a logistic step. Here everything is inlined: the argument is
split as x = n log(2) + r with |r| <= log(2) / 2, exp(r) is its Taylor series, and n is added to
the exponent's bits. See Muller, Elementary Functions, chapters 5 and 11.

Numba's disk cache of a caller does not notice a change here. pytest and the commands therefore give
each set of sources its own folder: benchmarks/measure/environment.py.
"""

from functools import partial
from math import factorial, log

import numpy as np
from numba import njit

# Added to a number below 2^51 in size, it leaves the nearest integer in the lowest bits.
MAGIC = 1.5 * 2.0**52
# log(2) in two parts: n * LOG2_HIGH is exact for every n that occurs.
LOG2_HIGH = float.fromhex("0x1.62e42fefa0000p-1")
LOG2_LOW = float.fromhex("0x1.cf79abc9e3b39p-40")
PER_LOG2 = 1 / log(2)
LOWEST = -708.0  # its exp is still a normal number
C3, C4, C5, C6, C7, C8, C9, C10, C11, C12, C13 = (1 / factorial(k) for k in range(3, 14))


HIGHEST = 709.782712893384  # the largest number whose exp is finite


# Only contraction to fused multiply-adds. Without fastmath here it would inherit its caller's.
contracted = partial(njit, cache=True, error_model="numpy", fastmath={"contract"})


@contracted()
def exp_of_negative(x):
    """exp(x) in float64 for x <= 0, within 1 ULP; below LOWEST it is exp(LOWEST), about 3e-308."""
    return _exp(max(np.float64(x), LOWEST))


@contracted()
def exp_of_any(x):
    """The same for any x: inf above HIGHEST, and below LOWEST exp(LOWEST)."""
    found = _exp(min(max(np.float64(x), LOWEST), HIGHEST))
    return np.inf if x > HIGHEST else found


@contracted()
def _exp(x):
    """For LOWEST <= x <= HIGHEST.

    The series ends after r^13: the next term is below 4e-18 of the first. Reassociation would
    cancel MAGIC.
    """
    shifted = x * PER_LOG2 + MAGIC
    n = shifted - MAGIC
    r = x - n * LOG2_HIGH - n * LOG2_LOW
    q = C10 + r * (C11 + r * (C12 + r * C13))
    q = C6 + r * (C7 + r * (C8 + r * (C9 + r * q)))
    q = 0.5 + r * (C3 + r * (C4 + r * (C5 + r * q)))
    power = np.float64(1.0 + (r + r * r * q))
    bits = power.view(np.int64) + (np.float64(shifted).view(np.int64) << 52)
    return np.int64(bits).view(np.float64)
