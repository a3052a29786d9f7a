"""Tests of whether two samples of numbers come from one distribution, by ranks, as Evidently 0.7.23 calls them.

Each takes the rows of both sides per distinct number, in ascending order of the numbers, and returns
``(statistic, p)``. Ranks do not depend on the numbers themselves. Equal numbers share their middle rank.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from audits.metrics.drift.distributions import Counts, Floats

#: Scholz and Stephens tabulate the distribution between these p-values; beyond them theirs is the next one.
LARGEST_ANDERSON_P = 0.25
_ANDERSON_P = np.array([LARGEST_ANDERSON_P, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001])
#: Upper percentage points of the standardised statistic of two samples (their table 2, b0 + b1 + b2).
_ANDERSON_POINTS = np.array([0.325, 1.226, 1.961, 2.718, 3.752, 4.592, 6.546])
_ANDERSON_FIT = np.polyfit(_ANDERSON_POINTS, np.log(_ANDERSON_P), 2)

#: Up to so many rows a side the Cramer-von Mises p-value is exact; on the smaller side, Mann and Whitney's (SciPy).
EXACT_CRAMER_ROWS, EXACT_MANN_WHITNEY_ROWS = 20, 8
#: Terms of a series below this are left out (SciPy's rule).
_SMALLEST_TERM = 1e-7


def anderson_darling(reference: Counts, current: Counts) -> tuple[float, float]:
    """Anderson-Darling test of two samples: differences of the distribution functions, weighted up in the tails.

    The standardised midrank statistic (Scholz and Stephens 1987, J. Am. Stat. Assoc. 82, 918-924, equation 7) and its
    p-value by interpolation of their table, between .001 and .25 (``scipy.stats.anderson_ksamp``).

    Raises
    ------
    ValueError
        When both sides together have fewer than four rows.
    """
    m, n = int(reference.sum()), int(current.sum())
    if m + n < 4:
        raise ValueError("anderson needs at least four rows on both sides together")
    if len(reference) < 2:
        return 0.0, LARGEST_ANDERSON_P
    statistic = (_anderson(reference, current) - 1) / math.sqrt(_anderson_variance(m, n))
    return statistic, _anderson_p(statistic)


def _anderson(reference: Counts, current: Counts) -> float:
    pooled = (reference + current).astype(np.float64)
    rows, below = pooled.sum(), _middle_ranks(pooled)
    weight = pooled / rows / (below * (rows - below) - rows * pooled / 4)
    return float(
        (rows - 1)
        / rows
        * sum(
            weight @ (rows * _middle_ranks(side) - below * side.sum()) ** 2 / side.sum()
            for side in (reference, current)
        )
    )


def _anderson_variance(m: int, n: int) -> float:
    """Variance of the statistic of two samples, their equation 4 with k = 2.

    Their double sum ``g`` is ``H2(N) - (2 H(N) - 1 / N) / N`` in harmonic numbers of first and second order.
    """
    rows = float(m + n)
    inverse = 1 / m + 1 / n
    h = float(special.digamma(rows)) + np.euler_gamma
    squares = math.pi**2 / 6 - float(special.polygamma(1, rows + 1))
    g = squares - (2 * h + 1 / rows) / rows
    a = 4 * g - 6 + (10 - 6 * g) * inverse
    b = 4 * (2 * g - 4) + 8 * h + (2 * g - 14 * h - 4) * inverse + 4 * g - 6
    c = 4 * (6 * h + 2 * g - 2) + 2 * (4 * h - 4 * g + 6) + (2 * h - 6) * inverse + 4 * h
    d = 4 * (2 * h + 6) - 8 * h
    return (((a * rows + b) * rows + c) * rows + d) / ((rows - 1) * (rows - 2) * (rows - 3))


def _anderson_p(statistic: float) -> float:
    if statistic < _ANDERSON_POINTS[0]:
        return LARGEST_ANDERSON_P
    if statistic > _ANDERSON_POINTS[-1]:
        return float(_ANDERSON_P[-1])
    return float(np.exp(np.polyval(_ANDERSON_FIT, statistic)))


def cramer_von_mises(reference: Counts, current: Counts) -> tuple[float, float]:
    """Cramer-von Mises test of two samples: the mean squared difference of the distribution functions.

    Statistic T of Anderson 1962, Ann. Math. Statist. 33, 1148-1159. Up to 20 rows a side the p-value is exact
    (``scipy.stats.cramervonmises_2samp``), beyond that from the limiting distribution.

    Equal numbers raise the statistic even without drift, the more the less equal the sides' sizes are: heed it for
    numbers without ties only.

    Raises
    ------
    ValueError
        When a side has fewer than two rows.
    """
    m, n = int(reference.sum()), int(current.sum())
    if min(m, n) < 2:
        raise ValueError("cramer_von_mises needs at least two rows on each side")
    if max(m, n) <= EXACT_CRAMER_ROWS:
        from scipy.stats import cramervonmises_2samp  # the package takes most of a second to load

        result = cramervonmises_2samp(_ranked(reference), _ranked(current), method="exact")
        return float(result.statistic), float(result.pvalue)
    rows = float(m + n)
    u = m * _squared_gaps(reference, current) + n * _squared_gaps(current, reference)
    statistic = u / (m * n * rows) - (4 * m * n - 1) / (6 * rows)
    expected = (1 + 1 / rows) / 6
    variance = (rows + 1) * (4 * m * n * rows - 3 * (m**2 + n**2) - 2 * m * n) / (180 * rows**2 * m * n)
    return statistic, _cramer_p(1 / 6 + (statistic - expected) / math.sqrt(45 * variance))


def _squared_gaps(side: Counts, other: Counts) -> float:
    """Sum over the side's rows of (rank among both sides - rank within the side) squared."""
    rows = side.astype(np.float64)
    return float(rows @ _middle_ranks(other) ** 2 + (rows * (rows**2 - 1)).sum() / 12)


