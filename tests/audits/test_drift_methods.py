"""The further methods of drift against SciPy on rows written out, their conditions, and the names a plan may use."""

import itertools
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from audits.metrics.drift import distances as drift_distances
from audits.metrics.drift import permutations
from audits.metrics.drift import rank_tests as drift_rank_tests
from audits.metrics.drift import tests as drift_tests
from audits.metrics.drift.distributions import aligned, categorical_distribution, numeric_distribution
from audits.metrics.drift.methods import (
    EVIDENTLY_NAMES,
    METHODS,
    MethodChoice,
    MethodError,
    Pair,
    Rule,
    SignificanceTest,
    drift_score,
    parse_method,
)
from audits.metrics.drift.permutations import permuted_batches

#: Many ties on purpose.
numbers = st.lists(st.integers(-20, 20).map(lambda i: i / 4), min_size=5, max_size=40)


def numeric(side):
    return numeric_distribution(np.asarray(side, dtype=float))


def counts(before, after):
    return aligned(numeric(before), numeric(after))


def pair(before, after):
    return Pair(numeric(before), numeric(after))


@pytest.mark.filterwarnings("ignore:p-value")
@given(numbers, numbers)
def test_anderson_darling_equals_scipy(before, after):
    assume(len(set(before + after)) > 1)
    expected = stats.anderson_ksamp([before, after], variant="midrank")
    found = drift_rank_tests.anderson_darling(*counts(before, after))
    assert found == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("shift", [0.0, 0.05, 0.08, 0.12])
@pytest.mark.filterwarnings("ignore:p-value")
def test_anderson_darling_of_many_rows_equals_scipy(shift):
    rng = np.random.default_rng(1)
    before, after = rng.normal(size=5000).round(2), rng.normal(shift, 1, 3000).round(2)
    expected = stats.anderson_ksamp([before, after], variant="midrank")
    found = drift_rank_tests.anderson_darling(*counts(before, after))
    assert found == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9)


def test_anderson_darling_of_the_data_it_was_published_with():
    """Smoothness of paper, two of the laboratories of Scholz and Stephens 1987."""
    a = [38.7, 41.5, 43.8, 44.5, 45.5, 46.0, 47.7, 58.0]
    b = [39.2, 39.3, 39.7, 41.4, 41.8, 42.9, 43.3, 45.8]
    expected = stats.anderson_ksamp([a, b], variant="midrank")
    statistic, p = drift_rank_tests.anderson_darling(*counts(a, b))
    assert statistic == pytest.approx(expected.statistic)
    assert 0.05 < p < 0.1


def test_anderson_darling_p_lies_within_its_table():
    assert drift_rank_tests.anderson_darling(*counts(range(50), range(50)))[1] == 0.25
    assert drift_rank_tests.anderson_darling(*counts(range(50), range(50, 100)))[1] == 0.001
    assert drift_rank_tests.anderson_darling(*counts([1] * 9, [1] * 9)) == (0, 0.25)


def test_variance_of_anderson_darling_needs_no_loop_over_rows():
    """The double sum in closed form against the sum, and a billion rows at once."""
    n = 400
    double = sum(1 / ((n - i) * j) for i in range(1, n - 1) for j in range(i + 1, n))
    harmonic = sum(1 / i for i in range(1, n + 1))
    assert double == pytest.approx(sum(1 / i**2 for i in range(1, n + 1)) - (2 * harmonic - 1 / n) / n)
    # With many rows, the variance of the one-sample statistic's limit (Anderson and Darling 1954).
    assert drift_rank_tests._anderson_variance(10**9, 10**9) == pytest.approx(
        2 * (math.pi**2 - 9) / 3, rel=1e-6
    )


@pytest.mark.parametrize("sizes", [(5, 9), (20, 20), (21, 5), (300, 900)])
@pytest.mark.parametrize("digits", [0, 1, 8])
def test_cramer_von_mises_equals_scipy(sizes, digits):
    rng = np.random.default_rng(sum(sizes))
    before, after = rng.normal(size=sizes[0]).round(digits), rng.normal(0.3, 1, sizes[1]).round(digits)
    expected = stats.cramervonmises_2samp(before, after)
    found = drift_rank_tests.cramer_von_mises(*counts(before, after))
    assert found == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9, abs=1e-12)


@given(numbers, numbers)
def test_mann_whitney_equals_scipy(before, after):
    expected = stats.mannwhitneyu(before, after, alternative="less")
    found = drift_rank_tests.mann_whitney(*counts(before, after))
    assert found == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9, abs=1e-12)


def test_mann_whitney_of_few_different_rows_is_exact():
    before, after = [1.0, 2.5, 4.0, 7.0], [3.0, 5.0, 6.0, 8.0, 9.0]
    # Pairs in which the reference is larger: 4 > 3; 7 > 3, 5, 6. Of all ways to deal nine ranks, U is 4 or less in:
    dealt = [sum(chosen) - 10 <= 4 for chosen in itertools.combinations(range(1, 10), 4)]
    assert drift_rank_tests.mann_whitney(*counts(before, after)) == (4, pytest.approx(np.mean(dealt)))


