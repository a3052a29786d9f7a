"""The segments of a column as codes, and how the labels of a refit correspond to them."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.groups.aligned_pieces import aligned_pieces
from audits.metrics.groups.levels import Levels
from audits.tables import Column, Table, TableError

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

#: Beyond, a column of identifiers was probably named by mistake; and a metric is stored under its segment's name.
MOST_SEGMENTS = 100
_LONGEST_NAME = 80


class Segments:
    """The segments that occur in a column: their names in alphabetical order, and each row's code.

    Code 0 is a row without a segment (a value spelled ``undeclared`` is one), 1 the first segment.
    """

    def __init__(self, column: str, levels: Levels) -> None:
        self.column = column
        self._levels = levels
        found = levels.names[1:]
        self.names: tuple[str, ...] = tuple(sorted(found))
        place = {name: i for i, name in enumerate(self.names, start=1)}
        self._place = np.array([0, *(place[name] for name in found)], dtype=np.int64)

    @classmethod
    def read(cls, table: Table, column: str) -> Segments:
        """Read the column once, piece by piece.

        Raises
        ------
        TableError
            When it cannot be read, has more than ``MOST_SEGMENTS`` values, or one whose name is too long to be stored.
        """
        levels = Levels(column, MOST_SEGMENTS)
        for (piece,) in aligned_pieces(table, [column]):
            levels.of(piece)
        segments = cls(column, levels)
        long = [name for name in segments.names if len(name) > _LONGEST_NAME]
        if long:
            raise TableError(
                f"column {column!r} holds a segment of {len(long[0])} characters, {long[0][:20]!r}...; "
                f"give segments names of at most {_LONGEST_NAME} characters"
            )
        return segments

    def __len__(self) -> int:
        return len(self.names)

    def codes(self, piece: Column) -> Ints:
        """Each row's segment, 0 for none."""
        return np.asarray(self._place[self._levels.of(piece)])

    def indicators(self, piece: Column) -> Floats:
        """A column of 0 and 1 for no segment and for each segment, shape (rows, 1 + segments)."""
        codes = self.codes(piece)
        out = np.zeros((len(codes), 1 + len(self)))
        out[np.arange(len(codes)), codes] = 1
        return out


def joint_counts(table: Table, first: Segments, second: Segments) -> Ints:
    """Rows per pair of codes, 0 for none: shape (1 + segments of the first, 1 + segments of the second)."""
    counts = np.zeros((1 + len(first), 1 + len(second)), dtype=np.int64)
    for one, other in aligned_pieces(table, [first.column, second.column]):
        np.add.at(counts, (first.codes(one), second.codes(other)), 1)
    return counts


def corresponding(counts: Ints) -> Ints:
    """For each label of a refit the live segment that it stands for, 0 for none, from ``joint_counts``.

    Labels of clusters are arbitrary, so the pairing under which most rows agree is taken: the assignment problem of
    Kuhn 1955 (Naval Res. Logist. Quart. 2, 83-97), as in Lange, Roth, Braun and Buhmann 2004, "Stability-based validation of
    clustering solutions", Neural Computation 16, 1299-1323.

    Parameters
    ----------
    counts : array of int, shape (1 + live segments, 1 + labels)
        Rows and columns 0 hold the rows without a segment or label; they are not paired.

    Returns
    -------
    array of int, shape (1 + labels,)
    """
    from scipy.optimize import linear_sum_assignment  # the package takes half a second to load

    live, again = linear_sum_assignment(counts[1:, 1:], maximize=True)
    partner = np.zeros(counts.shape[1], dtype=np.int64)
    partner[again + 1] = live + 1
    return partner
