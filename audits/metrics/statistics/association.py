"""How strongly two categorical variables go together, from the counts of their combinations."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

PERMUTATIONS = 999
#: Shuffled tables are looked at in portions of so many cells, so that memory stays small.
_CELLS_AT_ONCE = 1 << 22
#: Tables as far from independence as the observed one count towards p in spite of rounding.
_TIE = 1e-9


def cramers_v(table: npt.ArrayLike) -> float:
    """Bias-corrected Cramer's V: 0 where two variables are independent, 1 where one tells the other.

    With ``phi2 = X2 / n`` (Pearson's chi-square over the rows) in a table of ``r`` times ``c`` categories::

        phi2~ = max(0, phi2 - (r - 1)(c - 1) / (n - 1))
        r~ = r - (r - 1)^2 / (n - 1),  c~ likewise
        V~ = sqrt(phi2~ / min(r~ - 1, c~ - 1))

    The uncorrected V grows with the number of categories even where nothing goes together.
    Source: Bergsma 2013, "A bias-correction for Cramer's V and Tschuprow's T", J. Korean Stat. Soc. 42, 323-328.

    Parameters
    ----------
    table : array of counts, shape (r, c)
        Rows of data per combination. Categories without any rows are left out.

    Returns
    -------
    float
        Between 0 and 1; NaN where either variable has fewer than two categories, or there are too few rows to correct.

    Raises
    ------
    ValueError
        When the table has not two dimensions, or a count is negative or not finite.

    Examples
    --------
    >>> round(cramers_v([[30, 10], [10, 30]]), 4)
    0.4904
    """
    counts = _occurring(table)
    n, (r, c) = counts.sum(), counts.shape
    if min(r, c) < 2 or n < 2:
        return math.nan
    phi2 = max(0.0, pearson(counts) / n - (r - 1) * (c - 1) / (n - 1))
    room = min(r - 1 - (r - 1) ** 2 / (n - 1), c - 1 - (c - 1) ** 2 / (n - 1))
    return min(1.0, math.sqrt(phi2 / room)) if room > 0 else math.nan


def pearson(table: npt.ArrayLike) -> float:
    """Pearson's chi-square of independence, ``sum (O - E)^2 / E``, without continuity correction."""
    counts = _occurring(table)
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / max(counts.sum(), 1.0)
    return float(((counts - expected) ** 2 / expected).sum())


def permutation_p(table: npt.ArrayLike, seed: int, draws: int = PERMUTATIONS) -> float:
    """p of independence: how often a table with the same margins is as far from it, by Pearson's chi-square.

    One variable is shuffled against the other ``draws`` times, and ``p = (1 + as far) / (1 + draws)``, which is never 0
    (Davison and Hinkley 1997, "Bootstrap Methods and their Application", section 4.3).

    Returns
    -------
    float
        NaN where either variable has fewer than two categories.

    Raises
    ------
    ValueError
        As ``cramers_v``.
    """
    from scipy.stats import random_table  # the package takes half a second to load

    counts = _occurring(table)
    if min(counts.shape) < 2:
        return math.nan
    rows, columns = (counts.sum(axis=axis).astype(np.int64) for axis in (1, 0))
    shuffled, rng = random_table(rows, columns), np.random.default_rng(seed)
    expected, limit = np.outer(rows, columns) / rows.sum(), pearson(counts) * (1 - _TIE)
    at_once = max(1, _CELLS_AT_ONCE // counts.size)
    as_far = 1
    for start in range(0, draws, at_once):
        drawn = shuffled.rvs(min(at_once, draws - start), random_state=rng)
        as_far += int(np.count_nonzero(((drawn - expected) ** 2 / expected).sum(axis=(1, 2)) >= limit))
    return as_far / (1 + draws)


def _occurring(table: npt.ArrayLike) -> Floats:
    """The counts of the categories that occur."""
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2:
        raise ValueError(f"a table of counts has two dimensions, this one has {counts.ndim}")
    if not np.isfinite(counts).all() or (counts < 0).any():
        raise ValueError("a table of counts holds finite numbers from 0 on")
    return counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
