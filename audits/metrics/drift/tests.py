"""Tests of whether two samples come from one distribution, defined as Evidently 0.7.23 defines them.

Each returns ``(statistic, p)``; a small ``p`` says that the distributions differ.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
from scipy import special

from audits.metrics.drift.distances import total_variation
from audits.metrics.drift.distributions import (
    CategoricalDistribution,
    Counts,
    Distribution,
    Floats,
    NumericDistribution,
)
from audits.metrics.drift.permutations import permuted_batches

#: Up to so many rows on the larger side the Kolmogorov-Smirnov p-value is exact (SciPy's rule).
EXACT_ROWS = 10_000
#: From so many rows on the asymptotic p-value is expanded, and where its argument is beyond ``_FAR`` its first term serves.
LEAST_ROWS_TO_EXPAND, _FAR = 20_000, 18.0
#: Where Epps and Singleton compare the characteristic functions, in half interquartile ranges.
_ES_POINTS = np.array([0.4, 0.8])
#: Sides with fewer rows get the small-sample correction.
_ES_SMALL = 25
_TVD_DRAWS = 999
_TIE = 1e-9


def kolmogorov_smirnov(reference: Distribution, current: Distribution) -> tuple[float, float]:
    """Largest gap between the two distribution functions, and its two-sided p-value (``scipy.stats.ks_2samp``).

    Exact up to 10,000 rows on the larger side; beyond that the asymptotic distribution at ``m n / (m + n)``. Numbers
    that are kept in bins only are taken to be spread evenly in each bin, so the gap is off by less than a bin's share.

    Raises
    ------
    TypeError
        When a side is categorical.
    """
    if isinstance(reference, CategoricalDistribution) or isinstance(current, CategoricalDistribution):
        raise TypeError("the Kolmogorov-Smirnov test needs numbers")
    from scipy.stats import ks_2samp  # the package takes most of a second to load

    larger, smaller = max(reference.n, current.n), min(reference.n, current.n)
    if larger <= EXACT_ROWS:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", RuntimeWarning
            )  # "exact calculation unsuccessful": it falls back itself
            result = ks_2samp(*_rows(reference, current))
        return float(result.statistic), float(result.pvalue)
    statistic = _largest_gap(reference, current)
    p = _gap_p_value(statistic, round(float(larger) * smaller / (larger + smaller)))
    return statistic, min(1.0, max(0.0, p))


def _gap_p_value(gap: float, n: int) -> float:
    """Two-sided p-value of Kolmogorov's statistic at ``n`` rows.

    On many rows SciPy adds up as many terms as there are rows; from 20,000 on it is the expansion of Pelz and Good 1976
    (J. R. Statist. Soc. B 38, 152-156), and where p is below 1e-15 its leading term.
    """
    from scipy.stats import kstwo  # the package takes most of a second to load

    if n < LEAST_ROWS_TO_EXPAND or not 0 < gap < 1:
        return float(kstwo.sf(gap, n))
    if n * gap**2 > _FAR:
        return 2 * math.exp(-((6 * n * gap + 1) ** 2) / (18 * n))
    return 1 - _pelz_good(math.sqrt(n) * gap, n)


def _pelz_good(z: float, n: int) -> float:
    """Kolmogorov's distribution function at ``z = sqrt(n) D``, to terms of the order ``n**-1.5``."""
    terms = np.arange(1, 40)
    q, r = (math.pi * (terms - 0.5)) ** 2, (math.pi * terms) ** 2
    e, f, c = np.exp(-q / (2 * z**2)), np.exp(-r / (2 * z**2)), math.sqrt(2 * math.pi)
    second = (6 * z**6 + 2 * z**4 + (2 * z**4 - 5 * z**2) * q + (1 - 2 * z**2) * q**2) * e
    third = (
        -30 * z**6
        - 90 * z**8
        + (135 * z**4 - 96 * z**6) * q
        + (212 * z**4 - 60 * z**2) * q**2
        + (5 - 30 * z**2) * q**3
    ) * e
    orders = (
        c / z * e.sum(),
        c / (6 * z**4) * ((q - z**2) * e).sum(),
        c / (72 * z**7) * second.sum() - c / (36 * z**3) * (r * f).sum(),
        c / (6480 * z**10) * third.sum() + c / (432 * z**6) * ((3 * z**2 * r - r**2) * f).sum(),
    )
    return float(sum(order / n ** (i / 2) for i, order in enumerate(orders)))


def chi_square(reference: Counts, current: Counts) -> tuple[float, float]:
    """Pearson's test of the current counts against the reference's shares, ``k - 1`` degrees of freedom.

    The reference is taken as the truth, not as a sample: expected counts are its counts scaled to the current rows.
    A category that the reference never had makes the statistic infinite and ``p`` 0.
    """
    expected = reference * (current.sum() / reference.sum())
    if (expected == 0).any():
        return math.inf, 0.0
    statistic = float(np.sum((current - expected) ** 2 / expected))
    return statistic, float(special.chdtrc(len(current) - 1, statistic)) if len(current) > 1 else 1.0


