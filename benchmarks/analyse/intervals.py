"""Ratios of times with their 95 % intervals, from rounds that were measured interleaved.

Every sample is a list of processes, each with the logarithms of its paired ratios.
Within a process the estimate is their median. Over processes it is the mean of the medians, and the
interval comes from how the medians differ: rounds of one process cannot show that. A few processes
show little of it, so the other rows of a kind are considered too.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from scipy import optimize, special, stats

# Two measurements of one cell in one process differ by more than their rounds show, probably by
# their memory layout. This is the standard deviation of that difference. The self-test fails if it
# is too small for a machine.
SCATTER = 1.2e-3
BALANCED = 20  # rounds; with fewer, none are paired
BATCHES = 8  # of successive rounds of a process
CORRELATED = 30  # rounds; with fewer, the correlation of successive ones cannot be estimated
ASSUMED = 0.8  # and is assumed to be this
APART = 1.25  # if medians of processes differ by more, no mean is shown; most differ by 1 to 5 %
ENOUGH = 8  # rows of several processes; fewer give no prior
MOST = 100.0  # degrees of freedom of a prior
Sample = list[np.ndarray]  # one array of log-ratios for each process


class Ratio(NamedTuple):
    """A ratio of two times, with the limits of its 95 % interval."""

    value: float
    low: float
    high: float


class Prior(NamedTuple):
    """The variance between the processes of a row, as other rows show it, with its freedom."""

    freedom: float
    variance: float


NOTHING = Prior(0, 0)


def logs(times: Sequence[Sequence[float]], beside: Sequence[Sequence[float]]) -> Sample:
    """The paired log-ratios times / beside, process by process."""
    return [_pairs(np.log(a) - np.log(b)) for a, b in zip(times, beside, strict=True)]


def ratio(sample: Sample, prior: Prior = NOTHING) -> Ratio:
    """The ratio of a sample with its 95 % interval.

    Several processes: Student's t of their medians. Its variance is the mean of their own and the
    prior's, weighted by degrees of freedom (Smyth 2004, the moderated t statistic). One process:
    the error of the median of its rounds, with that of the prior in quadrature. Without a prior
    SCATTER takes its place, and the interval does not cover other processes.
    """
    medians = [np.median(process) for process in sample]
    value, half = np.mean(medians), _half(sample, prior)
    return Ratio(*np.exp([value, value - half, value + half]).tolist())


def quotient(one: Ratio, other: Ratio) -> Ratio:
    """The ratio of two ratios to a common baseline: backend against backend.

    The errors of both add in quadrature, so its interval is wider than that of either.
    """
    halves = [np.log(ratio.high / ratio.low) / 2 for ratio in (one, other)]
    value, half = np.log(one.value / other.value), np.hypot(*halves)
    return Ratio(*np.exp([value, value - half, value + half]).tolist())


def apart(sample: Sample) -> tuple[float, float] | None:
    """The least and the largest ratio of its processes, where these have no common value.

    Memory may be laid out in two ways, one of them several times slower. Then the mean is the ratio
    of neither, and an interval around it means nothing.
    """
    medians = [np.median(process) for process in sample]
    low, high = np.exp([min(medians), max(medians)]).tolist()
    return (low, high) if high > APART * low else None


def prior(samples: Iterable[Sample]) -> Prior:
    """The prior from the rows of a kind; NOTHING if too few have several processes.

    Their variances follow a scaled F distribution. Its parameters are fitted to the mean and the
    variance of their logarithms (Smyth 2004, section 6.2).
    """
    several = [sample for sample in samples if len(sample) > 1]
    variances = np.array([np.var([np.median(p) for p in s], ddof=1) for s in several])
    half = (np.array([len(sample) for sample in several]) - 1) / 2
    half, variances = half[variances > 0], variances[variances > 0]
    if len(variances) < ENOUGH:
        return NOTHING
    found = np.log(variances) - special.digamma(half) + np.log(half)
    beyond = np.var(found, ddof=1) - np.mean(special.polygamma(1, half))
    if beyond <= special.polygamma(1, MOST / 2):
        return Prior(MOST, float(np.exp(np.mean(found))))
    freedom = 2 * optimize.brentq(lambda x: special.polygamma(1, x) - beyond, 1e-3, MOST)
    shift = special.digamma(freedom / 2) - np.log(freedom / 2)
    return Prior(freedom, float(np.exp(np.mean(found) + shift)))


def _pairs(rounds: np.ndarray) -> np.ndarray:
    """The mean of every even round and the odd one after it, in which the order was the other.

    Whoever comes first is a few per cent slower where calls are short: rounds are of two kinds, and
    their median lies anywhere between. Where the two do not differ beyond what they scatter, rounds
    stay as they are, since a pair is off where either of its rounds was interrupted. So do a few
    rounds, which are those of long calls.
    """
    if len(rounds) < BALANCED:
        return rounds
    pairs = rounds[: len(rounds) // 2 * 2].reshape(-1, 2)
    middle = np.median(pairs, axis=0)
    scatter = np.median(np.abs(pairs - middle), axis=0)  # 1.86 of it: the error of the median, ...
    error = 1.86 * np.hypot(*scatter) / np.sqrt(len(pairs))  # ... if the rounds are normal
    return pairs.mean(axis=1) if abs(middle[0] - middle[1]) > 2 * error else rounds


def _half(sample: Sample, prior: Prior) -> float:
    """Half the 95 % interval, in logarithms."""
    if len(sample) == 1:
        between = 1.96 * SCATTER if prior == NOTHING else _student(prior.freedom, prior.variance)
        return float(np.hypot(_half_of_rounds(sample[0]), between))
    own = len(sample) - 1
    variance = np.var([np.median(process) for process in sample], ddof=1)
    freedom = own + prior.freedom
    variance = (own * variance + prior.freedom * prior.variance) / freedom
    return _student(freedom, variance / len(sample))


def _half_of_rounds(process: np.ndarray) -> float:
    """Half the 95 % interval of the median of a process, from the medians of successive batches.

    Successive rounds may be correlated, which makes the median less certain. Most of that shows in
    the medians of batches. The rest is computed as if the rounds were autoregressive.
    """
    rounds = len(process)
    if rounds < 2:
        return 0.0
    batches = [np.median(batch) for batch in np.array_split(process, min(BATCHES, rounds))]
    count, of_batch = len(batches), rounds / len(batches)
    correlation = _correlation(process) if rounds >= CORRELATED else ASSUMED
    whole, part = (_variance_of_mean(n, correlation) for n in (rounds, of_batch))
    factor = (count - 1) * whole / (part - whole)
    return _student(count - 1, max(factor, 1) * np.var(batches, ddof=1) / count)


def _correlation(process: np.ndarray) -> float:
    """The correlation of successive rounds, 0 to 0.9, without bias; 0 if it is not significant."""
    rounds, centered = len(process), process - np.median(process)
    limit = 3 * 1.4826 * np.median(np.abs(centered))  # three deviations: interruptions are cut
    if limit == 0:
        return 0.0
    cut = np.clip(centered, -limit, limit)
    cut -= cut.mean()
    found = np.sum(cut[1:] * cut[:-1]) / np.sum(cut**2)
    found += (1 + 4 * found) / rounds
    return float(min(found, 0.9)) if found > 2 / np.sqrt(rounds) else 0.0


def _variance_of_mean(count: float, correlation: float) -> float:
    """The variance of the mean of autoregressive numbers of variance 1."""
    r = correlation
    return ((1 + r) / (1 - r) - 2 * r * (1 - r**count) / (count * (1 - r) ** 2)) / count


def _student(freedom: float, variance: float) -> float:
    return float(stats.t.ppf(0.975, freedom) * np.sqrt(variance))
