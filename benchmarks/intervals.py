"""Ratios of times with their 95 % intervals, from rounds that were measured interleaved.

Every sample is a list of processes, each with the logarithms of the paired ratios of its rounds.
Within a process the estimate is the median; over processes it is the mean of their medians. The
bootstrap draws processes first, then rounds within each.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

RESAMPLES = 2000
Sample = list[np.ndarray]  # one array of log-ratios a process


class Ratio(NamedTuple):
    """A ratio of two times, with the limits of its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def differs(self) -> bool:
        """Whether a difference was measured: the interval does not contain 1."""
        return not self.low <= 1 <= self.high


def logs(times: Sequence[Sequence[float]], beside: Sequence[Sequence[float]]) -> Sample:
    """The paired log-ratios times / beside, process by process and round by round."""
    return [np.log(a) - np.log(b) for a, b in zip(times, beside, strict=True)]


def ratio(sample: Sample) -> Ratio:
    """The ratio of a sample with its 95 % interval.

    One process: the percentile bootstrap of the median, which says nothing about how another
    process would have come out. Several: an interval of Student's t around the mean of their
    medians, with the standard error of the bootstrap over processes and rounds. The percentiles
    of a mean of three would cover the truth three times in four only.
    """
    estimate = np.mean([np.median(process) for process in sample])
    drawn = _bootstrap(sample, np.random.default_rng(0))
    if len(sample) == 1:
        low, high = np.quantile(drawn, [0.025, 0.975])
        return Ratio(*np.exp([estimate, low, high]).tolist())
    return _around(float(estimate), _variance(sample, drawn), len(sample) - 1)


def quotient(one: Sample, other: Sample) -> Ratio:
    """The ratio of two ratios to a common baseline: backend against backend.

    The errors of both add, so its interval is wider than that of either.
    """
    drawn = [_bootstrap(sample, np.random.default_rng(i)) for i, sample in enumerate((one, other))]
    means = [float(np.mean([np.median(process) for process in s])) for s in (one, other)]
    few = min(len(one), len(other))
    if few == 1:
        low, high = np.quantile(drawn[0] - drawn[1], [0.025, 0.975])
        return Ratio(*np.exp([means[0] - means[1], low, high]).tolist())
    variance = sum(_variance(s, d) for s, d in zip((one, other), drawn, strict=True))
    return _around(means[0] - means[1], variance, few - 1)


def _bootstrap(sample: Sample, rng: np.random.Generator) -> np.ndarray:
    """The estimate on RESAMPLES samples, drawn with replacement from processes and rounds."""
    chosen = rng.integers(len(sample), size=(RESAMPLES, len(sample)))
    medians = np.empty(chosen.shape)
    for index, process in enumerate(sample):
        slots = chosen == index
        rounds = rng.integers(len(process), size=(np.count_nonzero(slots), len(process)))
        medians[slots] = np.median(process[rounds], axis=1)
    return medians.mean(axis=1)


def _variance(sample: Sample, drawn: np.ndarray) -> float:
    """That of the estimate; drawing n of n makes it too small by (n - 1) / n."""
    return float(np.var(drawn)) * len(sample) / (len(sample) - 1)


def _around(estimate: float, variance: float, freedom: int) -> Ratio:
    half = float(stats.t.ppf(0.975, freedom)) * np.sqrt(variance)
    return Ratio(*np.exp([estimate, estimate - half, estimate + half]).tolist())
