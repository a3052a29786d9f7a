"""What a change of type means, on every pair of Arrow's types that audits read."""

import itertools

import numpy as np
import pyarrow as pa
import pytest

from audits.metrics.drift.type_changes import Change, sort_of, type_change

INTEGERS = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
FLOATS = [pa.float16(), pa.float32(), pa.float64()]
OTHERS = [
    pa.string(), pa.large_string(), pa.bool_(), pa.date32(), pa.timestamp("us"), pa.timestamp("us", "UTC"),
    pa.time64("us"), pa.duration("s"), pa.decimal128(10, 2), pa.list_(pa.float64()), pa.list_(pa.float32(), 3),
    pa.binary(),
]  # fmt: skip
ALL = [*INTEGERS, *FLOATS, *OTHERS]


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (pa.int64(), pa.float64(), Change.WIDENED),
        (pa.float64(), pa.int64(), Change.NARROWED),
        (pa.int64(), pa.float32(), Change.NARROWED),
        (pa.int16(), pa.float32(), Change.WIDENED),
        (pa.uint8(), pa.int8(), Change.NARROWED),
        (pa.uint8(), pa.int16(), Change.WIDENED),
        (pa.decimal128(10, 2), pa.decimal128(12, 3), Change.WIDENED),
        (pa.decimal128(10, 2), pa.decimal128(10, 3), Change.NARROWED),
        (pa.int32(), pa.decimal128(12, 2), Change.WIDENED),
        (pa.int64(), pa.decimal128(12, 2), Change.NARROWED),
        (pa.decimal128(10, 2), pa.float64(), Change.WIDENED),
        (pa.decimal128(10, 2), pa.float32(), Change.NARROWED),
        (pa.float64(), pa.decimal128(10, 2), Change.NARROWED),
        (pa.decimal128(10, 2), pa.int64(), Change.NARROWED),
        (pa.float64(), pa.string(), Change.SORT),
        (pa.string(), pa.int64(), Change.SORT),
        (pa.bool_(), pa.int8(), Change.SORT),
        (pa.int64(), pa.timestamp("us"), Change.SORT),
        (pa.string(), pa.large_string(), Change.NONE),
        (pa.string(), pa.dictionary(pa.int8(), pa.string()), Change.NONE),
        (pa.dictionary(pa.int8(), pa.int64()), pa.int64(), Change.NONE),
        (pa.timestamp("us"), pa.timestamp("us", "UTC"), Change.ZONE_ADDED),
        (pa.timestamp("us", "UTC"), pa.timestamp("ns"), Change.ZONE_LOST),
        (pa.timestamp("us", "UTC"), pa.timestamp("us", "Europe/Rome"), Change.ZONE),
        (pa.timestamp("us"), pa.timestamp("ns"), Change.UNIT),
        (pa.date32(), pa.timestamp("us"), Change.WIDENED),
        (pa.date32(), pa.timestamp("us", "UTC"), Change.ZONE_ADDED),
        (pa.timestamp("us"), pa.date32(), Change.NARROWED),
        (pa.date32(), pa.date64(), Change.UNIT),
        (pa.time32("s"), pa.time64("us"), Change.UNIT),
        (pa.duration("s"), pa.duration("ms"), Change.UNIT),
        (pa.list_(pa.float32(), 3), pa.list_(pa.float32(), 4), Change.LENGTH),
        (pa.list_(pa.float32(), 3), pa.list_(pa.float64(), 3), Change.WIDENED),
        (pa.list_(pa.float32()), pa.list_(pa.float32(), 3), Change.NONE),
        (pa.list_(pa.float32(), 3), pa.float32(), Change.SORT),
        (pa.binary(), pa.large_binary(), Change.SORT),
    ],
    ids=str,
)
def test_a_change_is_named(before, after, change):
    assert type_change(before, after) is change


@pytest.mark.parametrize("kind", ALL, ids=str)
def test_a_type_does_not_differ_from_itself(kind):
    assert type_change(kind, kind) is Change.NONE
    assert not Change.NONE.differs


@pytest.mark.parametrize(("before", "after"), list(itertools.permutations(ALL, 2)), ids=str)
def test_changes_of_sort_are_seen_from_both_sides(before, after):
    forth, back = type_change(before, after), type_change(after, before)
    assert (forth is Change.SORT) == (back is Change.SORT) == (sort_of(before) != sort_of(after))


@pytest.mark.parametrize(("narrow", "wide"), list(itertools.permutations([*INTEGERS, *FLOATS], 2)), ids=str)
def test_widening_of_numbers_agrees_with_numpy(narrow, wide):
    """NumPy's safe casts are the second implementation; it, too, lets 64-bit integers into float64."""
    safe = np.can_cast(narrow.to_pandas_dtype(), wide.to_pandas_dtype(), casting="safe")
    assert (type_change(narrow, wide) is Change.WIDENED) == safe
