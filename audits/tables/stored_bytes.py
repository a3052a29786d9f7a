"""Columns of bytes, such as images, which ``scan`` has no type for: read as they are stored, in small pieces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import pyarrow as pa

from audits.tables.contract import Table, need
from audits.tables.errors import TableError

#: A file or value of more bytes is cut off there, and so cannot be decoded.
MOST_BYTES = 1 << 26


@runtime_checkable
class StoredTable(Protocol):
    """A table that can give a column away as it is stored."""

    def stored(self, name: str) -> Iterator[pa.Array]:
        """The column's rows in order, in pieces of about 16 MB at most. Raises ``TableError`` that names the column."""


def scan_bytes(table: Table, name: str) -> Iterator[bytes | None]:
    """The values of a column of bytes, one by one in the order of the rows; ``None`` where there is none.

    The column is binary, or records with a field ``bytes`` as image data sets are often published.

    Raises
    ------
    TableError
        When the table has no such column, or it holds something else; says what to do.
    """
    need(name, table.names, table.label)
    if not isinstance(table, StoredTable):
        raise TableError(f"{table.label} cannot hold images; give a Parquet file or a folder of images")
    for piece in table.stored(name):
        for value in _binary(piece, name, table.label):
            yield value.as_py()


def binary_array(values: Sequence[bytes | None]) -> pa.LargeBinaryArray:
    """The same values as Arrow data."""
    ends = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum([len(value or b"") for value in values], out=ends[1:])
    present = np.packbits(np.array([value is not None for value in values], dtype=bool), bitorder="little")
    content = b"".join(value or b"" for value in values)
    buffers = [pa.py_buffer(present), pa.py_buffer(ends), pa.py_buffer(content)]
    return pa.Array.from_buffers(pa.large_binary(), len(values), buffers)


def _binary(piece: pa.Array, name: str, label: str) -> pa.Array:
    if pa.types.is_struct(piece.type) and piece.type.get_field_index("bytes") >= 0:
        (piece,) = (
            part for field, part in zip(piece.type, piece.flatten(), strict=True) if field.name == "bytes"
        )
    kind = piece.type
    is_type = pa.types
    if is_type.is_null(kind) or is_type.is_binary(kind) or is_type.is_large_binary(kind):
        return piece
    raise TableError(
        f"column {name!r} of {label} has type {kind}; images are needed here: give the bytes of PNG, JPEG or WebP files"
    )
