"""Ratios of times with their 95 % intervals, from rounds that were measured interleaved.

Every sample is a list of processes, each with the logarithms of its paired ratios.
Within a process the estimate is their median; over processes it is the mean of the medians, and
its uncertainty comes from how these differ, since rounds of one process tell nothing about that.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

RESAMPLES = 2000
# The standard deviation of what two measurements of one cell in one process differ by beyond what
# their rounds show, probably by how its memory lies. Measured by the self-test, which fails if it
# is too small for a machine.
SCATTER = 1e-3
BALANCED = 20  # from so many rounds on, two make one ratio
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
    """The paired log-ratios times / beside, process by process."""
    return [_pairs(np.log(a) - np.log(b)) for a, b in zip(times, beside, strict=True)]


def ratio(sample: Sample, scatter: float = SCATTER) -> Ratio:
    """The ratio of a sample with its 95 % interval.

    One process: the percentile bootstrap of the median, with the scatter in quadrature; it says
    nothing about how another process would have come out, unless the scatter is that of others.
    Several: Student's t of their medians. The percentiles of a bootstrap over three processes would
    cover the truth three times in four.
    """
    estimate = _estimate(sample)
    if len(sample) == 1:
        return _percentiles(estimate, _bootstrap(sample[0], 0), scatter)
    return _around(estimate, _variance(sample), len(sample) - 1)


def quotient(one: Sample, other: Sample) -> Ratio:
    """The ratio of two ratios to a common baseline: backend against backend.

    The errors of both add, so its interval is wider than that of either.
    """
    estimate = _estimate(one) - _estimate(other)
    several = [len(sample) - 1 for sample in (one, other) if len(sample) > 1]
    if not several:
        drawn = _bootstrap(one[0], 0) - _bootstrap(other[0], 1)
        return _percentiles(estimate, drawn, 2**0.5 * SCATTER)
    return _around(estimate, _variance(one) + _variance(other), min(several))


def spread(samples: list[Sample]) -> float:
    """The pooled standard deviation of the processes' medians; 0 if no sample has several."""
    medians = [[np.median(process) for process in sample] for sample in samples if len(sample) > 1]
    if not medians:
        return 0.0
    freedom = [len(found) - 1 for found in medians]
    return float(np.sqrt(np.average([np.var(m, ddof=1) for m in medians], weights=freedom)))


def _pairs(rounds: np.ndarray) -> np.ndarray:
    """The mean of every even round and the odd one after it, in which the order was the other.

    Whoever comes first is a few per cent slower where calls are short: rounds are of two kinds, and
    their median lies anywhere between. A few rounds are those of long calls, and stay as they are.
    """
    if len(rounds) < BALANCED:
        return rounds
    return rounds[: len(rounds) // 2 * 2].reshape(-1, 2).mean(axis=1)


def _estimate(sample: Sample) -> float:
    return float(np.mean([np.median(process) for process in sample]))


def _variance(sample: Sample) -> float:
    """That of the estimate."""
    if len(sample) == 1:
        return float(np.var(_bootstrap(sample[0], 0))) + SCATTER**2
    medians = [np.median(process) for process in sample]
    return float(np.var(medians, ddof=1)) / len(medians)


def _bootstrap(process: np.ndarray, seed: int) -> np.ndarray:
    """The medians of RESAMPLES samples, drawn with replacement from the rounds of a process."""
    rng = np.random.default_rng(seed)
    chosen = rng.integers(len(process), size=(RESAMPLES, len(process)))
    return np.asarray(np.median(process[chosen], axis=1))


def _percentiles(estimate: float, drawn: np.ndarray, scatter: float) -> Ratio:
    below, above = np.hypot(np.quantile(drawn, [0.025, 0.975]) - estimate, 1.96 * scatter)
    return Ratio(*np.exp([estimate, estimate - below, estimate + above]).tolist())


def _around(estimate: float, variance: float, freedom: int) -> Ratio:
    half = float(stats.t.ppf(0.975, freedom)) * np.sqrt(variance)
    return Ratio(*np.exp([estimate, estimate - half, estimate + half]).tolist())
