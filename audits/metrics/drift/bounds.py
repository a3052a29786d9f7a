"""Bounds of what chance alone can do to the effect of drift: on many rows they spare the draws of ``drift_null``.

Both bound the second moment of the effect T* of shuffled rows, ``E T*^2 <= noise^2``, so that by Markov's inequality
``P(T* >= t) <= noise^2 / t^2``. They hold for any numbers of rows and any distribution; on few rows they say nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import rel_entr

from audits.metrics.drift.distributions import Counts, Floats
from audits.metrics.drift.effects import ROUNDING, tail_rows

#: A shuffled reference's variance may fall short of the pooled rows' by the shares of both steps of ``_variance``.
_SHORT = 0.1


@dataclass(frozen=True, slots=True)
class ChanceBound:
    """``P(T* >= t) <= rest + noise^2 / t^2`` for the effect T* of shuffled rows."""

    noise: float
    rest: float

    def p(self, effect: float) -> float:
        """No less than the p-value of this effect."""
        return min(1.0, self.rest + (self.noise / effect) ** 2) if effect > 0 else 1.0

    def critical(self, level: float) -> float:
        """Shuffled rows exceed this effect with at most this probability."""
        return self.noise / math.sqrt(level - self.rest) if level > self.rest else math.inf


def jensen_shannon_bound(reference: Counts, current: Counts) -> ChanceBound:
    """Bound the Jensen-Shannon distance of shuffled rows.

    ``JS^2 <= (ln 2 / 2) sum_i (p_i - q_i)^2 / (p_i + q_i)`` (Topsoe 2000, IEEE Trans. Inf. Theory 46, 1602-1609), and
    with the pooled share ``h_i`` of category i in N rows, n of them on the smaller side, its expectation is at most
    ``min(2 h_i, N (1 - h_i) / ((N - 1) n))``: the hypergeometric variance over the least possible ``p_i + q_i``.
    """
    pooled = reference + current
    rows, smaller = int(pooled.sum()), int(min(reference.sum(), current.sum()))
    shares = pooled / rows
    expected = np.minimum(2 * shares, rows * (1 - shares) / ((rows - 1) * smaller))
    return ChanceBound(math.sqrt(math.log(2) / 2 * float(expected.sum())), 0.0)


def clipped_wasserstein_bound(values: Floats, reference: Counts, current: Counts) -> ChanceBound | None:
    """Bound the Wasserstein distance of winsorised numbers for shuffled rows; None when nothing can be said.

    But for probability ``rest``, the shuffled reference's percentiles lie between fixed numbers (Chernoff's bound,
    which holds for draws without replacement: Hoeffding 1963, J. Am. Stat. Assoc. 58, 13-30, theorem 4), so the
    numbers are clipped neither beyond ``outer`` nor within ``inner``; and its variance is at least four fifths of the
    pooled variance within ``inner`` (inequalities of Cantelli and Chebyshev). The distance itself is then at most
    ``integral over outer of |F* - G*|``, whose root mean square is at most the integral of the hypergeometric
    standard deviations (Minkowski's inequality).
    """
    pooled = reference + current
    m, n, rows = int(reference.sum()), int(current.sum()), int(pooled.sum())
    low, high = _percentile(pooled, m), _percentile(pooled[::-1], m)
    low_outer, low_inner = values[low.outer], values[low.inner]
    high_outer, high_inner = values[::-1][high.outer], values[::-1][high.inner]
    with np.errstate(over="ignore", invalid="ignore"):
        outer = np.clip(values, 2 * low_outer - high_outer, 2 * high_outer - low_outer)
        inner = np.clip(values, 2 * low_inner - high_inner, 2 * high_inner - low_inner)
        variance, missed = _variance(inner, pooled / rows, m, n)  # 0 when both inner percentiles meet
        if not math.sqrt(variance) > ROUNDING * float(np.abs(outer).max()):
            return None
        below = np.cumsum(pooled)[:-1] / rows
        noise = float(np.diff(outer) @ np.sqrt(below * (1 - below))) * rows / math.sqrt(m * n * (rows - 1.0))
    return ChanceBound(noise / math.sqrt(variance), low.missed + high.missed + missed)


@dataclass(frozen=True, slots=True)
class _Percentile:
    """Positions between which a percentile of the shuffled reference lies, but for probability ``missed``."""

    outer: int
    inner: int
    missed: float


def _percentile(pooled: Counts, m: int) -> _Percentile:
    """The first percentile, counted from the start of ``pooled``: beyond it lie ``tail_rows(m)`` reference rows."""
    left_out, rows = tail_rows(m), int(pooled.sum())
    below = np.cumsum(pooled)
    outer = int(np.searchsorted(below, left_out / m / 2 * rows, side="right"))
    inner = int(np.searchsorted(below, min(1.0, 2 * left_out / m) * rows))
    before = float(below[outer] - pooled[outer]) / rows
    up_to = float(below[inner]) / rows
    missed = _chernoff((left_out + 1) / m, before, m) + _chernoff(left_out / m, up_to, m)
    return _Percentile(outer, inner, missed)


def _chernoff(share: float, expected: float, m: int) -> float:
    """Most probability that a drawn share of m rows is as far from the expected share as ``share``."""
    return math.exp(-m * float(rel_entr(share, expected) + rel_entr(1 - share, 1 - expected)))


def _variance(numbers: Floats, shares: Floats, m: int, n: int) -> tuple[float, float]:
    """A variance that m rows, drawn without replacement, reach but for the probability that is returned with it."""
    centre = float(shares @ numbers)
    squares = (numbers - centre) ** 2
    variance = float(shares @ squares)
    if not variance > 0:
        return 0.0, 0.0
    per_row = n / (m * (m + n - 1.0))  # variance of a mean of m rows, in variances of a row
    spread = float(shares @ (squares / variance - 1) ** 2) * per_row
    missed = spread / (spread + _SHORT**2) + per_row / _SHORT
    return (1 - 2 * _SHORT) * variance, missed
