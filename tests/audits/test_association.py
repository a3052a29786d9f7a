"""Cramer's V with Bergsma's correction, and its permutation p."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from audits.metrics.statistics import association
from audits.metrics.statistics.association import cramers_v, pearson, permutation_p


def test_published_example_of_clickhouse():
    """ClickHouse's documentation of ``cramersVBiasCorrected`` (2026): numbers 0 to 149 modulo 10 and modulo 4.

    Its older releases printed .4117 and .3337 for the same query, which is not Cramer's V.
    """
    numbers = np.arange(150)
    table = np.zeros((10, 4))
    np.add.at(table, (numbers % 10, numbers % 4), 1)
    assert math.sqrt(pearson(table) / 150 / 3) == pytest.approx(0.5798088336225178, rel=1e-12)
    assert cramers_v(table) == pytest.approx(0.5305112825189074, rel=1e-12)


def naive(table):
    """Bergsma 2013, equations of section 2, cell by cell."""
    table = [[k for j, k in enumerate(row) if sum(r[j] for r in table)] for row in table if sum(row)]
    n, r, c = sum(map(sum, table)), len(table), len(table[0]) if table else 0
    if min(r, c) < 2:
        return math.nan
    phi2 = (
        sum(
            (k - sum(row) * sum(other[j] for other in table) / n) ** 2
            / (sum(row) * sum(other[j] for other in table) / n)
            for row in table
            for j, k in enumerate(row)
        )
        / n
    )
    corrected = max(0.0, phi2 - (r - 1) * (c - 1) / (n - 1))
    r, c = r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)
    return math.sqrt(corrected / min(r - 1, c - 1)) if min(r, c) > 1 else math.nan


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.data())
def test_it_equals_its_definition_and_knows_no_order(r, c, data):
    table = [[data.draw(st.integers(0, 30)) for _ in range(c)] for _ in range(r)]
    assert cramers_v(table) == pytest.approx(naive(table), rel=1e-9, abs=1e-12, nan_ok=True)
    assert cramers_v(np.transpose(table)) == pytest.approx(cramers_v(table), abs=1e-12, nan_ok=True)
    assert cramers_v(table[::-1]) == pytest.approx(cramers_v(table), abs=1e-12, nan_ok=True)


def test_one_variable_that_tells_the_other_is_1_and_independence_is_0():
    assert cramers_v(np.eye(4) * 50) == pytest.approx(1, abs=1e-12)
    assert cramers_v([[20, 40], [10, 20]]) == 0.0


def test_it_stays_near_zero_where_the_uncorrected_one_grows_with_categories():
    rng = np.random.default_rng(0)
    tables = [rng.multinomial(500, [1 / 100] * 100).reshape(20, 5) for _ in range(50)]
    plain = [math.sqrt(pearson(t) / t.sum() / (min(np.array(t).shape) - 1)) for t in tables]
    assert np.mean(plain) > 0.18
    assert np.mean([cramers_v(t) for t in tables]) < 0.06


def test_the_permutation_p_is_near_the_exact_one_and_repeats_itself():
    table = [[8, 2], [1, 5]]
    exact = stats.fisher_exact(table).pvalue  # both order 2x2 tables of these margins alike
    assert permutation_p(table, seed=1, draws=20_000) == pytest.approx(exact, abs=0.004)
    assert permutation_p(table, seed=1) == permutation_p(table, seed=1)
    assert permutation_p(np.eye(3) * 30, seed=0) == 1 / 1000


def test_portions_do_not_change_how_many_are_drawn(monkeypatch):
    monkeypatch.setattr(association, "_CELLS_AT_ONCE", 40)
    assert permutation_p([[1, 1], [1, 1]], seed=0) == 1.0


@pytest.mark.parametrize(
    "table", [[[5, 5]], [[5], [5]], [[0, 0], [0, 0]], [[5, 0], [5, 0]], [[1, 0], [0, 1]]]
)
def test_too_few_categories_or_rows_have_no_value(table):
    assert math.isnan(cramers_v(table))
    if min(np.count_nonzero(np.sum(table, axis=0)), np.count_nonzero(np.sum(table, axis=1))) < 2:
        assert math.isnan(permutation_p(table, 0))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([1, 2], "two dimensions, this one has 1"),
        ([[1, -1], [1, 1]], "finite numbers from 0 on"),
        ([[1, math.nan], [1, 1]], "finite numbers from 0 on"),
    ],
)
def test_what_is_no_table_of_counts_is_refused(table, message):
    with pytest.raises(ValueError, match=message):
        cramers_v(table)