def test_mann_whitney_sees_a_rise_and_not_a_fall():
    low, high = pair(range(100), range(30, 130)), pair(range(30, 130), range(100))
    assert drift_score(low, "mannw").drifted is True
    assert drift_score(high, "mannw").drifted is False
    assert drift_score(high, "mannw").tolerance_used == 0


@given(numbers, numbers)
def test_t_test_equals_scipy(before, after):
    assume(len(set(before)) > 1 or len(set(after)) > 1)
    expected = stats.ttest_ind(before, after)
    found = drift_tests.student_t(numeric(before), numeric(after))
    assert found == pytest.approx((expected.statistic, expected.pvalue), rel=1e-7, abs=1e-9)


def test_t_test_of_constants_is_certain_or_has_nothing_to_test():
    assert drift_tests.student_t(numeric([1] * 5), numeric([1] * 9)) == (0, 1)
    assert drift_tests.student_t(numeric([1] * 5), numeric([2] * 9)) == (-math.inf, 0)


@pytest.mark.parametrize("sizes", [(5, 7), (24, 24), (25, 10), (400, 700)])
def test_epps_singleton_equals_scipy(sizes):
    rng = np.random.default_rng(sum(sizes))
    for shift in (0, 0.5):
        before, after = rng.normal(size=sizes[0]).round(1), rng.normal(shift, 1, sizes[1]).round(1)
        expected = stats.epps_singleton_2samp(before, after)
        found = drift_tests.epps_singleton(numeric(before), numeric(after))
        assert found == pytest.approx((expected.statistic, expected.pvalue), rel=1e-7)


@given(numbers, numbers)
def test_energy_distance_equals_scipy(before, after):
    assert drift_distances.energy(*pair(before, after).on_scale) == pytest.approx(
        stats.energy_distance(before, after), rel=1e-9, abs=1e-7
    )


def test_energy_distance_must_exceed_its_threshold():
    moved = pair([0.0] * 6 + list(range(6)), [0.0] * 5 + [1.0] + list(range(6)))
    value = drift_score(moved, "ed").value
    assert drift_score(moved, "ed", {"ed": value}).drifted is False
    assert drift_score(moved, "ed", {"ed": value * 0.999}).drifted is True


def test_g_test_equals_scipy_with_scaled_expectations():
    reference, current = np.array([50, 30, 20]), np.array([20, 20, 10])
    expected = stats.power_divergence(current, reference / 2, lambda_="log-likelihood")
    found = drift_tests.likelihood_ratio(reference, current)
    assert found == pytest.approx((expected.statistic, expected.pvalue))
    assert drift_tests.likelihood_ratio(np.array([5, 5, 0]), np.array([5, 5, 1])) == (math.inf, 0)
    assert drift_tests.likelihood_ratio(np.array([5]), np.array([9])) == (0, 1)


def test_fisher_exact_of_the_lady_tasting_tea():
    statistic, p = drift_tests.fisher_exact(np.array([1, 3]), np.array([3, 1]))
    assert (statistic, p) == (9, pytest.approx(34 / 70))
    assert drift_tests.fisher_exact(np.array([5]), np.array([9])) == (1, 1)


def test_shuffled_total_variation_equals_the_hypergeometric_probability():
    """Two categories: the distance grows with the first count's distance from its expectation."""
    reference, current = np.array([70, 30]), np.array([24, 26])
    firsts = np.arange(51)
    distances = np.abs((94 - firsts) / 100 - firsts / 50)
    weights = stats.hypergeom.pmf(firsts, 150, 94, 50)
    exact = weights[distances >= distances[24] - 1e-12].sum()
    value, p = drift_tests.total_variation_permuted(reference, current)
    assert value == pytest.approx(0.22)
    assert p == pytest.approx(exact, abs=4 * math.sqrt(exact / 1000))
    assert drift_tests.total_variation_permuted(reference, current) == (value, p)


def test_shuffled_total_variation_is_drawn_as_often_as_it_says(monkeypatch):
    drawn = []

    def counted(reference, current, draws, rng):
        drawn.append(draws)
        return permuted_batches(reference, current, draws, rng)

    monkeypatch.setattr(drift_tests, "permuted_batches", counted)
    assert drift_tests.total_variation_permuted(np.array([900, 0]), np.array([0, 900]))[1] == 1 / 1000
    assert drawn == [999]


def test_shuffled_total_variation_in_batches_is_that_of_all_draws_at_once(monkeypatch):
    reference, current = np.array([700, 300, 500]), np.array([240, 115, 165])
    at_once = drift_tests.total_variation_permuted(reference, current)
    monkeypatch.setattr(permutations, "COUNTS_AT_ONCE", 100)
    assert drift_tests.total_variation_permuted(reference, current) == at_once
    assert 0.2 < at_once[1] < 0.8  # many draws lie as far, in every batch


