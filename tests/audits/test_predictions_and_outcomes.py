"""What sort of prediction it is, what followed from it, and which columns do not fit one another."""

import math
from datetime import date

import numpy as np
import pytest

from audits.metrics.drift.predictions_and_outcomes import LABELS, NUMBERS, SCORE, outcomes
from audits.tables import MemoryTable, TableError


def found(reference, current, task=None):
    """Outcomes of ``{"y": truths, "f": predictions}`` on both sides."""
    sides = []
    for columns in (reference, current):
        table = MemoryTable(columns)
        sides.append((table.column("y"), table.column("f")))
    return outcomes(*sides, task)


def test_truths_of_zero_and_one_with_predictions_in_the_unit_interval_are_scores():
    got = found({"y": [0, 1, 1], "f": [0.2, 0.7, 0.9]}, {"y": [1, 0], "f": [0.5, 0.1]})
    assert got.sort == SCORE
    assert [v.tolist() for v in got.values] == [[0, 1, 1, 1, 0]]
    assert got.prediction.tolist() == [0.2, 0.7, 0.9, 0.5, 0.1]
    assert got.current.tolist() == [False] * 3 + [True] * 2
    assert (got.reference_n, got.current_n, got.dropped) == (3, 2, 0)


def test_truth_values_are_events_too():
    assert found({"y": [True, False], "f": [0.5, 0.1]}, {"y": [False, True], "f": [1.0, 0.0]}).sort == SCORE


def test_labels_are_compared_with_the_truth():
    got = found({"y": ["a", "b", "a"], "f": ["a", "a", "b"]}, {"y": ["b", "c"], "f": ["b", "b"]})
    assert got.sort == LABELS
    assert [v.tolist() for v in got.values] == [[0, 1, 1, 0, 1]]
    assert [got.bin_names[b] for b in got.bins] == ["a", "a", "b", "b", "b"]


def test_whole_numbers_are_labels_when_the_task_says_so():
    columns = {"y": [3, 5, 3], "f": [3.0, 3.0, 5.0]}
    got = found(columns, columns, "classification")
    assert (got.sort, got.values[0].tolist()) == (LABELS, [0, 1, 1] * 2)
    assert found(columns, columns).sort == NUMBERS
    binary = {"y": [0, 1], "f": [0.0, 1.0]}
    assert found(binary, binary, "regression").sort == NUMBERS


def test_forecasts_give_residuals_in_units_of_the_references():
    got = found({"y": [11, 9, 13, 7], "f": [10.0] * 4}, {"y": [15, 10], "f": [11.0, 11.0]})
    deviation, size = math.sqrt((1 + 1 + 9 + 9) / 4), 2.0
    residuals = np.array([1, -1, 3, -3, 4, -1])
    np.testing.assert_allclose(got.values[0], residuals / deviation)
    np.testing.assert_allclose(got.values[1], np.abs(residuals) / size)


def test_one_wild_residual_is_clipped_by_the_references_range():
    rng = np.random.default_rng(0)
    before = {"y": rng.normal(size=1000), "f": [0.0] * 1000}
    got = found(before, {"y": [1e9, 0.0], "f": [0.0, 0.0]})
    assert got.values[0][-2] < 8
    assert got.values[0][-1] == 0


def test_a_reference_without_any_error_has_a_unit_of_one():
    got = found({"y": [1, 2, 3], "f": [1, 2, 3]}, {"y": [2, 2], "f": [1, 1]})
    assert [v.tolist() for v in got.values] == [[0, 0, 0, 0, 0]] * 2


def test_rows_without_truth_or_prediction_are_left_out_and_counted():
    got = found({"y": [0, None, 1], "f": [0.2, 0.7, None]}, {"y": [1, 0, 1], "f": [0.5, 0.1, 0.9]})
    assert (got.prediction.tolist(), got.dropped) == ([0.2, 0.5, 0.1, 0.9], 2)
    labels = found({"y": ["a", None], "f": ["a", "a"]}, {"y": ["b", "a"], "f": [None, "b"]})
    assert (labels.values[0].tolist(), labels.dropped) == ([0, 1], 2)


@pytest.mark.parametrize("empty", [[None] * 3, []])
@pytest.mark.parametrize("predictions", [[0.1, 0.2, 0.3], ["a", "b", "c"]])
def test_a_side_without_truths_leaves_nobody_to_compare(empty, predictions):
    truths = [0, 1, 1] if isinstance(predictions[0], float) else ["a", "b", "b"]
    full = {"y": truths, "f": predictions}
    got = found(full, {"y": empty, "f": predictions[: len(empty)]})
    assert (got.reference_n, got.current_n) == (3, 0)


def test_ranges_are_named_by_their_limits():
    columns = {"y": [0, 1] * 500, "f": np.arange(1, 1001) / 1000}
    got = found(columns, columns)
    assert got.bin_names[:2] == ["up to 0.1", "0.1 to 0.2"]
    assert (got.bin_names[-1], len(got.bin_names)) == ("above 0.9", 10)
    few = {"y": [0, 1], "f": [0.5, 0.5]}
    assert found(few, few).bin_names == ["all"]


@pytest.mark.parametrize(
    ("_case", "reference", "current", "message"),
    [
        ("dates", {"y": [date(2024, 1, 1)], "f": [1]}, {"y": [1], "f": [1]}, "'y' is datetime"),
        ("vectors", {"y": [1], "f": [[1.0, 2.0]]}, {"y": [1], "f": [1]}, "'f' is embedding"),
        (
            "text and numbers",
            {"y": ["a"], "f": [1]},
            {"y": ["a"], "f": [1]},
            "'y' holds text and column 'f' is numeric",
        ),
        (
            "another type now",
            {"y": [1], "f": [1]},
            {"y": ["a"], "f": ["b"]},
            "'y' holds text and column 'y' is numeric",
        ),
        ("infinite", {"y": [1.0], "f": [math.inf]}, {"y": [1], "f": [1]}, "'f' holds infinite values"),
        (
            "another spelling",
            {"y": ["A"], "f": ["a"]},
            {"y": ["B"], "f": ["b"]},
            "no label of column 'f' occurs in column 'y'",
        ),
        (
            "free text",
            {"y": [str(i) for i in range(101)], "f": ["1"] * 101},
            {"y": ["1"], "f": ["1"]},
            "'y' holds 101 different labels",
        ),
    ],
)
def test_columns_that_do_not_fit_are_refused_by_name(_case, reference, current, message):
    with pytest.raises(TableError, match=message):
        found(reference, current)
