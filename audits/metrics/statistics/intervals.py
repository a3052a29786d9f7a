"""Confidence intervals of rates, of their differences and ratios, of means, and of ratios of sums by bootstrap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

from audits.metrics.statistics.proportion_tests import satterthwaite

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Numbers = npt.ArrayLike
Interval = tuple[Floats, Floats]

#: Resampled units beyond this many are first put together at random into this many blocks.
BLOCKS = 2000
REPLICATES = 2000


def normal_quantile(level: float) -> float:
    """Half-width of a two-sided normal interval in standard errors: 1.96 at level .95."""
    return float(ndtri(0.5 + level / 2))


def wilson(k: Numbers, n: Numbers, level: float = 0.95) -> Interval:
    """Wilson's score interval of a rate ``k / n``.

    ``(k + z^2/2 -+ z sqrt(k (n - k) / n + z^2/4)) / (n + z^2)``. Source: Wilson 1927, J. Am. Stat. Assoc. 22, 209-212;
    recommended at all n by Brown, Cai and DasGupta 2001.

    Returns
    -------
    tuple of arrays
        Lower and upper limit, within [0, 1]; NaN where ``n`` is 0.

    Examples
    --------
    >>> [round(float(limit), 4) for limit in wilson(81, 263)]
    [0.2553, 0.3662]
    """
    k, n = np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64)
    z = normal_quantile(level)
    with np.errstate(divide="ignore", invalid="ignore"):
        half = z * np.sqrt(k * (n - k) / n + z * z / 4)
        low = np.where(k == 0, 0.0, (k + z * z / 2 - half) / (n + z * z))
        high = np.where(k == n, 1.0, (k + z * z / 2 + half) / (n + z * z))
    empty = n <= 0
    return np.where(empty, np.nan, low), np.where(empty, np.nan, high)


def newcombe(k1: Numbers, n1: Numbers, k0: Numbers, n0: Numbers, level: float = 0.95) -> Interval:
    """Newcombe's hybrid score interval of the difference ``k1/n1 - k0/n0`` of two independent rates.

    Combines the two Wilson intervals by squares. Source: Newcombe 1998, Statist. Med. 17, 873-890, method 10.

    Examples
    --------
    >>> [round(float(limit), 4) for limit in newcombe(56, 70, 48, 80)]
    [0.0524, 0.3339]
    """
    (low1, high1), (low0, high0) = wilson(k1, n1, level), wilson(k0, n0, level)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate1 = np.asarray(k1, dtype=np.float64) / np.asarray(n1, dtype=np.float64)
        rate0 = np.asarray(k0, dtype=np.float64) / np.asarray(n0, dtype=np.float64)
    difference = rate1 - rate0
    low = difference - np.sqrt((rate1 - low1) ** 2 + (high0 - rate0) ** 2)
    high = difference + np.sqrt((high1 - rate1) ** 2 + (rate0 - low0) ** 2)
    return np.asarray(low), np.asarray(high)


def koopman(k1: Numbers, n1: Numbers, k0: Numbers, n0: Numbers, level: float = 0.95) -> Interval:
    """Score interval of the ratio ``(k1/n1) / (k0/n0)`` of two independent rates.

    The ratios that a score test does not reject, found by bisection; at ratio 1 that test is the pooled z-test, so the
    interval leaves out 1 exactly when the z-test is significant. Source: Koopman 1984, Biometrics 40, 513-517;
    closed-form constrained estimate of Miettinen and Nurminen 1985, Statist. Med. 4, 213-226.

    Returns
    -------
    tuple of arrays
        0 as the lower limit where ``k1`` is 0, infinity as the upper where ``k0`` is 0; NaN where both are.

    Examples
    --------
    >>> [round(float(limit), 2) for limit in koopman(36, 40, 16, 80)]
    [2.94, 7.15]
    """
    k1, n1, k0, n0 = np.broadcast_arrays(*(np.asarray(a, dtype=np.float64) for a in (k1, n1, k0, n0)))
    z = normal_quantile(level)
    low = np.where(k1 > 0, _ratio_at(z, k1, n1, k0, n0), 0.0)
    high = np.where(k0 > 0, _ratio_at(-z, k1, n1, k0, n0), np.inf)
    undefined = ((k1 == 0) & (k0 == 0)) | (n1 <= 0) | (n0 <= 0)
    return np.where(undefined, np.nan, low), np.where(undefined, np.nan, high)


def _ratio_at(target: float, k1: Floats, n1: Floats, k0: Floats, n0: Floats) -> Floats:
    """The ratio at which the score statistic, which falls as the ratio grows, equals ``target``."""
    low, high = np.full(k1.shape, -40.0), np.full(k1.shape, 40.0)
    for _ in range(64):
        middle = (low + high) / 2
        above = _score(np.exp(middle), k1, n1, k0, n0) > target
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.exp((low + high) / 2)


def _score(ratio: Floats, k1: Floats, n1: Floats, k0: Floats, n0: Floats) -> Floats:
    a = ratio * (n1 + n0)
    b = ratio * (n1 + k0) + k1 + n0
    c = k1 + k0
    with np.errstate(divide="ignore", invalid="ignore"):
        rate0 = 2 * c / (b + np.sqrt(np.maximum(b * b - 4 * a * c, 0)))
        rate1 = np.minimum(ratio * rate0, 1)
        variance = rate1 * (1 - rate1) / n1 + ratio**2 * rate0 * np.maximum(1 - rate0, 0) / n0
        gap = k1 / n1 - ratio * k0 / n0
        score = gap / np.sqrt(variance)
    return np.where(gap == 0, 0.0, score)


def mean_interval(mean: Numbers, variance: Numbers, n: Numbers, level: float = 0.95) -> Interval:
    """Student's interval of a mean, ``mean -+ t(n - 1) sqrt(variance / n)``; NaN with fewer than two rows."""
    mean, variance, n = (np.asarray(a, dtype=np.float64) for a in (mean, variance, n))
    with np.errstate(divide="ignore", invalid="ignore"):
        half = stdtrit(np.maximum(n - 1, 1), 0.5 + level / 2) * np.sqrt(variance / n)
    half = np.where(n > 1, half, np.nan)
    return np.asarray(mean - half), np.asarray(mean + half)


