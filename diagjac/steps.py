"""Why the first step that differs does: what a step of the first would be with another state."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np

from diagjac.case import HINT, Case, Finding, explained
from diagjac.diagnosis import SHOWN, formulas
from diagjac.point import Leaves, Point
from diagjac.trainer import Trainer

RANKED = 0.9  # of a rank correlation; 100 independent pairs reach 0.3


class Moment(NamedTuple):
    """Where a run stands: its parameters and a copy of its state."""

    params: Leaves
    state: Any


class Parting(NamedTuple):
    """The step that differs first, in the teacher's run."""

    points: list[Point]
    number: int
    now: Moment
    before: Moment | None  # a step ago


def explain_step(case: Case, trainer: Trainer, parting: Parting) -> list[Finding]:
    """The explanations that fit, the best first; case compares the two updates."""
    findings: list[Finding] = []
    for step in (formulas.not_finite, formulas.no_change, formulas.factor, formulas.weight_decay):
        findings += [finding for finding in step(case) if explained(finding.left)]
    for text, kind, update in _other_steps(trainer, parting):
        finding = Finding(kind, f"{case.other.name} makes the step of {trainer.name} {text}")
        left = case.left(update)
        findings += [finding._replace(left=left)] if explained(left) else []
    if not any(finding.left == 0 for finding in findings):
        findings += [*decay_of_most(case), *small_updates(case)]
    return sorted(findings, key=lambda finding: finding.left)[:SHOWN]


def common(findings: list[list[Finding]]) -> list[Finding]:
    """What explains the first two steps that differ, or the first if nothing explains both."""
    first, *second = findings or [[]]
    texts = {finding.text for others in second for finding in others}
    return [finding for finding in first if finding.text in texts] or first


def _other_steps(trainer: Trainer, parting: Parting) -> Iterator[tuple[str, str, Leaves]]:
    """Steps that the first would make from what is wrong by one: in words, kind, update."""
    points, number, now, before = parting
    here = points[number].replaced(params=now.params)
    for text, other in (("late", number - 1), ("early", number + 1)):
        if 0 <= other < len(points):
            place = points[other].replaced(params=now.params)
            yield f"with a batch {text} by one", "batch", _update(trainer, place, now.state)
    fresh = trainer.start(here)
    yield "with a new state: it is not kept", "stale", _update(trainer, here, fresh)
    if before is None:
        return
    there = points[number].replaced(params=before.params)
    words = "of the step before: it is late by one"
    yield f"with the state {words}", "stale", _update(trainer, here, before.state)
    yield f"with the parameters {words}", "stale", _update(trainer, there, now.state)
    yield (
        "before this one again: all is late by one",
        "stale",
        _update(trainer, points[number - 1].replaced(params=before.params), before.state),
    )


def _update(trainer: Trainer, at: Point, state: Any) -> Leaves:
    new, _ = trainer.advance(at, deepcopy(state))
    return {name: leaf - at.params[name] for name, leaf in new.items()}


def decay_of_most(case: Case) -> Iterator[Finding]:
    """Whether most coordinates differ by the same number times the parameter."""
    one, two, params = _coordinates(case)
    used = params != 0
    ratios = (two - one)[used] / params[used]
    middle = np.median(ratios) if used.any() else 0.0
    share = np.mean(np.abs(ratios - middle) <= abs(middle) / 100) if middle else 0.0
    if share > 0.5:
        yield Finding(
            "weight decay",
            f"in {share:.0%} of the coordinates the updates differ by {middle:.3g} times the "
            "parameter: weight decay inside the gradient in one and outside in the other",
            HINT,
        )


def _coordinates(case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All coordinates of the parameters that differ: both updates, and the parameters."""
    one, two, params = (
        np.concatenate([leaves[name].ravel() for name in case.differing])
        for leaves in (case.base.grads, case.values.grads, case.point.params)
    )
    return one, two, params


def small_updates(case: Case) -> Iterator[Finding]:
    """Whether the relative difference falls as the update grows: then a small number is added."""
    one, two, _ = _coordinates(case)
    used = (one != 0) & np.isfinite(one) & np.isfinite(two)
    if used.sum() < 10:
        return
    sizes = np.abs(one[used])
    shares = np.abs(two[used] - one[used]) / sizes
    if _rank_correlation(sizes, shares) < -RANKED:
        yield Finding(
            "eps",
            f"the smaller an update, the larger its relative difference: an eps of the optimizer "
            f"has another size or place in {case.other.name}",
            HINT,
        )


def _rank_correlation(one: np.ndarray, two: np.ndarray) -> float:
    ranks = [np.argsort(np.argsort(array)) for array in (one, two)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])
