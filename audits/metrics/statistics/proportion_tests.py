"""Two-sided tests of one group against another, from counts and moments."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, ndtr, stdtr

Floats = npt.NDArray[np.float64]
Numbers = npt.ArrayLike

#: Tables as likely as the observed one count towards p in spite of rounding; R's ``fisher.test`` uses the same slack.
_TIE = 1 + 1e-7


def expected_minimum(k1: Numbers, n1: Numbers, k0: Numbers, n0: Numbers) -> Floats:
    """Smallest of the four counts expected if both groups had one rate; 0 where a group is empty.

    A normal approximation is trusted from 5 upwards (Cochran 1954, "Some methods for strengthening the common
    chi-square tests", Biometrics 10, 417-451).
    """
    k1, n1, k0, n0 = (np.asarray(a, dtype=np.float64) for a in (k1, n1, k0, n0))
    total = n1 + n0
    pooled = np.divide(k1 + k0, total, out=np.zeros_like(total), where=total > 0)
    return np.asarray(np.minimum(n1, n0) * np.minimum(pooled, 1 - pooled))


def two_proportion_z(k1: Numbers, n1: Numbers, k0: Numbers, n0: Numbers) -> Floats:
    """p of the two-proportion z-test with pooled variance; its square is Pearson's chi-square of the 2x2 table.

    ``z = (k1/n1 - k0/n0) / sqrt(r (1 - r) (1/n1 + 1/n0))`` with ``r = (k1 + k0) / (n1 + n0)``, no continuity correction.
    Source: Fleiss, Levin and Paik 2003, "Statistical Methods for Rates and Proportions", section 3.2.

    Parameters
    ----------
    k1, n1, k0, n0 : array-like
        Events and rows of the group (1) and of its reference (0); broadcast together.

    Returns
    -------
    array
        Two-sided p; NaN where a side has no rows, 1 where nobody or everybody has the event.

    Examples
    --------
    >>> round(float(two_proportion_z(12, 40, 48, 80)), 5)
    0.00195
    """
    k1, n1, k0, n0 = (np.asarray(a, dtype=np.float64) for a in (k1, n1, k0, n0))
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = (k1 + k0) / (n1 + n0)
        spread = np.sqrt(rate * (1 - rate) * (1 / n1 + 1 / n0))
        z = np.where(spread > 0, (k1 / n1 - k0 / n0) / spread, 0.0)
    return np.asarray(np.where((n1 > 0) & (n0 > 0), 2 * ndtr(-np.abs(z)), np.nan))


def fisher_exact(k1: int, n1: int, k0: int, n0: int) -> float:
    """Two-sided p of Fisher's exact test: the probability of all tables no likelier than the observed one.

    The events among the group's ``n1`` rows are hypergeometric when all margins are fixed.
    Source: Fisher 1935; two-sided as in R's ``fisher.test`` and ``scipy.stats.fisher_exact``.

    Examples
    --------
    >>> round(fisher_exact(8, 10, 1, 6), 4)
    0.035
    """
    events = k1 + k0
    support = np.arange(max(0, events - n0), min(events, n1) + 1, dtype=np.float64)
    log_weight = _log_choose(n1, support) + _log_choose(n0, events - support)
    weight = np.exp(log_weight - log_weight.max())
    observed = weight[k1 - int(support[0])]
    return float(min(1.0, weight[weight <= observed * _TIE].sum() / weight.sum()))


def _log_choose(n: int, k: Floats) -> Floats:
    return np.asarray(gammaln(n + 1.0) - gammaln(k + 1) - gammaln(n - k + 1))


def student_p(difference: Numbers, error: Numbers, freedom: Numbers) -> Floats:
    """Two-sided p of ``difference / error`` under Student's t; 1 or 0 where the error is 0 and they agree or not."""
    difference, error, freedom = (np.asarray(a, dtype=np.float64) for a in (difference, error, freedom))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(error > 0, np.abs(difference) / error, np.where(difference == 0, 0.0, np.inf))
        p = 2 * stdtr(freedom, -t)
    return np.asarray(np.where(np.isfinite(difference) & np.isfinite(error) & (freedom > 0), p, np.nan))


def satterthwaite(var1: Numbers, n1: Numbers, var0: Numbers, n0: Numbers) -> Floats:
    """Degrees of freedom of a difference of two means with unequal variances; pooled ones where nothing varies.

    ``(a + b)^2 / (a^2 / (n1 - 1) + b^2 / (n0 - 1))`` with ``a = v1/n1``, ``b = v0/n0``.
    Source: Satterthwaite 1946, Biometrics Bulletin 2, 110-114.
    """
    var1, n1, var0, n0 = (np.asarray(a, dtype=np.float64) for a in (var1, n1, var0, n0))
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = var1 / n1, var0 / n0
        freedom = (a + b) ** 2 / (a**2 / (n1 - 1) + b**2 / (n0 - 1))
    return np.asarray(np.where(a + b > 0, freedom, n1 + n0 - 2))


def welch(mean1: Numbers, var1: Numbers, n1: Numbers, mean0: Numbers, var0: Numbers, n0: Numbers) -> Floats:
    """p of Welch's t-test of two means with unequal variances, from means, variances (n - 1) and sizes.

    ``t = (m1 - m0) / sqrt(v1/n1 + v0/n0)``, degrees of freedom by ``satterthwaite``.
    Source: Welch 1947, Biometrika 34, 28-35; equals ``scipy.stats.ttest_ind_from_stats(equal_var=False)``.

    Returns
    -------
    array
        Two-sided p; NaN where a side has fewer than two rows.
    """
    mean1, var1, n1, mean0, var0, n0 = (
        np.asarray(a, dtype=np.float64) for a in (mean1, var1, n1, mean0, var0, n0)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(var1 / n1 + var0 / n0)
    p = student_p(mean1 - mean0, error, satterthwaite(var1, n1, var0, n0))
    return np.asarray(np.where((n1 > 1) & (n0 > 1), p, np.nan))
