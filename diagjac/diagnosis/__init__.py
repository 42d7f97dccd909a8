"""What is most likely wrong: each explanation is computed, and kept only if it fits.

An explanation predicts the gradients of the other function. It is kept if these are predicted but
for rounding, or all but a tenth of the difference.
"""

import warnings
from collections.abc import Callable, Iterator

from diagjac.case import Finding, GradientCase, explained
from diagjac.diagnosis import formulas, inputs, precision, swaps

STEPS: tuple[Callable[[GradientCase], Iterator[Finding]], ...] = (
    formulas.not_finite,
    inputs.unused,
    formulas.factor,
    formulas.weight_decay,
    formulas.transposed,
    inputs.other_input,
    inputs.kink,
    inputs.ignored,
    swaps.swapped,
    precision.held,
    precision.rough,
)
SHOWN = 3


def diagnose(case: GradientCase) -> list[Finding]:
    """The explanations that fit, the best first; the search ends with one that explains all."""
    findings: list[Finding] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # inputs that the caller did not choose
        for step in STEPS:
            findings += [finding for finding in step(case) if explained(finding.left)]
            if any(finding.left == 0 for finding in findings):
                break
    return sorted(findings, key=lambda finding: finding.left)[:SHOWN]
