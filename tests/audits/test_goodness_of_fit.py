"""Counts against declared shares: published values, brute force, and the limits of each test."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from audits.metrics.statistics import goodness_of_fit as fit
from audits.metrics.statistics.goodness_of_fit import (
    clopper_pearson,
    exact_binomial,
    exact_multinomial,
    g_statistic,
    goodness_of_fit,
    kullback_leibler,
    rogan_gladen,
    total_variation,
)


@pytest.mark.parametrize(
    ("_source", "counts", "shares", "p"),
    [
        ("R package EMT 1.3.1, example of plotMultinom", (5, 2, 1), (0.25, 0.5, 0.25), 0.0767),
        ("EMT, nine balls of three colours (rinterested.github.io)", (5, 2, 2), (1 / 3,) * 3, 0.5306),
        ("EMT, a fair die thrown 31 times (rpubs 300209)", (4, 5, 4, 7, 6, 5), (1 / 6,) * 6, 0.9588),
        ("EMT, a biased die thrown 19 times (rpubs 300209)", (4, 5, 2, 7, 0, 1), (1 / 6,) * 6, 0.0357),
    ],
)
def test_published_exact_multinomial_tests(_source, counts, shares, p):
    assert round(exact_multinomial(counts, shares), 4) == p


def test_published_g_test_of_crossbills():
    """McDonald, "Handbook of Biological Statistics", G-test: 1752 right-, 1895 left-billed: G = 5.61, P = .018."""
    found = goodness_of_fit([1752, 1895], [0.5, 0.5])
    assert round(found.statistic, 2) == 5.61
    assert round(float(stats.chi2.sf(found.statistic, 1)), 3) == 0.018


def test_published_binomial_test_of_mendels_peas():
    """R's ``binom.test`` documentation (Conover 1971): 682 of 925 against 3/4, p = .3825, 95 % interval .7077 to .7654."""
    assert round(exact_binomial(682, 925, 0.75), 4) == 0.3825
    low, high = clopper_pearson(682, 925)
    assert (round(float(low), 4), round(float(high), 4)) == (0.7077, 0.7654)


def brute_force(counts, shares):
    """All outcomes, one by one, with whole-number coefficients."""
    n, k = sum(counts), len(counts)

    def probability(outcome):
        coefficient, left = 1, n
        for count in outcome:
            coefficient *= math.comb(left, count)
            left -= count
        return coefficient * math.prod(share**count for share, count in zip(shares, outcome, strict=True))

    own = probability(counts)
    outcomes = (o for o in itertools.product(range(n + 1), repeat=k) if sum(o) == n)
    return sum(p for p in map(probability, outcomes) if p <= own * (1 + 1e-7))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 5), min_size=2, max_size=4).filter(any),
    st.lists(st.integers(1, 9), min_size=4, max_size=4),
)
def test_exact_p_equals_brute_force(counts, weights):
    shares = [w / sum(weights[: len(counts)]) for w in weights[: len(counts)]]
    assert exact_multinomial(counts, shares) == pytest.approx(brute_force(counts, shares), rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 60), st.integers(0, 60), st.floats(0.05, 0.95))
def test_two_categories_are_the_binomial_test(a, b, share):
    if a + b:
        assert exact_multinomial([a, b], [share, 1 - share]) == pytest.approx(
            stats.binomtest(a, a + b, share).pvalue, rel=1e-6
        )


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 90), min_size=2, max_size=6).filter(any), st.integers(1, 50))
def test_g_is_twice_the_rows_times_the_divergence_and_zero_where_shares_agree(counts, first):
    shares = np.array([first, *range(1, len(counts))], dtype=float)
    shares /= shares.sum()
    n = sum(counts)
    g = g_statistic(counts, shares)
    assert g == pytest.approx(2 * n * kullback_leibler(counts, shares), rel=1e-9, abs=1e-9)
    assert g == pytest.approx(
        stats.power_divergence(counts, n * shares, lambda_="log-likelihood").statistic, rel=1e-9, abs=1e-9
    )
    assert 0 <= total_variation(counts, shares) <= 1
    assert kullback_leibler(counts, shares) >= 2 * total_variation(counts, shares) ** 2 - 1e-12  # Pinsker
    own = np.array(counts) / n
    assert g_statistic(counts, np.maximum(own, 1e-300)) == pytest.approx(0, abs=1e-6)


def test_the_test_is_exact_where_it_can_be_then_simulated_then_the_limit():
    shares = [0.24, 0.24, 0.24, 0.24, 0.04]
    assert goodness_of_fit([60, 50, 40, 50], [0.25] * 4).test == "exact-multinomial"
    middle = goodness_of_fit([60, 50, 40, 45, 5], shares, seed=1)
    large = goodness_of_fit([600, 500, 400, 450, 50], shares)
    assert (middle.test, large.test) == ("monte-carlo-g", "g")
    assert large.p == pytest.approx(stats.chi2.sf(large.statistic, 4), rel=1e-9)
    assert middle.p == pytest.approx(stats.chi2.sf(middle.statistic, 4), abs=0.02)
    assert middle == goodness_of_fit([60, 50, 40, 45, 5], shares, seed=1)


def test_the_simulation_agrees_with_the_exact_test(monkeypatch):
    counts, shares = [30, 12, 3, 1], [0.5, 0.3, 0.15, 0.05]
    outcomes = [o for o in itertools.product(range(47), repeat=3) if sum(o) <= 46]
    full = np.array([(*o, 46 - sum(o)) for o in outcomes])
    g = np.array([g_statistic(o, shares) for o in full])
    exact = stats.multinomial.pmf(full, 46, shares)[g >= g_statistic(counts, shares) * (1 - 1e-9)].sum()
    monkeypatch.setattr(fit, "MOST_OUTCOMES", 0)
    found = goodness_of_fit(counts, shares, seed=3)
    assert found.test == "monte-carlo-g"
    assert found.p == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / fit.DRAWS))


def test_a_simulated_p_is_never_zero():
    found = goodness_of_fit([0, 0, 0, 0, 0, 300], [0.194] * 5 + [0.03], seed=0)
    assert (found.test, found.p) == ("monte-carlo-g", 1 / 10_000)


def test_clopper_pearson_inverts_the_binomial_test():
    low, high = clopper_pearson([0, 3, 10], [10, 10, 10])
    assert low[0] == 0.0
    assert high[2] == 1.0
    assert stats.binom.sf(2, 10, low[1]) == pytest.approx(0.025, rel=1e-9)
    assert stats.binom.cdf(3, 10, high[1]) == pytest.approx(0.025, rel=1e-9)
    assert all(math.isnan(float(limit)) for limit in clopper_pearson(0, 0))


def test_rogan_gladen_gives_back_what_a_fallible_classifier_blurred():
    for true in (0.05, 0.3, 0.9):
        seen = true * 0.8 + (1 - true) * (1 - 0.95)
        assert float(rogan_gladen(seen, 0.8, 0.95)) == pytest.approx(true, rel=1e-12)
    assert rogan_gladen([0.01, 0.99], 0.8, 0.95).tolist() == [0.0, 1.0]
    with pytest.raises(ValueError, match="together must be above 1"):
        rogan_gladen(0.2, 0.5, 0.5)
