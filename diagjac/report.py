"""What a comparison says, as text: the message of an assertion that fails."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from diagjac.case import HINT, Finding
from diagjac.distance import DIFFERS, LIMIT, UNKNOWN, VANISHES, Distance, worst_limit

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


class Disagreement(AssertionError):
    """Functions that do not agree, or of which that cannot be told; report says more."""

    def __init__(self, report: object) -> None:
        super().__init__(str(report))
        self.report = report


@dataclass(frozen=True)
class Comparison:
    """One function beside the first."""

    first: str
    other: str
    losses: tuple[float | None, float | None]
    distances: list[Distance]
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """The worst of the parameters' verdicts."""
        found = {d.verdict for d in self.distances}
        return next((v for v in (DIFFERS, UNKNOWN) if v in found), "agrees")

    def __str__(self) -> str:
        told = {
            "agrees": f"{self.other} has the gradients of {self.first}, but for rounding",
            DIFFERS: f"{self.other} has other gradients than {self.first}",
            UNKNOWN: f"whether {self.other} has the gradients of {self.first} cannot be told",
        }
        lines = [told[self.verdict], *table(self.distances), *self._losses()]
        lines += [ADVICE] if self.verdict == UNKNOWN else []
        lines += [where(self)] if self.verdict == DIFFERS else []
        lines += explanations(self.findings) if self.verdict == DIFFERS else []
        return "\n".join(lines + [f"note: {note}" for note in self.notes])

    def _losses(self) -> list[str]:
        one, two = self.losses
        if one is None or two is None:
            return []
        return [f"loss: {one:.17g} ({self.first}), {two:.17g} ({self.other})"]


@dataclass(frozen=True)
class Report:
    """All comparisons with the first function."""

    comparisons: list[Comparison]
    dtype: str

    @property
    def verdict(self) -> str:
        """The worst verdict: agrees, cannot tell, differs."""
        found = {c.verdict for c in self.comparisons}
        return next((v for v in (DIFFERS, UNKNOWN) if v in found), "agrees")

    @property
    def agrees(self) -> bool:
        """Whether all gradients were compared and agree."""
        return self.verdict == "agrees"

    def __str__(self) -> str:
        return told(self.comparisons, self.dtype, "gradient")


def told(comparisons: Sequence[object], dtype: str, what: str) -> str:
    """All comparisons, and what the columns of their tables mean."""
    parts = [f"{dtype}: {comparison}" for comparison in comparisons]
    return "\n\n".join([*parts, MEANING.format(what=what)])


COLUMNS = ("parameter", "size", "apart", "units", "worst", "of", "at", "")


def table(distances: list[Distance]) -> list[str]:
    """One line for each parameter, under a line of titles; MEANING says what they mean."""
    rows = [COLUMNS, *(_row(d) for d in distances)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
    lines = ["  ".join(w.ljust(n) for w, n in zip(row, widths, strict=True)) for row in rows]
    return [line.rstrip() for line in lines]


def _row(d: Distance) -> tuple[str, ...]:
    shape = f"{d.name} {d.shape}" if d.shape else d.name
    place = str(d.where) if d.apart else ""
    worst = f"{worst_limit(max(1, _count(d.shape))):.3g}"
    verdict = {VANISHES: "agrees: 0 but for rounding"}.get(d.verdict, d.verdict)
    if d.verdict == "agrees" and d.size == 0:
        verdict = "agrees: 0 in both"
    return (
        shape, f"{d.size:.2g}", f"{d.apart:.2g}", f"{d.units:.2g}", f"{d.worst:.2g}", worst, place,
        verdict,
    )  # fmt: skip


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for length in shape:
        count *= length
    return count


def where(comparison: Comparison) -> str:
    """Which parameters differ, the most first, and which do not."""
    found = comparison.distances
    differing = sorted((d for d in found if d.verdict == DIFFERS), key=lambda d: -d.units)
    others = [d.name for d in found if d.agrees]
    text = f"differs: {', '.join(d.name for d in differing)} (most units first)"
    text = f"{text}; agrees: {', '.join(others)}" if others else text
    one, two = comparison.losses
    if one is None or two is None:
        return text
    same = abs(one - two) <= SAME * abs(one)
    return text + (
        "\nThe losses agree: the forward pass is the same, a derivative differs."
        if same
        else "\nThe losses differ too: the forward pass is not the same."
    )


def explanations(findings: list[Finding]) -> list[str]:
    """The explanations, the best first, each with what it leaves."""
    if not findings:
        return ["No explanation that was tried explains it; docs/own-functions.md lists them."]
    lines = []
    for finding in findings:
        sure = f"cause of all but {finding.left:.1g}" if finding.left < HINT else "hint"
        lines.append(f"{sure if finding.left else 'cause'} ({finding.kind}): {finding.text}")
    return lines
