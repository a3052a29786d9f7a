"""The effect size of drift: rows written out as second implementation, closed forms, and what an outlier may not do."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from audits.metrics.drift.distances import jensen_shannon, population_stability_index
from audits.metrics.drift.distributions import categorical_distribution, numeric_distribution
from audits.metrics.drift.effects import (
    EFFECTS,
    clipped_wasserstein,
    drift_effect,
    effect_cells,
    effect_values,
    psi_deciles,
    tail_rows,
)
from audits.metrics.drift.methods import Pair, drift_score

numbers = st.lists(st.integers(-1000, 1000).map(lambda i: i / 8), min_size=3, max_size=250)


def pair(before, after):
    return Pair(*(numeric_distribution(np.asarray(side, dtype=float)) for side in (before, after)))


def labels(before, after):
    return Pair(
        *(categorical_distribution(pa.array(list(side), pa.large_string())) for side in (before, after))
    )


def by_rows(before, after):
    """The same effect from the rows themselves, with SciPy's distance."""
    ordered, left_out = np.sort(before), tail_rows(len(before))
    low, high = ordered[left_out], ordered[len(before) - 1 - left_out]
    width = high - low or ordered[-1] - ordered[0]
    if width == 0:
        return stats.wasserstein_distance(before, after) / 0.001
    before, after = (np.clip(side, low - width, high + width) for side in (before, after))
    return stats.wasserstein_distance(before, after) / (np.std(before) or 0.001)


@given(numbers, numbers)
def test_effect_of_numbers_equals_that_of_the_rows_written_out(before, after):
    found = pair(before, after)
    reference, current = (np.asarray(side)[np.newaxis] for side in found.by_value)
    assert clipped_wasserstein(np.union1d(before, after), reference, current)[0] == pytest.approx(
        by_rows(before, after), rel=1e-9, abs=1e-12
    )


@pytest.mark.parametrize(("n", "left_out"), [(1, 0), (2, 0), (3, 1), (30, 1), (199, 1), (200, 2), (1050, 10)])
def test_percentiles_leave_out_a_hundredth_but_at_least_one_row(n, left_out):
    assert tail_rows(n) == left_out


@pytest.mark.parametrize("shift", [0.1, 0.5, 1.0, 2.0])
def test_a_shift_within_the_limits_is_the_shift_in_standard_deviations(shift):
    before = stats.norm.ppf((np.arange(2000) + 0.5) / 2000)
    effect = drift_effect(pair(before, before + shift * np.std(before)))
    assert effect.name == "wasserstein-clipped"
    # The reach of clipping on one side, a shifted sample's tail, is below a thousandth.
    assert effect.value == pytest.approx(shift, abs=1e-3)


@pytest.mark.parametrize("rows", [1000, 5000])
def test_one_outlier_hides_a_shift_of_a_standard_deviation_from_the_standard_methods(rows):
    before = stats.norm.ppf((np.arange(rows) + 0.5) / rows)
    hidden = pair(np.append(before, 1e6), before + 1)
    assert drift_score(hidden, "psi").value < 0.1
    assert drift_score(hidden, "wasserstein").value < 0.1


@pytest.mark.parametrize("rows", [30, 60, 99, 100, 1000, 5000])
def test_one_outlier_does_not_hide_a_shift_of_a_standard_deviation_from_the_effect(rows):
    before = stats.norm.ppf((np.arange(rows) + 0.5) / rows)
    effect = drift_effect(pair(np.append(before, 1e6), before + 1))
    assert 0.6 < effect.value < 1.1


def test_one_outlier_in_the_current_side_is_no_drift():
    before = stats.norm.ppf((np.arange(1000) + 0.5) / 1000)
    found = pair(before, np.append(before, 1e6))
    assert drift_score(found, "wasserstein").drifted is True
    assert drift_effect(found).value < 0.02


