"""What a comparison of two training runs says, as text."""

from collections.abc import Callable
from dataclasses import dataclass

from diagjac.case import Finding
from diagjac.distance import AGREES, DIFFERS, UNKNOWN, Distance
from diagjac.report import explanations, table

CHAOS = (
    "From there on rounding alone parts the runs: perturbed runs of each function are as far apart."
)


@dataclass(frozen=True)
class TrainingComparison:
    """One training beside the first: for each step the distances of all parameters."""

    first: str
    other: str
    forced: list[list[Distance]]
    free: list[list[Distance]]
    findings: list[Finding]

    @property
    def verdict(self) -> str:
        """differs; cannot tell, if a parameter could be judged in no step; agrees."""
        if any(d.verdict == DIFFERS for step in self.forced + self.free for d in step):
            return DIFFERS
        told = {d.name for step in self.forced for d in step if d.agrees}
        return UNKNOWN if any(d.name not in told for d in self.forced[0]) else AGREES

    def __str__(self) -> str:
        words = {
            AGREES: f"{self.other} takes the steps of {self.first}, but for rounding",
            DIFFERS: f"{self.other} takes other steps than {self.first}",
            UNKNOWN: f"whether {self.other} takes the steps of {self.first} cannot be told",
        }
        lines = [words[self.verdict], *self._forced(), *self._free()]
        return "\n".join(lines + (explanations(self.findings) if self.parted else []))

    @property
    def parted(self) -> int:
        """The number of the first teacher-forced step that differs, from 1; 0 if none does."""
        return _first(self.forced, _differs)

    def _forced(self) -> list[str]:
        """Each step from the first's parameters: the first that differs, or the worst of all."""
        title = f"teacher-forced, each step from the parameters of {self.first}:"
        if not self.parted:
            return [f"{title} the worst of {len(self.forced)} steps", *table(_worst(self.forced))]
        step = self.forced[self.parted - 1]
        worst = max((d for d in step if _differs(d)), key=lambda d: d.units)
        count = sum(any(map(_differs, step)) for step in self.forced)
        told = f"step {self.parted} differs first, most in {worst.name}; in all {count} of "
        return [f"{title} {told}{len(self.forced)} do", *table(step)]

    def _free(self) -> list[str]:
        """Both runs on their own, compared with perturbed runs of them."""
        last = max(self.free[-1], key=lambda d: d.units)
        lines = [
            f"free-running: after {len(self.free)} steps {last.name} is apart by {last.apart:.2g}, "
            f"rounding explains {last.unit:.2g}; it has moved by {last.size:.2g}"
        ]
        if step := _first(self.free, _differs):
            lines.append(f"More than rounding explains, first after step {step}.")
        elif step := _first(self.free, lambda d: d.verdict == UNKNOWN):
            lines.append(f"After step {step} that is more than sqrt(eps) of the way. {CHAOS}")
        return lines


def _differs(d: Distance) -> bool:
    return d.verdict == DIFFERS


def _first(steps: list[list[Distance]], is_it: Callable[[Distance], bool]) -> int:
    """The number of the first step, from 1, in which any parameter is it; 0 if none is."""
    return next((number for number, step in enumerate(steps, 1) if any(map(is_it, step))), 0)


def _worst(steps: list[list[Distance]]) -> list[Distance]:
    """For each parameter the step with the most units, of those in which it could be judged."""
    found = []
    for own in zip(*steps, strict=True):
        told = [d for d in own if d.agrees] or list(own)
        found.append(max(told, key=lambda d: d.units))
    return found
