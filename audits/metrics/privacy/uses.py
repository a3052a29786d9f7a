"""A log of what data were used for, added up by asset, purpose and day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.groups.aligned_pieces import aligned_pieces
from audits.metrics.groups.outcome_values import numbers
from audits.metrics.privacy.moments import DAY, UNKNOWN, moments
from audits.metrics.privacy.purposes import plain_texts
from audits.tables import Column, Table, TableError

Ints: TypeAlias = npt.NDArray[np.int64]
#: An asset and a purpose, as they are compared; an empty one is not stated.
Pair: TypeAlias = tuple[str, str]

#: Days since 1970 of a use without a moment.
NO_DAY = UNKNOWN // DAY
MOST_PAIRS = 10_000
#: Of a pair so many systems are kept.
_MOST_SYSTEMS = 100


@dataclass(slots=True)
class Uses:
    """Uses of each pair by day (days since 1970, ``NO_DAY`` without a moment), and the systems that made them."""

    by_day: dict[Pair, dict[int, int]] = field(default_factory=dict)
    systems: dict[Pair, set[str]] = field(default_factory=lambda: defaultdict(set))

    @property
    def total(self) -> int:
        return sum(sum(days.values()) for days in self.by_day.values())

    def of(self, pair: Pair) -> int:
        return sum(self.by_day[pair].values())

    def days(self, pair: Pair) -> list[int]:
        """The days of a pair's uses that are known, ascending."""
        return sorted(day for day in self.by_day[pair] if day != NO_DAY)


def read_uses(table: Table, columns: Mapping[str, str]) -> Uses:
    """Read a log in one pass; what is kept grows with pairs and days, not with rows.

    Parameters
    ----------
    columns : mapping of str to str
        The column of ``asset`` and ``purpose``, and where there are such of ``count`` (a row without one counts once), ``at``
        and ``system``.

    Raises
    ------
    TableError
        When a column is missing or does not hold what it should, or there are more than 10,000 pairs.
    """
    uses, roles = Uses(), list(columns)
    for pieces in aligned_pieces(table, [columns[role] for role in roles]):
        _add(uses, dict(zip(roles, pieces, strict=True)))
        if len(uses.by_day) > MOST_PAIRS:
            raise TableError(
                f"{table.label} holds more than {MOST_PAIRS} pairs of asset and purpose; name datasets as assets, and purposes "
                "in the words of a list"
            )
    return uses


def _add(uses: Uses, pieces: Mapping[str, Column]) -> None:
    asset, assets = plain_texts(pieces["asset"])
    purpose, purposes = plain_texts(pieces["purpose"])
    rows = len(asset)
    count = _counts(pieces["count"]) if "count" in pieces else np.ones(rows, dtype=np.int64)
    at = moments(pieces["at"]) if "at" in pieces else np.full(rows, UNKNOWN, dtype=np.int64)
    day = at // DAY
    keys, place = np.unique(np.column_stack([asset, purpose, day]), axis=0, return_inverse=True)
    added = np.zeros(len(keys), dtype=np.int64)
    np.add.at(added, place.reshape(-1), count)
    for (a, p, d), n in zip(keys.tolist(), added.tolist(), strict=True):
        if n:
            pair = (assets[a] if a >= 0 else "", purposes[p] if p >= 0 else "")
            days = uses.by_day.setdefault(pair, {})
            days[d] = days.get(d, 0) + n
    if "system" in pieces:
        _add_systems(uses, asset, assets, purpose, purposes, pieces["system"])


def _add_systems(
    uses: Uses, asset: Ints, assets: list[str], purpose: Ints, purposes: list[str], piece: Column
) -> None:
    system, systems = plain_texts(piece)
    for a, p, s in np.unique(np.column_stack([asset, purpose, system]), axis=0).tolist():
        known = uses.systems[assets[a] if a >= 0 else "", purposes[p] if p >= 0 else ""]
        if s >= 0 and len(known) < _MOST_SYSTEMS:
            known.add(systems[s])


def _counts(piece: Column) -> Ints:
    values = numbers(piece)
    values = np.where(np.isnan(values), 1.0, values)
    if (values < 0).any() or not np.isfinite(values).all() or (values != np.floor(values)).any():
        raise TableError(f"column {piece.name!r} must count uses: whole numbers from 0 on")
    return values.astype(np.int64)
