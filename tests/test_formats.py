"""Rounding and the ULP of the four formats, against NumPy where NumPy has the format."""

import numpy as np
import pytest

from reference.formats import FORMATS

NUMPY = {"float64": np.float64, "float32": np.float32, "float16": np.float16}


@pytest.fixture(scope="module")
def numbers():
    """Numbers of every binade of float64, on both sides of zero, and the special ones."""
    random = np.random.default_rng(1)
    sizes = np.ldexp(random.uniform(1, 2, 4000), random.integers(-1074, 1024, 4000))
    ordinary = np.ldexp(random.uniform(1, 2, 4000), random.integers(-30, 30, 4000))
    return np.concatenate([sizes, -ordinary, ordinary, [0.0, -0.0, np.inf, -np.inf, np.nan]])


@pytest.mark.parametrize("precision", NUMPY)
def test_rounding_is_that_of_numpy(precision, numbers):
    with np.errstate(over="ignore"):
        expected = numbers.astype(NUMPY[precision]).astype(float)
    assert np.array_equal(FORMATS[precision].rounded(numbers), expected, equal_nan=True)


@pytest.mark.parametrize("precision", NUMPY)
def test_ulp_eps_and_limits_are_those_of_numpy(precision, numbers):
    form, info = FORMATS[precision], np.finfo(NUMPY[precision])
    assert (form.eps, form.tiny, form.largest) == (info.eps, info.tiny, info.max)
    own = form.rounded(numbers)
    own = own[np.abs(own) < form.largest]  # NumPy's spacing overflows at float16's largest number
    expected = np.spacing(np.abs(own).astype(NUMPY[precision])).astype(float)
    assert np.array_equal(form.ulp(own), expected)


def test_bfloat16_is_the_upper_half_of_float32(numbers):
    """Numbers of 8 bits are kept; the number in the middle of two goes to the even one."""
    form = FORMATS["bfloat16"]
    bits = np.arange(0, 0x7F80, dtype=np.uint32)  # all that are not negative and finite
    values = (bits << 16).view(np.float32).astype(float)
    assert np.array_equal(form.rounded(values), values)
    middle = (values[:-1] + values[1:]) / 2
    assert np.array_equal(form.rounded(middle), np.where(bits[:-1] % 2, values[1:], values[:-1]))
    assert np.array_equal(form.ulp(values[128:-1]), np.diff(values[128:]))
    assert (form.tiny, form.largest) == (values[128], values[-1])
