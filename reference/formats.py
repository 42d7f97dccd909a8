"""The four floating-point formats of the atlas, on float64 arrays: rounding, and the ULP.

NumPy has no bfloat16, and neither format of 16 bits needs one here: every number of the smaller
formats is a float64.
"""

from typing import NamedTuple

import numpy as np


class Format(NamedTuple):
    """A binary format: bits of its significand, exponents of its least and greatest normal binade.

    least is the exponent of the smallest normal number, 2^least; numbers are below 2^(most + 1).
    """

    bits: int
    least: int
    most: int

    @property
    def eps(self) -> float:
        """The distance from 1 to the next larger number."""
        return 2.0 ** (1 - self.bits)

    @property
    def tiny(self) -> float:
        """The smallest normal number."""
        return 2.0**self.least

    @property
    def largest(self) -> float:
        """The largest finite number."""
        return (2 - self.eps) * 2.0**self.most

    def is_subnormal(self, x: np.ndarray) -> np.ndarray:
        """Whether numbers are below the smallest normal one, and not 0."""
        return (x != 0) & (np.abs(x) < self.tiny)

    def ulp(self, x: np.ndarray) -> np.ndarray:
        """The distance of two numbers in the binade of abs(x); below tiny, that of tiny."""
        size = np.maximum(np.abs(np.where(np.isfinite(x), x, self.largest)), self.tiny)
        exponent = np.minimum(np.frexp(size)[1] - 1, self.most)
        return np.ldexp(1.0, exponent - self.bits + 1)

    def rounded(self, x: np.ndarray) -> np.ndarray:
        """The nearest number of the format, ties to even; infinite above the largest."""
        unit = self.ulp(x)
        with np.errstate(invalid="ignore"):  # of infinities and nan
            near = np.rint(x / unit) * unit
        return np.where(np.abs(near) > self.largest, np.copysign(np.inf, x), near)


FORMATS = {
    "float64": Format(53, -1022, 1023),
    "float32": Format(24, -126, 127),
    "bfloat16": Format(8, -126, 127),
    "float16": Format(11, -14, 15),
}
