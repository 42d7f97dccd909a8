"""The distance over the steps: that of the verdict, thinned without losing a peak."""

import numpy as np
import pytest

from benchmarks.measure.distance import POINTS, distance
from reference.agreement import compare, state_errors
from reference.backprop import Trajectory, train
from reference.problems import published


def run(model="linear"):
    p = published(model)
    return p, train(p.model, p.W, p.b, p.X, p.Y, p.learning_rate, p.dJ_dJ0, p.epochs)


def moved(trajectory, step, ulp, field="b"):
    """A copy in which one number of a state is off by so many ULP of the largest so far."""
    fields = trajectory._asdict()
    fields[field] = changed = fields[field].copy()
    both = np.abs(np.concatenate([trajectory.W, trajectory.b], axis=1)[: step + 1])
    changed[step, 0, 0] += ulp * np.spacing(both.max())
    return Trajectory(**fields)


def test_a_run_is_at_no_distance_from_itself():
    _, expected = run()
    steps, ulp = distance(expected, expected)
    assert steps[-1] == 270, "the last state is that after the last step"
    assert len(steps) == len(ulp) == POINTS
    assert set(ulp) == {0.0}


@pytest.mark.parametrize("step", [0, 1, 137, 269, 270])
@pytest.mark.parametrize("field", ["W", "b"])
def test_a_single_step_that_is_off_is_seen_and_where(step, field):
    _, expected = run()
    steps, ulp = distance(moved(expected, step, 7, field), expected)
    [place] = np.flatnonzero(ulp)
    assert ulp[place] == pytest.approx(7, abs=0.5)
    assert (steps[place - 1] if place else -1) < step <= steps[place]


def test_its_largest_is_what_the_verdict_shows():
    problem, expected = run()
    found = moved(moved(expected, 100, 3, "W"), 200, 5)
    check = compare(problem, found, expected).checks[0]
    assert check.quantity == "state"
    assert max(distance(found, expected)[1]) == pytest.approx(check.observed, rel=1e-2)
    assert state_errors(found, expected).shape == (271, 6)


def test_a_short_run_has_every_step():
    _, expected = run()
    short = Trajectory(*(a if a is None else a[:6] for a in expected))
    assert distance(moved(short, 5, 2), short)[0] == [0, 1, 2, 3, 4, 5]
