"""Registered snapshots as tables for audits: one, or many that are read as if they were one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import pyarrow as pa

from audits.profiles import TableProfile, merge_all
from audits.services.profiles import snapshot_profile
from audits.tables import Column, ColumnFault, ParquetTable, TableError
from audits.tables.arrow import family, stored_type
from audits.tables.pieces import Pieces, column_from
from governance.models import DatasetSnapshot
from governance.store import store_open


class SnapshotTable:
    """The rows of one snapshot, read from the evidence store when asked for; its profile is read instead of rows."""

    def __init__(self, snapshot: DatasetSnapshot) -> None:
        self.snapshot = snapshot
        self.label = f"snapshot {snapshot}"

    @cached_property
    def file(self) -> ParquetTable:
        """The stored file. Raises ``CorruptEvidence`` when it no longer has its digest."""
        return ParquetTable(store_open(self.snapshot.digest), label=self.label)

    def verify(self) -> None:
        """Raise ``CorruptEvidence`` unless the stored rows have their digest, whether or not they will be read."""
        _ = self.file

    @property
    def names(self) -> tuple[str, ...]:
        return self.file.names

    @property
    def rows(self) -> int:
        return self.snapshot.rows

    def column(self, name: str) -> Column:
        return self.file.column(name)

    def scan(self, names: Sequence[str] | None = None) -> Iterator[Column | ColumnFault]:
        return self.file.scan(names)

    def stored(self, name: str) -> Iterator[pa.Array]:
        """A column of bytes, such as images, as it is stored."""
        return self.file.stored(name)

    def stored_profile(self) -> TableProfile:
        return snapshot_profile(self.snapshot)


class PartitionedTable:
    """Several snapshots of one dataset as one table, in order.

    A column has to be in every partition, and of one type in all of them; otherwise it alone is refused.
    """

    def __init__(self, label: str, tables: Sequence[SnapshotTable]) -> None:
        if not tables:
            raise TableError(f"{label} has no partitions")
        self.label = label
        self._tables = tables

    def verify(self) -> None:
        """As for one snapshot, of every partition."""
        for table in self._tables:
            table.verify()

    @property
    def parts(self) -> Sequence[SnapshotTable]:
        """The partitions, for what has to look at each of them: a schema may change between two."""
        return self._tables

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every column of any partition, in the order in which they first come."""
        return tuple(dict.fromkeys(name for table in self._tables for name in table.names))

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self._tables)

    def column(self, name: str) -> Column:
        return column_from(self.scan([name]))

    def scan(self, names: Sequence[str] | None = None) -> Iterator[Column | ColumnFault]:
        pieces = Pieces(self.names, names, self.label)
        yield from pieces.absent()
        for name in pieces.waiting:
            reason = self._fault(name)
            if reason:
                yield from pieces.fault(name, reason)
            for table in self._tables if name in pieces else ():
                yield from table.file.scan_into(pieces, name)
            yield from pieces.end(name)

    def stored_profile(self) -> TableProfile:
        """The profiles of all partitions, merged; a column that some partition lacks is a fault."""
        merged = merge_all(table.stored_profile() for table in self._tables)
        return complete(merged)

    def _fault(self, name: str) -> str:
        """Why a column cannot be read as one; empty when it can, as far as the partitions' schemas tell."""
        without = [table.label for table in self._tables if name not in table.names]
        if without:
            more = f" and {len(without) - 1} more partitions" if len(without) > 1 else ""
            return f"column {name!r} is not in {without[0]}{more}; register the days again with it, or leave it out"
        types = {table.label: table.file.arrow_type(name) for table in self._tables}
        held = {
            label: family(kind) for label, kind in types.items() if not pa.types.is_null(stored_type(kind))
        }
        first = next(iter(held), "")
        other = next((label for label in held if held[label] != held[first]), "")
        if not other:
            return ""
        return f"column {name!r} holds {held[first]} in {first} but {held[other]} in {other}; give both the same type"


def complete(merged: TableProfile) -> TableProfile:
    """A merged profile in which a column that is not in every partition is a fault, as it is when rows are read."""
    partial = {
        name: f"column {name!r} is not in every partition; register the days again with it, or leave it out"
        for name, profile in merged.columns.items()
        if profile.rows < merged.rows
    }
    if not partial:
        return merged
    columns = {name: profile for name, profile in merged.columns.items() if name not in partial}
    return TableProfile(merged.rows, columns, {**merged.faults, **partial})
