"""Confidence intervals of rates, differences, ratios and means, and the cluster bootstrap."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from audits.metrics.statistics.intervals import (
    BLOCKS,
    ClusterBootstrap,
    koopman,
    mean_interval,
    mean_ratio_interval,
    newcombe,
    percentile_interval,
    welch_interval,
    wilson,
)
from audits.metrics.statistics.proportion_tests import two_proportion_z


def pair(interval):
    low, high = interval
    return [float(low), float(high)]


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_newcombes_published_intervals(k, n, low, high):
    """Newcombe 1998, Statist. Med. 17, 857-872, table I, method 3."""
    assert pair(wilson(k, n)) == pytest.approx([low, high], abs=5e-5)


@pytest.mark.parametrize(
    ("table", "low", "high"),
    [((56, 70, 48, 80), 0.0524, 0.3339), ((9, 10, 3, 10), 0.1705, 0.8090), ((10, 10, 0, 10), 0.6075, 1.0)],
)
def test_newcombe_gives_his_published_intervals(table, low, high):
    """Newcombe 1998, Statist. Med. 17, 873-890, table II, method 10."""
    assert pair(newcombe(*table)) == pytest.approx([low, high], abs=5e-5)


def test_koopman_gives_his_published_interval():
    """Koopman 1984, Biometrics 40, 513-517: 36 of 40 against 16 of 80."""
    assert pair(koopman(36, 40, 16, 80)) == pytest.approx([2.94, 7.15], abs=5e-3)


def test_koopman_where_everybody_has_the_event_has_its_closed_form():
    """PropCIs ``riskscoreci``: n1 / (n1 + z^2) and (n0 + z^2) / n0."""
    z2 = stats.norm.ppf(0.975) ** 2
    assert pair(koopman(40, 40, 25, 25)) == pytest.approx([40 / (40 + z2), (25 + z2) / 25], rel=1e-9)


def test_koopman_is_open_on_the_side_without_events():
    low, high = pair(koopman(0, 50, 10, 50))
    assert low == 0
    assert 0 < high < 1
    low, high = pair(koopman(10, 50, 0, 50))
    assert low > 1
    assert high == np.inf
    assert np.isnan(pair(koopman(0, 50, 0, 50))).all()


@st.composite
def tables(draw):
    n1, n0 = draw(st.integers(2, 400)), draw(st.integers(2, 400))
    return draw(st.integers(0, n1)), n1, draw(st.integers(0, n0)), n0


@settings(max_examples=60)
@given(tables())
def test_koopman_leaves_out_equality_exactly_when_the_z_test_is_significant(table):
    low, high = pair(koopman(*table))
    p = float(two_proportion_z(*table))
    if not np.isnan(low) and abs(p - 0.05) > 1e-6:
        assert (low > 1 or high < 1) == (p < 0.05)


@settings(max_examples=40)
@given(tables())
def test_koopman_of_the_swapped_groups_is_the_reciprocal(table):
    k1, n1, k0, n0 = table
    if k1 and k0:
        low, high = pair(koopman(k1, n1, k0, n0))
        assert pair(koopman(k0, n0, k1, n1)) == pytest.approx([1 / high, 1 / low], rel=1e-8)


@given(tables())
def test_intervals_hold_their_estimates(table):
    k1, n1, k0, n0 = table
    low, high = pair(wilson(k1, n1))
    assert 0 <= low <= k1 / n1 <= high <= 1
    low, high = pair(newcombe(k1, n1, k0, n0))
    assert -1 <= low <= k1 / n1 - k0 / n0 <= high <= 1
    if k0:
        low, high = pair(koopman(k1, n1, k0, n0))
        assert low * (1 - 1e-9) <= (k1 / n1) / (k0 / n0) <= high * (1 + 1e-9)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_equals_scipy(counts):
    expected = stats.binomtest(*counts).proportion_ci(method="wilson")
    assert pair(wilson(*counts)) == pytest.approx([expected.low, expected.high], abs=1e-12)


def test_no_rows_have_no_interval():
    assert np.isnan(pair(wilson(0, 0))).all()
    assert np.isnan(pair(mean_interval(3.0, 0.0, 1))).all()


def test_mean_intervals_equal_scipy():
    a, b = np.random.default_rng(1).gamma(2, 3, 40), np.random.default_rng(2).gamma(2, 4, 55)
    one = stats.ttest_1samp(a, 0).confidence_interval()
    assert pair(mean_interval(a.mean(), a.var(ddof=1), a.size)) == pytest.approx(
        [one.low, one.high], rel=1e-12
    )
    two = stats.ttest_ind(a, b, equal_var=False).confidence_interval()
    moments = (a.mean(), a.var(ddof=1), a.size, b.mean(), b.var(ddof=1), b.size)
    assert pair(welch_interval(*moments)) == pytest.approx([two.low, two.high], rel=1e-12)


def test_ratio_of_means_has_its_delta_method_interval():
    error = np.sqrt(4 / (100 * 10**2) + 9 / (50 * 8**2))
    expected = [10 / 8 * np.exp(-1.959963985 * error), 10 / 8 * np.exp(1.959963985 * error)]
    assert pair(mean_ratio_interval(10, 4, 100, 8, 9, 50)) == pytest.approx(expected, rel=1e-9)
    assert np.isnan(pair(mean_ratio_interval(-1, 4, 100, 8, 9, 50))).all()


def test_every_replicate_draws_as_many_blocks_as_there_are():
    drawn = ClusterBootstrap.draw(np.arange(50), seed=3, replicates=20)
    assert drawn.weights.sum(axis=1).tolist() == [50.0] * 20


def test_bootstrap_is_repeatable_and_depends_on_the_seed():
    unit = np.arange(30)
    first, again, other = (ClusterBootstrap.draw(unit, seed, 50).weights for seed in (7, 7, 8))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_bootstrap_sums_equal_repeating_each_unit_as_often_as_it_was_drawn(seed):
    rng = np.random.default_rng(seed)
    unit = rng.permutation(np.arange(40) % 6)
    codes, values, rows = rng.integers(3, size=40), rng.normal(size=40), rng.random(40) < 0.8
    drawn = ClusterBootstrap.draw(unit, seed, replicates=5)
    sums = drawn.sums(rows, codes[rows], 3, {"value": values[rows]})["value"]
    for replicate in range(5):
        for group in range(3):
            times = drawn.weights[replicate, unit]
            expected = sum(
                t * v for t, v, g, r in zip(times, values, codes, rows, strict=True) if r and g == group
            )
            assert sums[replicate, group] == pytest.approx(expected, abs=1e-9)


def test_blocks_keep_the_standard_error_of_a_mean():
    values = np.random.default_rng(4).gamma(2, 1, 6 * BLOCKS)
    drawn = ClusterBootstrap.draw(np.arange(values.size), seed=5)
    assert drawn.weights.shape == (2000, BLOCKS)
    everyone, codes = np.ones(values.size, dtype=bool), np.zeros(values.size, dtype=np.int64)
    sums = drawn.sums(everyone, codes, 1, {"sum": values, "n": np.ones_like(values)})
    error = (sums["sum"] / sums["n"]).std()
    assert error == pytest.approx(values.std() / np.sqrt(values.size), rel=0.06)


def test_percentile_interval_is_undefined_where_a_replicate_is():
    low, high = percentile_interval(np.array([[1.0, 1.0], [2.0, np.nan], [3.0, 2.0]]))
    assert [float(low[0]), float(high[0])] == pytest.approx([1.05, 2.95])
    assert np.isnan([low[1], high[1]]).all()