def test_two_per_cent_of_wild_numbers_are_seen():
    before = stats.norm.ppf((np.arange(1000) + 0.5) / 1000)
    effect = drift_effect(pair(before, np.where(np.arange(1000) % 50 == 25, 1e9, before)))
    assert effect.large is True
    assert effect.value < 0.2


@given(numbers, numbers, st.integers(-8, 8), st.integers(-100, 100))
def test_effect_does_not_depend_on_unit_or_origin(before, after, unit, origin):
    moved = [[math.ldexp(x, unit) + origin for x in side] for side in (before, after)]
    effect = drift_effect(pair(before, after))
    if len(set(before)) > 1 or effect.name == "jensenshannon":
        assert drift_effect(pair(*moved)).value == pytest.approx(effect.value, rel=1e-6, abs=1e-9)


@given(st.lists(st.integers(0, 50), min_size=100, max_size=200), numbers, st.integers(2, 40))
def test_effect_does_not_depend_on_the_number_of_rows(before, after, factor):
    effect = drift_effect(pair(before, after))
    assert drift_effect(pair(before * factor, after)).value == pytest.approx(effect.value)
    assert drift_effect(pair(before, after * factor)).value == pytest.approx(effect.value)


@given(numbers)
def test_no_change_has_no_effect(before):
    assert drift_effect(pair(before, before * 2)).value == pytest.approx(0, abs=1e-7)


def test_small_units_are_not_mistaken_for_constants():
    before = stats.norm.ppf((np.arange(2000) + 0.5) / 2000) * 1e-6
    found = pair(before, before + 1e-6)
    assert drift_score(found, "wasserstein").drifted is False
    assert drift_effect(found).value == pytest.approx(1, abs=0.01)


def test_constant_reference_is_not_clipped_and_scaled_by_a_thousandth():
    # The current numbers 0 ... 5 lie 2, 1, 0, 1, 2 and 3 away.
    assert drift_effect(pair([2.0] * 50, np.arange(6.0))).value == pytest.approx(1.5 / 0.001)


def test_rounding_noise_of_a_constant_is_no_drift():
    noise = 0.3 + np.array([0, 1, -1, 2, -2, 3, -3]) * 2.0**-54
    effect = drift_effect(pair(np.repeat(noise[:2], 20), noise))
    assert effect.name == "wasserstein-clipped"
    assert effect.value < 1e-9


def test_reference_of_nearly_one_number_is_clipped_at_its_range():
    # Percentiles 0 and 0; range 1: limits -1 and 1. Scale: sd of 398 zeros and 2 ones. Half the rows move to 1.
    before, after = [0.0] * 398 + [1.0] * 2, [0.0] * 199 + [9.0, 8.0, 7.0, 6.0] * 50 + [0.0]
    expected = (0.5 - 2 / 400) / math.sqrt(2 / 400 * 398 / 400)
    assert drift_effect(pair(before, after)).value == pytest.approx(expected)


def test_numbers_beyond_double_precision_are_an_error_not_a_nan():
    with pytest.raises(ArithmeticError):
        drift_effect(pair(np.arange(-4, 5) * 4e307, range(9)))


def test_a_wild_current_side_near_the_largest_double_is_only_clipped():
    assert drift_effect(pair(range(9), [1.7e308, -1.7e308])).large is True


def test_categories_and_few_numbers_are_compared_by_the_jensen_shannon_distance():
    for found in (labels("aab", "abbc"), pair([1, 1, 2], [1, 2, 2, 3])):
        effect = drift_effect(found)
        assert effect.name == "jensenshannon"
        assert effect.value == pytest.approx(jensen_shannon(np.array([2, 1, 0]), np.array([1, 2, 1])))


def test_five_values_are_few_and_six_are_not():
    assert drift_effect(pair(range(5), range(4))).name == "jensenshannon"
    assert drift_effect(pair(range(5), [5])).name == "wasserstein-clipped"


