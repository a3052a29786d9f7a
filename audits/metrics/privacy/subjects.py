"""The people that rows are about, as numbers that name nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audits.metrics.groups.aligned_pieces import aligned_pieces
from audits.metrics.groups.levels import UNDECLARED, Levels
from audits.profiles.hashing import Hashes, text_hashes
from audits.tables import Column, ColumnFault, ColumnType, Table, TableError

Bools: TypeAlias = npt.NDArray[np.bool_]
Ints: TypeAlias = npt.NDArray[np.int64]

#: So many pieces wait before their distinct subjects are put together.
_PIECES = 16
MOST_GROUPS = 1000
#: What those are called whose rows name different groups.
SEVERAL = "several"
_NO_GROUP, _SEVERAL = -1, -2


@dataclass(frozen=True, slots=True)
class Subjects:
    """The distinct subjects of a column, known by 64-bit hashes of their text: 8 bytes each.

    ``rows`` counts all rows, ``rows_without`` those that name no subject. Two subjects share a hash with a probability
    of about ``n^2 / 2^65``: 3 in a million with ten million subjects.
    """

    keys: Hashes
    rows: int
    rows_without: int

    @classmethod
    def of(cls, table: Table, column: str) -> Subjects:
        """Read a column in one pass.

        Raises
        ------
        TableError
            When the column is missing, cannot be read, or holds vectors.
        """
        waiting: list[Hashes] = []
        rows = without = 0
        for piece in table.scan([column]):
            if isinstance(piece, ColumnFault):
                raise TableError(piece.reason)
            hashes, known = subject_hashes(piece)
            rows, without = rows + len(piece), without + len(piece) - int(known.sum())
            waiting.append(np.unique(hashes[known]))
            if len(waiting) > _PIECES:
                waiting = [np.unique(np.concatenate(waiting))]
        keys = np.unique(np.concatenate([np.zeros(0, np.uint64), *waiting]))
        return cls(keys, rows, without)

    def __len__(self) -> int:
        return len(self.keys)

    def places(self, piece: Column) -> Ints:
        """Each row's subject as its place from 0; -1 where a row names none, or one who is not among these."""
        hashes, known = subject_hashes(piece)
        if not len(self):
            return np.full(len(piece), -1, dtype=np.int64)
        found = np.minimum(np.searchsorted(self.keys, hashes), len(self) - 1)
        return np.where(known & (self.keys[found] == hashes), found, -1).astype(np.int64)


def subject_hashes(piece: Column) -> tuple[Hashes, Bools]:
    """A hash of each row's text, and whether it has any. Numbers and text that read alike are alike."""
    if piece.type is ColumnType.EMBEDDING:
        raise TableError(f"column {piece.name!r} holds vectors; name the column that tells whose row it is")
    encoded = piece.data.dictionary_encode()
    hashes = np.append(text_hashes(encoded.dictionary.cast(pa.large_string())), np.uint64(0))
    places = encoded.indices.fill_null(len(hashes) - 1).to_numpy(zero_copy_only=False)
    return hashes[places], places < len(hashes) - 1


@dataclass(frozen=True, slots=True)
class SubjectGroups:
    """Which group each subject is in: a place in ``names``. The last two are ``undeclared`` and ``several``."""

    names: tuple[str, ...]
    code: npt.NDArray[np.int16]

    @classmethod
    def of(cls, table: Table, column: str, attribute: str, subjects: Subjects) -> SubjectGroups:
        """Read which group each subject's rows name; 2 bytes for each subject. Rows without a value do not count.

        Raises
        ------
        TableError
            When a column cannot be read, or the attribute has more than 1,000 values.
        """
        levels = Levels(attribute, MOST_GROUPS)
        code = np.full(len(subjects), _NO_GROUP, dtype=np.int16)
        for who, which in aligned_pieces(table, [column, attribute]):
            place, group = subjects.places(who), levels.of(which)
            told = (place >= 0) & (group > 0)
            place, group = place[told], group[told] - 1
            first = code[place] == _NO_GROUP
            code[place[first]] = group[first]
            code[place[code[place] != group]] = _SEVERAL
        names = levels.names[1:]
        code[code == _NO_GROUP] = len(names)
        code[code == _SEVERAL] = len(names) + 1
        return cls((*names, UNDECLARED, SEVERAL), code)

    def counts(self, having: Bools) -> tuple[Ints, Ints]:
        """Subjects of each group, and those of them who have something."""
        size = len(self.names)
        every, some = (np.bincount(code, minlength=size) for code in (self.code, self.code[having]))
        return every.astype(np.int64), some.astype(np.int64)


def shown_groups(sizes: Ints, least: int) -> Bools:
    """Which groups are large enough to be shown.

    Groups with fewer than ``least`` are hidden. As long as the hidden ones hold fewer than ``least`` together, the next smallest is
    hidden with them: what is left of the whole would tell of them.
    """
    shown = sizes >= least
    while True:
        hidden = int(sizes[~shown].sum())
        rest = np.flatnonzero(shown)
        if not 0 < hidden < least or not len(rest):
            return shown
        shown[rest[np.argmin(sizes[rest])]] = False
