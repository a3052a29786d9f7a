"""Intervals of functions of sums."""

import numpy as np
import pytest

from audits.metrics.statistics.resampling import (
    Resampler,
    percentile_interval,
    ratio,
    unit_codes,
    wilson_limits,
)


def test_rows_without_a_cluster_are_units_of_their_own():
    assert unit_codes(5, np.array([3, -1, 3, -1, 0])).tolist() == [1, 2, 1, 3, 0]
    assert unit_codes(3, None).tolist() == [0, 1, 2]


def test_interval_of_a_mean_is_the_normal_one_on_many_rows():
    values = np.random.default_rng(1).standard_normal(20_000)
    found = Resampler(unit_codes(len(values), None), seed=7).totals([np.ones(len(values)), values])
    estimate = found.estimate(lambda t: t[:, 1] / t[:, 0])
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert estimate.value == pytest.approx(values.mean(), abs=1e-12)
    assert estimate.high - estimate.low == pytest.approx(2 * half, rel=0.08)


def test_rows_that_repeat_within_a_cluster_do_not_narrow_the_interval():
    values = np.random.default_rng(2).standard_normal(200)
    once = Resampler(unit_codes(200, None), seed=3).totals([np.ones(200), values])
    repeated = Resampler(np.repeat(np.arange(200), 50), seed=3).totals(
        [np.ones(10_000), np.repeat(values, 50)]
    )
    mean = lambda t: t[:, 1] / t[:, 0]  # noqa: E731 (a formula)
    assert repeated.estimate(mean).low == pytest.approx(once.estimate(mean).low, abs=1e-12)


def test_undefined_metric_has_a_reason_and_no_value():
    found = Resampler(np.arange(4), seed=0).totals([np.zeros(4), np.ones(4)])
    estimate = found.estimate(lambda t: ratio(t[:, 1], t[:, 0]))
    assert estimate.value is None
    assert "denominator is 0" in estimate.reason


def test_metric_undefined_in_many_resamples_has_no_interval():
    assert percentile_interval(np.array([np.nan] * 6 + [1.0] * 94)) is None
    assert percentile_interval(np.array([np.nan] * 5 + [1.0] * 95)) == (1.0, 1.0)


def test_same_seed_same_interval():
    column = np.random.default_rng(0).random(50)
    first, second = (Resampler(np.arange(50), seed=9).totals([column]) for _ in range(2))
    assert (first.resampled == second.resampled).all()


def test_wilson_limits_of_a_published_example():
    # Newcombe 1998, Stat Med 17:857, table I: 15 of 148 -> .0624 to .1605.
    low, high = wilson_limits(15 / 148, 148)
    assert (round(low, 4), round(high, 4)) == (0.0624, 0.1605)
