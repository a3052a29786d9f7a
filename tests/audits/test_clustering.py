"""Agreement of groupings."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from audits.metrics.scores.clustering import adjusted_rand_index, best_jaccard, contingency

labels = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=60)


@given(labels)
@settings(max_examples=200, deadline=None)
def test_index_equals_scikit_learn_and_is_symmetric(pairs):
    first, second = np.array(pairs).T
    found = adjusted_rand_index(contingency(first, second))
    assert found == pytest.approx(adjusted_rand_score(first, second), abs=1e-12)
    assert found == pytest.approx(adjusted_rand_index(contingency(second, first)), abs=1e-12)


@given(labels)
@settings(max_examples=100, deadline=None)
def test_renaming_the_groups_changes_nothing(pairs):
    first, second = np.array(pairs).T
    renamed = (second + 1) % 4
    same = adjusted_rand_index(contingency(first, renamed))
    assert same == pytest.approx(adjusted_rand_index(contingency(first, second)), abs=1e-12)
    assert best_jaccard(contingency(first, renamed)) == pytest.approx(
        best_jaccard(contingency(first, second)), nan_ok=True
    )


def test_index_of_a_million_rows_does_not_overflow():
    first = np.arange(1_000_000) % 2
    assert adjusted_rand_index(contingency(first, 1 - first)) == 1.0


def test_recovery_of_a_split_group_is_its_larger_half():
    first = np.array([0] * 10 + [1] * 10)
    second = np.array([0] * 6 + [1] * 4 + [2] * 10)
    assert best_jaccard(contingency(first, second)).tolist() == pytest.approx([0.6, 1.0])


def test_group_without_rows_has_no_recovery():
    assert np.isnan(best_jaccard(np.array([[0, 0], [3, 1]]))).tolist() == [True, False]
