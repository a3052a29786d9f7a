"""The attention that a place in a ranked list gets, and how unevenly items share it."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.groups.outcome_values import numbers
from audits.tables import Column, TableError

Floats: TypeAlias = npt.NDArray[np.float64]


def places(piece: Column) -> Floats:
    """The place of each row in its list, from 1; NaN where the item was not listed.

    Raises
    ------
    TableError
        When the column holds text, infinities or places below 1.
    """
    rank = numbers(piece)
    if bool(np.any(rank < 1)) or bool(np.any(np.isinf(rank))):
        raise TableError(
            f"column {piece.name!r} holds places below 1 or infinite ones; count places from 1 and leave "
            "the place of an item that was not listed empty"
        )
    return rank


def attention(rank: Floats) -> Floats:
    """``1 / log2(1 + rank)``: 1 for the first place, falling like the discount of DCG; 0 where there is no place.

    Source: Järvelin and Kekäläinen 2002, ACM TOIS 20, 422-446; as exposure: Singh and Joachims 2018, KDD, 2219-2228.

    Examples
    --------
    >>> attention(np.array([1.0, 3.0, 7.0, np.nan])).round(3).tolist()
    [1.0, 0.5, 0.333, 0.0]
    """
    return np.where(np.isnan(rank), 0.0, 1 / np.log2(1 + np.where(np.isnan(rank), 1.0, rank)))


def flags(piece: Column) -> Floats:
    """A column of 0 and 1, NaN where there is no value. Raises ``TableError`` for anything else."""
    values = numbers(piece)
    if not bool(np.all((values == 0) | (values == 1) | np.isnan(values))):
        raise TableError(f"column {piece.name!r} holds values other than 0 and 1; code it as 0 and 1")
    return values


def amounts(piece: Column, most: float = np.inf) -> Floats:
    """A column of numbers from 0 to ``most``, NaN where there is no value. Raises ``TableError`` for others."""
    values = numbers(piece)
    if bool(np.any((values < 0) | (values > most) | np.isinf(values))):
        limit = "" if np.isinf(most) else f" and at most {most:g}"
        raise TableError(f"column {piece.name!r} holds numbers out of range; they must be at least 0{limit}")
    return values


def gini(amount: Floats) -> float:
    """How unequally an amount is shared: 0 when all have the same, ``(n - 1) / n`` when one has all.

    ``sum_i (2 i - n - 1) x_i / (n sum_i x_i)`` with ``x`` ascending and ``i`` from 1 (Sen 1973, "On Economic Inequality",
    section 2.3, rearranged); the ``gini_index`` of recommender libraries on the items' exposures.

    Parameters
    ----------
    amount : array, shape (n,)
        At least 0 each.

    Returns
    -------
    float
        NaN without amounts.

    Examples
    --------
    >>> gini(np.array([1.0, 2.0, 3.0, 4.0]))
    0.25
    """
    total, n = float(amount.sum()), len(amount)
    if n == 0 or total <= 0:
        return float("nan")
    order = np.arange(1, n + 1)
    return float(((2 * order - n - 1) * np.sort(amount)).sum() / (n * total))
