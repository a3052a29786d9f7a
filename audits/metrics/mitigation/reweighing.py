"""Weights that make group and label independent in the data that a model learns from."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]


def cell_weights(counts: npt.NDArray[np.generic]) -> Floats:
    """``w(a, y) = P(a) P(y) / P(a, y)``: how much each row of a group with a label should count.

    With these weights every group has the share of positive labels that the whole data has, and neither the share of any group
    nor that of any label changes. Source: Kamiran and Calders 2012, "Data preprocessing techniques for classification without
    discrimination", Knowl. Inf. Syst. 33, 1-33, section 4.3 (reweighing).

    Parameters
    ----------
    counts : array, shape (groups, labels)
        Rows of each group with each label.

    Returns
    -------
    ndarray, shape (groups, labels)
        1 everywhere when group and label are independent already; NaN for a cell without rows.

    Examples
    --------
    >>> cell_weights(np.array([[2, 3], [4, 1]])).round(3).tolist()
    [[1.5, 0.667], [0.75, 2.0]]
    """
    table = np.asarray(counts, dtype=np.float64)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / table.sum()
    return np.asarray(np.divide(expected, table, out=np.full(table.shape, np.nan), where=table > 0))


def row_weights(group: Ints, label: Ints) -> tuple[Floats, Floats]:
    """The weight of each row, and the weights by cell; groups and labels are codes from 0."""
    shape = int(group.max()) + 1, int(label.max()) + 1
    counts = np.bincount(group * shape[1] + label, minlength=shape[0] * shape[1]).reshape(shape)
    weights = cell_weights(counts)
    return weights[group, label], weights
