"""Contacts of each customer by day: weeks with too many, seven days in a row, and days in a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.groups import Unit
from audits.metrics.groups.adding import added_up
from audits.metrics.groups.aligned_pieces import aligned_pieces
from audits.metrics.pressure.row_values import moments
from audits.tables import Table

Keys: TypeAlias = npt.NDArray[np.uint64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]

WEEK = 7
#: 1970-01-01 was a Thursday: three days after a Monday.
_THURSDAY = 3
_MERGED_AT_ONCE = 1 << 18


@dataclass(frozen=True, slots=True)
class ContactDays:
    """Contacts per customer and day, sorted by both; customers are known by 64-bit hashes.

    ``customer`` is the place of each entry's customer among ``keys``; ``day`` counts from 1970-01-01.
    """

    keys: Keys
    customer: Ints
    day: Ints
    contacts: Ints

    def weeks_above(self, cap: float) -> Ints:
        """Weeks, Monday to Sunday, with more than ``cap`` contacts, per customer."""
        keys, sums = added_up([self.customer, (self.day + _THURSDAY) // WEEK], self.contacts[:, np.newaxis])
        above = sums[:, 0] > cap
        return np.bincount(keys[0][above], minlength=len(self.keys)).astype(np.int64)

    def above_in_any_week(self, cap: float) -> Bools:
        """Which customers had more than ``cap`` contacts within some seven days in a row."""
        if not len(self.day):
            return np.zeros(len(self.keys), dtype=bool)
        stride = int(self.day.max() - self.day.min()) + 2 * WEEK
        at = self.customer * stride + self.day - self.day.min()
        first = np.searchsorted(at, at - (WEEK - 1), side="left")
        total = np.concatenate([[0], np.cumsum(self.contacts)])
        within = total[1:] - total[first]
        return np.bincount(self.customer[within > cap], minlength=len(self.keys)) > 0

    def longest_streaks(self) -> Ints:
        """The most days in a row with a contact, per customer."""
        longest = np.zeros(len(self.keys), dtype=np.int64)
        if len(self.day):
            broken = (np.diff(self.customer) != 0) | (np.diff(self.day) != 1)
            starts = np.concatenate([[0], 1 + np.flatnonzero(broken)])
            lengths = np.diff(np.append(starts, len(self.day)))
            np.maximum.at(longest, self.customer[starts], lengths)
        return longest


def weeks_touched(first: int, last: int) -> int:
    """How many weeks, Monday to Sunday, have a day from ``first`` to ``last``."""
    return (last + _THURSDAY) // WEEK - (first + _THURSDAY) // WEEK + 1


def contact_days(table: Table, customer: str, at: str) -> ContactDays:
    """Count contacts by customer and day in one pass; rows without a customer or a moment do not count.

    The memory grows with the days on which customers were contacted, 24 bytes for each, not with the rows.

    Raises
    ------
    TableError
        When a column is missing or cannot be read.
    """
    unit, start = Unit(customer), 0
    parts: list[tuple[Keys, Ints, Ints]] = []
    waiting = 0
    for keys, when in aligned_pieces(table, [customer, at]):
        found = moments(when)
        usable = found.known & keys.data.is_valid().to_numpy(zero_copy_only=False)
        key = unit.keys(keys, start, len(when))[usable]
        parts.append(_together([(key, found.day[usable], np.ones(len(key), np.int64))]))
        start += len(when)
        waiting += len(parts[-1][0])
        if waiting > max(_MERGED_AT_ONCE, len(parts[0][0])):
            parts, waiting = [_together(parts)], 0
    key, day, contacts = _together(parts)
    known, place = np.unique(key, return_inverse=True)
    return ContactDays(known, place.reshape(-1).astype(np.int64), day, contacts)


def _together(parts: Sequence[tuple[Keys, Ints, Ints]]) -> tuple[Keys, Ints, Ints]:
    key, day, contacts = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    if not len(key):
        return key, day, contacts
    order = np.lexsort((day, key))
    key, day, contacts = key[order], day[order], contacts[order]
    starts = np.concatenate([[0], 1 + np.flatnonzero((key[1:] != key[:-1]) | (day[1:] != day[:-1]))])
    return key[starts], day[starts], np.add.reduceat(contacts, starts)
