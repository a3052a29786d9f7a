"""Distributions and the statistics of drift: closed forms, invariants, and SciPy or NumPy as second implementation."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial import distance

from audits.metrics.drift import distances as drift_distances
from audits.metrics.drift import tests as drift_tests
from audits.metrics.drift.distributions import (
    aligned,
    binned,
    categorical_distribution,
    column_distribution,
    histogram,
    numeric_distribution,
    sturges_edges,
)
from audits.metrics.drift.methods import METHODS, MethodError, Pair, default_method, drift_score
from audits.tables import MemoryTable

counts = st.lists(st.integers(0, 1000), min_size=2, max_size=12).filter(any)
numbers = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


def pairs_of_counts():
    return st.integers(2, 12).flatmap(
        lambda k: st.tuples(*[st.lists(st.integers(0, 1000), min_size=k, max_size=k).filter(any)] * 2)
    )


def numeric(*values):
    return numeric_distribution(np.array(values, dtype=float))


def categorical(*values):
    return categorical_distribution(pa.array(values, pa.large_string()))


def repeated(value, times):
    return [value] * times


def test_numeric_distribution_drops_nan_and_infinities_and_sorts():
    found = numeric(3, math.nan, 1, math.inf, 3, -math.inf)
    assert found.values.tolist() == [1, 3]
    assert found.counts.tolist() == [1, 2]
    assert found.n == 3


def test_categorical_distribution_drops_nulls():
    found = categorical("b", None, "a", "b")
    assert dict(zip(found.values.to_pylist(), found.counts.tolist(), strict=True)) == {"a": 1, "b": 2}


def test_booleans_become_categories_and_moments_numbers():
    table = MemoryTable(
        {"flag": [True, None, False, True], "at": np.array(["1970-01-02"] * 4, dtype="M8[us]")}
    )
    assert list(map(str, column_distribution(table.column("flag")).values)) == ["true", "false"]
    assert column_distribution(table.column("at")).values.tolist() == [86_400e6]


def test_aligned_counts_cover_the_union_in_one_order():
    before, after = aligned(numeric(1, 2, 2), numeric(2, 5))
    assert (before.tolist(), after.tolist()) == ([1, 2, 0], [0, 1, 1])
    before, after = aligned(categorical("a", "b", "b"), categorical("c", "b"))
    assert (before.tolist(), after.tolist()) == ([1, 2, 0], [0, 1, 1])


def test_aligning_numbers_with_categories_is_refused():
    with pytest.raises(TypeError, match="no common values"):
        aligned(numeric(1), categorical("a"))


@pytest.mark.parametrize(
    ("_case", "values", "identifying", "sparse"),
    [
        ("half of the values distinct", ["a", "a", "b", "b"], False, False),
        ("more than half distinct", ["a", "b", "c", "c"], True, True),
        ("1001 categories, under five rows each", [str(i % 1001) for i in range(4 * 1001)], False, True),
        ("1001 categories, five rows each", [str(i % 1001) for i in range(5 * 1001)], False, False),
        ("1000 categories, under five rows each", [str(i % 1000) for i in range(3000)], False, False),
    ],
)
def test_columns_that_name_rows_or_are_too_sparse(_case, values, identifying, sparse):
    found = categorical(*values)
    assert (found.identifying, found.sparse) == (identifying, sparse)


@given(numbers, numbers)
@example([0.0], [5e-324])
def test_histogram_equals_numpy(before, after):
    a, b = numeric(*before), numeric(*after)
    both = np.array(before + after)
    edges = sturges_edges(a, b, len(both))
    assert edges == pytest.approx(np.histogram_bin_edges(both, "sturges"))
    assert histogram(a, edges).tolist() == np.histogram(before, edges)[0].tolist()


def test_numbers_are_binned_only_above_twenty_reference_values():
    few, many = numeric(*range(20)), numeric(*range(21))
    assert [len(side) for side in binned(few, many)] == [21, 21]
    assert [len(side) for side in binned(many, few)] == [math.ceil(math.log2(41) + 1)] * 2


def test_range_beyond_double_precision_is_refused():
    with pytest.raises(OverflowError, match="double precision"):
        sturges_edges(numeric(-1.7e308), numeric(1.7e308), 2)


def test_psi_of_a_worked_example():
    # (.5-.6) ln(.5/.6) + (.5-.4) ln(.5/.4)
    expected = 0.1 * math.log(6 / 5) + 0.1 * math.log(5 / 4)
    assert drift_distances.population_stability_index(
        np.array([50, 50]), np.array([60, 40])
    ) == pytest.approx(expected)


def test_empty_bins_get_evidentlys_small_share():
    assert drift_distances.filled_shares(np.array([0, 1, 1])).tolist() == [0.0001, 0.5, 0.5]
    assert drift_distances.filled_shares(np.array([0, 1, 9999]))[0] == 0.0001 / 1e6


@given(pairs_of_counts())
def test_distances_of_counts_equal_scipy(pair):
    p, q = (np.array(side) for side in pair)
    assert drift_distances.jensen_shannon(p, q) == pytest.approx(distance.jensenshannon(p, q), abs=1e-7)
    filled = drift_distances.filled_shares(p), drift_distances.filled_shares(q)
    assert drift_distances.kullback_leibler(p, q) == pytest.approx(stats.entropy(*filled), abs=1e-12)
    assert drift_distances.total_variation(p, q) == pytest.approx(
        distance.cityblock(p / p.sum(), q / q.sum()) / 2
    )


@given(pairs_of_counts(), st.integers(2, 50))
def test_distances_do_not_depend_on_the_number_of_rows(pair, factor):
    p, q = (np.array(side) for side in pair)
    for compute in (drift_distances.jensen_shannon, drift_distances.total_variation):
        assert compute(p * factor, q) == pytest.approx(compute(p, q), abs=1e-7)


@given(counts)
def test_equal_shares_have_no_distance(found):
    side = np.array(found)
    assert drift_distances.population_stability_index(side, side) == 0
    assert drift_distances.kullback_leibler(side, side) == 0
    assert drift_distances.jensen_shannon(side, 3 * side) == pytest.approx(0, abs=1e-7)


def test_nothing_in_common_is_the_largest_distance():
    before, after = categorical("a", "a"), categorical("b")
    assert drift_distances.jensen_shannon(*aligned(before, after)) == pytest.approx(math.sqrt(math.log(2)))
    assert drift_distances.total_variation(*aligned(before, after)) == 1
    assert drift_distances.hellinger(before, after) == 1


def wasserstein(before, after):
    return drift_distances.wasserstein(*Pair(numeric(*before), numeric(*after)).on_scale)


@given(numbers, numbers)
def test_wasserstein_equals_scipy(before, after):
    expected = stats.wasserstein_distance(before, after) / max(np.std(before), 0.001)
    assert wasserstein(before, after) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_a_shift_moves_wasserstein_by_the_shift_in_standard_deviations():
    before = np.arange(100.0)
    found = wasserstein(before, before + 5)
    assert found == pytest.approx(5 / np.std(before))


def test_wasserstein_of_a_constant_reference_is_scaled_by_a_thousandth():
    assert wasserstein([1, 1], [1.5]) == pytest.approx(500)


def test_wasserstein_beyond_double_precision_is_an_error_not_a_nan():
    with pytest.raises(ArithmeticError):
        wasserstein([-1.7e308, 1.7e308], [0])


@pytest.mark.filterwarnings("ignore:ks_2samp")
@settings(max_examples=25)
@given(numbers, numbers)
def test_kolmogorov_smirnov_equals_scipy(before, after):
    expected = stats.ks_2samp(before, after)
    statistic, p = drift_tests.kolmogorov_smirnov(numeric(*before), numeric(*after))
    assert (statistic, p) == pytest.approx((expected.statistic, expected.pvalue))


def test_kolmogorov_smirnov_of_many_rows_equals_scipy():
    rng = np.random.default_rng(1)
    before, after = rng.normal(size=11_000).round(2), rng.normal(0.03, size=700).round(2)
    expected = stats.ks_2samp(before, after)
    found = drift_tests.kolmogorov_smirnov(numeric(*before), numeric(*after))
    assert found == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9)


def test_chi_square_equals_scipy_with_scaled_expectations():
    reference, current = np.array([50, 30, 20]), np.array([20, 20, 10])
    expected = stats.chisquare(current, reference / 2)
    assert drift_tests.chi_square(reference, current) == pytest.approx((expected.statistic, expected.pvalue))


def test_unseen_category_makes_chi_square_certain():
    assert drift_tests.chi_square(np.array([5, 5, 0]), np.array([5, 5, 1])) == (math.inf, 0)


def test_z_test_of_a_worked_example():
    # Pooled share .45 of 200: z = (.5 - .4) / sqrt(.45 * .55 * .02) = 1.4213
    z, p = drift_tests.two_proportions(np.array([50, 50]), np.array([40, 60]))
    assert z == pytest.approx(0.1 / math.sqrt(0.45 * 0.55 * 0.02))
    assert p == pytest.approx(2 * stats.norm.sf(1.4213381), abs=1e-7)


def test_z_test_squared_is_the_chi_square_of_the_table():
    table = np.array([[30, 70], [45, 55]])
    expected = stats.chi2_contingency(table, correction=False)
    z, p = drift_tests.two_proportions(*table)
    assert (z**2, p) == pytest.approx((expected.statistic, expected.pvalue))


def test_one_common_value_has_nothing_to_test():
    assert drift_tests.two_proportions(np.array([5]), np.array([7])) == (0, 1)
    assert drift_tests.chi_square(np.array([5]), np.array([7])) == (0, 1)


def column(kind, rows, distinct):
    values = [i % distinct for i in range(rows)]
    return numeric(*values) if kind == "numbers" else categorical(*map(str, values))


@pytest.mark.parametrize(
    ("kind", "reference_rows", "distinct", "method"),
    [
        ("numbers", 1000, 6, "ks"),
        ("numbers", 1000, 5, "chisquare"),
        ("numbers", 1000, 2, "z"),
        ("numbers", 1001, 6, "wasserstein"),
        ("numbers", 1001, 5, "jensenshannon"),
        ("categories", 1000, 3, "chisquare"),
        ("categories", 1000, 2, "z"),
        ("categories", 1001, 2, "jensenshannon"),
        ("categories", 1001, 300, "jensenshannon"),
    ],
)
def test_default_method_by_reference_rows_and_distinct_values(kind, reference_rows, distinct, method):
    pair = Pair(column(kind, reference_rows, distinct), column(kind, 50, min(distinct, 2)))
    assert default_method(pair) == method


def test_default_method_counts_the_distinct_values_of_both_sides():
    assert default_method(Pair(numeric(1, 2, 3), numeric(4, 5, 6))) == "ks"
    assert default_method(Pair(categorical("a", "b"), categorical("c"))) == "chisquare"


@pytest.mark.parametrize("method", sorted(METHODS))
def test_no_change_uses_no_tolerance_and_a_full_change_exceeds_it(method):
    same = Pair(numeric(*repeated(1, 500), *repeated(2, 500)), numeric(*repeated(1, 500), *repeated(2, 500)))
    score = drift_score(same, method)
    assert (score.drifted, score.tolerance_used) == (False, 0)
    moved = Pair(same.reference, numeric(*repeated(1, 10), *repeated(2, 990)))
    score = drift_score(moved, method)
    assert score.drifted is True
    assert 1 < score.tolerance_used <= 100


def test_limit_itself_counts_as_drift_for_distances():
    pair = Pair(numeric(*repeated(0, 5), *repeated(1, 5)), numeric(*repeated(0, 4), *repeated(1, 6)))
    exact = drift_score(pair, "tvd").value
    assert drift_score(pair, "tvd", {"tvd": exact}).drifted is True
    assert drift_score(pair, "tvd", {"tvd": exact}).tolerance_used == 1
    assert drift_score(pair, "tvd", {"tvd": exact + 1e-9}).drifted is False


def test_limit_itself_counts_as_drift_for_kolmogorov_smirnov_but_not_for_z():
    pair = Pair(numeric(*repeated(0, 50), *repeated(1, 50)), numeric(*repeated(0, 40), *repeated(1, 60)))
    for method, drifted in (("ks", True), ("z", False)):
        p = drift_score(pair, method).value
        assert drift_score(pair, method, {method: p}).drifted is drifted


@pytest.mark.parametrize(
    ("method", "pair", "remedy"),
    [
        ("wasserstein", Pair(categorical("a"), categorical("b")), "use jensenshannon or psi"),
        ("ks", Pair(categorical("a"), categorical("b")), "use jensenshannon or psi"),
        ("chisquare", Pair(numeric(*range(6)), numeric(1)), "use wasserstein or psi"),
        ("tvd", Pair(numeric(1), numeric(*range(6))), "use wasserstein or psi"),
        ("z", Pair(categorical("a", "b"), categorical("c")), "use chisquare or psi"),
    ],
)
def test_method_that_cannot_apply_is_refused_with_the_remedy(method, pair, remedy):
    with pytest.raises(MethodError, match=remedy):
        drift_score(pair, method)
