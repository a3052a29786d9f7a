"""What chance alone makes of two sides: their rows shuffled between them, from counts and without the rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from audits.metrics.drift.distributions import Counts

#: NumPy draws without replacement from fewer rows than this.
MOST_ROWS_SHUFFLED = 10**9
#: So many counts are held at a time: 16 MB on each side.
COUNTS_AT_ONCE = 2_000_000
#: Shuffling single rows is cheaper than drawing each cell's count while so few are drawn, per cell, ...
_ROWS_PER_CELL, _MOST_CACHED_ROWS = 5, 500_000
#: ... and while so few when the rows no longer fit the processor's cache. At most these take up 32 MB.
_UNCACHED_ROWS_PER_CELL, _MOST_SINGLE_ROWS = 1, 4_000_000


def permuted_counts(
    reference: Counts, current: Counts, draws: int, rng: np.random.Generator
) -> tuple[Counts, Counts]:
    """Counts of both sides after their rows were shuffled between them, ``draws`` times.

    The rows of both are pooled; as many as the current side has are drawn without replacement (multivariate
    hypergeometric), the others are the reference. From 10^9 pooled rows on, both sides are drawn from the pooled
    shares with replacement (multinomial), which differs by less than the sampling error of either.

    Parameters
    ----------
    reference, current : arrays of int, shape (cells,)
        Rows per value, category or bin; the same cells in the same order.

    Returns
    -------
    tuple of arrays of int, shape (draws, cells)
        Rows per cell of the shuffled reference and of the shuffled current side; each row has the side's total.
    """
    pooled = reference + current
    n = int(current.sum())
    if int(pooled.sum()) >= MOST_ROWS_SHUFFLED:
        shares = pooled / pooled.sum()
        return rng.multinomial(int(reference.sum()), shares, size=draws), rng.multinomial(
            n, shares, size=draws
        )
    drawn = rng.multivariate_hypergeometric(pooled, n, size=draws, method=_cheaper(pooled, n))
    return pooled - drawn, drawn


def permuted_batches(
    reference: Counts, current: Counts, draws: int, rng: np.random.Generator
) -> Iterator[tuple[Counts, Counts]]:
    """``permuted_counts`` in memory that does not grow with the cells: some of the draws at a time, all in the end."""
    for size in batches(draws, len(reference)):
        yield permuted_counts(reference, current, size, rng)


def batches(draws: int, cells: int) -> Iterator[int]:
    """How many draws of so many cells to hold at a time; they add up to ``draws``."""
    at_once = max(1, COUNTS_AT_ONCE // cells)
    for done in range(0, draws, at_once):
        yield min(at_once, draws - done)


def _cheaper(pooled: Counts, n: int) -> Literal["count", "marginals"]:
    rows = int(pooled.sum())
    per_cell = _ROWS_PER_CELL if rows <= _MOST_CACHED_ROWS else _UNCACHED_ROWS_PER_CELL
    few = min(n, rows - n) <= per_cell * len(pooled) and rows <= _MOST_SINGLE_ROWS
    return "count" if few else "marginals"
