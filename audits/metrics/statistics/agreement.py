"""How far those who labelled the same things agree, beyond what chance would bring."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt


def krippendorff_alpha(coincidences: npt.ArrayLike) -> float:
    """Krippendorff's alpha for nominal labels: 1 perfect agreement, 0 that of chance, below 0 systematic disagreement.

    ``alpha = 1 - (n - 1) (n - sum_c o_cc) / (n^2 - sum_c n_c^2)`` with ``o`` the coincidences, ``n_c`` their row sums and
    ``n`` their total: the number of labels that can be paired.
    Source: Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", section C.

    Parameters
    ----------
    coincidences : array, shape (labels, labels)
        Symmetric; each pairable label counts 1. See ``coincidences_of_two`` and ``coincidences_of``.

    Returns
    -------
    float
        NaN where nothing can be paired, or all labels are the same: then agreement beyond chance cannot be seen.

    Raises
    ------
    ValueError
        When the matrix is not square.

    Examples
    --------
    >>> round(krippendorff_alpha(coincidences_of_two([[5, 3], [1, 1]])), 3)
    0.095
    """
    matrix = np.asarray(coincidences, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError("coincidences have one row and one column for each label")
    n, totals = float(matrix.sum()), matrix.sum(axis=1)
    by_chance = n**2 - float((totals**2).sum())
    if by_chance <= 0:
        return math.nan
    return 1 - (n - 1) * (n - float(np.trace(matrix))) / by_chance


def coincidences_of_two(table: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Coincidences of two annotators from how often the one said the row's label and the other the column's."""
    counts = np.asarray(table, dtype=np.float64)
    return np.asarray(counts + counts.T)


def coincidences_of(units: Iterable[Sequence[str | None]]) -> npt.NDArray[np.float64]:
    """Coincidences of any number of annotators, from the labels that each unit got; ``None`` where one gave none.

    Each ordered pair of labels within a unit of ``m`` labels counts ``1 / (m - 1)``; units with one label do not count.
    """
    pairs: Counter[tuple[str, str]] = Counter()
    for unit in units:
        given = [label for label in unit if label is not None]
        for i, one in enumerate(given):
            for j, other in enumerate(given):
                if i != j:
                    pairs[one, other] += 1 / (len(given) - 1)  # type: ignore[assignment]
    names = sorted({one for one, _ in pairs})
    return np.array([[pairs[one, other] for other in names] for one in names], dtype=np.float64).reshape(
        len(names), len(names)
    )
