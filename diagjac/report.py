"""What a comparison says, as text: the message of an assertion that fails."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Protocol

from diagjac.case import HINT, Finding
from diagjac.distance import (
    AGREES,
    DIFFERS,
    LIMIT,
    UNKNOWN,
    VANISHES,
    Distance,
    worst_limit,
    worst_verdict,
)

ADVICE = (
    "cannot tell: rounding alone moves these gradients by more than sqrt(eps) of their size. An "
    "input lies on a kink, the loss jumps, or the function is chaotic here. Try another batch, "
    "other parameters, or float64."
)
MEANING = (
    f"size, apart: root mean squares of the first's {{what}}, and of the difference; units: apart "
    f"in units of what rounding explains, {LIMIT:g} allowed; worst, of: the coordinate that is "
    "furthest apart in its own unit, and what is allowed"
)
SAME = 1e-6  # of the loss; it is a hint, and says no more than that the losses look the same
COLUMNS = ("parameter", "size", "apart", "units", "worst", "of", "at", "")


class Compared(Protocol):
    """A function beside the first, as text with a verdict."""

    @property
    def verdict(self) -> str:
        """One of the verdicts of diagjac.distance."""


@dataclass(frozen=True)
class Report:
    """All comparisons with the first function; what is compared is the gradient or the update."""

    comparisons: Sequence[Compared]
    dtype: str
    what: str

    @property
    def verdict(self) -> str:
        """The worst verdict: agrees, cannot tell, differs."""
        return worst_verdict(c.verdict for c in self.comparisons)

    @property
    def agrees(self) -> bool:
        """Whether all was compared and agrees."""
        return self.verdict == AGREES

    def __str__(self) -> str:
        parts = [f"{self.dtype}: {comparison}" for comparison in self.comparisons]
        return "\n\n".join([*parts, MEANING.format(what=self.what)])


class Disagreement(AssertionError):
    """Functions that do not agree, or of which that cannot be told; report says more."""

    def __init__(self, report: Report) -> None:
        super().__init__(str(report))
        self.report = report


@dataclass(frozen=True)
class Comparison:
    """The gradients of one function beside those of the first."""

    first: str
    other: str
    losses: tuple[float | None, float | None]
    distances: list[Distance]
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """The worst of the parameters' verdicts."""
        return worst_verdict(d.verdict for d in self.distances)

    def __str__(self) -> str:
        told = {
            AGREES: f"{self.other} has the gradients of {self.first}, but for rounding",
            DIFFERS: f"{self.other} has other gradients than {self.first}",
            UNKNOWN: f"whether {self.other} has the gradients of {self.first} cannot be told",
        }
        lines = [told[self.verdict], *table(self.distances), *self._losses()]
        lines += [ADVICE] if self.verdict == UNKNOWN else []
        lines += [*self._where(), *explanations(self.findings)] if self.verdict == DIFFERS else []
        return "\n".join(lines + [f"note: {note}" for note in self.notes])

    def _losses(self) -> list[str]:
        one, two = self.losses
        if one is None or two is None:
            return []
        return [f"loss: {one:.17g} ({self.first}), {two:.17g} ({self.other})"]

    def _where(self) -> list[str]:
        """Which parameters differ, the most first, which do not, and whether the losses do."""
        differing = [d for d in self.distances if d.verdict == DIFFERS]
        names = [d.name for d in sorted(differing, key=lambda d: -d.units)]
        others = [d.name for d in self.distances if d.agrees]
        text = f"differs: {', '.join(names)} (most units first)"
        lines = [f"{text}; agrees: {', '.join(others)}" if others else text]
        one, two = self.losses
        if one is None or two is None:
            return lines
        if abs(one - two) <= SAME * abs(one):
            return [*lines, "The losses agree: the forward pass is the same, a derivative differs."]
        return [*lines, "The losses differ too: the forward pass is not the same."]


def table(distances: list[Distance]) -> list[str]:
    """One line for each parameter, under a line of titles; MEANING says what they mean."""
    rows = [COLUMNS, *(_row(d) for d in distances)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
    lines = ["  ".join(w.ljust(n) for w, n in zip(row, widths, strict=True)) for row in rows]
    return [line.rstrip() for line in lines]


def _row(d: Distance) -> tuple[str, ...]:
    shape = f"{d.name} {d.shape}" if d.shape else d.name
    place = str(d.where) if d.apart else ""
    verdict = "agrees: 0 but for rounding" if d.verdict == VANISHES else d.verdict
    if d.verdict == AGREES and d.size == 0:
        verdict = "agrees: 0 in both"
    figures = (d.size, d.apart, d.units, d.worst)
    allowed = f"{worst_limit(prod(d.shape)):.3g}"
    return (shape, *(f"{figure:.2g}" for figure in figures), allowed, place, verdict)


def explanations(findings: list[Finding]) -> list[str]:
    """The explanations, the best first, each with what it leaves."""
    if not findings:
        return ["No explanation that was tried explains it; docs/own-functions.md lists them."]
    lines = []
    for finding in findings:
        sure = f"cause of all but {finding.left:.1g}" if finding.left < HINT else "hint"
        lines.append(f"{sure if finding.left else 'cause'} ({finding.kind}): {finding.text}")
    return lines
