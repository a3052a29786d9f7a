"""Reading columns of truths, predictions and units."""

import numpy as np
import pytest

from audits.metrics.scores.scored_rows import category_codes, finite_numbers
from audits.tables import MemoryTable, TableError


def test_numbers_come_back_with_nulls_and_nan_alike():
    table = MemoryTable({"x": [1.5, None, float("nan")], "flag": [True, None, False]})
    assert np.isnan(finite_numbers(table, "x")).tolist() == [False, True, True]
    assert finite_numbers(table, "flag")[[0, 2]].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("_case", "values", "message"),
    [
        ("text", ["a", "b"], "column 'x' of table holds text; numbers are needed here"),
        (
            "infinite",
            [1.0, float("inf")],
            "column 'x' of table holds 1 infinite values; replace or remove them",
        ),
        ("all null", [None, None], "column 'x' of table has no values; every row is empty"),
        ("all NaN", [float("nan")], "column 'x' of table has no values; every row is empty"),
        ("no rows", [], "table has no rows"),
    ],
)
def test_unusable_numbers_are_refused_by_name(_case, values, message):
    with pytest.raises(TableError) as error:
        finite_numbers(MemoryTable({"x": values}), "x")
    assert str(error.value) == message


def test_codes_follow_the_order_of_numbers_and_nothing_is_minus_one():
    table = MemoryTable({"x": [10.0, float("nan"), 9.0, None, 10.0], "t": ["b", None, "a", "b", "a"]})
    assert category_codes(table, "x")[0].tolist() == [1, -1, 0, -1, 1]
    codes, names = category_codes(table, "t")
    assert (codes.tolist(), names) == ([1, -1, 0, 1, 0], ["a", "b"])
