"""Distances between a reference and a current distribution, defined as Evidently 0.7.23 defines them.

All take counts per bin, category or number: the same ones in the same order, at least one row on each side.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import rel_entr

from audits.metrics.drift.distributions import (
    Counts,
    Distribution,
    Floats,
    NumericDistribution,
    Weights,
    aligned,
    histogram,
    sturges_edges,
)

#: Wasserstein's distance is divided by the reference's standard deviation, or by this if that is smaller.
SMALLEST_SCALE = 0.001
#: The share given to an empty bin, unless shares as small occur.
EMPTY_SHARE = 0.0001


def population_stability_index(reference: Weights, current: Weights) -> float:
    """Measure how far the shares of bins have moved.

    ``PSI = sum_i (p_i - q_i) ln(p_i / q_i)``, the symmetrised Kullback-Leibler divergence (Jeffreys 1946). Empty bins
    get a small share, see ``filled_shares``.

    Returns
    -------
    float
        In nats, at least 0; 0 means that the shares are equal.

    Examples
    --------
    >>> round(population_stability_index(np.array([50, 50]), np.array([60, 40])), 4)
    0.0405
    """
    p, q = filled_shares(reference), filled_shares(current)
    return float(np.sum((p - q) * np.log(p / q)))


def kullback_leibler(reference: Weights, current: Weights) -> float:
    """Divergence of the reference from the current shares, ``sum_i p_i ln(p_i / q_i)`` (Kullback and Leibler 1951).

    Empty bins get a small share, see ``filled_shares``; both sides are then scaled to sum to 1. In nats, at least 0.
    """
    p, q = filled_shares(reference), filled_shares(current)
    return max(0.0, float(rel_entr(p / p.sum(), q / q.sum()).sum()))


def jensen_shannon(reference: Weights, current: Weights) -> float:
    """Jensen-Shannon distance: root of the mean divergence of both from their average (Lin 1991), natural logarithm.

    Returns
    -------
    float
        Between 0 (equal) and ``sqrt(ln 2) = 0.8326`` (no value in common).
    """
    return float(jensen_shannon_rows(reference[np.newaxis], current[np.newaxis])[0])


def jensen_shannon_rows(reference: Weights, current: Weights) -> Floats:
    """The Jensen-Shannon distances of many pairs at once: counts of shape (pairs, bins), distances of shape (pairs,)."""
    p = reference / reference.sum(axis=1, keepdims=True)
    q = current / current.sum(axis=1, keepdims=True)
    middle = (p + q) / 2
    divergence = (rel_entr(p, middle).sum(axis=1) + rel_entr(q, middle).sum(axis=1)) / 2
    distances: Floats = np.sqrt(np.maximum(divergence, 0.0))
    return distances


def total_variation(reference: Weights, current: Weights) -> float:
    """Half the sum of absolute differences of the shares: the share of rows that would have to change. In [0, 1]."""
    return float(np.abs(reference / reference.sum() - current / current.sum()).sum()) / 2


def hellinger(reference: Distribution, current: Distribution) -> float:
    """Hellinger distance ``sqrt(1 - sum_i sqrt(p_i q_i))`` (Hellinger 1909), in [0, 1].

    Categories are compared one by one, numbers in Sturges bins for as many points as there are distinct numbers, which
    therefore have to be known one by one.
    """
    if isinstance(reference, NumericDistribution) and isinstance(current, NumericDistribution):
        distinct = len(np.union1d(reference.values, current.values))
        edges = sturges_edges(reference, current, distinct)
        p_counts, q_counts = histogram(reference, edges), histogram(current, edges)
    else:
        p_counts, q_counts = aligned(reference, current)
    overlap = float(np.sqrt((p_counts / reference.n) * (q_counts / current.n)).sum())
    return math.sqrt(1 - min(1.0, overlap))


def wasserstein(values: Floats, reference: Counts, current: Counts) -> float:
    """First Wasserstein (earth mover's) distance in standard deviations of the reference.

    ``W1 = integral |F(x) - G(x)| dx`` over both distribution functions (Vallender 1974, Theory Probab. Appl. 18,
    784-786), divided by the larger of the reference's population standard deviation and .001.

    Parameters
    ----------
    values : array, shape (cells,)
        The numbers of both sides, ascending.
    reference, current : arrays of int, shape (cells,)
        Rows of each number; at least one on each side.

    Raises
    ------
    ArithmeticError
        When the numbers exceed double precision.

    Examples
    --------
    >>> wasserstein(np.array([-1.0, 1.0, 3.0]), np.array([1, 1, 0]), np.array([0, 1, 1]))
    2.0
    """
    with np.errstate(over="raise", invalid="raise"):
        shares = reference / reference.sum()
        centre = float(shares @ values)
        scale = math.sqrt(float(shares @ (values - centre) ** 2))
        gap = np.abs(_gaps(reference, current))
        return float(gap @ np.diff(values)) / max(scale, SMALLEST_SCALE)


def energy(values: Floats, reference: Counts, current: Counts) -> float:
    """Energy distance ``sqrt(2 integral (F(x) - G(x))^2 dx)`` (Szekely 2003), in roots of the numbers' unit.

    Not scaled: it grows with the unit in which the numbers are given, and so does what ``ed`` takes for drift.
    Parameters as for ``wasserstein``.

    Raises
    ------
    ArithmeticError
        When the numbers exceed double precision.
    """
    with np.errstate(over="raise", invalid="raise"):
        return math.sqrt(2 * float(_gaps(reference, current) ** 2 @ np.diff(values)))


def filled_shares(counts: Weights) -> Floats:
    """Shares, in which an empty bin gets .0001, or a millionth of the smallest share if that is no larger than .0001.

    Evidently's ``get_binned_data``. The result sums to slightly more than 1.
    """
    shares: Floats = counts / counts.sum()
    smallest = float(shares[shares > 0].min())
    fill = smallest / 1e6 if smallest <= EMPTY_SHARE else EMPTY_SHARE
    return np.where(shares == 0, fill, shares)


def _gaps(reference: Counts, current: Counts) -> Floats:
    """Difference of the distribution functions between each number and the next."""
    before, after = np.cumsum(reference), np.cumsum(current)
    gaps: Floats = before[:-1] / before[-1] - after[:-1] / after[-1]
    return gaps
