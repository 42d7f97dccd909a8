"""Ratios and their intervals on synthetic rounds whose truth is known: seeded, without a clock.

An interval of 95 % is right if it contains the truth in 95 of 100 samples, so the tests count. The
count must not be in the lowest 0.1 % of a binomial with 93 %, nor in the highest 0.1 % of one with
97 %: the bootstrap is approximate, and the seeds are fixed.
"""

import numpy as np
import pytest
from scipy.stats import binom

from benchmarks.analyse.intervals import (
    FEW,
    RESAMPLES,
    SCATTER,
    Ratio,
    apart,
    logs,
    quotient,
    ratio,
    spread,
)

ROUNDS = 40
NOISE = 0.01  # of one block, in logarithms
EFFECT = 0.05  # of a process, from its memory layout


def process(rng, truth, rounds=ROUNDS, effect=0.0):
    """Two lists of times: log-normal noise of each block, and a drift of 20 % of both sides.

    One block in ten is disturbed and takes up to three times as long.
    """
    drift = 1e-3 * np.exp(np.cumsum(rng.normal(0, 0.2 / np.sqrt(rounds), rounds)))
    hit = np.where(rng.random((2, rounds)) < 0.1, rng.uniform(1, 3, (2, rounds)), 1)
    times, beside = drift * hit * np.exp(rng.normal(0, NOISE, (2, rounds)))
    return truth * np.exp(rng.normal(0, effect)) * times, beside


def measured(rng, truth, processes=1, rounds=ROUNDS, effect=EFFECT):
    """The log-ratios of several processes."""
    effect = effect if processes > 1 else 0.0  # one process alone cannot show its effect
    found = [process(rng, truth, rounds, effect) for _ in range(processes)]
    return logs(*zip(*found, strict=True))


def contains(found, truth):
    return found.low <= truth <= found.high


def count(trials, once):
    """How often the interval of a trial contains the truth: once(rng) gives both."""
    return sum(contains(*once(np.random.default_rng(seed))) for seed in range(trials))


def allowed(trials):
    return binom.ppf(1e-3, trials, 0.93), binom.ppf(1 - 1e-3, trials, 0.97)


def assert_right(trials, once):
    low, high = allowed(trials)
    assert low <= count(trials, once) <= high


# --- one process


def test_one_process_contains_the_truth():
    """It does in 93.5 of 100 samples of 40 rounds; an interval of 90 % would in 88."""
    assert_right(1000, lambda rng: (ratio(measured(rng, 1.01)), 1.01))


@pytest.mark.parametrize("rounds", [2, 4, FEW - 1, FEW])
def test_a_few_rounds_contain_the_truth_no_less_often(rounds):
    """A bootstrap of two rounds gives the smaller and the larger: right in 50 of 100 samples.

    From eight rounds on the bootstrap of the median is right in 93 of 100 or more.
    """
    found = count(400, lambda rng: (ratio(measured(rng, 1.3, rounds=rounds)), 1.3))
    assert found >= allowed(400)[0]


def test_one_process_contains_1_where_there_is_no_difference():
    assert_right(300, lambda rng: (ratio(measured(rng, 1)), 1))


def test_one_per_cent_is_detected():
    """A block has 1 % of noise, a ratio 1.4 %, a median of 160 0.14 %: 1 % is far more than that.

    The disturbed blocks make it 0.17 %. 99 of 100 are required, within the scatter of 200 trials.
    """
    found = [ratio(measured(np.random.default_rng(s), 1.01, rounds=160)) for s in range(200)]
    assert sum(f.low > 1 for f in found) >= binom.ppf(1e-3, 200, 0.99)
    assert np.median([f.value for f in found]) == pytest.approx(1.01, abs=0.0005)


def test_a_drift_of_both_sides_moves_no_interval():
    """The rounds are paired: with the second side in another order the drift is in the ratio."""
    rng = np.random.default_rng(5)
    widths = []
    for _ in range(20):
        times, beside = process(rng, 1)
        paired, shuffled = (ratio(logs([times], [b])) for b in (beside, rng.permutation(beside)))
        widths.append([np.log(r.high / r.low) for r in (paired, shuffled)])
    paired, shuffled = np.median(widths, axis=0)
    assert shuffled > 3 * paired