def two_proportions(reference: Counts, current: Counts) -> tuple[float, float]:
    """Two-sided z-test of one share on both sides, with pooled variance. At most two categories.

    Raises
    ------
    ValueError
        When there are more than two categories.
    """
    if len(reference) > 2:
        raise ValueError(f"the z-test compares two categories; here are {len(reference)}")
    if len(reference) < 2:
        return 0.0, 1.0
    n0, n1 = int(reference.sum()), int(current.sum())
    pooled = int(reference[0] + current[0]) / (n0 + n1)
    error = math.sqrt(pooled * (1 - pooled) * (1 / n0 + 1 / n1))
    statistic = (reference[0] / n0 - current[0] / n1) / error
    return float(statistic), float(2 * special.ndtr(-abs(statistic)))


def likelihood_ratio(reference: Counts, current: Counts) -> tuple[float, float]:
    """G-test of the current counts against the reference's shares: ``2 sum_i O_i ln(O_i / E_i)``, ``k - 1`` degrees.

    Expected counts as in ``chi_square``. Evidently's ``g_test`` does not scale them, and so fails unless both sides
    have equally many rows; then the two are equal.
    """
    expected = reference * (current.sum() / reference.sum())
    if (expected == 0).any():
        return math.inf, 0.0
    statistic = 2 * float(special.rel_entr(current, expected).sum())
    return statistic, float(special.chdtrc(len(current) - 1, statistic)) if len(current) > 1 else 1.0


def fisher_exact(reference: Counts, current: Counts) -> tuple[float, float]:
    """Fisher's exact two-sided test of one share on both sides; the statistic is the odds ratio.

    Evidently's ``fisher_exact`` accepts only sides with equally many rows; any numbers of rows are compared here.

    Raises
    ------
    ValueError
        When there are more than two categories.
    """
    if len(reference) > 2:
        raise ValueError(f"Fisher's exact test compares two categories; here are {len(reference)}")
    if len(reference) < 2:
        return 1.0, 1.0
    from scipy import stats

    result = stats.fisher_exact(np.vstack([current, reference]))
    return float(result.statistic), min(1.0, float(result.pvalue))


def total_variation_permuted(reference: Counts, current: Counts) -> tuple[float, float]:
    """Total variation distance, and its p-value by shuffling rows between the sides 999 times, always the same way.

    ``p = (1 + #{TV* >= TV}) / 1000``. Evidently's ``TVD`` shuffles the rows themselves, in their order, so its p-value
    cannot be had from counts; both estimate the same number, each with a standard error of ``sqrt(p (1 - p) / 1000)``.
    """
    value = total_variation(reference, current)
    as_far = 0
    for before, after in permuted_batches(reference, current, _TVD_DRAWS, np.random.default_rng(0)):
        shuffled = np.abs(before / reference.sum() - after / current.sum()).sum(axis=1) / 2
        as_far += int((shuffled >= value * (1 - _TIE)).sum())
    return value, (1 + as_far) / (_TVD_DRAWS + 1)


def student_t(reference: Distribution, current: Distribution) -> tuple[float, float]:
    """Two-sided t-test of equal means with pooled variance (Student 1908; ``scipy.stats.ttest_ind``).

    Raises
    ------
    ArithmeticError
        When the numbers exceed double precision.
    TypeError, ValueError
        When a side is categorical; when both sides together have fewer than three rows.
    """
    if isinstance(reference, CategoricalDistribution) or isinstance(current, CategoricalDistribution):
        raise TypeError("the t-test needs numbers")
    freedom = reference.n + current.n - 2
    if freedom < 1:
        raise ValueError("t_test needs at least three rows on both sides together")
    with np.errstate(over="raise", invalid="raise"):
        (mean0, squares0), (mean1, squares1) = _mean_and_squares(reference), _mean_and_squares(current)
        error = math.sqrt((squares0 + squares1) / freedom * (1 / reference.n + 1 / current.n))
    if error == 0:
        return (0.0, 1.0) if mean0 == mean1 else (math.copysign(math.inf, mean0 - mean1), 0.0)
    statistic = (mean0 - mean1) / error
    return statistic, float(2 * special.stdtr(freedom, -abs(statistic)))


