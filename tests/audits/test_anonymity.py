"""k, l and t of the tables in the papers that define them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

from audits.metrics.privacy.anonymity import (
    distinct_diversity,
    entropy_diversity,
    equal_distance_closeness,
    equivalence_classes,
    ordered_distance_closeness,
)


def _codes(values):
    return np.unique(values, return_inverse=True)[1]


def test_sweeneys_table_is_2_anonymous_and_leaks_a_homogeneous_class():
    # Sweeney 2002, figure 2: race, birth, gender, ZIP; problem.
    race = ["black"] * 6 + ["white"] * 5
    birth = [1965] * 4 + [1964] * 5 + [1967] * 2
    gender = ["m"] * 2 + ["f"] * 4 + ["m"] * 5
    zips = ["0214*"] * 2 + ["0213*"] * 9
    problem = list("bchhoccobcc")  # b short breath, c chest pain, h hypertension, o obesity
    classes, sizes = equivalence_classes([_codes(c) for c in (race, birth, gender, zips)])
    assert sorted(sizes.tolist()) == [2, 2, 2, 2, 3]
    assert distinct_diversity(classes, _codes(problem)).min() == 1


INPATIENTS = np.repeat(np.arange(3), 4)


def test_inpatient_table_is_4_anonymous_but_one_class_has_cancer_only():
    # Machanavajjhala et al. 2007, figure 2.
    disease = ["heart", "heart", "viral", "viral", "cancer", "heart", "viral", "viral", *["cancer"] * 4]
    classes, sizes = equivalence_classes([INPATIENTS])
    assert sizes.tolist() == [4, 4, 4]
    assert distinct_diversity(classes, _codes(disease)).tolist() == [2, 3, 1]
    assert entropy_diversity(classes, _codes(disease)).tolist() == pytest.approx(
        [2, 2 * 2**0.5, 1], abs=1e-12
    )


def test_inpatient_table_regrouped_is_3_diverse():
    # Machanavajjhala et al. 2007, figure 3; entropy l of shares 1/4, 1/4, 1/2 is 2 sqrt 2 = 2.83.
    disease = list("hvccchvvhvcc")  # h heart, v viral, c cancer
    classes, sizes = equivalence_classes([INPATIENTS])
    assert sizes.min() == 4
    assert distinct_diversity(classes, _codes(disease)).tolist() == [3, 3, 3]
    assert entropy_diversity(classes, _codes(disease)).tolist() == pytest.approx([2 * 2**0.5] * 3, abs=1e-12)


def test_salary_distances_of_the_t_closeness_paper():
    # Li, Li and Venkatasubramanian 2007: tables 3 and 5. D[{3,4,5}, Q] = .375 and D[{6,8,11}, Q] = .167.
    classes = np.repeat(np.arange(3), 3)
    before = _codes([3, 4, 5, 6, 11, 8, 7, 9, 10])
    assert ordered_distance_closeness(classes, before)[:2].round(3).tolist() == [0.375, 0.167]
    after = _codes([3, 5, 9, 6, 11, 8, 4, 7, 10])
    assert ordered_distance_closeness(classes, after).max().round(3) == 0.167


def test_equal_distance_is_total_variation():
    classes = np.array([0, 0, 1, 1])
    assert equal_distance_closeness(classes, np.array([0, 0, 0, 1])).tolist() == [0.25, 0.25]


tables = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6)), min_size=1, max_size=40)


@given(tables)
@settings(max_examples=200, deadline=None)
def test_closeness_equals_a_dense_computation_per_class(rows):
    raw, values = np.array(rows).T
    classes, values = _codes(raw), _codes(values)
    width = values.max() + 1
    overall = np.bincount(values, minlength=width) / len(values)
    ordered, equal = ordered_distance_closeness(classes, values), equal_distance_closeness(classes, values)
    for c in range(classes.max() + 1):
        share = np.bincount(values[classes == c], minlength=width) / (classes == c).sum()
        assert equal[c] == pytest.approx(np.abs(share - overall).sum() / 2, abs=1e-12)
        expected = wasserstein_distance(np.arange(width), np.arange(width), share, overall) / max(
            width - 1, 1
        )
        assert ordered[c] == pytest.approx(expected, abs=1e-12)


@given(tables)
@settings(max_examples=100, deadline=None)
def test_diversity_equals_counting_by_hand_and_entropy_never_exceeds_it(rows):
    raw, values = np.array(rows).T
    classes, values = _codes(raw), _codes(values)
    found = distinct_diversity(classes, values)
    assert found.tolist() == [len(set(values[classes == c])) for c in range(classes.max() + 1)]
    assert (entropy_diversity(classes, values) <= found + 1e-9).all()


@given(
    st.lists(st.tuples(st.integers(-1, 3), st.integers(-1, 3), st.integers(-1, 2)), min_size=1, max_size=40)
)
@settings(max_examples=100, deadline=None)
def test_classes_are_the_distinct_rows_and_one_more_column_never_makes_them_larger(rows):
    columns = list(np.array(rows).T)
    classes, sizes = equivalence_classes(columns)
    assert sorted(sizes) == sorted(rows.count(r) for r in set(rows))
    assert all((classes[i] == classes[j]) == (rows[i] == rows[j]) for i in range(len(rows)) for j in range(i))
    assert sizes.min() <= equivalence_classes(columns[:2])[1].min()


def test_many_unique_columns_do_not_overflow():
    columns = [np.random.default_rng(i).permutation(100_000) for i in range(6)]
    assert (equivalence_classes(columns)[1] == 1).all()