def test_more_rounds_narrow_it_as_their_square_root():
    widths = [
        [np.log((r := ratio(measured(np.random.default_rng(s), 1, rounds=n), 0)).high / r.low)
         for s in range(40)]
        for n in (60, 960)
    ]  # fmt: skip
    few, many = np.median(widths, axis=1)
    assert 3 < few / many < 5.3  # 4, within a third


# --- several processes


@pytest.mark.parametrize("processes", [3, 5])
def test_several_processes_contain_the_truth(processes):
    assert_right(300, lambda rng: (ratio(measured(rng, 1.3, processes, 20)), 1.3))


@pytest.mark.parametrize("processes", [3, 5])
def test_equal_processes_contain_the_truth_no_less_often(processes):
    found = count(200, lambda rng: (ratio(measured(rng, 1.3, processes, 20, 0.0)), 1.3))
    assert found >= binom.ppf(1e-3, 200, 0.95)


def test_rounds_of_several_processes_are_no_independent_ones():
    """If the 180 rounds of 3 processes count as independent, two intervals in three are wrong."""
    together = count(
        200, lambda rng: (ratio([np.concatenate(measured(rng, 1.3, 3, 60))]), 1.3)
    )  # fmt: skip
    assert together < binom.ppf(1e-3, 200, 0.7)


def percentiles(rng, sample):
    """The interval that a plain bootstrap over the processes would give."""
    medians = np.array([np.median(process) for process in sample])
    chosen = rng.integers(len(medians), size=(RESAMPLES, len(medians)))
    limits = np.quantile(medians[chosen].mean(axis=1), [0.025, 0.975])
    return Ratio(*np.exp([medians.mean(), *limits]))


def test_percentiles_of_a_bootstrap_over_three_processes_cover_too_little():
    """They are right three times in four, Student's t 95 times in 100.

    One resample in 27, more than 2.5 %, is the smallest median three times. So the percentiles are
    the smallest and the largest median. All three lie on one side of the truth once in four.
    """
    found = count(400, lambda rng: (percentiles(rng, measured(rng, 1.3, 3, 20)), 1.3))
    assert binom.ppf(1e-3, 400, 0.75) <= found <= binom.ppf(1 - 1e-3, 400, 0.75)


def test_several_processes_count_alike_however_many_rounds_they_have():
    """Medians 1, 2 and 4 of 3, 30 and 300 rounds: their mean in logarithms is 2."""
    sample = [np.full(rounds, np.log(m)) for rounds, m in ((3, 1), (30, 2), (300, 4))]
    found = ratio(sample)
    assert found.value == pytest.approx(2)
    half = 4.303 * np.log(2) / np.sqrt(3)  # Student's t of 2, standard error of three numbers
    assert np.log(found.high / found.value) == pytest.approx(half, rel=0.05)  # of 2000 resamples


def test_the_spread_is_pooled_over_samples():
    """Standard deviations 3 of three processes and 1 of two; one alone has none."""
    samples = [[np.full(5, m) for m in medians] for medians in ((1, 4, 7), (0, 2**0.5), (9,))]
    assert spread(samples) == pytest.approx((19 / 3) ** 0.5)
    assert spread(samples[2:]) == spread([]) == 0


def test_the_scatter_of_others_widens_the_interval_of_one_process():
    found = ratio(logs([[3.0] * 50], [[2.0] * 50]), 0.05)
    assert np.log(found) - np.log(1.5) == pytest.approx([0, -0.098, 0.098])


# --- the quotient of two ratios


@pytest.mark.parametrize("processes", [1, 3, 5])
def test_a_quotient_contains_the_truth_no_less_often(processes):
    """Each has its own effect; the smaller number of processes gives the degrees of freedom."""

    def once(rng):
        one, other = (measured(rng, truth, processes, 20) for truth in (1.3, 2))
        return quotient(one, other), 1.3 / 2

    assert count(200, once) >= binom.ppf(1e-3, 200, 0.95)