def welch_interval(
    mean1: Numbers,
    var1: Numbers,
    n1: Numbers,
    mean0: Numbers,
    var0: Numbers,
    n0: Numbers,
    level: float = 0.95,
) -> Interval:
    """Interval of the difference of two means with unequal variances (Welch 1947); NaN with fewer than two rows a side."""
    mean1, var1, n1, mean0, var0, n0 = (
        np.asarray(a, dtype=np.float64) for a in (mean1, var1, n1, mean0, var0, n0)
    )
    freedom = satterthwaite(var1, n1, var0, n0)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(var1 / n1 + var0 / n0)
        half = stdtrit(np.where(freedom > 0, freedom, 1), 0.5 + level / 2) * error
    half = np.where((n1 > 1) & (n0 > 1), half, np.nan)
    return np.asarray(mean1 - mean0 - half), np.asarray(mean1 - mean0 + half)


def mean_ratio_interval(
    mean1: Numbers,
    var1: Numbers,
    n1: Numbers,
    mean0: Numbers,
    var0: Numbers,
    n0: Numbers,
    level: float = 0.95,
) -> Interval:
    """Interval of the ratio of two positive means on the log scale; NaN where a mean is not positive.

    ``var(ln ratio) = v1 / (n1 m1^2) + v0 / (n0 m0^2)`` by the delta method. Source: Hedges, Gurevitch and Curtis 1999,
    "The meta-analysis of response ratios in experimental ecology", Ecology 80, 1150-1156.
    """
    mean1, var1, n1, mean0, var0, n0 = (
        np.asarray(a, dtype=np.float64) for a in (mean1, var1, n1, mean0, var0, n0)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        log_ratio = np.log(np.where((mean1 > 0) & (mean0 > 0), mean1 / mean0, np.nan))
        error = np.sqrt(var1 / (n1 * mean1**2) + var0 / (n0 * mean0**2))
    z = normal_quantile(level)
    return np.exp(log_ratio - z * error), np.exp(log_ratio + z * error)


@dataclass(frozen=True, slots=True)
class ClusterBootstrap:
    """Resampling weights of independent units (customers, stores, sellers, or rows), drawn once for all statistics.

    Units are drawn with replacement, so each replicate's weights are multinomial (Efron and Tibshirani 1993, chapter 8;
    clusters: Cameron, Gelbach and Miller 2008, Rev. Econ. Stat. 90, 414-427). Beyond ``BLOCKS`` units these are first
    put at random into ``BLOCKS`` blocks, which keeps the variance of sums and bounds the cost.

    ``block`` is each row's block, ``weights`` how often each replicate draws each block, shape (replicates, blocks).
    """

    block: Ints
    weights: Floats

    @classmethod
    def draw(cls, unit: Ints, seed: int, replicates: int = REPLICATES) -> ClusterBootstrap:
        """Draw weights for rows whose independent unit is ``unit`` (codes from 0 without gaps)."""
        rng = np.random.default_rng(seed)
        units = int(unit.max()) + 1
        blocks = min(units, BLOCKS)
        block = unit if units <= BLOCKS else (rng.permutation(units) % BLOCKS)[unit]
        return cls(block.astype(np.int64), drawn_weights(blocks, rng, replicates))

    def sums(
        self, rows: npt.NDArray[np.bool_], codes: Ints, groups: int, values: Mapping[str, Floats]
    ) -> dict[str, Floats]:
        """Replicates of group sums, shape (replicates, groups), of each array of ``values``.

        ``rows`` selects the rows that take part; ``codes`` and ``values`` have one entry per selected row.
        """
        blocks = self.weights.shape[1]
        at = self.block[rows] * groups + codes
        size = blocks * groups
        return {
            name: self.weights @ np.bincount(at, weights=array, minlength=size).reshape(blocks, groups)
            for name, array in values.items()
        }


def drawn_weights(units: int, rng: np.random.Generator, replicates: int = REPLICATES) -> Floats:
    """How often each replicate draws each unit with replacement, shape (replicates, units)."""
    drawn = rng.integers(units, size=(replicates, units)) + units * np.arange(replicates)[:, None]
    weights = np.bincount(drawn.ravel(), minlength=replicates * units).reshape(replicates, units)
    return weights.astype(np.float64)


def percentile_interval(replicates: Floats, level: float = 0.95) -> Interval:
    """Percentile interval per column; NaN where a replicate is undefined."""
    tail = (1 - level) / 2
    with np.errstate(invalid="ignore"):
        low, high = np.quantile(replicates, (tail, 1 - tail), axis=0)
    return low, high
