"""Numbers added up by user, item or list wherever its rows stand in the table, with the groups that it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.groups import Unit
from audits.metrics.groups.aligned_pieces import aligned_pieces
from audits.metrics.groups.counting import MOST_LEVELS
from audits.metrics.groups.levels import Levels
from audits.tables import Column, Table

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Codes: TypeAlias = npt.NDArray[np.int32]
Keys: TypeAlias = npt.NDArray[np.uint64]
#: From the pieces of the columns that were asked for to what is added up: shape (rows, statistics).
StatisticsOf: TypeAlias = Callable[[tuple[Column, ...]], Floats]

#: More periods than anyone compares; beyond, a moment was probably named instead of a week or month.
MOST_PERIODS = 60
_MERGED_AT_ONCE = 1 << 18
_NO_CODE = np.iinfo(np.int32).max


@dataclass(frozen=True, slots=True)
class KeyedSums:
    """Sums per key and period, sorted by both; the groups of each key.

    ``key`` and ``period`` have shape (sums,), ``sums`` (sums, statistics). ``period`` is the place of the period among
    ``periods``, -1 where a row has none. ``starts`` holds the first place of each distinct key. ``codes`` has shape
    (keys, attributes) and holds places in ``names``; 0 is ``undeclared``. ``conflicting`` counts, per attribute, the keys
    whose rows disagree: these are ``undeclared``. ``dropped`` counts the rows without a key.
    """

    key: Keys
    period: Ints
    sums: Floats
    starts: Ints
    attributes: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]
    codes: Ints
    conflicting: tuple[int, ...]
    periods: tuple[str, ...]
    dropped: int

    @property
    def keys(self) -> Keys:
        """Each distinct key once."""
        return self.key[self.starts]

    def by_key(self, values: npt.NDArray[np.generic]) -> Floats:
        """Sums over the periods of each key."""
        if not len(self.starts):
            return np.zeros((0, *values.shape[1:]))
        return np.asarray(np.add.reduceat(values.astype(np.float64), self.starts, axis=0))

    def key_of_sums(self) -> Ints:
        """The place of each sum's key among the distinct ones."""
        return np.repeat(np.arange(len(self.starts)), np.diff(np.append(self.starts, len(self.key))))


@dataclass(frozen=True, slots=True)
class _Part:
    key: Keys
    period: Codes
    sums: Floats
    low: Codes
    high: Codes


@dataclass(slots=True)
class _Collected:
    """Parts that wait until putting them together is worth a sort: each row is sorted a bounded number of times."""

    parts: list[_Part] = field(default_factory=list)
    waiting: int = 0

    def add(self, part: _Part) -> None:
        self.parts.append(_put_together([part]))
        self.waiting += len(self.parts[-1].key)
        if self.waiting > max(_MERGED_AT_ONCE, len(self.parts[0].key)):
            self.parts, self.waiting = [_put_together(self.parts)], 0


def sum_by_key(
    table: Table,
    key: str,
    columns: Sequence[str],
    statistics: StatisticsOf,
    attributes: Sequence[str] = (),
    period: str | None = None,
    most: int = MOST_LEVELS,
) -> KeyedSums:
    """Add numbers up by the values of a column, in one pass. Rows of one value need not stand together.

    Values are known by 64-bit hashes; none is kept. The memory grows with the number of keys (and periods), not with the
    rows: 12 bytes, 8 per statistic and 8 per attribute for each.

    Parameters
    ----------
    statistics : callable
        From the pieces of ``columns`` to what is added up; zeros for a row that takes no part.
    attributes : sequence of str
        Columns of groups. A key belongs to the group that its rows name; rows without a value do not matter.
    period : str, optional
        Sums are kept by this column, too, in its order: numbers by size, all else as text.

    Raises
    ------
    TableError
        When a column cannot be read, an attribute has more than ``most`` values, or there are more than 60 periods.
    """
    levels = [Levels(name, most) for name in attributes]
    order = Levels(period, MOST_PERIODS) if period else None
    names = list(dict.fromkeys([key, *columns, *attributes, *([period] if period else [])]))
    collected, dropped, unit = _Collected(), 0, Unit(key)
    for pieces in aligned_pieces(table, names):
        found = dict(zip(names, pieces, strict=True))
        has_key = found[key].data.is_valid().to_numpy(zero_copy_only=False)
        dropped += int(len(has_key) - has_key.sum())
        codes = np.zeros((len(has_key), len(levels)), dtype=np.int32)
        for i, level in enumerate(levels):
            codes[:, i] = level.of(found[level.attribute])
        when = order.of(found[order.attribute]) if order else np.zeros(len(has_key), np.int64)
        values = statistics(tuple(found[name] for name in columns))
        low = np.where(codes > 0, codes, _NO_CODE).astype(np.int32)
        part = _Part(unit.keys(found[key], 0, len(has_key)), when.astype(np.int32), values, low, codes)
        collected.add(_Part(*(getattr(part, name)[has_key] for name in _Part.__slots__)))
    return _finished(_put_together(collected.parts), levels, order, dropped)


def in_order(periods: Sequence[str]) -> list[str]:
    """Periods by size where all are numbers, else as text."""
    try:
        return sorted(periods, key=float)
    except ValueError:
        return sorted(periods)


def _put_together(parts: Sequence[_Part]) -> _Part:
    whole = _Part(*(np.concatenate([getattr(part, name) for part in parts]) for name in _Part.__slots__))
    if not len(whole.key):
        return whole
    order = np.lexsort((whole.period, whole.key))
    key, period = whole.key[order], whole.period[order]
    starts = np.concatenate([[0], 1 + np.flatnonzero((key[1:] != key[:-1]) | (period[1:] != period[:-1]))])
    return _Part(
        key[starts],
        period[starts],
        np.add.reduceat(whole.sums[order], starts, axis=0),
        np.minimum.reduceat(whole.low[order], starts, axis=0),
        np.maximum.reduceat(whole.high[order], starts, axis=0),
    )


def _finished(part: _Part, levels: Sequence[Levels], order: Levels | None, dropped: int) -> KeyedSums:
    periods = in_order(order.names[1:]) if order else []
    place = np.array([-1, *(periods.index(name) for name in order.names[1:])] if order else [-1], np.int64)
    when = place[part.period]
    by_time = np.lexsort((when, part.key))
    key = part.key[by_time]
    starts = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]])) if len(key) else np.zeros(0, int)
    low, high = part.low[by_time], part.high[by_time]
    if len(key):
        low, high = np.minimum.reduceat(low, starts, axis=0), np.maximum.reduceat(high, starts, axis=0)
    conflict = (high > 0) & (low != high)
    return KeyedSums(
        key=key,
        period=when[by_time],
        sums=part.sums[by_time],
        starts=starts.astype(np.int64),
        attributes=tuple(level.attribute for level in levels),
        names=tuple(tuple(level.names) for level in levels),
        codes=np.where(conflict, 0, high).astype(np.int64),
        conflicting=tuple(int(count) for count in conflict.sum(axis=0)),
        periods=tuple(periods),
        dropped=dropped,
    )
