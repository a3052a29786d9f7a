"""Parquet files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from audits.tables.arrow import column_of
from audits.tables.column import Column, ColumnFault
from audits.tables.contract import need, refuse_duplicates
from audits.tables.errors import TableError, first_line
from audits.tables.pieces import PIECE_ROWS, Pieces

#: pandas stores an unnamed row index under such a name; it is the place of a row, not a property of it.
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")
#: A piece of long texts or vectors has fewer rows, so that it takes about so many bytes at most.
_PIECE_BYTES = 1 << 24
#: A column chunk is read in steps of so many bytes, so that memory does not grow with the file's row groups either.
_BUFFER_BYTES = 1 << 20
#: What text takes at least when it is written out, as its length alone is so many bytes.
_PLAIN_BYTES = 4
PARQUET_SUFFIXES = frozenset({".parquet", ".pq"})
_UNREADABLE = (pa.ArrowException, OSError, UnicodeDecodeError)


class ParquetTable:
    """A Parquet file, read one column at a time. An unnamed index that pandas saved beside the data is left out.

    With ``row_groups``, by their numbers from 0, these are all there is of it.
    """

    def __init__(
        self,
        path: Path | str,
        label: str | None = None,
        filesystem: pafs.FileSystem | None = None,
        row_groups: Sequence[int] | None = None,
    ) -> None:
        self.label = label or Path(path).name
        try:
            self._file = _file(path, filesystem)
        except _UNREADABLE as error:
            raise TableError(f"{self.label} is not a readable Parquet file: {first_line(error)}") from error
        names = self._file.schema_arrow.names
        self.names: tuple[str, ...] = tuple(name for name in names if not _PANDAS_INDEX.fullmatch(name))
        if not self.names:
            raise TableError(f"{self.label} has no columns")
        refuse_duplicates(self.names, self.label)
        metadata = self._file.metadata
        self._groups = list(range(metadata.num_row_groups) if row_groups is None else row_groups)
        self._rows = (
            metadata.num_rows
            if row_groups is None
            else sum(metadata.row_group(group).num_rows for group in self._groups)
        )

    @property
    def rows(self) -> int:
        return int(self._rows)

    def arrow_type(self, name: str) -> pa.DataType:
        """The type a column is stored with, whether or not audits can read it."""
        return self._file.schema_arrow.field(name).type

    def column(self, name: str) -> Column:
        need(name, self.names, self.label)
        try:
            data = self._file.read_row_groups(self._groups, columns=[name]).column(name)
        except _UNREADABLE as error:
            raise TableError(self._unreadable(name, error)) from error
        return column_of(name, data, self.label)

    def scan(self, names: Sequence[str] | None = None) -> Iterator[Column | ColumnFault]:
        pieces = Pieces(self.names, names, self.label)
        yield from pieces.absent()
        for name in pieces.waiting:
            yield from self.scan_into(pieces, name)
            yield from pieces.end(name)

    def scan_into(self, pieces: Pieces, name: str) -> Iterator[Column | ColumnFault]:
        """Hand this file's rows of a column in, which may be a part of a larger table's."""
        yield from pieces.of(name, pa.nulls(0, self.arrow_type(name)))
        rows = 0
        try:
            size = _piece_rows(self._file, self._groups, name)
            for batch in self._file.iter_batches(size, self._groups, columns=[name], use_threads=False):
                rows += len(batch)
                yield from pieces.of(name, batch.column(name))
                if name not in pieces:
                    return
        except _UNREADABLE as error:
            yield from pieces.fault(name, self._unreadable(name, error))
        if rows != self.rows:
            reason = f"it has {rows} of the file's {self.rows} rows"
            yield from pieces.fault(name, self._unreadable(name, ValueError(reason)))

    def stored(self, name: str) -> Iterator[pa.Array]:
        """A column as it is stored, piece by piece, whether or not audits know its type."""
        need(name, self.names, self.label)
        try:
            size = _piece_rows(self._file, self._groups, name)
            for batch in self._file.iter_batches(size, self._groups, columns=[name], use_threads=False):
                yield batch.column(name)
        except _UNREADABLE as error:
            raise TableError(self._unreadable(name, error)) from error

    def _unreadable(self, name: str, error: BaseException) -> str:
        return f"column {name!r} of {self.label} cannot be read: {first_line(error)}"


def _file(path: Path | str, filesystem: pafs.FileSystem | None) -> pq.ParquetFile:
    """The file, its text in dictionaries where it is stored so: seven times faster than to write each value out."""
    options = {
        "filesystem": filesystem,
        "buffer_size": _BUFFER_BYTES,
        "pre_buffer": False,  # it would keep what was read until the column's end
        "page_checksum_verification": True,
    }
    file = pq.ParquetFile(path, **options)
    encoded = [field.name for field in file.schema_arrow if _stored_in_dictionary(file, field)]
    return (
        pq.ParquetFile(path, metadata=file.metadata, read_dictionary=encoded, **options) if encoded else file
    )


def _stored_in_dictionary(file: pq.ParquetFile, field: pa.Field) -> bool:
    """Whether a text column takes so few bytes that its values cannot have been written out one by one."""
    if not pa.types.is_string(field.type) or not file.num_row_groups:
        return False
    try:  # a damaged chunk is an exception here, but would end the process when only its metadata is asked for
        next(file.iter_batches(1, row_groups=[0], columns=[field.name], use_threads=False), None)
    except _UNREADABLE:
        return False
    paths = [file.schema.column(i).path for i in range(len(file.schema))]
    chunk = file.metadata.row_group(0).column(paths.index(field.name))
    return bool(chunk.has_dictionary_page and chunk.total_uncompressed_size < _PLAIN_BYTES * chunk.num_values)


def _piece_rows(file: pq.ParquetFile, row_groups: Sequence[int], name: str) -> int:
    """As many rows as take about ``_PIECE_BYTES`` at most, where rows are longest."""
    groups = [file.metadata.row_group(i) for i in row_groups]
    longest = max((group.total_byte_size / group.num_rows for group in groups if group.num_rows), default=1.0)
    kind = file.schema_arrow.field(name).type
    if pa.types.is_primitive(kind) or pa.types.is_dictionary(kind):
        return PIECE_ROWS
    return max(1, min(PIECE_ROWS, int(_PIECE_BYTES / max(1.0, longest))))
