"""Adjustment of p-values for the number of hypotheses tested together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def holm(p: Floats) -> Floats:
    """Holm's step-down adjusted p-values: rejecting those below alpha keeps the family-wise error at alpha.

    ``p_(i)`` becomes ``max over j <= i of min(1, (m - j + 1) p_(j))``, whatever the dependence between the tests.
    Source: Holm 1979, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6, 65-70.

    Parameters
    ----------
    p : array, shape (m,)
        Raw p-values without NaN: leave out what was not tested.

    Returns
    -------
    array, shape (m,)
        In the order given.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p, kind="stable")
    steps = np.arange(p.size, 0, -1)
    adjusted = np.maximum.accumulate(np.minimum(steps * p[order], 1.0))
    out = np.empty(p.size)
    out[order] = adjusted
    return out


def benjamini_hochberg(p: Floats) -> Floats:
    """Benjamini-Hochberg adjusted p-values (q): rejecting those below alpha keeps the false discovery rate at alpha.

    ``p_(i)`` becomes ``min over j >= i of min(1, m p_(j) / j)``, for independent or positively dependent tests.
    Source: Benjamini and Hochberg 1995, J. R. Statist. Soc. B 57, 289-300. For exploration; gates use ``holm``.

    Examples
    --------
    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.04, 0.04]
    """
    order = np.argsort(p, kind="stable")
    scaled = p[order] * p.size / np.arange(1, p.size + 1)
    out = np.empty(p.size)
    out[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return out
