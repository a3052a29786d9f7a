"""Counts of categories against declared shares: exact and large-sample tests, intervals and distances."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, chdtrc, gammaln, xlogy

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

#: Up to so many possible outcomes all of them are looked at: 200 rows in 4 categories have 1,373,701.
MOST_OUTCOMES = 2_000_000
#: Below this many rows expected in a category chance is simulated; from here on the chi-square limit serves.
LARGE_EXPECTED = 10.0
DRAWS = 9_999
_DRAWS_AT_ONCE = 1_000
#: Outcomes as likely as the observed one count towards p in spite of rounding; R's exact tests use the same slack.
_TIE = 1e-7


@dataclass(frozen=True, slots=True)
class Fit:
    """How counts agree with declared shares. ``test``: ``exact-multinomial``, ``monte-carlo-g`` or ``g``."""

    statistic: float
    p: float
    test: str


def goodness_of_fit(counts: npt.ArrayLike, shares: npt.ArrayLike, seed: int = 0) -> Fit:
    """Test whether counts were drawn with the given shares.

    The exact multinomial test where at most ``MOST_OUTCOMES`` outcomes are possible; else the G-test, its p simulated where
    fewer than ``LARGE_EXPECTED`` rows are expected in some category.

    Parameters
    ----------
    counts : array of int, shape (k,)
        Rows per category, k at least 2.
    shares : array, shape (k,)
        Declared shares, above 0, that add up to 1.
    seed : int
        Of the simulation.

    Returns
    -------
    Fit
        With the G statistic, whatever the test.
    """
    observed, expected_shares = np.asarray(counts, dtype=np.int64), np.asarray(shares, dtype=np.float64)
    n, k = int(observed.sum()), len(observed)
    statistic = g_statistic(observed, expected_shares)
    if math.comb(n + k - 1, k - 1) <= MOST_OUTCOMES:
        return Fit(statistic, exact_multinomial(observed, expected_shares), "exact-multinomial")
    if n * expected_shares.min() < LARGE_EXPECTED:
        return Fit(statistic, _simulated(statistic, n, expected_shares, seed), "monte-carlo-g")
    return Fit(statistic, float(chdtrc(k - 1, statistic)), "g")


def g_statistic(counts: npt.ArrayLike, shares: npt.ArrayLike) -> float:
    """``G = 2 sum O ln(O / E)``, likelihood ratio of the observed shares to the declared ones; 0 where they agree.

    Source: Wilks 1938, Ann. Math. Statist. 9, 60-62; Sokal and Rohlf, "Biometry", chapter 17.

    Examples
    --------
    >>> round(g_statistic([1752, 1895], [0.5, 0.5]), 2)
    5.61
    """
    observed, expected_shares = np.asarray(counts, dtype=np.float64), np.asarray(shares, dtype=np.float64)
    return max(0.0, float(_g(observed[np.newaxis], expected_shares)[0]))


def exact_multinomial(counts: npt.ArrayLike, shares: npt.ArrayLike) -> float:
    """p of the exact multinomial test: the probability of all outcomes no likelier than the observed one.

    Source: Cressie and Read 1988, "Goodness-of-Fit Statistics for Discrete Multivariate Data"; as in R's packages EMT and
    XNomial. With two categories it is the exact binomial test.

    Examples
    --------
    >>> round(exact_multinomial([5, 2, 1], [0.25, 0.5, 0.25]), 4)
    0.0767
    """
    observed, expected_shares = np.asarray(counts, dtype=np.int64), np.asarray(shares, dtype=np.float64)
    left, logs = np.array([observed.sum()]), np.array([float(gammaln(observed.sum() + 1))])
    own = logs[0] + float((xlogy(observed, expected_shares) - gammaln(observed + 1)).sum())
    for share in expected_shares[:-1]:
        each = left + 1
        taken = np.arange(each.sum()) - np.repeat(np.cumsum(each) - each, each)
        logs = np.repeat(logs, each) + xlogy(taken, share) - gammaln(taken + 1)
        left = np.repeat(left, each) - taken
    logs = logs + xlogy(left, expected_shares[-1]) - gammaln(left + 1)
    return float(min(1.0, np.exp(logs[logs <= own + _TIE]).sum()))


def _simulated(statistic: float, n: int, shares: Floats, seed: int) -> float:
    """How often ``DRAWS`` samples from the shares have a G at least as large, the observed one counted among them."""
    rng = np.random.default_rng(seed)
    as_large = 1
    for start in range(0, DRAWS, _DRAWS_AT_ONCE):
        drawn = rng.multinomial(n, shares / shares.sum(), size=min(_DRAWS_AT_ONCE, DRAWS - start))
        as_large += int(np.count_nonzero(_g(drawn.astype(np.float64), shares) >= statistic * (1 - _TIE)))
    return as_large / (1 + DRAWS)


def _g(counts: Floats, shares: Floats) -> Floats:
    expected = counts.sum(axis=1, keepdims=True) * shares
    return np.asarray(2 * xlogy(counts, counts / np.maximum(expected, np.finfo(np.float64).tiny)).sum(axis=1))


def exact_binomial(k: int, n: int, share: float) -> float:
    """Two-sided p of ``k`` of ``n`` against a declared share: all counts no likelier than the observed one.

    Source: Clopper and Pearson 1934, Biometrika 26, 404-413; two-sided as R's ``binom.test`` and SciPy's ``binomtest``.

    Examples
    --------
    >>> round(exact_binomial(682, 925, 0.75), 4)
    0.3825
    """
    from scipy.stats import binomtest  # the package takes half a second to load

    return float(binomtest(k, n, share).pvalue)


def clopper_pearson(k: npt.ArrayLike, n: npt.ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """Exact interval of a share ``k / n``: covers the true one in at least ``level`` of samples.

    Beta quantiles ``(tail; k, n - k + 1)`` and ``(1 - tail; k + 1, n - k)``. Source: Clopper and Pearson 1934.

    Returns
    -------
    tuple of arrays
        Within [0, 1]; NaN where ``n`` is 0.

    Examples
    --------
    >>> [round(float(limit), 4) for limit in clopper_pearson(682, 925)]
    [0.7077, 0.7654]
    """
    k, n = np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64)
    tail = (1 - level) / 2
    low = np.where(k > 0, betaincinv(np.maximum(k, 1), np.maximum(n - k, 0) + 1, tail), 0.0)
    high = np.where(k < n, betaincinv(k + 1, np.maximum(n - k, 1), 1 - tail), 1.0)
    return np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)


def total_variation(counts: npt.ArrayLike, shares: npt.ArrayLike) -> float:
    """``1/2 sum |o - p|``: the share of rows that would have to change category; 0 to 1."""
    return float(np.abs(_observed_shares(counts) - np.asarray(shares, dtype=np.float64)).sum() / 2)


def kullback_leibler(counts: npt.ArrayLike, shares: npt.ArrayLike) -> float:
    """``sum o ln(o / p)`` of the observed shares ``o`` from the declared ones, in nats; from 0, equal to ``G / 2n``.

    Source: Kullback and Leibler 1951, Ann. Math. Statist. 22, 79-86.
    """
    observed = _observed_shares(counts)
    return max(0.0, float(xlogy(observed, observed / np.asarray(shares, dtype=np.float64)).sum()))


def _observed_shares(counts: npt.ArrayLike) -> Floats:
    observed = np.asarray(counts, dtype=np.float64)
    return np.asarray(observed / observed.sum())


def rogan_gladen(share: npt.ArrayLike, sensitivity: float, specificity: float) -> Floats:
    """The share of a group that a fallible classifier saw, corrected for its known errors.

    ``(share + specificity - 1) / (sensitivity + specificity - 1)``, kept within [0, 1].
    Source: Rogan and Gladen 1978, "Estimating prevalence from the results of a screening test", Am. J. Epidemiol. 107, 71-76.

    Parameters
    ----------
    sensitivity, specificity : float
        Of the classifier that labelled: how often it sees the group where it is, and no group where it is not.

    Raises
    ------
    ValueError
        When both together are not above 1: such a classifier tells nothing.

    Examples
    --------
    >>> round(float(rogan_gladen(0.2, 0.9, 0.95)), 4)
    0.1765
    """
    if not sensitivity + specificity > 1:
        raise ValueError("sensitivity and specificity together must be above 1")
    corrected = (np.asarray(share, dtype=np.float64) + specificity - 1) / (sensitivity + specificity - 1)
    return np.asarray(np.clip(corrected, 0.0, 1.0))