@pytest.mark.parametrize("processes", [1, 3, 5])
def test_a_quotient_is_less_certain_than_either(processes):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        one, other = (measured(rng, truth, processes, 60) for truth in (1.3, 2))
        found = quotient(one, other)
        widths = [np.log(r.high / r.low) for r in (ratio(one), ratio(other), found)]
        assert widths[2] > 0.95 * max(widths[:2])  # both are drawn at random
        assert found.value == pytest.approx(ratio(one).value / ratio(other).value)


# --- what follows from the definition


@pytest.mark.parametrize("processes", [1, 3])
def test_the_other_way_round_it_is_the_inverse(processes):
    sample = measured(np.random.default_rng(3), 1.7, processes)
    found, other = ratio(sample), ratio([-part for part in sample])
    assert other == pytest.approx((1 / found.value, 1 / found.high, 1 / found.low))


def test_the_same_sample_has_the_same_interval():
    sample = measured(np.random.default_rng(4), 1.7, 3)
    assert ratio(sample) == ratio(sample)


def test_the_value_is_the_median_of_the_paired_ratios():
    times, beside = [2.0, 30.0, 6.0], [1.0, 10.0, 3.0]
    assert ratio(logs([times], [beside])).value == pytest.approx(2)


def test_two_rounds_in_turn_make_one_ratio():
    """Whichever side is first takes 4 % longer: single rounds have 0.96 and 1.04, pairs 1."""
    first = np.tile([1.04, 1.0], 20)
    times = np.exp(np.random.default_rng(6).normal(0, 1e-3, (2, 40))) * [first, first[::-1]]
    [pairs] = logs(times[:1], times[1:])
    assert len(pairs) == 20
    assert np.abs(pairs).max() < 5e-3
    turns = [*np.tile([1.0, 1.04], 20), 1.0]
    assert len(logs([turns], [[1.0] * 41])[0]) == 20, "the last one has no partner"
    assert len(logs([turns[:19]], [[1.0] * 19])[0]) == 19, "too few to be halved"
    assert len(logs([[1.0] * 40], [[1.0] * 40])[0]) == 40, "no effect of order: nothing to balance"


@pytest.mark.parametrize("effect", [0.0, 0.002, 0.005, 0.02])
def test_an_order_that_hardly_shows_leaves_the_interval_right(effect):
    """Blocks scatter by 1 %; the second block of a round takes longer by the effect."""

    def once(rng):
        first, second = process(rng, 1.0, 20)
        turn = np.exp(effect * np.tile([0.5, -0.5], 10))
        return ratio(logs([first * turn], [second]), 0.0), 1.0

    assert_right(300, once)


def test_identical_rounds_leave_no_doubt_in_several_processes():
    assert ratio(logs([[3.0] * 5] * 3, [[2.0] * 5] * 3)) == pytest.approx((1.5, 1.5, 1.5))


@pytest.mark.parametrize("rounds", [1, 5, 50])
def test_in_one_process_they_leave_its_scatter(rounds):
    found = ratio(logs([[3.0] * rounds], [[2.0] * rounds]))
    half = 1.96 * SCATTER
    assert np.log(found) - np.log(1.5) == pytest.approx([0, -half, half])


def test_rounds_that_have_no_pair_are_an_error():
    with pytest.raises(ValueError, match="shorter"):
        logs([[1.0], [1.0]], [[1.0]])
    with pytest.raises(ValueError, match="broadcast"):
        logs([[1.0, 2.0, 3.0]], [[1.0, 2.0]])


def test_processes_without_a_common_value_are_a_range():
    fell = [np.full(10, np.log(ratio)) for ratio in (295.0, 61.0, 110.0)]
    assert apart(fell) == pytest.approx((61, 295))
    assert apart(fell[:1]) is None
    assert apart([np.full(10, np.log(ratio)) for ratio in (2.0, 2.2, 2.9)]) is None
