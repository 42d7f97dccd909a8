"""Ratios and their intervals on synthetic rounds whose truth is known: seeded, without a clock.

An interval of 95 % is right if it contains the truth in 95 of 100 samples, so the tests count. The
count must not be in the lowest 0.1 % of a binomial with 93 %, nor in the highest 0.1 % of one with
97 %: the intervals are approximate, and the seeds are fixed.
"""

import numpy as np
import pytest
from scipy.stats import binom

from benchmarks.analyse.intervals import (
    ASSUMED,
    CORRELATED,
    ENOUGH,
    NOTHING,
    SCATTER,
    Prior,
    Ratio,
    apart,
    logs,
    prior,
    quotient,
    ratio,
)

ROUNDS = 40
NOISE = 0.01  # of one block, in logarithms
EFFECT = 0.05  # of a process, from its memory layout
CERTAIN = Prior(100, 0.0)  # processes that do not differ


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


def correlated(rng, rounds, correlation):
    """The log-ratios of a process whose rounds are autoregressive."""
    noise = rng.normal(0, NOISE, rounds)
    for i in range(1, rounds):
        noise[i] = correlation * noise[i - 1] + np.sqrt(1 - correlation**2) * noise[i]
    return [np.log(1.3) + noise]


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.5, ASSUMED])
@pytest.mark.parametrize("rounds", [2, 4, 8, CORRELATED - 1, 80, 160])
def test_rounds_that_are_correlated_contain_the_truth_no_less_often(rounds, correlation):
    """At 0.8 intervals of independent rounds contain it in half of the samples.

    They are wider than needed where a correlation is assumed that is not there.
    """
    found = count(400, lambda rng: (ratio(correlated(rng, rounds, correlation)), 1.3))
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
        [np.log((r := ratio(measured(np.random.default_rng(s), 1, rounds=n), CERTAIN)).high / r.low)
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
    """Thrown together and shuffled, 180 rounds hide what 3 processes show: most are wrong."""

    def once(rng):
        together = np.concatenate(measured(rng, 1.3, 3, 60))
        return ratio([rng.permutation(together)]), 1.3

    assert count(200, once) < binom.ppf(1e-3, 200, 0.7)


def percentiles(rng, sample):
    """The interval that a plain bootstrap over the processes would give."""
    medians = np.array([np.median(process) for process in sample])
    chosen = rng.integers(len(medians), size=(2000, len(medians)))
    limits = np.quantile(medians[chosen].mean(axis=1), [0.025, 0.975])
    return Ratio(*np.exp([medians.mean(), *limits]))


def test_percentiles_of_a_bootstrap_over_three_processes_cover_too_little():
    """Three times in four, where Student's t covers the truth 95 times in 100.

    One resample in 27 is the smallest median three times, which is more than 2.5 %: the percentiles
    are the smallest and the largest median. All three lie on one side of the truth once in four.
    """
    found = count(400, lambda rng: (percentiles(rng, measured(rng, 1.3, 3, 20)), 1.3))
    assert binom.ppf(1e-3, 400, 0.75) <= found <= binom.ppf(1 - 1e-3, 400, 0.75)


def test_several_processes_count_alike_however_many_rounds_they_have():
    """Medians 1, 2 and 4 of 3, 30 and 300 rounds: their mean in logarithms is 2."""
    sample = [np.full(rounds, np.log(m)) for rounds, m in ((3, 1), (30, 2), (300, 4))]
    found = ratio(sample)
    assert found.value == pytest.approx(2)
    half = 4.303 * np.log(2) / np.sqrt(3)  # Student's t of 2, standard error of three numbers
    assert np.log(found.high / found.value) == pytest.approx(half, rel=1e-3)


# --- with what other rows show

ROWS = 60  # of a kind


def normal(rng, shape):
    return 1 + rng.normal(0, EFFECT, shape)


def lognormal(rng, shape):
    return np.exp(rng.normal(0, EFFECT, shape))


def kind(rng, effect, processes):
    """The rows of a kind, whose spreads differ by factors: logarithms, and the true value of each.

    The truth is the mean of the logarithm, from so many processes that its error is small.
    """
    spreads = np.exp(rng.normal(0, 0.5, (ROWS, 1)))
    logs = spreads * np.log(effect(rng, (ROWS, processes)))
    truths = spreads[:, 0] * np.log(effect(rng, 100_000)).mean()
    return [[np.full(1, median) for median in row] for row in logs], np.exp(truths)


def judged_together(rng, effect, processes):
    """Of each row of a kind whether its interval contains the truth, and how wide it is."""
    samples, truths = kind(rng, effect, processes)
    found = [ratio(sample, prior(samples)) for sample in samples]
    alone = [ratio(sample) for sample in samples]
    width, before = (np.median([np.log(r.high / r.low) for r in rows]) for rows in (found, alone))
    return [contains(r, truth) for r, truth in zip(found, truths, strict=True)], width / before


@pytest.mark.parametrize("processes", [3, 5])
@pytest.mark.parametrize("effect", [normal, lognormal])
def test_rows_that_are_judged_together_contain_the_truth(effect, processes):
    found = [judged_together(np.random.default_rng(s), effect, processes) for s in range(10)]
    counted = sum(sum(hits) for hits, _ in found)
    low, high = allowed(10 * ROWS)
    assert low <= counted <= high
    widths = np.mean([width for _, width in found])
    assert widths < {3: 0.75, 5: 0.95}[processes]  # 0.65 and 0.88: t of 4 to 5 degrees, of 6 to 7


def test_the_prior_is_that_of_the_rows():
    """Of variances 0.01 times chi-square of 2 over chi-square of 6, each by its freedom."""
    rng = np.random.default_rng(7)
    variances = 0.01 / (rng.chisquare(6, 4000) / 6)
    samples = [[np.full(3, m) for m in rng.normal(0, v**0.5, 3)] for v in variances]
    found = prior(samples)
    assert found.freedom == pytest.approx(6, rel=0.15)
    assert found.variance == pytest.approx(0.01, rel=0.05)


def test_rows_that_differ_alike_leave_no_doubt_about_the_variance():
    rng = np.random.default_rng(8)
    samples = [[np.full(3, m) for m in rng.normal(0, 0.1, 4)] for _ in range(2000)]
    found = prior(samples)
    assert found.freedom > 30
    assert found.variance == pytest.approx(0.01, rel=0.05)


def test_too_few_rows_give_no_prior():
    rng = np.random.default_rng(9)
    samples = [[np.full(3, m) for m in rng.normal(0, 0.1, 3)] for _ in range(ENOUGH)]
    assert prior(samples) != NOTHING
    assert prior(samples[1:]) == NOTHING
    assert prior([*samples[1:], [np.zeros(3)], [np.zeros(3), np.zeros(3)]]) == NOTHING


def test_the_prior_widens_the_interval_of_one_process():
    found = ratio(logs([[3.0] * 50], [[2.0] * 50]), Prior(4, 0.05**2))
    half = 2.776 * 0.05  # Student's t of 4
    assert np.log(found) - np.log(1.5) == pytest.approx([0, -half, half], rel=1e-3)


def test_the_prior_is_averaged_with_the_rows_own_variance():
    sample = [np.full(5, np.log(median)) for median in (1.0, 2.0, 4.0)]
    found = ratio(sample, Prior(2, 0.0))
    half = 2.776 * np.log(2) / np.sqrt(2) / np.sqrt(3)  # Student's t of 4, half the variance
    assert np.log(found.high / found.value) == pytest.approx(half, rel=1e-3)


# --- the quotient of two ratios


@pytest.mark.parametrize("processes", [1, 3, 5])
def test_a_quotient_contains_the_truth_no_less_often(processes):
    """Both have an effect of their own; the fewer processes give the degrees of freedom."""

    def once(rng):
        one, other = (ratio(measured(rng, truth, processes, 40)) for truth in (1.3, 2))
        return quotient(one, other), 1.3 / 2

    assert count(200, once) >= binom.ppf(1e-3, 200, 0.95)


def test_the_errors_of_a_quotient_add_in_quadrature():
    one, other = (Ratio(v, v * np.exp(-h), v * np.exp(h)) for v, h in ((3, 0.03), (2, 0.04)))
    assert np.log(quotient(one, other)) == pytest.approx(np.log(1.5) + np.array([0, -0.05, 0.05]))


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
        first, second = process(rng, 1.0, 80)
        turn = np.exp(effect * np.tile([0.5, -0.5], 40))
        return ratio(logs([first * turn], [second]), CERTAIN), 1.0

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
    assert apart([np.full(10, np.log(ratio)) for ratio in (2.0, 2.2, 2.49)]) is None
