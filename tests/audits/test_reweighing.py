"""Reweighing: group and label independent after it, by hand, by loops and as a property."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.metrics.mitigation.reweighing import cell_weights, row_weights

tables = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=2, max_size=5).map(np.array)


def by_loops(rows):
    """The formula of Kamiran and Calders as written, in fractions, row by row."""
    n = len(rows)
    weights = []
    for a, y in rows:
        same_group = sum(1 for other, _ in rows if other == a)
        same_label = sum(1 for _, other in rows if other == y)
        both = sum(1 for other in rows if other == (a, y))
        weights.append(Fraction(same_group, n) * Fraction(same_label, n) / Fraction(both, n))
    return weights


def test_ten_applicants_by_hand():
    """Five women, two of them taken, five men, four of them taken: the weights follow from the formula.

    w(f, +) = .5 x .6 / .2, w(f, -) = .5 x .4 / .3, w(m, +) = .5 x .6 / .4, w(m, -) = .5 x .4 / .1.
    """
    found = cell_weights(np.array([[3, 2], [1, 4]]))
    assert found == pytest.approx(np.array([[2 / 3, 1.5], [2.0, 0.75]]), abs=1e-15)


def test_independent_groups_keep_their_weight():
    assert cell_weights(np.array([[6, 2], [3, 1]])).tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_a_cell_without_rows_has_no_weight():
    found = cell_weights(np.array([[0, 4], [2, 2]]))
    assert np.isnan(found[0, 0])
    assert found[0, 1] == pytest.approx(4 * 6 / 8 / 4)


@settings(max_examples=60, deadline=None)
@given(tables)
def test_reweighted_labels_have_no_parity_difference_and_the_margins_stay(counts):
    weighted = counts * cell_weights(counts)
    shares = weighted[:, 1] / weighted.sum(axis=1)
    assert np.ptp(shares) < 1e-12
    assert shares[0] == pytest.approx(counts[:, 1].sum() / counts.sum())
    assert weighted.sum(axis=1) == pytest.approx(counts.sum(axis=1))
    assert weighted.sum(axis=0) == pytest.approx(counts.sum(axis=0))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1)), min_size=1, max_size=25))
def test_weights_of_rows_agree_with_loops(rows):
    group, label = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    weights, _ = row_weights(group, label)
    assert weights == pytest.approx([float(w) for w in by_loops(rows)], abs=1e-12)
