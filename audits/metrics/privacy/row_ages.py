"""How old the rows of a table are, in days, counted exactly and in memory that does not grow with the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audits.metrics.groups.aligned_pieces import aligned_pieces
from audits.metrics.groups.units import Unit
from audits.tables import Column, ColumnType, Table, TableError

MICROSECONDS_PER_DAY = 86_400_000_000
_EPOCH = date(1970, 1, 1)
#: Days that a calendar knows; a moment beyond them is no date.
_FIRST, _LAST = (date.min - _EPOCH).days, (date.max - _EPOCH).days
_NONE = np.iinfo(np.int64).min

Days = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RowAges:
    """Rows per day (UTC) of a table.

    Attributes
    ----------
    rows : mapping of date to int
        Rows of each day that occurs.
    empty, unreadable : int
        Rows without a value, and rows whose value is no date.
    subjects, subjects_before : int
        Different values of the entity's column: all, and those with a row dated before the day asked for.
    """

    rows: Mapping[date, int]
    empty: int
    unreadable: int
    subjects: int = 0
    subjects_before: int = 0

    @property
    def dated(self) -> int:
        return sum(self.rows.values())

    @property
    def total(self) -> int:
        return self.dated + self.empty + self.unreadable

    def before(self, day: date) -> int:
        """Rows dated before this day."""
        return sum(count for at, count in self.rows.items() if at < day)

    def after(self, day: date) -> int:
        """Rows dated after this day."""
        return sum(count for at, count in self.rows.items() if at > day)


def row_ages(table: Table, name: str, entity: str | None, before: date | None) -> RowAges:
    """Count rows per day of a column of dates, timestamps or ISO 8601 text; moments with a time zone by their UTC day.

    Memory grows with the number of days and, with an entity, by 8 bytes for each of its values; these are kept as
    hashes of 64 bits.

    Parameters
    ----------
    table : Table
    name : str
        Column of dates.
    entity : str, optional
        Column of the person that a row is about. Rows without a value of it are no subject's.
    before : date, optional
        Subjects with a row dated before this day are counted apart.

    Raises
    ------
    TableError
        When a column cannot be read, or the dates are numbers or times of day.
    """
    counts: Counter[int] = Counter()
    empty = unreadable = 0
    everybody, beyond = _Subjects(), _Subjects()
    for piece, *rest in aligned_pieces(table, [name, entity] if entity else [name]):
        days = _days(piece, table.label)
        empty += piece.nulls
        unreadable += int((days == _NONE).sum()) - piece.nulls
        found, rows = np.unique(days[days != _NONE], return_counts=True)
        for day, count in zip(found.tolist(), rows.tolist(), strict=True):
            counts[day] += count
        if rest:
            keys, known = _keys(rest[0])
            everybody.add(keys[known])
            if before is not None:
                beyond.add(keys[known & (days != _NONE) & (days < (before - _EPOCH).days)])
    per_day = {_EPOCH + timedelta(days=day): count for day, count in counts.items()}
    return RowAges(per_day, empty, unreadable, everybody.number, beyond.number)


def _days(piece: Column, label: str) -> Days:
    """Days since 1970 of each row; a mark that no day has where there is none."""
    if piece.nulls == len(piece):
        return np.full(len(piece), _NONE)
    if piece.type is ColumnType.CATEGORICAL:
        return _text_days(piece)
    if piece.type is not ColumnType.DATETIME or pa.types.is_time(piece.data.type):
        raise TableError(
            f"column {piece.name!r} of {label} holds no dates: name one of dates, timestamps or text such as 2026-03-01"
        )
    days = np.floor(piece.floats() / MICROSECONDS_PER_DAY)
    usable = ~np.isnan(days) & (days >= _FIRST) & (days <= _LAST)
    return np.where(usable, np.where(usable, days, 0).astype(np.int64), _NONE)


def _text_days(piece: Column) -> Days:
    codes, texts = piece.codes()
    of_text = np.array([_text_day(text) for text in texts] + [_NONE], dtype=np.int64)
    return of_text[codes]


def _text_day(text: str) -> int:
    """The UTC day of an ISO 8601 date or moment; one without a time zone counts as UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
        day = moment.astimezone(UTC).date() if moment.tzinfo else moment.date()
    except (ValueError, OverflowError):
        return int(_NONE)
    return (day - _EPOCH).days


def _keys(piece: Column) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.bool_]]:
    known = np.asarray(piece.data.is_valid().to_numpy(zero_copy_only=False), dtype=np.bool_)
    return Unit(piece.name).keys(piece, 0, len(piece)), known


@dataclass(slots=True)
class _Subjects:
    """Different keys. New ones wait until they are many, so that sorting costs little."""

    kept: npt.NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, dtype=np.uint64))
    waiting: list[npt.NDArray[np.uint64]] = field(default_factory=list)
    held: int = 0

    def add(self, keys: npt.NDArray[np.uint64]) -> None:
        self.waiting.append(np.unique(keys))
        self.held += len(self.waiting[-1])
        if self.held > max(1_000_000, len(self.kept)):
            self._merge()

    def _merge(self) -> None:
        self.kept = np.unique(np.concatenate([self.kept, *self.waiting]))
        self.waiting, self.held = [], 0

    @property
    def number(self) -> int:
        self._merge()
        return len(self.kept)
