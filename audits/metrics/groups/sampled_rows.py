"""A bounded sample of a table's rows: the same rows of every column, chosen by a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audits.tables import Column, ColumnFault, Table
from audits.tables.pieces import column_from

Rows = npt.NDArray[np.int64]

#: Rows of each side that multivariate methods look at, whatever the table's size.
SAMPLE_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Sample:
    """Columns of the same rows in the table's order, and why other columns could not be read."""

    columns: Mapping[str, Column]
    faults: Mapping[str, str]
    rows: int
    table_rows: int


def sample_rows(table: Table, names: Sequence[str], seed: Sequence[int], most: int = SAMPLE_ROWS) -> Sample:
    """Read some columns of a simple random sample of rows without replacement.

    Memory is bounded by the sample and one piece of the table.

    Parameters
    ----------
    table : Table
    names : sequence of str
        Columns to read; all of them get the same rows.
    seed : sequence of int
        Chooses the rows. The same seed and number of rows choose the same row numbers.
    most : int, default 20,000
        All rows, when the table has no more.

    Raises
    ------
    TableError
        When the table's rows cannot be counted. A column that cannot be read is named in ``faults`` instead.
    """
    chosen = _row_numbers(table.rows, seed, most)
    gathered: dict[str, _Gathered] = {}
    faults: dict[str, str] = {}
    for piece in table.scan(names):
        if isinstance(piece, ColumnFault):
            faults[piece.name] = piece.reason
        else:
            gathered.setdefault(piece.name, _Gathered()).add(piece, chosen)
    columns: dict[str, Column] = {}
    for name in names:
        if name in gathered and name not in faults:
            try:
                columns[name] = column_from(gathered[name].parts)
            except pa.ArrowException:
                faults[name] = (
                    f"column {name!r} of {table.label} changes its type between parts; give it one type"
                )
    return Sample(columns, faults, len(chosen), table.rows)


def _row_numbers(rows: int, seed: Sequence[int], most: int) -> Rows:
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


@dataclass(slots=True)
class _Gathered:
    """The chosen rows of one column, collected piece by piece."""

    seen: int = 0
    parts: list[Column] = field(default_factory=list)

    def add(self, piece: Column, chosen: Rows) -> None:
        first, last = np.searchsorted(chosen, (self.seen, self.seen + len(piece)))
        rows = piece.data.take(pa.array(chosen[first:last] - self.seen))
        self.parts.append(Column(piece.name, piece.type, rows))
        self.seen += len(piece)