def _cramer_p(statistic: float) -> float:
    """Survival function of the limiting distribution (Csorgo and Faraway 1996, J. R. Statist. Soc. B 58, 221-234, 1.2)."""
    if statistic < 0.003:
        return 1.0
    total, term, k = 0.0, 1.0, 0
    while abs(term) >= _SMALLEST_TERM:
        y = 4 * k + 1
        q = y * y / (16 * statistic)
        ratio = math.exp(special.gammaln(k + 0.5) - special.gammaln(k + 1))
        term = float(
            ratio / (math.pi**1.5 * math.sqrt(statistic)) * math.sqrt(y) * math.exp(-q) * special.kv(0.25, q)
        )
        total, k = total + term, k + 1
    return max(0.0, 1 - total)


def mann_whitney(reference: Counts, current: Counts) -> tuple[float, float]:
    """One-sided Mann-Whitney U test: small when the current numbers are larger (``alternative="less"``, Evidently's).

    A fall is not seen. Exact when the smaller side has at most 8 rows and no number occurs twice, else the normal
    approximation with corrections for ties and continuity (``scipy.stats.mannwhitneyu``). The statistic is U of the
    reference.
    """
    m, n = int(reference.sum()), int(current.sum())
    pooled = (reference + current).astype(np.float64)
    if min(m, n) <= EXACT_MANN_WHITNEY_ROWS and pooled.max() == 1:
        from scipy.stats import mannwhitneyu

        result = mannwhitneyu(_ranked(reference), _ranked(current), alternative="less", method="exact")
        return float(result.statistic), float(result.pvalue)
    larger = float(current @ _middle_ranks(reference))
    rows = float(m + n)
    variance = m * n / 12 * (rows + 1 - float((pooled**3 - pooled).sum()) / (rows * (rows - 1)))
    if variance <= 0:
        return float(m) * n - larger, 1.0
    z = (larger - m * n / 2 - 0.5) / math.sqrt(variance)
    return float(m) * n - larger, float(special.ndtr(-z))


def _middle_ranks(counts: Counts | Floats) -> Floats:
    """Rows below each number, and half of those at it."""
    return np.cumsum(counts, dtype=np.float64) - counts / 2


def _ranked(counts: Counts) -> Floats:
    """Rows again, each with the place of its number: enough for a test by ranks."""
    return np.repeat(np.arange(float(len(counts))), counts)
