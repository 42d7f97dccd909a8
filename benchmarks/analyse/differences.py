"""The rules of the atlas: how far a result is from the exact one, and which class that is.

An error is in ULP of the exact result: the distance of two numbers of the dtype in its binade, and
below the smallest normal number the one there. An error of up to ALLOWED ULP is no difference. The
classes, in the order in which they are tried:

convention at a kink   x is a kink, where the derivative does not exist: it is shown, not judged. Or
                       it is within ALLOWED ULP of one, and may have been rounded to it.
subnormals flushed     x is subnormal, and the result is that of zero or has a small error; or the
                       exact result is subnormal and the result is zero.
nan lost               the exact result is nan, as at x = nan, and the result is a number.
edge of the range      only one of the two results is a number, or x is infinite.
another function       the error is more than ROUNDINGS * eps * max(1, abs(x), abs(exact)). Terms of
                       that size, rounded so many times, err by less: it is no rounding error.
edge of the range      the exact result is below tiny / eps, so that the digits of an intermediate
                       result may be subnormal.
digits lost            all other errors: terms cancel, or an approximation is not accurate.
"""

from typing import NamedTuple

import numpy as np

from benchmarks.store.atlas import DIGITS, EDGE, FLUSHED, FUNCTION, KINK, NAN
from reference.formats import Format

ALLOWED = 4  # ULP: what carefully written code reaches, and so do most of the libraries
ROUNDINGS = 32  # of a map: the longest formula of the catalog has about ten operations
MOST = 1e300  # ULP, where an exact 0 has become a number: infinite is for what is no number
AGREES = ""


class Exact(NamedTuple):
    """An exact quantity as the sum of two float64 arrays, of which the first is the nearest."""

    head: np.ndarray
    rest: np.ndarray


def errors(found: np.ndarray, exact: Exact, form: Format) -> np.ndarray:
    """The error in ULP; infinite if only one of the results is a number, or both are not equal."""
    nearest = form.rounded(exact.head)
    with np.errstate(all="ignore"):
        ulp = np.abs((found - exact.head) - exact.rest) / form.ulp(exact.head)
    same = (found == nearest) | (np.isnan(found) & np.isnan(nearest))
    are_numbers = np.isfinite(found) & np.isfinite(nearest)
    return np.where(are_numbers, np.minimum(ulp, MOST), np.where(same, 0.0, np.inf))


def classes(
    x: np.ndarray, found: np.ndarray, exact: Exact, form: Format, kinks: np.ndarray
) -> np.ndarray:
    """The class of every result, AGREES for none; kinks says where x is at a kink."""
    ulp, head = errors(found, exact, form), exact.head
    with np.errstate(all="ignore"):
        allowed = ROUNDINGS * form.eps * np.maximum(np.maximum(np.abs(x), np.abs(head)), 1)
        is_function = np.abs(found - head) > allowed
    nearest = form.rounded(head)
    is_edge = ~(np.isfinite(found) & np.isfinite(nearest) & np.isfinite(x))
    is_tiny = (head != 0) & (np.abs(head) < form.tiny / form.eps)
    conditions = [
        ~(ulp > ALLOWED), kinks, _flushed(x, found, head, form, is_function), np.isnan(nearest),
        is_edge, is_function, is_tiny,
    ]  # fmt: skip
    return np.select(conditions, [AGREES, KINK, FLUSHED, NAN, EDGE, FUNCTION, EDGE], DIGITS)


def _flushed(
    x: np.ndarray, found: np.ndarray, head: np.ndarray, form: Format, is_function: np.ndarray
) -> np.ndarray:
    """Where a subnormal x counts as zero, or a subnormal result has become zero."""
    is_small = form.is_subnormal(x)
    is_lost = form.is_subnormal(head) & (found == 0) | is_small & ~is_function
    for is_negative in (False, True):
        side = np.signbit(x) == is_negative
        for at_zero in found[(x == 0) & side][:1]:
            same = (found == at_zero) | (np.isnan(found) & np.isnan(at_zero))
            is_lost |= is_small & side & same
    return np.asarray(is_lost)
