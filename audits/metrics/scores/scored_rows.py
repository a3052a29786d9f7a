"""Columns of truths, predictions and units, read from a table and checked."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc

from audits.metrics.statistics.resampling import Floats, Ints
from audits.tables import Column, ColumnType, Table, TableError


def finite_numbers(table: Table, name: str, need: str = "numbers") -> Floats:
    """Read a column as numbers, null as NaN.

    Raises
    ------
    TableError
        When the column is missing, holds text or dates, has infinite values, or no value at all.
    """
    column = table.column(name)
    if column.type in {ColumnType.CATEGORICAL, ColumnType.DATETIME} and column.nulls < len(column):
        found = "text" if column.type is ColumnType.CATEGORICAL else "dates"
        raise TableError(f"column {name!r} of {table.label} holds {found}; {need} are needed here")
    _refuse_empty(table, column)
    if column.infinities:
        raise TableError(
            f"column {name!r} of {table.label} holds {column.infinities} infinite values; replace or remove them"
        )
    return column.floats()


def category_codes(table: Table, name: str) -> tuple[Ints, list[str]]:
    """Read a column as category codes (no value: -1) with the categories' names.

    Raises
    ------
    TableError
        When the column is missing or has no value at all.
    """
    column = table.column(name)
    _refuse_empty(table, column)
    return column_codes(column)


def column_codes(column: Column) -> tuple[Ints, list[str]]:
    """Category codes of a column in the order of its values: numbers by size, text by alphabet."""
    if column.type is ColumnType.CATEGORICAL:
        return column.codes()
    encoded = column.data.dictionary_encode()
    values = encoded.dictionary
    order = np.asarray(pc.array_sort_indices(values)).astype(np.int64)
    rank = np.empty(len(values), dtype=np.int64)
    rank[order] = np.arange(len(values))
    raw = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    codes = np.where(raw < 0, -1, rank[raw]) if len(values) else raw
    return codes, [str(value) for value in values.take(order).to_pylist()]


def _refuse_empty(table: Table, column: Column) -> None:
    if len(column) == 0:
        raise TableError(f"{table.label} has no rows")
    if column.nulls == len(column):
        raise TableError(f"column {column.name!r} of {table.label} has no values; every row is empty")
