"""Tables that are already in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from audits.tables.arrow import column_of
from audits.tables.column import Column, ColumnFault
from audits.tables.contract import need
from audits.tables.errors import TableError, first_line
from audits.tables.pieces import Pieces


class MemoryTable:
    """A table that is already in memory: tests and small computed data."""

    def __init__(self, columns: Mapping[str, Any], label: str = "table") -> None:
        try:
            self._table = pa.table({name: pa.array(values) for name, values in columns.items()})
        except pa.ArrowException as error:
            raise TableError(f"{label} cannot be built: {first_line(error)}") from error
        self.label = label

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._table.column_names)

    @property
    def rows(self) -> int:
        return int(self._table.num_rows)

    def column(self, name: str) -> Column:
        need(name, self.names, self.label)
        return column_of(name, self._table.column(name), self.label)

    def stored(self, name: str) -> Iterator[pa.Array]:
        """A column as it was given, whether or not audits know its type."""
        need(name, self.names, self.label)
        yield from self._table.column(name).chunks

    def scan(self, names: Sequence[str] | None = None) -> Iterator[Column | ColumnFault]:
        pieces = Pieces(self.names, names, self.label)
        yield from pieces.absent()
        for name in pieces.waiting:
            data = self._table.column(name)
            for chunk in data.chunks or [pa.nulls(0, data.type)]:
                yield from pieces.of(name, chunk)
            yield from pieces.end(name)
