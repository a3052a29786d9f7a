"""Agreement of two groupings of the same rows."""

from __future__ import annotations

import numpy as np

from audits.metrics.statistics.resampling import Floats, Ints


def contingency(first: Ints, second: Ints) -> Ints:
    """Count rows per pair of labels; both are codes from 0. Shape (labels of first, labels of second)."""
    rows, columns = int(first.max()) + 1, int(second.max()) + 1
    return np.bincount(first * columns + second, minlength=rows * columns).reshape(rows, columns)


def adjusted_rand_index(table: Ints) -> float:
    """Chance-corrected share of row pairs on which two groupings agree.

    ``ARI = (sum_ij C(n_ij,2) - E) / ((sum_i C(a_i,2) + sum_j C(b_j,2)) / 2 - E)`` with
    ``E = sum_i C(a_i,2) sum_j C(b_j,2) / C(n,2)`` (Hubert and Arabie 1985, equation 5).

    Parameters
    ----------
    table : ndarray of int, shape (r, c)
        Rows per pair of labels, see ``contingency``.

    Returns
    -------
    float
        1 for the same grouping, 0 expected for independent ones, slightly negative possible. Two groupings that
        both put all rows into one group, or each row into its own, are the same: 1.

    Examples
    --------
    >>> adjusted_rand_index(np.array([[2, 0], [0, 2]]))
    1.0
    """
    together = _pairs(table).sum()
    in_first, in_second = _pairs(table.sum(axis=1)).sum(), _pairs(table.sum(axis=0)).sum()
    all_pairs = _pairs(table.sum())
    expected = in_first * in_second / all_pairs if all_pairs else 0.0
    best = (in_first + in_second) / 2
    return 1.0 if best == expected else float((together - expected) / (best - expected))


def _pairs(counts: Ints) -> Floats:
    values = np.asarray(counts, dtype=np.float64)
    return values * (values - 1) / 2


def best_jaccard(table: Ints) -> Floats:
    """For each group of the first grouping, how much of it the most similar group of the second recovers.

    ``max_j n_ij / (a_i + b_j - n_ij)``, the Jaccard coefficient of the two sets of rows (Hennig 2007).

    Parameters
    ----------
    table : ndarray of int, shape (r, c)
        Rows per pair of labels.

    Returns
    -------
    ndarray, shape (r,)
        In [0, 1]; NaN for a group without rows.
    """
    union = table.sum(axis=1, keepdims=True) + table.sum(axis=0, keepdims=True) - table
    shares = np.divide(table, union, out=np.zeros(table.shape), where=union > 0)
    best: Floats = np.where(table.sum(axis=1) > 0, shares.max(axis=1), np.nan)
    return best
