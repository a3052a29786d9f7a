"""Metrics that are functions of sums, with bootstrap intervals over the independent unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from audits.metrics.statistics.intervals import ClusterBootstrap, wilson

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
#: Maps sums, shape (m, columns), to a metric, shape (m,); NaN where it is undefined.
Statistic = Callable[[Floats], Floats]

REPLICATES = 1000
#: A metric may be undefined in some resamples (no positive prediction drawn); above this share there is no interval.
_MAX_UNDEFINED = 0.05


def _no_draws() -> Floats:
    return np.empty(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A metric with its 95 % interval, and the resampled values behind it (for comparing with another table).

    ``n`` counts rows, or users in rankings. ``value`` is ``None`` when it could not be computed; ``reason`` says why.
    """

    n: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    draws: Floats = field(default_factory=_no_draws)
    reason: str = ""

    def with_interval(self, low: float, high: float) -> Estimate:
        return replace(self, low=low, high=high)


def unit_codes(rows: int, clusters: Ints | None) -> Ints:
    """The independent unit of each row, from 0 without gaps: its cluster, or itself where that is ``None`` or -1."""
    if clusters is None:
        return np.arange(rows, dtype=np.int64)
    own = np.flatnonzero(clusters < 0)
    codes = clusters.copy()
    codes[own] = clusters.max(initial=-1) + 1 + np.arange(len(own))
    units: Ints = np.unique(codes, return_inverse=True)[1]
    return units


@dataclass(frozen=True, slots=True)
class Totals:
    """Column sums of a table: as observed, shape (1, columns), and in each resample of its units."""

    n: int
    observed: Floats
    resampled: Floats

    def estimate(self, statistic: Statistic) -> Estimate:
        """Evaluate a metric on the observed sums, with the percentile interval (Efron 1981) of its resamples."""
        value = float(statistic(self.observed)[0])
        if not np.isfinite(value):
            return Estimate(
                n=self.n, reason=f"undefined on {self.n}: a denominator is 0, or numbers are too large"
            )
        draws = statistic(self.resampled)
        interval = percentile_interval(draws)
        low, high = interval if interval else (None, None)
        return Estimate(n=self.n, value=value, low=low, high=high, draws=draws)

    def estimates(self, statistics: Mapping[str, Statistic]) -> dict[str, Estimate]:
        return {name: self.estimate(statistic) for name, statistic in statistics.items()}


class Resampler:
    """One bootstrap of a table's units, shared by all its metrics, so that comparisons between them are paired."""

    def __init__(self, units: Ints, seed: int) -> None:
        self.rows = len(units)
        self._drawn = ClusterBootstrap.draw(units, seed, REPLICATES)

    def totals(self, columns: Sequence[npt.NDArray[np.generic]]) -> Totals:
        """Add up columns of shape (rows,)."""
        return self._resample(np.column_stack([self._by_block(column) for column in columns]))

    def class_totals(self, labels: Sequence[tuple[Ints, Floats | None]], classes: int) -> Totals:
        """Add up, per label code, each array of weights (``None``: count rows); the blocks of ``classes`` columns
        stand side by side."""
        blocks = self._drawn.weights.shape[1]
        keys = self._drawn.block * classes
        counted = [np.bincount(keys + codes, weights=w, minlength=blocks * classes) for codes, w in labels]
        return self._resample(
            np.column_stack([c.reshape(blocks, classes) for c in counted]).astype(np.float64)
        )

    def _by_block(self, column: npt.NDArray[np.generic]) -> Floats:
        return np.bincount(
            self._drawn.block, weights=column.astype(np.float64), minlength=self._drawn.weights.shape[1]
        ).astype(np.float64)

    def _resample(self, sums: Floats) -> Totals:
        return Totals(self.rows, sums.sum(axis=0, keepdims=True), self._drawn.weights @ sums)


def percentile_interval(draws: Floats, confidence: float = 0.95) -> tuple[float, float] | None:
    """Percentile bootstrap interval; ``None`` when more than 5 % of the draws are undefined."""
    defined = draws[np.isfinite(draws)]
    if not len(draws) or len(defined) < (1 - _MAX_UNDEFINED) * len(draws):
        return None
    tail = (1 - confidence) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return float(low), float(high)


def wilson_limits(share: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of ``n`` trials (rounded to whole successes)."""
    low, high = wilson(round(share * n), n)
    return float(low), float(high)


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Divide, with NaN where the denominator is 0."""
    out = np.full(np.broadcast(numerator, denominator).shape, np.nan)
    return np.divide(numerator, denominator, out=out, where=denominator != 0)
