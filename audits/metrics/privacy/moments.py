"""Moments of a column, as whole microseconds since 1970 UTC."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audits.tables import Column, ColumnType, TableError

Ints = npt.NDArray[np.int64]

DAY = 86_400_000_000
#: No moment is known.
UNKNOWN = np.iinfo(np.int64).min
_EPOCH = date(1970, 1, 1)
#: From the year 1 to 9999: a moment beyond them is a fault of the data.
_FIRST, _END = (date.min - _EPOCH).days * DAY, ((date.max - _EPOCH).days + 1) * DAY


def moments(piece: Column) -> Ints:
    """Microseconds since 1970 UTC, ``UNKNOWN`` without a value. Without a time zone UTC is meant; a date is its first moment.

    Raises
    ------
    TableError
        When the column holds something else than dates or timestamps, or a moment outside the years 1 to 9999.
    """
    if piece.nulls == len(piece):
        return np.full(len(piece), UNKNOWN, dtype=np.int64)
    if piece.type is not ColumnType.DATETIME or pa.types.is_time(piece.data.type):
        raise TableError(
            f"column {piece.name!r} does not hold dates or timestamps: write every moment in one form, "
            "such as 2026-11-22 or 2026-11-22T09:30:00Z, all with a time zone or all without"
        )
    numbers = piece.floats()
    known = ~np.isnan(numbers)
    if ((numbers[known] < _FIRST) | (numbers[known] >= _END)).any():
        raise TableError(
            f"column {piece.name!r} has a moment before year 1 or after year 9999; check its unit"
        )
    out = np.full(len(piece), UNKNOWN, dtype=np.int64)
    out[known] = numbers[known].astype(np.int64)
    return out


def is_day(piece: Column) -> bool:
    """Whether the column holds days without a time of day."""
    return bool(pa.types.is_date(piece.data.type))


def last_moment(day: date) -> int:
    """The last microsecond of a day, UTC."""
    return ((day - _EPOCH).days + 1) * DAY - 1


def day_of(moment: int) -> date:
    """The day (UTC) of a moment."""
    return _EPOCH + timedelta(days=int(moment // DAY))
