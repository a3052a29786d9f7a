"""k-anonymity, l-diversity and t-closeness of one table, on category codes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audits.metrics.statistics.resampling import Floats, Ints


def equivalence_classes(columns: Sequence[Ints]) -> tuple[Ints, Ints]:
    """Group rows that agree on all quasi-identifiers (Sweeney 2002).

    Parameters
    ----------
    columns : sequence of ndarray of int, shape (n,)
        Category codes of each quasi-identifier; ``-1`` (no value) is a value of its own.

    Returns
    -------
    classes : ndarray of int, shape (n,)
        The class of each row, from 0.
    sizes : ndarray of int
        Rows per class; the smallest is the table's ``k``.
    """
    classes = np.zeros(len(columns[0]), dtype=np.int64)
    for codes in columns:
        # Compacting after each column keeps the product of the two codes below n^2, so it cannot overflow.
        _, compact = np.unique(codes, return_inverse=True)
        _, classes = np.unique(classes * (int(compact.max()) + 1) + compact, return_inverse=True)
    return classes, np.bincount(classes)


def _cells(classes: Ints, values: Ints) -> tuple[Ints, Ints, Ints]:
    """The (class, value) pairs that occur, sorted, with their counts. Values are codes from 0."""
    width = int(values.max()) + 1
    keys, counts = np.unique(classes * width + values, return_counts=True)
    return keys // width, keys % width, counts


def distinct_diversity(classes: Ints, values: Ints) -> Ints:
    """Different sensitive values per class; the smallest is distinct l-diversity (Machanavajjhala et al. 2007)."""
    return np.bincount(_cells(classes, values)[0])


def entropy_diversity(classes: Ints, values: Ints) -> Floats:
    """``exp(-sum p ln p)`` of the sensitive values per class; the smallest is entropy l (Machanavajjhala et al. 2007).

    Equal to the number of different values when they are equally frequent, else below it.
    """
    of_class, _, counts = _cells(classes, values)
    share = counts / np.bincount(classes)[of_class]
    entropy: Floats = np.exp(np.bincount(of_class, weights=-share * np.log(share)))
    return entropy


def equal_distance_closeness(classes: Ints, values: Ints) -> Floats:
    """Earth mover's distance of each class from the whole table when all values are equally far apart.

    That is total variation, ``sum_v max(p_v - q_v, 0)`` (Li, Li and Venkatasubramanian 2007, section 4.2). The
    largest is the table's ``t``.

    Parameters
    ----------
    classes, values : ndarray of int, shape (n,)
        Class and sensitive value of each row, codes from 0.
    """
    of_class, of_value, counts = _cells(classes, values)
    share = counts / np.bincount(classes)[of_class]
    overall = np.bincount(values) / len(values)
    return np.bincount(of_class, weights=np.maximum(share - overall[of_value], 0)).astype(np.float64)


def ordered_distance_closeness(classes: Ints, values: Ints) -> Floats:
    """Earth mover's distance of each class from the whole table when values lie on a ladder.

    ``1 / (m - 1) * sum_{i=1}^{m-1} |sum_{j<=i} (p_j - q_j)|`` over the ``m`` different values in order (Li, Li and
    Venkatasubramanian 2007, section 4.1). A class's cumulative share is constant between its own values, so each such
    stretch is added in closed form: time grows with rows, not with classes times values.

    Parameters
    ----------
    classes, values : ndarray of int, shape (n,)
        Class and rank of the sensitive value of each row, codes from 0 without gaps.

    Returns
    -------
    ndarray
        Per class, in [0, 1]; all 0 when there is one value only.
    """
    steps = int(values.max())
    if steps == 0:
        return np.zeros(int(classes.max()) + 1)
    of_class, of_value, counts = _cells(classes, values)
    overall = np.cumsum(np.bincount(values)) / len(values)
    below = np.concatenate([[0.0], np.cumsum(overall)])
    running = np.cumsum(counts)
    size = np.bincount(classes)
    reached = (running - (np.cumsum(size) - size)[of_class]) / size[of_class]
    first = np.flatnonzero(np.r_[True, of_class[1:] != of_class[:-1]])
    # From each value to the class's next one (or the last step); before the first value the share is 0.
    end = np.r_[of_value[1:], steps]
    end[np.r_[first[1:] - 1, len(end) - 1]] = steps
    moved = _stretch(reached, of_value, end, overall, below)
    lead = _stretch(
        np.zeros(len(first)), np.zeros(len(first), dtype=np.int64), of_value[first], overall, below
    )
    return (np.bincount(of_class, weights=moved) + lead) / steps


def _stretch(level: Floats, start: Ints, end: Ints, overall: Floats, below: Floats) -> Floats:
    """``sum_{start <= i < end} |level - overall_i|`` for a rising ``overall`` with prefix sums ``below``."""
    turn = np.clip(np.searchsorted(overall, level), start, end)
    under = level * (turn - start) - (below[turn] - below[start])
    over = (below[end] - below[turn]) - level * (end - turn)
    return under + over
