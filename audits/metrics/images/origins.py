"""What a table says of where each image comes from: its licence, source, maker, date and consent."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audits.metrics.images.licences import Licence, licence_of, suggestion
from audits.tables import Column, ColumnType, Table, TableError

Bools = npt.NDArray[np.bool_]

_YES = frozenset({"1", "1.0", "true", "t", "yes", "y", "given", "granted", "signed"})
_NO = frozenset({"0", "0.0", "false", "f", "no", "n", "none", "withdrawn", "refused", "pending", ""})


@dataclass(frozen=True, slots=True)
class Licences:
    """The licence of each image: ``codes`` point into ``kinds``, -1 where the cell is blank.

    ``rewritten`` counts images whose licence is not written as SPDX does but seems to mean an identifier.
    """

    codes: npt.NDArray[np.int64]
    kinds: tuple[Licence, ...]
    rewritten: dict[str, int]

    @property
    def blank(self) -> int:
        return int((self.codes < 0).sum())

    def which(self, chosen: Sequence[bool]) -> Bools:
        """The images whose licence is one of the chosen; never one whose cell is blank."""
        return np.array([*chosen, False], dtype=bool)[self.codes]


def licences(table: Table, column: str, accepted: Collection[str]) -> Licences:
    """Read the column of licences. Raises ``TableError`` that names the column."""
    codes, names = table.column(column).codes()
    empty = np.array([*(not name.strip() for name in names), False], dtype=bool)[codes]
    codes = np.where(empty, -1, codes)
    kinds = tuple(licence_of(name, accepted) for name in names)
    counts = np.bincount(codes[codes >= 0], minlength=len(names)).tolist()
    rewritten: dict[str, int] = {}
    for name, count in zip(names, counts, strict=True):
        meant = suggestion(name) if count and licence_of(name, accepted) == licence_of(None) else None
        if meant:
            rewritten[meant] = rewritten.get(meant, 0) + count
    return Licences(codes, kinds, rewritten)


def filled(table: Table, column: str) -> Bools:
    """Which rows have a value that is not blank. Raises ``TableError`` that names the column."""
    values = table.column(column)
    if values.type is not ColumnType.CATEGORICAL:
        return ~np.isnan(values.floats())
    codes, names = values.codes()
    return np.array([*(bool(name.strip()) for name in names), False], dtype=bool)[codes]


def said_yes(table: Table, column: str) -> Bools:
    """Which rows say yes: true, 1, "yes", "given", "granted", "signed"; a blank is no yes.

    Raises
    ------
    TableError
        When the column cannot be read, or a value is neither a yes nor a no; the value itself is not shown.
    """
    values = table.column(column)
    if values.type in (ColumnType.DATETIME, ColumnType.EMBEDDING):
        raise _neither(values)
    codes, names = values.codes()
    tidy = [name.strip().lower() for name in names]
    if not all(name in _YES or name in _NO for name in tidy):
        raise _neither(values)
    return np.array([*(name in _YES for name in tidy), False], dtype=bool)[codes]


def _neither(values: Column) -> TableError:
    return TableError(
        f"column {values.name!r} holds values that are neither a yes nor a no; write 1 and 0, or yes and no"
    )
