"""Columns as numbers: what they become, and what must not change them."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits.metrics.scores.encoding import (
    PROJECTED_DIMENSIONS,
    Feature,
    clip_limits,
    codes_folded,
    column_features,
    standardised,
    varies,
)
from audits.tables import MemoryTable

NAN = math.nan


def features(reference, current, seed=(0,)):
    sides = (MemoryTable({"a": values}).column("a") for values in (reference, current))
    return column_features(*sides, seed)


def encoded(reference, current=()):
    """The columns of a single feature, fitted on the reference."""
    found = features(pa.array(reference), pa.array(current, pa.array(reference).type))
    return standardised(found, np.arange(len(reference) + len(current)) < len(reference)).matrix


def test_numbers_are_numbers_and_infinities_are_missing():
    (feature,) = features([1.0, math.inf, None], [-math.inf, 2.0])
    np.testing.assert_array_equal(feature.values, [1, NAN, NAN, NAN, 2])
    assert not feature.categorical


def test_categories_get_one_code_on_both_sides():
    (feature,) = features(["b", "a", None], ["c", "a"])
    np.testing.assert_array_equal(feature.values, [1, 0, NAN, 2, 0])
    assert feature.categorical


def test_truth_values_are_categories_and_moments_numbers():
    assert features([True, False], [True])[0].categorical
    (moments,) = features(np.array(["1970-01-02"], "M8[D]"), np.array(["1970-01-03"], "M8[D]"))
    assert moments.values.tolist() == [86_400e6, 2 * 86_400e6]


@pytest.mark.parametrize("scale", [1e308, 1e-308, 1.0])
def test_neither_huge_nor_tiny_numbers_overflow_or_vanish(scale):
    (feature,) = features(np.array([1.0, -1.0, 0.5]) * scale, np.array([0.25]) * scale)
    matrix = standardised([feature], np.array([True, True, True, False])).matrix
    np.testing.assert_allclose(matrix, encoded([1.0, -1.0, 0.5], [0.25]), rtol=1e-9)


def test_short_vectors_keep_their_dimensions_and_long_ones_are_projected():
    short = features([[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0]])
    assert [f.values.tolist() for f in short] == [[1, 3, 5], [2, 4, 6]]
    rng = np.random.default_rng(0)
    long = [list(row) for row in rng.normal(size=(200, 500))]
    found = features(long[:150], long[150:])
    assert [f.name for f in found] == ["a"] * PROJECTED_DIMENSIONS
    again = features(long[:150], long[150:])
    np.testing.assert_array_equal(found[0].values, again[0].values)
    # A projection keeps distances, up to its own error of sqrt(2 / 32).
    before, after = np.array(long), np.column_stack([f.values for f in found])
    ratio = np.linalg.norm(after[1:] - after[0], axis=1) / np.linalg.norm(before[1:] - before[0], axis=1)
    assert ratio.mean() == pytest.approx(1, abs=0.05)
    assert ratio.std() < 0.25


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 1], False),
        ([1, 2], True),
        ([1, NAN], True),
        ([NAN, NAN], False),
        ([], False),
        ([NAN, 1, 1], True),
    ],
)
def test_missing_is_a_value_of_its_own(values, expected):
    assert varies(np.array(values, dtype=float)) is expected
    assert Feature("a", np.array(values, dtype=float)).constant is not expected


def test_numbers_are_standardised_by_the_fitted_rows_only():
    np.testing.assert_allclose(
        encoded([1.0, 2.0, 3.0, 4.0], [5.0]).ravel(), (np.arange(1, 6) - 2.5) / np.std([1, 2, 3, 4])
    )


def test_missing_numbers_become_the_mean_with_a_column_that_says_so():
    matrix = encoded([1.0, None, 3.0, 2.0], [None])
    assert matrix.shape == (5, 2)
    assert matrix[[1, 4], 0].tolist() == [0, 0]
    assert matrix[1, 1] == matrix[4, 1] == pytest.approx(math.sqrt(3))
    assert matrix[0, 1] == pytest.approx(-1 / math.sqrt(3))


def test_missing_only_among_the_other_rows_gives_no_column():
    assert encoded([1.0, 2.0], [None, 3.0]).shape == (4, 1)


def test_a_wild_number_neither_sets_the_scale_nor_goes_beyond_it():
    rng = np.random.default_rng(0)
    calm = rng.normal(size=5000)
    low, high = clip_limits(calm)
    assert encoded(calm, [1e12, -1e12])[-2:, 0] == pytest.approx(
        (np.array([high, low]) - calm.mean()) / calm.std(), rel=1e-6
    )
    wild = encoded([*calm, 1e12])
    np.testing.assert_allclose(wild[:5000, 0], encoded(calm)[:, 0], atol=0.02)


def test_limits_are_a_range_of_percentiles_beyond_the_percentiles():
    values = np.arange(101.0)
    assert clip_limits(values) == (1 - 98, 99 + 98)
    # Where the percentiles coincide, the values themselves are the limits.
    assert clip_limits(np.array([0.0] * 999 + [5.0])) == (0, 5)


def test_categories_become_their_shares_of_the_fitted_rows():
    matrix = encoded(["x", "x", "x", "y", None, None], ["y", "z", None])
    shares = np.array([3, 3, 3, 1, 2, 2, 1, 0, 2]) / 6
    np.testing.assert_allclose(matrix.ravel(), (shares - shares[:6].mean()) / shares[:6].std())


@pytest.mark.parametrize("values", [[0.1, 0.1, 0.1], ["x", "x"], [None, None], [1e300] * 7])
def test_what_does_not_vary_where_it_is_fitted_is_left_out(values):
    other = [9.0] if isinstance(values[0], float) else ["y"] if values[0] else []
    assert encoded(values, other).shape == (len(values) + len(other), 0)


@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=40), st.floats(0.1, 1e3), st.floats(-1e3, 1e3))
def test_scale_and_origin_do_not_matter(values, scale, origin):
    numbers = np.round(np.array(values), 3)
    before, after = encoded(numbers), encoded(numbers * scale + origin)
    if before.shape == after.shape:  # rounding may make nearly equal numbers equal
        np.testing.assert_allclose(after, before, atol=1e-5)


def test_rare_categories_share_the_last_code():
    codes = np.array([5.0] * 4 + [2.0] * 3 + [7.0] * 2 + [1.0] + [NAN])
    np.testing.assert_array_equal(codes_folded(codes, 3), [0] * 4 + [1] * 3 + [2] * 2 + [2] + [NAN])
    np.testing.assert_array_equal(codes_folded(codes, 9), [0] * 4 + [1] * 3 + [2] * 2 + [3] + [NAN])
    assert np.isnan(codes_folded(np.array([NAN]), 3)).all()