def test_threshold_is_a_tenth_unless_given_and_is_itself_large():
    found = labels("ab", "aab")
    value = drift_effect(found).value
    assert (drift_effect(found).threshold, drift_effect(found).large) == (0.1, True)
    assert drift_effect(found, {"jensenshannon": value}).large is True
    assert drift_effect(found, {"jensenshannon": value + 1e-9}).large is False
    assert drift_effect(found, {"wasserstein-clipped": 5.0}).threshold == 0.1
    assert dict(EFFECTS) == {"wasserstein-clipped": 0.1, "jensenshannon": 0.1}


def test_many_pairs_at_once_are_the_pairs_one_by_one():
    rng = np.random.default_rng(4)
    for found in (pair(rng.normal(size=300), rng.normal(0.3, 2, 80)), labels("aabbbccdd", "abbcddde")):
        values, reference, current = effect_cells(found)
        pooled = reference + current
        drawn = rng.multivariate_hypergeometric(pooled, current.sum(), size=20)
        together = effect_values(values, pooled - drawn, drawn)
        alone = [effect_values(values, (pooled - d)[np.newaxis], d[np.newaxis])[0] for d in drawn]
        assert together.tolist() == pytest.approx(alone, rel=1e-12)
        assert len(set(together)) > 5


def deciles_by_rows(before, after):
    """PSI over the same bins from the rows themselves, with NumPy's quantiles; both sides hold every bin."""
    ends = np.unique(np.quantile(before, np.arange(1, 10) / 10, method="inverted_cdf"))
    shares = [
        np.bincount(np.searchsorted(ends, side), minlength=len(ends) + 1) / len(side)
        for side in (before, after)
    ]
    return float(np.sum((shares[0] - shares[1]) * np.log(shares[0] / shares[1])))


def test_psi_over_deciles_equals_that_of_the_rows():
    rng = np.random.default_rng(5)
    for shift in (0.0, 0.3, 1.0):
        before, after = rng.normal(size=997), rng.normal(shift, 1, 2003)
        assert psi_deciles(pair(before, after)) == pytest.approx(deciles_by_rows(before, after), rel=1e-9)


def test_psi_over_deciles_of_a_worked_example():
    # Deciles 0 ... 8 end ten bins of one value each; the current side has 1 to 10 rows of them.
    before, after = np.arange(10), np.repeat(np.arange(10), np.arange(1, 11))
    expected = population_stability_index(np.ones(10, dtype=int), np.arange(1, 11))
    assert psi_deciles(pair(before, after)) == pytest.approx(expected)


def test_psi_over_deciles_is_not_spoilt_by_an_outlier():
    before = stats.norm.ppf((np.arange(2000) + 0.5) / 2000)
    clean, spoilt = pair(before, before + 1), pair(np.append(before, 1e6), before + 1)
    assert drift_score(clean, "psi").value > 0.9
    assert drift_score(spoilt, "psi").value < 0.1
    assert psi_deciles(spoilt) == pytest.approx(psi_deciles(clean), abs=0.01)
    assert psi_deciles(clean) > 0.9


def test_equal_deciles_make_one_bin_and_empty_bins_do_not_count():
    before, after = [0.0] * 95 + [1, 2, 3, 4, 5], [0.0] * 90 + [1, 2, 3, 4, 5] * 2
    expected = population_stability_index(np.array([95, 5]), np.array([90, 10]))
    assert psi_deciles(pair(before, after)) == pytest.approx(expected)
    # Above the last decile, 9, lies nobody; 20,000 rows make the share that is given to empty bins differ by side.
    before, after = [1.0] * 50 + [9.0] * 50, [1.0] + [2.0, 3.0, 4.0, 5.0] * 5000
    expected = population_stability_index(np.array([50, 50]), np.array([1, 20_000]))
    assert psi_deciles(pair(before, after)) == pytest.approx(expected, rel=1e-9)


def test_psi_over_deciles_of_categories_is_the_plain_one():
    found = labels("aabbbc", "abcc")
    assert psi_deciles(found) == population_stability_index(*found.by_value)
