"""What the columns of contacts hold: yes or no, and moments by the clock of their own row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audits.metrics.lists.exposure import flags
from audits.tables import Column, ColumnType, TableError

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]

MICROSECONDS_PER_DAY = 86_400_000_000
_HOUR = MICROSECONDS_PER_DAY // 24
#: Words for yes and no, in lower case.
YES = frozenset({"yes", "y", "true", "1"})
NO = frozenset({"no", "n", "false", "0"})


def yes_no(piece: Column, yes: frozenset[str] = YES, no: frozenset[str] = NO) -> Floats:
    """A column of truth values, 0 and 1, or words for yes and no: 1, 0, and NaN where there is no value.

    Parameters
    ----------
    yes, no : frozenset of str
        The words that text may be, in lower case; blank text is no value.

    Raises
    ------
    TableError
        For anything else. The message names the column and never a value.
    """
    if piece.type is not ColumnType.CATEGORICAL or piece.nulls == len(piece):
        return flags(piece)
    encoded = piece.texts().dictionary_encode()
    words = [str(word).strip().lower() for word in encoded.dictionary.to_pylist()]
    codes = [1.0 if word in yes else 0.0 if word in no else np.nan for word in words]
    if any(word and word not in yes | no for word in words):
        raise TableError(
            f"column {piece.name!r} holds values other than {', '.join(sorted(yes | no))}; code it as 0 and 1"
        )
    found = np.array([*codes, np.nan])
    return np.asarray(found[encoded.indices.fill_null(len(codes)).to_numpy(zero_copy_only=False)])


@dataclass(frozen=True, slots=True)
class Moments:
    """Moments of a piece by the clock of their own rows: ``day`` since 1970 (0 where not ``known``), ``micros`` since 1970.

    ``whole_days``: the column holds dates, which have no time of the day.
    """

    known: Bools
    micros: Ints
    day: Ints
    whole_days: bool

    def at_night(self, first: int, last: int) -> Bools:
        """Whether a moment lies from hour ``first`` in the evening to before hour ``last`` in the morning."""
        hour = (self.micros - self.day * MICROSECONDS_PER_DAY) // _HOUR
        return self.known & ((hour >= first) | (hour < last))

    @property
    def at_midnight(self) -> Bools:
        """Moments at 00:00:00 sharp: what a date turns into when it is stored as a moment."""
        return self.known & (self.micros == self.day * MICROSECONDS_PER_DAY)

    def after(self, other: Moments) -> Bools:
        """Whether a moment comes after the other's; on a later day where one of them has no time of the day."""
        later = (self.day > other.day) if self.whole_days or other.whole_days else self.micros > other.micros
        return self.known & other.known & later


def moments(piece: Column) -> Moments:
    """A column of dates or timestamps; those with a time zone by the clock of that zone.

    Raises
    ------
    TableError
        When it holds anything else.
    """
    if piece.nulls == len(piece):
        nothing = np.zeros(len(piece), np.int64)
        return Moments(nothing > 0, nothing, nothing, True)
    kind = piece.data.type
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        raise TableError(f"column {piece.name!r} is not one of dates or timestamps; name one that is")
    zoned = pa.types.is_timestamp(kind) and kind.tz
    local = pc.local_timestamp(piece.data) if zoned else piece.data
    known = local.is_valid().to_numpy(zero_copy_only=False)
    whole = local.cast(pa.timestamp("us"), safe=False).cast(pa.int64()).fill_null(0)
    micros = whole.to_numpy(zero_copy_only=False).astype(np.int64)
    return Moments(known, micros, micros // MICROSECONDS_PER_DAY, pa.types.is_date(kind))
