"""Columns read side by side cover the same rows, whatever pieces they come in."""

from collections.abc import Iterator

import pyarrow as pa
import pytest

from audits.metrics.groups.aligned_pieces import aligned_pieces
from audits.tables import Column, ColumnFault, ColumnType, MemoryTable, TableError


class Uneven:
    """A table whose columns come in pieces of different lengths."""

    label, names, rows = "uneven", ("a", "b"), 7

    def column(self, name: str) -> Column:
        raise AssertionError("only pieces are read")

    def scan(self, names) -> Iterator[Column | ColumnFault]:
        cuts = {"a": (3, 3, 1), "b": (1, 5, 1)}[names[0]]
        start = 0
        for length in cuts:
            yield Column(names[0], ColumnType.NUMERIC, pa.array(range(start, start + length)))
            start += length


def test_pieces_cover_the_same_rows_in_order():
    rounds = [(a.data.to_pylist(), b.data.to_pylist()) for a, b in aligned_pieces(Uneven(), ["a", "b"])]
    assert rounds == [([0], [0]), ([1, 2], [1, 2]), ([3, 4, 5], [3, 4, 5]), ([6], [6])]


def test_one_column_comes_as_it_is_scanned():
    assert [len(a) for (a,) in aligned_pieces(Uneven(), ["a"])] == [3, 3, 1]


def test_a_table_without_rows_gives_one_empty_round():
    rounds = list(aligned_pieces(MemoryTable({"a": [], "b": []}), ["a", "b"]))
    assert [(len(a), len(b)) for a, b in rounds] == [(0, 0)]


def test_a_missing_column_is_an_error_that_names_it():
    with pytest.raises(TableError, match="column 'z' is not in table"):
        list(aligned_pieces(MemoryTable({"a": [1]}), ["a", "z"]))
