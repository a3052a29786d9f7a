"""Two-proportion z, Fisher's exact test and Welch's test."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from audits.metrics.statistics.proportion_tests import (
    expected_minimum,
    fisher_exact,
    satterthwaite,
    two_proportion_z,
    welch,
)


@st.composite
def tables(draw, most: int = 60):
    n1, n0 = draw(st.integers(1, most)), draw(st.integers(1, most))
    return draw(st.integers(0, n1)), n1, draw(st.integers(0, n0)), n0


def test_berkeley_admissions_of_1973_differ_by_the_published_chi_square():
    """Bickel, Hammel and O'Connell 1975, Science 187, 398-404: 3738 of 8442 men, 1494 of 4321 women; chi-square 110.8.

    The article's value has Yates's correction; without it, as here, the table gives 111.25.
    """
    corrected = stats.chi2_contingency([[1494, 4321 - 1494], [3738, 8442 - 3738]])
    assert corrected.statistic == pytest.approx(110.8, abs=0.05)
    assert float(two_proportion_z(1494, 4321, 3738, 8442)) == pytest.approx(
        stats.chi2.sf(111.24970687, 1), rel=1e-6
    )


def test_lady_tasting_tea():
    """Fisher 1935, "The Design of Experiments", chapter 2: of 4 + 4 cups, 3 of 4 right by chance with p 17/70 one-sided."""
    assert fisher_exact(3, 4, 1, 4) == pytest.approx(34 / 70, abs=1e-12)
    assert fisher_exact(4, 4, 0, 4) == pytest.approx(2 / 70, abs=1e-12)


@given(tables())
def test_z_squared_is_pearsons_chi_square(table):
    k1, n1, k0, n0 = table
    events = k1 + k0
    expected = 1.0
    if 0 < events < n1 + n0:
        expected = stats.chi2_contingency([[k1, n1 - k1], [k0, n0 - k0]], correction=False).pvalue
    assert float(two_proportion_z(*table)) == pytest.approx(expected, abs=1e-12)


@given(tables())
def test_fisher_equals_scipy(table):
    k1, n1, k0, n0 = table
    expected = stats.fisher_exact([[k1, n1 - k1], [k0, n0 - k0]]).pvalue
    assert fisher_exact(*table) == pytest.approx(expected, abs=1e-10)


@given(tables(12))
def test_fisher_equals_counting_all_tables(table):
    k1, n1, k0, n0 = table
    events = k1 + k0
    ways = {k: math.comb(n1, k) * math.comb(n0, events - k) for k in range(n1 + 1) if 0 <= events - k <= n0}
    as_extreme = sum(count for count in ways.values() if count <= ways[k1])
    assert fisher_exact(*table) == pytest.approx(as_extreme / sum(ways.values()), abs=1e-10)


@given(tables())
def test_swapping_the_groups_changes_no_p(table):
    k1, n1, k0, n0 = table
    assert fisher_exact(k1, n1, k0, n0) == pytest.approx(fisher_exact(k0, n0, k1, n1), abs=1e-12)
    assert float(two_proportion_z(k1, n1, k0, n0)) == pytest.approx(
        float(two_proportion_z(k0, n0, k1, n1)), abs=1e-12
    )


@given(tables())
def test_expected_minimum_is_the_smallest_cell_of_the_expected_table(table):
    k1, n1, k0, n0 = table
    expected = stats.contingency.expected_freq(np.array([[k1, n1 - k1], [k0, n0 - k0]])).min()
    assert float(expected_minimum(*table)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("_case", "sides"), [("no group", (0, 0, 3, 9)), ("no reference", (3, 9, 0, 0))])
def test_an_empty_side_has_no_p(_case, sides):
    assert math.isnan(float(two_proportion_z(*sides)))
    assert float(expected_minimum(*sides)) == 0


def test_fisher_stays_exact_for_large_counts():
    expected = stats.fisher_exact([[48_000, 52_000], [48_600, 51_400]]).pvalue
    assert fisher_exact(48_000, 100_000, 48_600, 100_000) == pytest.approx(expected, rel=1e-6)


SAMPLES = st.lists(st.floats(-100, 100).map(lambda x: round(x, 3)), min_size=2, max_size=30)


@given(SAMPLES, SAMPLES)
def test_welch_equals_scipy(a, b):
    moments = [np.mean(a), np.var(a, ddof=1), len(a), np.mean(b), np.var(b, ddof=1), len(b)]
    if moments[1] + moments[4] < 1e-9:
        return
    mine = float(welch(*moments))
    deviations = [math.sqrt(moments[1]), math.sqrt(moments[4])]
    theirs = stats.ttest_ind_from_stats(
        moments[0], deviations[0], len(a), moments[3], deviations[1], len(b), equal_var=False
    )
    assert mine == pytest.approx(theirs.pvalue, abs=1e-12)


def test_welch_without_variation_is_certain_either_way():
    assert float(welch(2.0, 0.0, 10, 2.0, 0.0, 10)) == 1.0
    assert float(welch(2.0, 0.0, 10, 3.0, 0.0, 10)) == 0.0
    assert math.isnan(float(welch(2.0, 0.0, 1, 3.0, 1.0, 10)))


def test_satterthwaite_lies_between_the_smaller_sample_and_both():
    assert float(satterthwaite(4.0, 10, 4.0, 10)) == pytest.approx(18.0)
    assert 9 <= float(satterthwaite(4.0, 10, 400.0, 10)) <= 18
