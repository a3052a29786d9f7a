"""Some rows of a table, as a table of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audits.metrics.groups.units import Unit
from audits.tables import Column, ColumnFault, Table, TableError

Bools = npt.NDArray[np.bool_]


class KeptRows:
    """The rows of ``base`` where ``kept`` is true, in their order; 1 byte for each row of ``base``."""

    def __init__(self, base: Table, kept: Bools) -> None:
        self.label, self.names = base.label, base.names
        self.rows = int(kept.sum())
        self._base, self._kept = base, kept

    def column(self, name: str) -> Column:
        whole = self._base.column(name)
        return Column(whole.name, whole.type, whole.data.filter(pa.array(self._kept)))

    def scan(self, names: Sequence[str] | None = None) -> Iterator[Column | ColumnFault]:
        seen: Counter[str] = Counter()
        for piece in self._base.scan(names):
            if isinstance(piece, ColumnFault):
                yield piece
                continue
            start = seen[piece.name]
            seen[piece.name] += len(piece)
            kept = pa.array(self._kept[start : start + len(piece)])
            yield Column(piece.name, piece.type, piece.data.filter(kept))


def first_rows(table: Table, entity: str) -> Bools:
    """Which row of each independent unit comes first; a row that names none stands for itself.

    In 8 bytes for each unit and 1 for each row.

    Raises
    ------
    TableError
        When the column is missing or cannot be read.
    """
    unit, start = Unit(entity), 0
    known = np.zeros(0, dtype=np.uint64)
    parts = [np.zeros(0, dtype=bool)]
    for piece in table.scan([entity]):
        if isinstance(piece, ColumnFault):
            raise TableError(piece.reason)
        keys, places = np.unique(unit.keys(piece, start, len(piece)), return_index=True)
        new = ~np.isin(keys, known, assume_unique=True)
        first = np.zeros(len(piece), dtype=bool)
        first[places[new]] = True
        parts.append(first)
        known = np.union1d(known, keys[new])
        start += len(piece)
    return np.concatenate(parts)
