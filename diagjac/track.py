"""One trainer's run, and the runs that say what rounding explains of it."""

from dataclasses import dataclass, field

import numpy as np

from diagjac.point import Leaves, Point
from diagjac.trainer import Run, Trainer
from diagjac.unit import DRAWS, add_squares, eps, rms

SCALARS = 64  # eps; 1 - 0.999^t of Adam, subtracted in float32, is off by up to 55


@dataclass
class Track:
    """A run, DRAWS runs beside it that are moved by an ULP, and in float32 the same in float64.

    forced: each step starts from given parameters, and is judged alone. Otherwise each run keeps
    its own, and is judged by how far it has come.
    """

    trainer: Trainer
    start: Point
    starts: list[Point]  # of the DRAWS runs
    forced: bool
    run: Run = field(init=False)

    def __post_init__(self) -> None:
        self.run = Run(self.trainer, self.start)
        self.draws = [Run(self.trainer, start) for start in self.starts]
        self.exact: Run | None = None
        if self.start.dtype == "float32":
            self.exact = Run(self.trainer, self.start.cast("float64"))

    def step(self, at: Point, moved: list[Point], squares: Leaves) -> Leaves:
        """Make a step in all runs: what it changes. Adds to squares what rounding explains."""
        base = self._change(self.run, at)
        for run, place in zip(self.draws, moved, strict=True):
            add_squares(squares, self._change(run, place), base)
        if self.exact:
            add_errors(squares, base, self._change(self.exact, at.cast("float64")))
        return base

    def _change(self, run: Run, at: Point) -> Leaves:
        new = run.step(at, at.params if self.forced else None)
        old = at.params if self.forced else self.start.params
        return {name: leaf - old[name] for name, leaf in new.items()}


def add_errors(squares: Leaves, base: Leaves, exact: Leaves) -> None:
    """Add the errors of float32 to what the draws explain, up to SCALARS eps.

    Scalars of an optimizer are rounded to the same number in every draw, so draws do not show it.
    """
    for name, total in squares.items():
        largest = SCALARS * eps("float32") * rms(base[name])
        total += DRAWS * np.minimum(np.abs(base[name] - exact[name]), largest) ** 2
