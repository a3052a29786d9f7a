"""Krippendorff's alpha on his own published examples."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits.metrics.statistics.agreement import coincidences_of, coincidences_of_two, krippendorff_alpha

#: Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability": sections A, B and C.
TWO_BINARY = ("0100000010", "1110010000")
TWO_NOMINAL = ("aabbdcccedda", "babbbccceddd")
FOUR_WITH_GAPS = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")


def units(*observers):
    return [[None if label == "." else label for label in unit] for unit in zip(*observers, strict=True)]


@pytest.mark.parametrize(
    ("observers", "alpha"), [(TWO_BINARY, 0.095), (TWO_NOMINAL, 0.692), (FOUR_WITH_GAPS, 0.743)]
)
def test_published_examples(observers, alpha):
    assert round(krippendorff_alpha(coincidences_of(units(*observers))), 3) == alpha


def test_published_coincidences_of_four_observers():
    """Section C: 40 pairable values, 7, 10, 8, 4 and 3 of them in agreement; 9, 13, 10, 5 and 3 of each label."""
    found = coincidences_of(units(*FOUR_WITH_GAPS))
    assert found.sum() == pytest.approx(40)
    assert found.diagonal().tolist() == pytest.approx([7, 10, 8, 4, 3])
    assert found.sum(axis=1).tolist() == pytest.approx([9, 13, 10, 5, 3])
    assert found == pytest.approx(found.T)


def test_a_table_of_two_annotators_gives_the_same_as_their_labels():
    table = [[0] * 5 for _ in range(5)]
    for one, other in zip(*TWO_NOMINAL, strict=True):
        table["abcde".index(one)]["abcde".index(other)] += 1
    assert krippendorff_alpha(coincidences_of_two(table)) == pytest.approx(
        krippendorff_alpha(coincidences_of(units(*TWO_NOMINAL))), rel=1e-12
    )


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=2, max_size=30))
def test_alpha_equals_its_definition_by_pairs(pairs):
    """1 - observed / expected disagreement, over all pairs of labels."""
    labels = [label for pair in pairs for label in pair]
    n = len(labels)
    expected = sum(a != b for i, a in enumerate(labels) for j, b in enumerate(labels) if i != j) / (
        n * (n - 1)
    )
    alpha = krippendorff_alpha(coincidences_of(pairs))
    if expected == 0:
        assert math.isnan(alpha)
        return
    observed = sum(a != b for a, b in pairs) / len(pairs)
    assert alpha == pytest.approx(1 - observed / expected, rel=1e-9, abs=1e-12)
    assert krippendorff_alpha(coincidences_of([(b, a) for a, b in pairs])) == pytest.approx(alpha)


def test_perfect_agreement_is_1_and_nothing_to_pair_has_no_alpha():
    assert krippendorff_alpha(coincidences_of_two([[5, 0], [0, 5]])) == 1.0
    assert math.isnan(krippendorff_alpha(coincidences_of_two([[5, 0], [0, 0]])))
    assert math.isnan(krippendorff_alpha(coincidences_of([["a"], [None, "b"]])))


def test_a_table_that_is_not_square_is_refused():
    with pytest.raises(ValueError, match="one row and one column for each label"):
        krippendorff_alpha([[1, 2, 3], [4, 5, 6]])