CONDITIONS = [
    ("anderson", [1.0], [2.0, 3.0], "at least four rows"),
    ("cramer_von_mises", [1.0], range(9), "at least two rows"),
    ("t_test", [1.0], [2.0], "at least three rows"),
    ("es", range(4), range(9), "at least five rows"),
    ("es", [0.0] * 9 + [1.0], [0.0] * 9 + [2.0], "interquartile range above 0"),
    ("fisher_exact", [1.0, 2.0], [3.0], "use chisquare or psi"),
    ("g_test", range(6), range(6), "use wasserstein or psi"),
]


@pytest.mark.parametrize(("method", "before", "after", "reason"), CONDITIONS)
def test_method_whose_condition_does_not_hold_is_refused(method, before, after, reason):
    with pytest.raises(MethodError, match=reason):
        drift_score(pair(before, after), method)


@pytest.mark.parametrize("method", ["anderson", "cramer_von_mises", "mannw", "t_test", "es", "ed"])
def test_tests_of_numbers_refuse_categories(method):
    sides = (categorical_distribution(pa.array(list(side), pa.large_string())) for side in ("ab", "abb"))
    with pytest.raises(MethodError, match="here are categories"):
        drift_score(Pair(*sides), method)


@settings(max_examples=30)
@given(numbers, numbers, st.sampled_from(sorted(METHODS)))
def test_tolerance_is_used_up_exactly_at_the_threshold(before, after, method):
    try:
        score = drift_score(pair(before, after), method)
    except MethodError:
        return
    if score.value in (0.0, score.threshold):
        return
    distance = not isinstance(METHODS[method], SignificanceTest)
    assert score.drifted == (score.value > score.threshold if distance else score.value < score.threshold)
    assert (score.tolerance_used > 1) == score.drifted


@pytest.mark.parametrize("method", ["anderson", "mannw", "ks"])
def test_tolerance_of_a_threshold_that_equal_sides_reach_is_still_one_at_the_threshold(method):
    same = pair(range(60), range(60))
    value = drift_score(same, method).value
    for threshold in (0.3, 0.6, 0.9):
        used = drift_score(same, method, {method: threshold}).tolerance_used
        assert (used > 1) == (value < threshold)


@pytest.mark.parametrize(
    ("text", "method", "rule"),
    [
        (None, None, Rule.CALIBRATED),
        ("", None, Rule.CALIBRATED),
        ("psi", "psi", Rule.CALIBRATED),
        ("evidently", None, Rule.EVIDENTLY),
        ("evidently:psi", "psi", Rule.EVIDENTLY),
        ("evidently:kl", "kl", Rule.EVIDENTLY),
        ("evidently:kl_div", "kl", Rule.EVIDENTLY),
        ("evidently:TVD", "tvd_p", Rule.EVIDENTLY),
    ],
)
def test_method_of_a_plan_names_what_is_shown_and_whose_verdict_counts(text, method, rule):
    assert parse_method(text) == MethodChoice(method, rule)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pso", "unknown method 'pso'; known: evidently, wasserstein, jensenshannon"),
        ("evidently:pso", "unknown method 'pso'"),
        ("evidently:", "unknown method ''"),
        ("nannyml:psi", "before the colon only 'evidently' is known"),
        ("kl_div", "is called 'kl' here"),
        ("TVD", "is called 'tvd_p' here"),
        ("evidently:tvd", "use evidently:TVD, or tvd for the distance"),
        ("empirical_mmd", "compares every row with every other"),
        ("evidently:abs_text_content_drift", "trains a classifier"),
        ("Evidently", "unknown method 'Evidently'"),
    ],
)
def test_unknown_method_is_refused_with_what_there_is(text, message):
    with pytest.raises(MethodError, match=message):
        parse_method(text)


def test_every_method_can_be_chosen_with_either_verdict():
    for name in METHODS:
        assert parse_method(name) == MethodChoice(name, Rule.CALIBRATED)
        if name != "tvd":
            assert parse_method(f"evidently:{name}") == MethodChoice(name, Rule.EVIDENTLY)
    assert set(EVIDENTLY_NAMES.values()) <= set(METHODS)


def test_neither_scipy_stats_nor_pandas_is_loaded_until_a_test_needs_it():
    script = (
        "import sys; import audits.metrics.drift.comparison, audits.metrics.drift.intervals, audits.metrics.drift.replay;"
        "import audits.kinds.data_drift;"
        "print(sorted({'scipy.stats', 'scipy.optimize', 'pandas'} & set(sys.modules)))"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("n", [20_000, 33_333, 90_909, 250_000])
def test_the_gaps_p_value_on_many_rows_is_scipys(n: int) -> None:
    """SciPy doubles one tail where z exceeds about 1.48, which is off by 2 exp(-8 z**2): 3e-8 there, and less beyond."""
    for z in np.concatenate([np.linspace(0.05, 1.45, 29), np.linspace(1.5, 5.0, 29)]):
        expected = stats.kstwo.sf(z / np.sqrt(n), n)
        tolerance = 1e-9 if z < 1.48 else 2 * np.exp(-8 * z**2) + 1e-12
        assert drift_tests._gap_p_value(z / np.sqrt(n), n) == pytest.approx(expected, abs=tolerance, rel=1e-3)
