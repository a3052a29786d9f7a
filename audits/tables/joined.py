"""A table with columns from a second one, joined by a key: sensitive attributes that are kept apart from the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from audits.tables.column import Column, ColumnFault
from audits.tables.contract import Table, need
from audits.tables.errors import TableError
from audits.tables.stored_bytes import StoredTable


class JoinedTable:
    """The rows of ``base``, with the columns of ``other`` beside them where both have the same key.

    A row whose key is not in ``other``, or that has none, has nulls there: nobody is guessed, and ``undeclared`` is a group.
    Keys are compared as text. Of ``other`` one column at a time is held in memory, and its key; it has a row for each
    customer, store or seller, where ``base`` has one for each prediction. ``only`` these columns are taken over.

    Raises
    ------
    TableError
        When either has no such key, a key of ``other`` comes twice, or both have a column of the same name.
    """

    def __init__(self, base: Table, other: Table, key: str, only: Sequence[str] | None = None) -> None:
        self.label = base.label
        self._base, self._other, self._key = base, other, key
        for table in (base, other):
            need(key, table.names, table.label)
        self._joined = tuple(n for n in other.names if n != key and (only is None or n in only))
        both = [name for name in self._joined if name in base.names]
        if both:
            raise TableError(
                f"column {both[0]!r} is in {base.label} and in {other.label}; leave it out of one of them"
            )
        self.names: tuple[str, ...] = (*base.names, *self._joined)

    @property
    def rows(self) -> int:
        return self._base.rows

    def column(self, name: str) -> Column:
        if name not in self._joined:
            return self._base.column(name)
        return self._beside(self._base.column(self._key), self._other.column(name))

    def scan(self, names: Sequence[str] | None = None) -> Iterator[Column | ColumnFault]:
        asked = list(dict.fromkeys(self.names if names is None else names))
        yield from self._base.scan([name for name in asked if name not in self._joined])
        for name in asked:
            if name in self._joined:
                yield from self._scan(name)

    def stored(self, name: str) -> Iterator[pa.Array]:
        """A column as it is stored."""
        table = self._other if name in self._joined else self._base
        if name in self._joined or not isinstance(table, StoredTable):
            raise TableError(f"column {name!r} of {table.label} does not hold images")
        yield from table.stored(name)

    def _scan(self, name: str) -> Iterator[Column | ColumnFault]:
        try:
            found, _ = self._other.column(name), self._keys
        except TableError as error:
            yield ColumnFault(name, str(error))
            return
        for piece in self._base.scan([self._key]):
            if isinstance(piece, ColumnFault):
                yield ColumnFault(name, piece.reason)
                return
            yield self._beside(piece, found)

    def _beside(self, keys: Column, found: Column) -> Column:
        places = pc.index_in(keys.texts(), value_set=self._keys, skip_nulls=True)
        return Column(found.name, found.type, found.data.take(places))

    @cached_property
    def _keys(self) -> pa.LargeStringArray:
        keys = self._other.column(self._key).texts()
        known = keys.drop_null()
        if len(pc.unique(known)) < len(known):
            raise TableError(
                f"column {self._key!r} of {self._other.label} holds a key twice; keep one row for each"
            )
        return keys
