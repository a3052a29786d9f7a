"""What the values of an outcome column are: 0 and 1, shares, or numbers of any size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from audits.tables import Column, ColumnFault, ColumnType, Table, TableError


@dataclass(frozen=True, slots=True)
class ValueRange:
    """``binary``: all known values are 0 or 1; ``within_unit``: all lie between 0 and 1; ``known`` counts them."""

    binary: bool
    within_unit: bool
    known: int


def value_range(table: Table, name: str) -> ValueRange:
    """Read an outcome column once, piece by piece.

    Raises
    ------
    TableError
        When the column cannot be read, or holds text, moments, vectors or infinities; says what to do.
    """
    binary = within = True
    known = infinite = 0
    for piece in table.scan([name]):
        if isinstance(piece, ColumnFault):
            raise TableError(piece.reason)
        if pa.types.is_integer(piece.data.type) or pa.types.is_boolean(piece.data.type):
            known += len(piece) - piece.nulls
            binary = binary and _zero_or_one(piece)
            within = within and binary
            continue
        values = numbers(piece)
        values = values[~np.isnan(values)]
        infinite += int(np.isinf(values).sum())
        known += len(values)
        binary = binary and bool(np.all((values == 0) | (values == 1)))
        within = within and bool(np.all((values >= 0) & (values <= 1)))
    if infinite:
        raise TableError(f"column {name!r} holds {infinite} infinite values; replace or remove them")
    return ValueRange(binary, within, known)


def _zero_or_one(piece: Column) -> bool:
    """Whether all whole numbers of a piece are 0 or 1, without turning them into others."""
    least, most = pc.min_max(piece.data).as_py().values()
    return least is None or (least >= 0 and most <= 1)


def numbers(piece: Column) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """A piece of an outcome column as numbers, NaN where there is no value.

    Raises
    ------
    TableError
        When it holds something else than numbers or truth values.
    """
    if piece.nulls == len(piece):
        return np.full(len(piece), np.nan)
    if piece.type not in (ColumnType.NUMERIC, ColumnType.BOOLEAN):
        kinds = {
            ColumnType.CATEGORICAL: "text",
            ColumnType.DATETIME: "dates",
            ColumnType.EMBEDDING: "vectors",
        }
        raise TableError(
            f"column {piece.name!r} holds {kinds[piece.type]}; code the outcome as 0 and 1, or as a number"
        )
    return piece.floats()
