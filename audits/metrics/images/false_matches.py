"""How close two different pictures get by chance, learned from pictures that are known to be different."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audits.metrics.statistics.goodness_of_fit import clopper_pearson

#: Pairs within the smallest distance whose rate is taken from counts; below, the rate is extrapolated.
LEAST_PAIRS = 10
#: Bits over which the fall of the rate is measured.
_SPAN = 2.0
_STEP = 0.5


@dataclass(frozen=True, slots=True)
class Decision:
    """The largest distance at which chance alone is not expected to make a match; None when there is none.

    ``rate`` is the upper limit of the share of different pairs within that distance, ``expected`` the matches that it
    lets expect among all comparisons, ``pairs`` the different pairs that it was learned from.
    """

    distance: float | None
    rate: float | None
    expected: float | None
    pairs: int


def decide(
    distances: npt.NDArray[np.float64],
    pairs: int,
    comparisons: int,
    allowed: float,
    cap: float,
    reach: float | None = None,
) -> Decision:
    """Choose the decision distance.

    ``F(d)`` is the share of different pairs within ``d``, its upper limit by Clopper and Pearson 1934 (97.5 %). Where
    fewer than ``LEAST_PAIRS`` pairs are that close, the limit is carried on from the smallest distance ``a`` with enough
    of them, ``F(d) = F(a) g^(d - a)``; ``g`` is the rise of the counts per bit over the next two bits. As the logarithm of
    a distance's distribution falls ever faster towards 0 (it is concave), that errs towards too many expected matches.
    The decision distance is the largest with ``comparisons * F(d) <= allowed``, which by Bonferroni's inequality also
    bounds the chance of any false match at all.

    Parameters
    ----------
    distances : ndarray
        Distances in bits of those different pairs that are within ``reach``.
    pairs : int
        All different pairs, however far.
    comparisons : int
        Designs times protected pictures.
    allowed : float
        Expected false matches that are tolerated over all comparisons.
    cap : float
        The decision distance is never larger.
    reach : float, optional
        How far ``distances`` are known, at least ``cap`` (the default): pairs beyond ``cap`` help to see how the rate falls.
    """
    if pairs < 1 or comparisons < 1:
        return Decision(None, None, None, pairs)
    grid = np.arange(0, (reach or cap) + _STEP / 2, _STEP)
    counts = np.searchsorted(np.sort(distances), grid, side="right")
    rates = _rates(grid, counts, pairs)
    possible = np.flatnonzero((rates * comparisons <= allowed) & (grid <= cap))
    if not len(possible):
        return Decision(None, None, None, pairs)
    place = int(possible[-1])
    rate = float(rates[place])
    return Decision(float(grid[place]), rate, rate * comparisons, pairs)


def _rates(
    grid: npt.NDArray[np.float64], counts: npt.NDArray[np.int64], pairs: int
) -> npt.NDArray[np.float64]:
    upper = np.asarray(clopper_pearson(counts, np.full(len(counts), pairs))[1])
    enough = np.flatnonzero(counts >= LEAST_PAIRS)
    if not len(enough):
        return upper
    anchor = int(enough[0])
    beyond = min(anchor + round(_SPAN / _STEP), len(grid) - 1)
    if beyond == anchor or counts[beyond] == counts[anchor]:
        return upper
    bits = grid[beyond] - grid[anchor]
    rise = float(counts[beyond] / counts[anchor]) ** (1 / bits)
    below = upper[anchor] * rise ** (grid - grid[anchor])
    return np.where(grid < grid[anchor], np.minimum(upper, below), upper)
