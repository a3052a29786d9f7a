"""From Arrow's many types to the few that audits know."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from audits.tables.arrow_arrays import float_array, int64_array, null_of
from audits.tables.column import Column, ColumnType
from audits.tables.errors import TableError, not_utf8
from audits.tables.signatures import holds_images


def column_of(name: str, data: pa.ChunkedArray, label: str) -> Column:
    """A whole column, its text as large strings. Raises ``TableError`` that names the column."""
    column_type, data = _typed(name, data, label)
    if column_type is ColumnType.CATEGORICAL:
        data = data.cast(pa.large_string())  # a string array ends at 2 GB
    return Column(name, column_type, data.combine_chunks())


def piece_of(name: str, data: pa.Array, label: str) -> Column:
    """A piece of a column, as it was read wherever that is cheaper. Raises ``TableError`` that names the column."""
    return Column(name, *_typed(name, data, label))


def _typed(
    name: str, data: pa.Array | pa.ChunkedArray, label: str
) -> tuple[ColumnType, pa.Array | pa.ChunkedArray]:
    try:
        column_type, data = _normalised(data)
    except pa.ArrowException as error:
        if not _is_plain_text(stored_type(data.type)) and holds_images(data):
            reason = f"column {name!r} of {label} holds images; only audits of images read these"
            raise TableError(reason) from error
        raise TableError(not_utf8(name, label)) from error
    if column_type is None:
        raise TableError(
            f"column {name!r} of {label} has type {data.type}, which audits cannot read; "
            "use text, numbers, booleans or dates, or lists of floats of one length for embeddings"
        )
    return column_type, data


def _normalised(
    data: pa.Array | pa.ChunkedArray,
) -> tuple[ColumnType | None, pa.Array | pa.ChunkedArray]:
    """The column's type, and its data with NaN as null and text as checked UTF-8. Raises ArrowInvalid for bad text."""
    is_type = pa.types
    if is_type.is_dictionary(data.type):
        if isinstance(data, pa.DictionaryArray) and _is_plain_text(data.type.value_type):
            return _encoded_text(data)
        data = data.cast(data.type.value_type)
    kind = data.type
    if is_type.is_null(kind):
        return ColumnType.CATEGORICAL, data
    if is_type.is_boolean(kind):
        return ColumnType.BOOLEAN, data
    if is_type.is_floating(kind):
        return ColumnType.NUMERIC, _without_nan(data)
    if is_type.is_integer(kind) or is_type.is_decimal(kind) or is_type.is_duration(kind):
        return ColumnType.NUMERIC, data
    if is_type.is_timestamp(kind) or is_type.is_date(kind) or is_type.is_time(kind):
        return ColumnType.DATETIME, data
    if _is_text(kind):
        data = data if _is_plain_text(kind) else data.cast(pa.large_string())
        data.validate(full=True)
        return ColumnType.CATEGORICAL, data
    return (ColumnType.EMBEDDING, _without_empty(data)) if _is_vector(kind) else (None, data)


def family(kind: pa.DataType) -> str:
    """What values of this type are called; values of one family can stand in one column."""
    kind = stored_type(kind)
    is_type = pa.types
    if is_type.is_timestamp(kind):
        return "moments with a time zone" if kind.tz else "moments without a time zone"
    families = (
        ("booleans", is_type.is_boolean),
        ("durations", is_type.is_duration),
        ("dates", is_type.is_date),
        ("times of day", is_type.is_time),
        ("text", _is_text),
        ("vectors", _is_vector),
        ("numbers", lambda k: is_type.is_integer(k) or is_type.is_floating(k) or is_type.is_decimal(k)),
    )
    return next((name for name, check in families if check(kind)), str(kind))


def stored_type(kind: pa.DataType) -> pa.DataType:
    """The type of the values, however they are encoded."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _encoded_text(data: pa.DictionaryArray) -> tuple[ColumnType, pa.Array]:
    """Text whose dictionary is worth keeping: only the dictionary has to be checked."""
    data.dictionary.validate(full=True)
    if data.dictionary.null_count:  # such nulls are not counted in the column's
        return ColumnType.CATEGORICAL, data.cast(pa.large_string())
    return ColumnType.CATEGORICAL, data


def _without_nan(data: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    if pa.types.is_float16(data.type):
        data = data.cast(pa.float32())
    total = pc.sum(
        data
    ).as_py()  # NaN, or infinities of both signs, make it NaN; cheaper than asking each value
    if total is None or not math.isnan(total):
        return data
    return pc.if_else(pc.is_nan(data), null_of(data.type), data)


def _without_empty(data: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """A vector without dimensions is no value."""
    kind = data.type
    if pa.types.is_fixed_size_list(kind):
        if kind.list_size:
            return data
        nulls = pa.nulls(len(data), pa.list_(kind.value_type))
        return pa.chunked_array([nulls]) if isinstance(data, pa.ChunkedArray) else nulls
    lengths = pc.list_value_length(data)
    if pc.min(lengths).as_py() != 0:
        return data
    lengths = lengths.combine_chunks() if isinstance(lengths, pa.ChunkedArray) else lengths
    return data.take(int64_array(np.arange(len(data)), float_array(lengths) != 0))


def _is_plain_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_text(kind: pa.DataType) -> bool:
    # Binary is what a text column is read as when some of its bytes are not UTF-8; the cast then says so.
    is_type = pa.types
    texts = (_is_plain_text, is_type.is_string_view)
    return any(check(kind) for check in (*texts, is_type.is_binary, is_type.is_large_binary))


def _is_vector(kind: pa.DataType) -> bool:
    is_type = pa.types
    lists = (is_type.is_list, is_type.is_large_list, is_type.is_fixed_size_list)
    return any(check(kind) for check in lists) and bool(is_type.is_floating(kind.value_type))
