"""The different values of each column, as text, among a bounded sample of a table's rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audits.tables import Column, ColumnFault, ColumnType, Table

#: Rows looked at, whatever the table's size, and columns that are held at the same time.
SAMPLE_ROWS = 20_000
COLUMNS_AT_ONCE = 16
#: Characters of a cell that are read.
MOST_CHARACTERS = 1000
#: Whole numbers up to here are exact as doubles.
_EXACT = 2.0**53

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SampledColumn:
    """What a sample of rows holds in one column.

    ``texts`` are the different values, ``repeats`` how many sampled rows have each. Vectors and truth values have none:
    there is nothing to be read in them. ``whole`` tells a column of numbers without fractions.
    """

    name: str
    type: ColumnType
    rows: int
    texts: Sequence[str] = ()
    repeats: Sequence[int] = ()
    whole: bool = False

    @property
    def values(self) -> int:
        """Sampled rows with a value."""
        return sum(self.repeats)


def sampled_columns(
    table: Table, names: Sequence[str], seed: int, most: int = SAMPLE_ROWS
) -> Iterator[SampledColumn | ColumnFault]:
    """Read columns at the same rows: a simple random sample without replacement, chosen by the seed.

    Memory is that of the sample in 16 columns and one piece of the table; cells are cut at 1,000 characters.

    Raises
    ------
    TableError
        When the table's rows cannot be counted. A column that cannot be read is a ``ColumnFault`` instead.
    """
    chosen = _row_numbers(table.rows, seed, most)
    for start in range(0, len(names), COLUMNS_AT_ONCE):
        asked = names[start : start + COLUMNS_AT_ONCE]
        gathered: dict[str, _Gathered] = {}
        faults: dict[str, ColumnFault] = {}
        for piece in table.scan(asked):
            if isinstance(piece, ColumnFault):
                faults[piece.name] = piece
            else:
                gathered.setdefault(piece.name, _Gathered(piece.name, piece.type)).add(piece, chosen)
        for name in asked:
            yield faults[name] if name in faults else gathered[name].column(len(chosen))


def _row_numbers(rows: int, seed: int, most: int) -> Rows:
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


@dataclass(slots=True)
class _Gathered:
    """The chosen rows of one column, collected piece by piece."""

    name: str
    type: ColumnType
    seen: int = 0
    whole: bool = True
    parts: list[pa.LargeStringArray] = field(default_factory=list)

    def add(self, piece: Column, chosen: Rows) -> None:
        first, last = np.searchsorted(chosen, (self.seen, self.seen + len(piece)))
        rows = chosen[first:last] - self.seen
        self.seen += len(piece)
        self.type = piece.type if not piece.untyped else self.type
        if not len(rows) or self.type in {ColumnType.EMBEDDING, ColumnType.BOOLEAN}:
            return
        part = Column(piece.name, piece.type, piece.data.take(pa.array(rows)))
        self.parts.append(self._texts(part))

    def _texts(self, part: Column) -> pa.LargeStringArray:
        data = part.data
        if part.type is ColumnType.NUMERIC and pa.types.is_floating(data.type):
            numbers = part.floats()
            known = numbers[~np.isnan(numbers)]
            fits = bool(np.all(np.isfinite(known)) and np.all(np.abs(known) < _EXACT))
            whole = fits and bool(np.all(known == np.floor(known)))
            self.whole = self.whole and whole
            data = data.cast(pa.int64()) if whole else data
        elif part.type is ColumnType.NUMERIC and not pa.types.is_integer(data.type):
            self.whole = False
        texts = data.cast(pa.large_string())
        if part.type is ColumnType.CATEGORICAL:
            texts = pc.utf8_trim_whitespace(pc.utf8_slice_codeunits(texts, 0, MOST_CHARACTERS))
        return texts

    def column(self, rows: int) -> SampledColumn:
        if not self.parts:
            return SampledColumn(self.name, self.type, rows)
        texts = pa.chunked_array(self.parts, type=pa.large_string()).drop_null()
        counted = texts.value_counts()
        pairs = zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)
        found = [(text, count) for text, count in pairs if text]
        return SampledColumn(
            self.name,
            self.type,
            rows,
            [text for text, _ in found],
            [count for _, count in found],
            self.whole and self.type is ColumnType.NUMERIC,
        )
