"""The rules of the atlas: errors that are known get the class that they belong to."""

import numpy as np
import pytest

from benchmarks.analyse.atlas import Row, Truth, findings, judged
from benchmarks.analyse.differences import ALLOWED, Exact, classes, errors
from benchmarks.analyse.places import largest, place
from benchmarks.store.atlas import DIGITS, EDGE, FLUSHED, FUNCTION, KINK, NAN
from reference.formats import FORMATS

FORM = FORMATS["float64"]
TINY, EPS, INF, NAN_ = FORM.tiny, FORM.eps, np.inf, np.nan


def kind(x, found, exact, is_kink=False, at_zero=7.0):
    """The class of one result, beside the result at zero."""
    points, results, heads = (np.array(pair) for pair in ([x, 0.0], [found, at_zero], [exact, 7.0]))
    given = Exact(heads, np.zeros(2))
    return classes(points, results, given, FORM, np.array([is_kink, False]))[0]


@pytest.mark.parametrize(
    ("x", "found", "exact", "expected"),
    [
        (1.0, 1.0 + ALLOWED * EPS, 1.0, ""),
        (1.0, 1.0 + (ALLOWED + 1) * EPS, 1.0, DIGITS),
        (1.0, 1.0 + 40 * EPS, 1.0, FUNCTION),
        (1e6, 1.0 + 40 * EPS, 1.0, DIGITS),  # x is large: its rounding is as large as that
        (-10.0, 0.0, -1e-22, DIGITS),  # gelu by 1 + erf
        (0.5, 0.345731, 0.345714, FUNCTION),  # gelu by tanh
        (NAN_, 1.0, NAN_, NAN),
        (NAN_, NAN_, NAN_, ""),
        (INF, NAN_, 1.0, EDGE),
        (INF, 1.0, 1.0, ""),
        (1e300, NAN_, 1.0, EDGE),
        (800.0, INF, 799.3, EDGE),
        (800.0, INF, INF, ""),
        (-1e300, -INF, INF, EDGE),
        (1e-310, 0.0, 1e-310, FLUSHED),
        (-710.0, 0.0, 4.5e-309, FLUSHED),
        (-700.0, 0.0, 1e-304, EDGE),
        (1e-310, 7.0, 3.0, FLUSHED),  # what it gives at zero
        (1e-310, 8.0, 3.0, FUNCTION),
    ],
)
def test_a_known_error_has_its_class(x, found, exact, expected):
    assert kind(x, found, exact) == expected


def test_a_kink_is_shown_and_not_judged():
    assert kind(1.0, 0.5, 123.0, is_kink=True) == KINK


def test_a_number_that_may_have_been_rounded_to_a_kink_is_a_convention():
    """As in hard_sigmoid, which adds 3 first; one that is farther away is not."""
    x = 3 - np.array([0.0, 1.0, 200.0]) * FORM.ulp(np.array(2.0))
    slope = Exact(np.array([np.nan, 1 / 6, 1 / 6]), np.zeros(3))
    truth = Truth(x, np.zeros(3, bool), (Exact(x, np.zeros(3)), slope))
    row = Row("hard_sigmoid", "float64", "jax", "step", np.array([x, [0.0, 0.0, 0.0]]))
    found = {(one.kind, one.x) for one in findings(row, truth)}
    assert found == {(KINK, repr(float(x[1]))), (FUNCTION, repr(float(x[2])))}
    assert judged(row, truth).derivative.x == repr(float(x[2]))


def test_errors_are_in_ulp_of_the_exact_result():
    exact = Exact(np.array([1.0, 4.0, 1e-320, 0.0]), np.array([EPS / 4, 0, 0, 0]))
    found = np.array([1.0 + EPS, 4.0 + 8 * EPS, 2e-320, 5e-324])
    units = [0.75, 2.0, 1e-320 / 5e-324, 1.0]
    assert errors(found, exact, FORM) == pytest.approx(units, rel=1e-3)


def test_an_exact_result_above_the_largest_number_is_infinite():
    form, exact = FORMATS["float32"], Exact(np.array([1e39, 1e39]), np.zeros(2))
    assert errors(np.array([INF, 3e38]), exact, form).tolist() == [0.0, INF]


def test_places_grow_with_the_numbers():
    sizes = np.logspace(-320, 308, 2000)
    x = np.concatenate([-sizes[::-1], [0.0], sizes])
    assert (np.diff(place(x)) > 0).all()
    assert place(np.array([1e4]))[0] - place(np.array([1e-4]))[0] == pytest.approx(8)


def test_a_bin_keeps_its_largest_error():
    places, worst = largest(np.array([1.0, 1.01, 50.0]), np.array([1.0, 3.0, 0.5]))
    assert worst == [3.0, 0.5]
    assert places == [pytest.approx(place(np.array([x]))[0], abs=0.01) for x in (1.01, 50.0)]
