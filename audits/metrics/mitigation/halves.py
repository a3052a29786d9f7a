"""Which rows a mitigation is tuned on, and which rows tell what it does."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]


def tuning_half(units: Ints, cells: Ints, seed: int) -> Bools:
    """Split rows at random into two halves that share no unit; True for the half to tune on.

    Where every row is a unit of its own, each cell is split by itself, so that the halves hold the same mix up to one row
    a cell. Where units have several rows, the units are split, whatever their cells.

    Parameters
    ----------
    units : ndarray of int, shape (n,)
        The independent unit of each row, from 0 without gaps.
    cells : ndarray of int, shape (n,)
        What the halves should have alike: the combination of group and truth.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    if not len(units):
        return np.zeros(0, dtype=bool)
    size = int(units.max()) + 1
    cell_of_unit = cells[np.unique(units, return_index=True)[1]] if size == len(units) else np.zeros(size)
    order = np.lexsort((np.random.default_rng(seed).random(size), cell_of_unit))
    half = np.zeros(size, dtype=bool)
    half[order] = np.arange(size) % 2 == 0
    return np.asarray(half[units])
