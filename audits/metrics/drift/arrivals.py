"""When rows arrive, and whether they are as many as before."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
from scipy.special import ndtr, stdtrit

from audits.metrics.statistics.intervals import wilson
from audits.metrics.statistics.resampling import Ints
from audits.tables import ColumnFault, ColumnType, Table, TableError

MICROSECONDS_PER_DAY = 86_400_000_000
_EPOCH = date(1970, 1, 1)
#: Days that a calendar knows; a moment beyond them is a fault of the data.
_FIRST, _LAST = (date.min - _EPOCH).days, (date.max - _EPOCH).days


@dataclass(frozen=True, slots=True)
class DailyRows:
    """Rows per day (UTC) of a table, and how many rows have no day."""

    rows: Mapping[date, int]
    without_day: int

    @property
    def first(self) -> date | None:
        return min(self.rows, default=None)

    @property
    def last(self) -> date | None:
        return max(self.rows, default=None)

    def between(self, first: date, last: date) -> Ints:
        """Rows of each day of a span, both ends included; 0 where none came."""
        days = (last - first).days + 1
        return np.array([self.rows.get(first + timedelta(days=i), 0) for i in range(days)], dtype=np.int64)


def daily_rows(table: Table, name: str) -> DailyRows:
    """Count rows per day of a column of moments, in bounded memory. Moments with a time zone count by their UTC day.

    Raises
    ------
    TableError
        When the column cannot be read, or holds something else than dates or timestamps.
    """
    counts: Counter[int] = Counter()
    without = 0
    for piece in table.scan([name]):
        if isinstance(piece, ColumnFault):
            raise TableError(piece.reason)
        if len(piece) == piece.nulls:
            without += len(piece)
            continue
        if piece.type is not ColumnType.DATETIME or pa.types.is_time(piece.data.type):
            raise TableError(
                f"column {name!r} of {table.label} is not one of dates or timestamps; name one that is"
            )
        moments = piece.floats()
        known = np.floor(moments[~np.isnan(moments)] / MICROSECONDS_PER_DAY)
        days, rows = np.unique(known, return_counts=True)
        for day, count in zip(days.tolist(), rows.tolist(), strict=True):
            counts[int(day)] += count
        without += len(moments) - len(known)
    _refuse_impossible(counts, table, name)
    return DailyRows({_EPOCH + timedelta(days=day): count for day, count in counts.items()}, without)


def _refuse_impossible(counts: Mapping[int, int], table: Table, name: str) -> None:
    if counts and (min(counts) < _FIRST or max(counts) > _LAST):
        raise TableError(
            f"column {name!r} of {table.label} has a moment before year 1 or after year 9999; check its unit"
        )


@dataclass(frozen=True, slots=True)
class Volume:
    """Rows over a number of days. ``dispersion`` is the variance of a day's rows over their mean, None when unknown."""

    rows: int
    days: int
    dispersion: float | None = None


def dispersion(per_day: Ints) -> float | None:
    """Variance of rows per day over their mean, at least 1: 1 for a Poisson process, more when days differ.

    Pearson's statistic over its degrees of freedom (McCullagh and Nelder 1989, "Generalized Linear Models", sections
    4.5.2 and 6.2.3). None for a single day or when no row ever came.
    """
    mean = float(per_day.mean()) if len(per_day) > 1 else 0.0
    return max(1.0, float(per_day.var(ddof=1)) / mean) if mean else None


def volume_ratio(current: Volume, reference: Volume) -> tuple[float, float, float]:
    """Rows per day of one table over those of another, with a 95 % interval.

    Given all rows, the current ones are binomial with odds ``ratio * current days / reference days`` when rows come
    as a Poisson process; Wilson's limits of that share (Przyborowski and Wilenski 1940 condition in the same way) give
    those of the ratio. Days that differ by more than that have their rows divided by the reference's dispersion first
    (quasi-likelihood, McCullagh and Nelder 1989, section 9.2), and the normal quantile replaced by Student's with the
    reference's days less one.

    Parameters
    ----------
    current, reference : Volume
        At least one day each; the reference at least one row. The current dispersion is not used: a stream that
        breaks off must not make its own interval wide.

    Returns
    -------
    ratio, low, high : float
        ``high`` is infinite when the reference's rate may be 0.

    Examples
    --------
    >>> [round(x, 2) for x in volume_ratio(Volume(50, 1), Volume(3000, 30))]
    [0.5, 0.38, 0.66]
    """
    spread, level = 1.0, 0.95
    if reference.dispersion is not None:
        spread = reference.dispersion
        # Of two days Student's quantile is 12.7, at which a normal level rounds to 1.
        level = min(float(2 * ndtr(stdtrit(reference.days - 1, 0.975)) - 1), 1 - 1e-15)
    total = current.rows + reference.rows
    low, high = (float(end) for end in wilson(current.rows / spread, total / spread, level))
    days = reference.days / current.days
    ratio = current.rows / reference.rows * days
    return ratio, low / (1 - low) * days, high / (1 - high) * days if high < 1 else math.inf
