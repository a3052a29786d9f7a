"""Counts numbers piece by piece on the grid of ``NumericProfile``, in blocks that fit the processor's cache.

While there are few distinct numbers they are counted as they are. With more of them than bins, their finest level is
found; every later number is counted at that level at once, for more data can only raise it (see ``grid``). Most
numbers fall into a dense array of counters around the body of the data, the rest are kept as sorted keys.
"""

from __future__ import annotations

import math

import numpy as np

from audits.profiles.base import ProfileBuilder
from audits.profiles.exact_sums import BLOCK, counted_sum, exact_sum, whole
from audits.profiles.grid import (
    LOSSLESS,
    Counts,
    Floats,
    Level,
    coarsened,
    finest_allowed,
    fitted,
    grid_keys,
    united,
)
from audits.profiles.numeric import BINS, NumericProfile
from audits.tables import Column

#: Rows that are looked at first, so that numbers without repetition are not sorted for long.
_FIRST = 1 << 12
_DENSE = 1 << 14
_SMALL_RANGE = 1 << 16


class NumericBuilder(ProfileBuilder):
    """Takes numeric columns; ``add_numbers`` takes doubles in which NaN is a null."""

    def __init__(self, bins: int = BINS) -> None:
        self._bins = bins
        self._rows = self._nulls = self._positive = self._negative = self._total = 0
        self._low: float | None = None
        self._high: float | None = None
        self._level: Level = LOSSLESS
        self._keys, self._counts = np.empty(0), np.empty(0, dtype=np.int64)
        self._dense = np.zeros(0, dtype=np.int64)  # counters of the keys from _base on; level is not lossless
        self._base = 0.0
        self._scratch = np.empty((2, BLOCK))

    def add(self, piece: Column) -> None:
        self._nulls += piece.data.null_count
        self._rows += piece.data.null_count
        present = (
            piece if not piece.data.null_count else Column(piece.name, piece.type, piece.data.drop_null())
        )
        self.add_numbers(present.floats())

    def add_numbers(self, numbers: Floats) -> None:
        """Take in doubles; NaN is a null, infinities are counted apart."""
        self._rows += len(numbers)
        at = 0
        while at < len(numbers):
            size = _FIRST if self._level is None and len(self._keys) < self._bins and not at else BLOCK
            self._block(numbers[at : at + size])
            at += size

    def profile(self) -> NumericProfile:
        keys, counts = self._all_counts()
        return NumericProfile(
            rows=self._rows,
            nulls=self._nulls,
            positive_infinities=self._positive,
            negative_infinities=self._negative,
            low=self._low,
            high=self._high,
            total=counted_sum(keys, counts) if self._level is None else self._total,
            level=self._level,
            keys=keys,
            counts=counts,
            bins=self._bins,
        )

    def _block(self, numbers: Floats) -> None:
        low, high = float(numbers.min()) + 0.0, float(numbers.max()) + 0.0
        if not (math.isfinite(low) and math.isfinite(high)):  # NaN is its own least and greatest
            numbers = self._finite(numbers)
            if not len(numbers):
                return
            low, high = float(numbers.min()) + 0.0, float(numbers.max()) + 0.0
        self._low = low if self._low is None else min(self._low, low)
        self._high = high if self._high is None else max(self._high, high)
        if self._level is None:
            self._count_distinct(numbers, low, high)
        else:
            self._total += exact_sum(numbers, self._scratch, max(high, -low))
            self._count_binned(numbers, low, high, self._level)

    def _finite(self, numbers: Floats) -> Floats:
        """Count the others apart."""
        self._nulls += int(np.isnan(numbers).sum())
        self._positive += int((numbers == np.inf).sum())
        self._negative += int((numbers == -np.inf).sum())
        return numbers[np.isfinite(numbers)]

    def _count_distinct(self, numbers: Floats, low: float, high: float) -> None:
        keys, counts = united((self._keys, self._counts), _distinct(numbers, low, high))
        self._keys, self._counts, self._level = fitted(keys, counts, LOSSLESS, self._bins)
        if self._level is not None:
            self._total = counted_sum(keys, counts)  # until here the counts themselves hold it
            self._open_dense()

    def _count_binned(self, numbers: Floats, low: float, high: float, level: int) -> None:
        allowed = finest_allowed(low, high)
        if allowed > level:
            level = self._coarsen_to(allowed)
        keys = grid_keys(numbers, level, self._scratch[0, : len(numbers)])
        first, last = grid_keys(np.array([low, high]), level)
        if first < self._base or last >= self._base + _DENSE:
            keys = self._without_far(keys)
        keys -= self._base
        self._dense += np.bincount(keys.astype(np.intp), minlength=_DENSE)
        if np.count_nonzero(self._dense) + len(self._keys) > self._bins:
            self._coarsen_to(level)

    def _without_far(self, keys: Floats) -> Floats:
        """Keep the keys outside the dense counters sorted; return those inside."""
        inside = (keys >= self._base) & (keys < self._base + _DENSE)
        far, counts = np.unique(keys[~inside], return_counts=True)
        self._keys, self._counts = united((self._keys, self._counts), (far, counts.astype(np.int64)))
        return keys[inside]

    def _coarsen_to(self, level: int) -> int:
        """Raise the level to this one, or beyond it to the finest that fits; returns it."""
        keys, counts = self._all_counts()
        keys, counts = coarsened(keys, counts, self._level, level)
        while len(keys) > self._bins:
            keys, counts = coarsened(keys, counts, level, level + 1)
            level += 1
        self._keys, self._counts, self._level = keys, counts, level
        self._open_dense()
        return level

    def _all_counts(self) -> tuple[Floats, Counts]:
        occupied = np.flatnonzero(self._dense)
        return united(
            (self._keys, self._counts), ((occupied + self._base).astype(np.float64), self._dense[occupied])
        )

    def _open_dense(self) -> None:
        """Lay the counters around the body of the data and move its counts into them."""
        cumulative = np.cumsum(self._counts)
        middle = float(self._keys[np.searchsorted(cumulative, cumulative[-1] / 2)])
        self._base = middle - _DENSE // 2
        self._dense = np.zeros(_DENSE, dtype=np.int64)
        place = self._keys - self._base
        inside = (place >= 0) & (place < _DENSE)
        self._dense[place[inside].astype(np.int64)] = self._counts[inside]
        self._keys, self._counts = self._keys[~inside], self._counts[~inside]


def _distinct(numbers: Floats, low: float, high: float) -> tuple[Floats, Counts]:
    """Distinct numbers, ascending, and their counts."""
    if high - low < _SMALL_RANGE and whole(numbers):
        counted = np.bincount((numbers - low).astype(np.int64))
        occupied = np.flatnonzero(counted)
        return (occupied + low).astype(np.float64), counted[occupied].astype(np.int64)
    values, counts = np.unique(numbers + 0.0, return_counts=True)
    return values, counts.astype(np.int64)