def epps_singleton(reference: Distribution, current: Distribution) -> tuple[float, float]:
    """Test of equal characteristic functions at two points (Epps and Singleton 1986; ``scipy.stats``).

    The points are .4 and .8 half interquartile ranges of both sides together; the statistic is the squared distance of
    the means of cosines and sines there, in their covariance (Goerg and Kaiser 2009, Stata Journal 9, 454-465).

    Raises
    ------
    ArithmeticError
        When the numbers exceed double precision.
    TypeError, ValueError
        When a side is categorical; when a side has fewer than five rows, or the middle half of the rows is one number.
    """
    if isinstance(reference, CategoricalDistribution) or isinstance(current, CategoricalDistribution):
        raise TypeError("the Epps-Singleton test needs numbers")
    n0, n1 = reference.n, current.n
    if min(n0, n1) < 5:
        raise ValueError("es needs at least five rows on each side")
    with np.errstate(over="raise", invalid="raise"):
        half_range = _interquartile_range(reference, current) / 2
        if half_range == 0:
            raise ValueError("es needs an interquartile range above 0: use psi")
        (mean0, covariance0), (mean1, covariance1) = (
            _characteristic(side, _ES_POINTS / half_range) for side in (reference, current)
        )
    inverse = np.linalg.pinv((n0 + n1) * (covariance0 / n0 + covariance1 / n1))
    statistic = float((n0 + n1) * (mean0 - mean1) @ inverse @ (mean0 - mean1))
    if max(n0, n1) < _ES_SMALL:
        statistic /= 1 + (n0 + n1) ** -0.45 + 10.1 * (n0**-1.7 + n1**-1.7)
    return statistic, float(special.chdtrc(np.linalg.matrix_rank(inverse), statistic))


def _mean_and_squares(side: NumericDistribution) -> tuple[float, float]:
    """Mean, and the sum of squared differences from it."""
    mean = float(side.counts / side.n @ side.values)
    return mean, float(side.counts @ (side.values - mean) ** 2)


def _characteristic(side: NumericDistribution, points: Floats) -> tuple[Floats, Floats]:
    """Means of cosines and sines at the points, and their covariance matrix (population's)."""
    angles = points[:, np.newaxis] * side.values
    waves = np.vstack([np.cos(angles), np.sin(angles)])
    weights = side.counts / side.n
    mean = waves @ weights
    centred = waves - mean[:, np.newaxis]
    return mean, (centred * weights) @ centred.T


def _interquartile_range(reference: NumericDistribution, current: NumericDistribution) -> float:
    """Of both sides' rows together, with linear interpolation between rows (``scipy.stats.iqr``)."""
    values = np.concatenate([reference.values, current.values])
    order = np.argsort(values, kind="stable")
    below = np.cumsum(np.concatenate([reference.counts, current.counts])[order])
    places = np.array([0.25, 0.75]) * (below[-1] - 1)
    lower, upper = (
        values[order][np.searchsorted(below, rows, side="right")]
        for rows in (np.floor(places), np.ceil(places))
    )
    quartiles = lower + (upper - lower) * (places - np.floor(places))
    return float(quartiles[1] - quartiles[0])


def _rows(reference: NumericDistribution, current: NumericDistribution) -> tuple[Floats, Floats]:
    """Both sides' rows, in the order of their numbers; in bins, evenly spread."""
    if reference.lossless and current.lossless:
        return np.repeat(reference.values, reference.counts), np.repeat(current.values, current.counts)
    union = np.union1d(reference.values, current.values)
    return _spread_rows(reference, union), _spread_rows(current, union)


def _spread_rows(side: NumericDistribution, bins: Floats) -> Floats:
    """For each row the place of its bin, and its share of the way through the bin."""
    before = np.repeat(np.cumsum(side.counts) - side.counts, side.counts)
    way = (np.arange(side.n) - before + 0.5) / np.repeat(side.counts, side.counts)
    return np.repeat(np.searchsorted(bins, side.values), side.counts) + way


def _largest_gap(reference: NumericDistribution, current: NumericDistribution) -> float:
    union = np.union1d(reference.values, current.values)
    (rows0, below0), (rows1, below1) = (_counted(side, union) for side in (reference, current))
    share0, share1 = rows0 / reference.n, rows1 / current.n
    gap = below0 / reference.n - below1 / current.n
    largest = float(np.abs(gap).max())
    if reference.lossless and current.lossless:
        return largest
    # Within a bin the gap is widest at a row of the side that has few there: half the other's share per row away.
    first = np.divide(share1, 2 * rows0, out=np.zeros_like(share1), where=rows0 > 0)
    second = np.divide(share0, 2 * rows1, out=np.zeros_like(share0), where=rows1 > 0)
    before = gap - share0 + share1
    inside = np.maximum.reduce([gap + first, first - before, second - gap, before + second])
    return max(largest, float(inside.max()))


def _counted(side: NumericDistribution, at: Floats) -> tuple[Counts, Counts]:
    """Rows of each number, and up to it."""
    rows = np.zeros(len(at), dtype=np.int64)
    rows[np.searchsorted(at, side.values)] = side.counts
    return rows, np.cumsum(rows)
