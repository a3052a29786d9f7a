"""Numbers of single rows, for methods that bins of numbers do not serve: all rows of a column, or a sample of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from audits.metrics.drift.distributions import Distribution, column_distribution
from audits.metrics.drift.methods import Pair
from audits.metrics.groups.sampled_rows import Sample, sample_rows
from audits.tables import Table, TableError

#: Rows of a column that are read of each side.
MOST_ROWS = 100_000
#: So many columns are read at once, since a text file is parsed as a whole for any one: 26 MB of each side.
COLUMNS_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class RowPair:
    """Both sides of a column from single rows; ``complete`` when these are all rows of both tables."""

    pair: Pair
    complete: bool


@dataclass(slots=True)
class RowReader:
    """Reads columns of numbers of two tables: all rows, or a simple random sample of 100,000 rows of a longer table.

    Nothing is read until a column is asked for; then those that follow it in ``names`` are read along. Memory is
    bounded by the samples of 32 columns and one piece of a table.

    Parameters
    ----------
    names : sequence of str
        Columns that may be asked for, in that order.
    seed : int
        Chooses the rows: the same seed and tables give the same ones.
    """

    reference: Table
    current: Table
    names: Sequence[str]
    seed: int
    _held: Sequence[str] = ()
    _samples: list[Sample] = field(default_factory=list)

    def pair(self, name: str) -> RowPair:
        """The column of both sides; nulls and infinities are dropped after sampling.

        Raises
        ------
        TableError
            When the column of a side cannot be read; says why.
        """
        if name not in self._held:
            first = self.names.index(name)
            self._held = self.names[first : first + COLUMNS_AT_ONCE]
            self._samples = [
                sample_rows(table, self._held, (self.seed, place), MOST_ROWS)
                for place, table in enumerate((self.reference, self.current))
            ]
        before, after = (_distribution(sample, name) for sample in self._samples)
        return RowPair(Pair(before, after), all(sample.rows == sample.table_rows for sample in self._samples))


def _distribution(sample: Sample, name: str) -> Distribution:
    if name in sample.faults:
        raise TableError(sample.faults[name])
    return column_distribution(sample.columns[name])
