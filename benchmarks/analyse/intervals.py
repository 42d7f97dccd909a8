"""Ratios of times with their 95 % intervals, from rounds that were measured interleaved.

Every sample is a list of processes, each with the logarithms of its paired ratios.
Within a process the estimate is their median; over processes it is the mean of the medians, and
its uncertainty comes from how these differ, since rounds of one process tell nothing about that.
A few processes tell little about it too: so a row is judged together with others of its kind.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from scipy import optimize, special, stats

# The standard deviation of what two measurements of one cell in one process differ by beyond what
# their rounds show, probably by how its memory lies. Measured by the self-test, which fails if it
# is too small for a machine.
SCATTER = 1.2e-3
BALANCED = 20  # from so many rounds on, two make one ratio
BATCHES = 8  # of successive rounds of a process; fewer rounds are a batch each
TELLING = 30  # rounds from which on one sees how a round resembles the one before it
RESEMBLANCE = 0.8  # the correlation of successive rounds that is assumed of fewer
APART = 1.25  # medians of processes that differ by more have no mean; most differ by 1 to 5 %
ENOUGH = 8  # rows of a kind that tell how much processes differ
MOST = 100.0  # degrees of freedom: of rows whose processes seem to differ alike
Sample = list[np.ndarray]  # one array of log-ratios a process


class Ratio(NamedTuple):
    """A ratio of two times, with the limits of its 95 % interval."""

    value: float
    low: float
    high: float


class Prior(NamedTuple):
    """What other rows tell about the variance between the processes of a row.

    It counts as much as freedom + 1 processes with this variance would.
    """

    freedom: float
    variance: float


NOTHING = Prior(0, 0)


def logs(times: Sequence[Sequence[float]], beside: Sequence[Sequence[float]]) -> Sample:
    """The paired log-ratios times / beside, process by process."""
    return [_pairs(np.log(a) - np.log(b)) for a, b in zip(times, beside, strict=True)]


def ratio(sample: Sample, prior: Prior = NOTHING) -> Ratio:
    """The ratio of a sample with its 95 % interval.

    Several processes: Student's t of their medians, with the variance between them and the prior's
    averaged by their degrees of freedom (Smyth 2004, the moderated t statistic). One process: the
    error of the median of its rounds, with the prior's variance in quadrature, or with SCATTER
    where there is none: then it says nothing about how another process would have come out.
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

    Memory may lie in two ways, one of them several times slower: then a mean is the ratio of
    neither, and an interval of three processes that fell to both sides means nothing.
    """
    medians = [np.median(process) for process in sample]
    low, high = np.exp([min(medians), max(medians)]).tolist()
    return (low, high) if high > APART * low else None


def prior(samples: Iterable[Sample]) -> Prior:
    """What the rows of a kind tell about a further one: how much processes differ, how certainly.

    Their variances follow an F distribution, whose parameters are fitted to the moments of their
    logarithms (Smyth 2004, section 6.2). NOTHING where too few have several processes.
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

    Rounds that resemble the one before tell less than independent ones. Batches see most of it.
    The rest follows from the correlation of successive rounds, as if they were autoregressive.
    """
    rounds = len(process)
    if rounds < 2:
        return 0.0
    batches = [np.median(batch) for batch in np.array_split(process, min(BATCHES, rounds))]
    count, of_batch = len(batches), rounds / len(batches)
    correlation = _resemblance(process) if rounds >= TELLING else RESEMBLANCE
    whole, part = (_variance_of_mean(n, correlation) for n in (rounds, of_batch))
    factor = (count - 1) * whole / (part - whole)
    return _student(count - 1, max(factor, 1) * np.var(batches, ddof=1) / count)


def _resemblance(process: np.ndarray) -> float:
    """The correlation of successive rounds, 0 to 0.9, without its bias; 0 where none shows."""
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
    """Of so many numbers of variance 1 that are autoregressive."""
    r = correlation
    return ((1 + r) / (1 - r) - 2 * r * (1 - r**count) / (count * (1 - r) ** 2)) / count


def _student(freedom: float, variance: float) -> float:
    return float(stats.t.ppf(0.975, freedom) * np.sqrt(variance))
