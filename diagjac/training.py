"""Does a training run take the same steps in two or more frameworks?

Teacher-forced: each step of the others starts from the first's parameters, so a step is judged
alone, and the first one that differs is named. Free-running: each keeps its own parameters, and the
runs are compared with runs of the same functions whose start and batches were moved by an ULP.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from diagjac.case import Case, Finding
from diagjac.distance import DIFFERS, Distance, distance
from diagjac.point import Leaves, Point, point
from diagjac.report import Disagreement, Report
from diagjac.sides import Values
from diagjac.steps import Moment, Parting, common, explain_step
from diagjac.track import Track
from diagjac.trainer import Trainer, trainers
from diagjac.training_report import TrainingComparison
from diagjac.unit import DRAWS, eps, floor, perturbed, rms

Step = tuple[Callable[..., Any], Callable[..., Any]]


def check_training(
    functions: Mapping[str, Step],
    params: Any,
    batches: Sequence[Any],
    *,
    dtype: str = "float64",
    seed: int = 0,
) -> Report:
    """Assert that training takes the same steps in all functions, but for rounding.

    functions maps names to pairs (init, step): init(params) returns the state of an optimizer, of
    any kind, and step(params, state, batch) the new params and the new state. with_optax and
    with_torch make such a pair of a loss and an optimizer. Names, params, dtype and seed are as in
    check_gradients; batches is a list, one for each step. Parameters are handed over and returned
    as arrays of the framework. A state may be changed in place: init is called for every run.

    Raises Disagreement, an AssertionError whose message is the report; ValueError for a mistake in
    what was given.
    """
    report = compare_training(functions, params, batches, dtype=dtype, seed=seed)
    if not report.agrees:
        raise Disagreement(report)
    return report


def compare_training(
    functions: Mapping[str, Step],
    params: Any,
    batches: Sequence[Any],
    *,
    dtype: str = "float64",
    seed: int = 0,
) -> Report:
    """The report of check_training, whatever it says. Raises ValueError as that does."""
    if not isinstance(batches, Sequence) or not len(batches):
        raise ValueError("batches is a list of one batch or more: one for each step")
    points = [point(params, batch, dtype) for batch in batches]
    first, *others = trainers(functions)
    first.check(points[0])
    found = []
    for other in others:
        other.check(points[0])
        found.append(_Pair(first, other, points, seed).compared())
    return Report(found, dtype, "update")


class _Pair:
    """Two trainers, and all the runs of them that go through the batches side by side."""

    def __init__(self, first: Trainer, other: Trainer, points: list[Point], seed: int) -> None:
        self.first, self.other, self.points = first, other, points
        self.streams = [np.random.default_rng([seed, draw]) for draw in range(DRAWS)]
        start = points[0]
        moved = [perturbed(start, stream) for stream in self.streams]
        self.forced, self.free = (
            [Track(trainer, start, starts, is_forced) for trainer in (first, other)]
            for starts, is_forced in (([start] * DRAWS, True), (moved, False))
        )
        self.teacher = self.forced[0].run
        self.before: Moment | None = None  # the teacher, a step ago
        self.findings: list[list[Finding]] = []  # of the first two steps that differ

    def compared(self) -> TrainingComparison:
        """Make all steps. The first two that differ are explained."""
        forced, free = [], []
        with np.errstate(invalid="ignore", over="ignore"):
            for number in range(len(self.points)):
                one, two = self._step(number)
                forced.append(one)
                free.append(two)
        findings = common(self.findings)
        return TrainingComparison(self.first.name, self.other.name, forced, free, findings)

    def _step(self, number: int) -> tuple[list[Distance], list[Distance]]:
        now = Moment(self.teacher.params, deepcopy(self.teacher.state))
        at = self.points[number].replaced(params=now.params)
        moved = [perturbed(at, stream) for stream in self.streams]
        forced, *updates = self._judged(self.forced, at, moved)
        if len(self.findings) < 2 and any(d.verdict == DIFFERS for d in forced):
            one, two = (Values(None, update) for update in updates)
            distances = {d.name: d for d in forced}
            case = Case(self.first, self.other, at, one, two, distances, "update")
            parting = Parting(self.points, number, now, self.before)
            self.findings.append(explain_step(case, self.first, parting))
        self.before = now
        return forced, self._judged(self.free, at, moved)[0]

    def _judged(
        self, tracks: list[Track], at: Point, moved: list[Point]
    ) -> tuple[list[Distance], Leaves, Leaves]:
        """Make a step on both tracks: the distance of each parameter's change, and the changes."""
        squares = {name: np.zeros(leaf.shape) for name, leaf in at.params.items()}
        one, two = (track.step(at, moved, squares) for track in tracks)
        found = []
        for name, square in squares.items():
            least = floor(at, one[name], two[name])
            least += eps(at.dtype) * rms(self.teacher.params[name])  # new parameters are rounded
            words = name, one[name], two[name], square / DRAWS, least, at.dtype
            found.append(distance(*words))
        return found, one, two
