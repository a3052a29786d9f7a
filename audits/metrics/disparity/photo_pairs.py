"""The same item photographed twice, once well and once badly: does the decision depend on the photograph?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audits.metrics.groups.aligned_pieces import aligned_pieces
from audits.metrics.groups.outcome_values import numbers
from audits.tables import MemoryTable, Table, TableError

#: Both photographs of an item must be found again, so their rows are held in memory: at most so many.
MOST_PHOTOGRAPHS = 1_000_000


@dataclass(frozen=True, slots=True)
class PhotoPairs:
    """A row for each item with one good and one degraded photograph.

    ``table`` holds the columns asked for, of the good photograph's row, and ``flipped`` under the flag's own name: 1 where
    the two were decided differently. ``left_out`` counts items without exactly one of each.
    """

    table: MemoryTable
    items: int
    left_out: int


def photo_pairs(
    table: Table, flag: str, decision: float, pair: str, degraded: str, beside: Sequence[str]
) -> PhotoPairs:
    """Bring the two photographs of each item together.

    Parameters
    ----------
    pair : str
        Column of the item; rows without a value take no part.
    degraded : str
        0/1 column: 1 for the degraded photograph.
    beside : sequence of str
        Further columns to keep: attributes, strata, entity.

    Raises
    ------
    TableError
        When a column cannot be read, ``degraded`` is not 0 and 1, or there are more than ``MOST_PHOTOGRAPHS`` rows.
    """
    kept = [name for name in dict.fromkeys(beside) if name != flag]
    items, bad, flags, texts = _photographs(table, flag, decision, pair, degraded, kept)
    item = items.dictionary_encode()
    code, known = item.indices.to_numpy(zero_copy_only=False), len(item.dictionary)
    rows = [_only_row(code[bad == side], np.flatnonzero(bad == side), known) for side in (0, 1)]
    both = (rows[0] >= 0) & (rows[1] >= 0)
    good, worse = rows[0][both], rows[1][both]
    usable = ~np.isnan(flags[good]) & ~np.isnan(flags[worse])
    good, worse = good[usable], worse[usable]
    columns = {name: values.take(pa.array(good)) for name, values in texts.items()}
    flipped = (flags[good] != flags[worse]).astype(np.int64)
    return PhotoPairs(
        MemoryTable({**columns, flag: flipped}, table.label), len(flipped), known - len(flipped)
    )


def _photographs(
    table: Table, flag: str, decision: float, pair: str, degraded: str, kept: Sequence[str]
) -> tuple[pa.Array, npt.NDArray[np.float64], npt.NDArray[np.float64], dict[str, pa.Array]]:
    """Item, quality, flag and further columns of the rows that belong to an item."""
    parts: list[tuple[pa.Array, ...]] = []
    rows = 0
    for item, quality, score, *others in aligned_pieces(table, [pair, degraded, flag, *kept]):
        chosen = item.data.is_valid()
        rows += len(item) - item.nulls
        if rows > MOST_PHOTOGRAPHS:
            raise TableError(
                f"column {pair!r} names more than {MOST_PHOTOGRAPHS:,} photographs; audit a random sample of items"
            )
        values = [
            pa.array(_quality(numbers(quality), degraded)),
            pa.array(_decided(numbers(score), decision)),
        ]
        texts = [item.texts(), *values, *(other.texts() for other in others)]
        parts.append(tuple(column.filter(chosen) for column in texts))
    item, quality, score, *others = (pa.concat_arrays(several) for several in zip(*parts, strict=True))
    as_floats = (values.to_numpy(zero_copy_only=False) for values in (quality, score))
    return item, *as_floats, dict(zip(kept, others, strict=True))


def _quality(values: npt.NDArray[np.float64], name: str) -> npt.NDArray[np.float64]:
    known = values[~np.isnan(values)]
    if not np.all((known == 0) | (known == 1)):
        raise TableError(
            f"column {name!r} holds values other than 0 and 1; code the degraded photograph as 1"
        )
    return values


def _decided(scores: npt.NDArray[np.float64], decision: float) -> npt.NDArray[np.float64]:
    return np.where(np.isnan(scores), np.nan, scores >= decision)


def _only_row(codes: npt.NDArray[np.int64], rows: npt.NDArray[np.int64], items: int) -> npt.NDArray[np.int64]:
    """The row of each item that has exactly one, else -1."""
    out = np.full(items, -1, dtype=np.int64)
    out[codes] = rows
    out[np.bincount(codes, minlength=items) != 1] = -1
    return out
