"""Ratios of times with their 95 % intervals, from rounds that were measured interleaved.

Every sample is a list of processes, each with the logarithms of its paired ratios.
Within a process the estimate is their median. Over processes it is the mean of the medians, and the
interval comes from how the medians differ: rounds of one process cannot show that.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

RESAMPLES = 2000
# Two measurements of one cell in one process differ by more than their rounds show, probably by
# their memory layout. This is the standard deviation of that difference, measured by the self-test,
# which fails if it is too small for a machine.
SCATTER = 1.2e-3
BALANCED = 20  # rounds; with fewer, none are paired
FEW = 8  # rounds; with fewer, a bootstrap of the median is too narrow: with two it covers half
APART = 1.5  # if medians of processes differ by more, no mean is shown; most differ by 1 to 5 %
Sample = list[np.ndarray]  # one array of log-ratios for each process


class Ratio(NamedTuple):
    """A ratio of two times, with the limits of its 95 % interval."""

    value: float
    low: float
    high: float


def logs(times: Sequence[Sequence[float]], beside: Sequence[Sequence[float]]) -> Sample:
    """The paired log-ratios times / beside, process by process."""
    return [_pairs(np.log(a) - np.log(b)) for a, b in zip(times, beside, strict=True)]


def ratio(sample: Sample, scatter: float = SCATTER) -> Ratio:
    """The ratio of a sample with its 95 % interval.

    One process: the percentile bootstrap of the median, or Student's t of a few rounds, with the
    scatter added in quadrature. It covers other processes only if scatter is that between
    processes. Several processes: Student's t of their medians. The percentiles of a bootstrap over
    three processes would cover the true value in three of four cases only.
    """
    return _around(_estimate(sample), *_reach(sample, scatter))


def quotient(one: Sample, other: Sample, scatters: Sequence[float] = (SCATTER, SCATTER)) -> Ratio:
    """The ratio of two ratios to a common baseline: backend against backend.

    The errors of both add in quadrature, so its interval is wider than that of either.
    """
    below, above = _reach(one, scatters[0])
    other_below, other_above = _reach(other, scatters[1])
    reach = float(np.hypot(below, other_above)), float(np.hypot(above, other_below))
    return _around(_estimate(one) - _estimate(other), *reach)


def apart(sample: Sample) -> tuple[float, float] | None:
    """The smallest and the largest ratio of its processes, if they have no common value.

    There may be two memory layouts, one several times slower than the other. A mean over both, and
    the interval of three processes with both, would mean nothing.
    """
    medians = [np.median(process) for process in sample]
    low, high = np.exp([min(medians), max(medians)]).tolist()
    return (low, high) if high > APART * low else None


def spread(samples: list[Sample]) -> float:
    """The pooled standard deviation of the processes' medians; 0 if no sample has several."""
    medians = [[np.median(process) for process in sample] for sample in samples if len(sample) > 1]
    if not medians:
        return 0.0
    freedom = [len(found) - 1 for found in medians]
    return float(np.sqrt(np.average([np.var(m, ddof=1) for m in medians], weights=freedom)))


def _pairs(rounds: np.ndarray) -> np.ndarray:
    """The mean of every even round and the odd one after it, which has the reverse order.

    The call that is timed first is a few per cent slower if calls are short. So even and odd rounds
    differ, and their median could lie anywhere between. If they do not differ by more than their
    scatter, rounds stay as they are, since one interrupted round spoils a pair. Fewer rounds than
    BALANCED, which are those of long calls, stay as they are, too.
    """
    if len(rounds) < BALANCED:
        return rounds
    pairs = rounds[: len(rounds) // 2 * 2].reshape(-1, 2)
    middle = np.median(pairs, axis=0)
    scatter = np.median(np.abs(pairs - middle), axis=0)
    # The standard error of the difference between the two medians, for normal rounds.
    error = 1.86 * np.hypot(*scatter) / np.sqrt(len(pairs))
    return pairs.mean(axis=1) if abs(middle[0] - middle[1]) > 2 * error else rounds


def _estimate(sample: Sample) -> float:
    return float(np.mean([np.median(process) for process in sample]))


def _reach(sample: Sample, scatter: float) -> tuple[float, float]:
    """How far the 95 % interval reaches below and above the estimate."""
    if len(sample) > 1:
        half = _student(np.array([np.median(process) for process in sample]))
        return half, half
    below, above = np.hypot(_reach_of_rounds(sample[0]), 1.96 * scatter).tolist()
    return below, above


def _reach_of_rounds(process: np.ndarray) -> Any:
    if len(process) < FEW:
        return [_student(process)] * 2 if len(process) > 1 else [0.0, 0.0]
    low, high = np.quantile(_bootstrap(process), [0.025, 0.975])
    return [np.median(process) - low, high - np.median(process)]


def _student(numbers: np.ndarray) -> float:
    """Half the width of the 95 % interval of their mean."""
    error = np.std(numbers, ddof=1) / np.sqrt(len(numbers))
    return float(stats.t.ppf(0.975, len(numbers) - 1) * error)


def _bootstrap(process: np.ndarray) -> np.ndarray:
    """The medians of RESAMPLES samples, drawn with replacement from the rounds of a process."""
    chosen = np.random.default_rng(0).integers(len(process), size=(RESAMPLES, len(process)))
    return np.asarray(np.median(process[chosen], axis=1))


def _around(estimate: float, below: float, above: float) -> Ratio:
    return Ratio(*np.exp([estimate, estimate - below, estimate + above]).tolist())
