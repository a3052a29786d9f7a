"""How far a column has moved: one number that means the same at any number of rows, and that no outlier can hide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from audits.metrics.drift.distances import SMALLEST_SCALE, jensen_shannon_rows, population_stability_index
from audits.metrics.drift.distributions import Counts, Floats
from audits.metrics.drift.methods import Pair

CLIPPED_WASSERSTEIN = "wasserstein-clipped"
JENSEN_SHANNON = "jensenshannon"
#: The effects by name, and from which value on each is large enough to matter.
EFFECTS: Mapping[str, float] = MappingProxyType({CLIPPED_WASSERSTEIN: 0.1, JENSEN_SHANNON: 0.1})
#: One row in so many lies beyond the central range on each side: the first and the last percentile.
ROWS_PER_TAIL_ROW = 100
DECILES = np.arange(1, 10) / 10
#: So many cells of many pairs are worked on at a time: they fit a processor's cache.
CELLS_AT_ONCE = 1 << 16
#: A standard deviation below this share of the largest number is rounding: the numbers are constant.
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Effect:
    """How far a column has moved, and from where on that matters."""

    name: str
    value: float
    threshold: float

    @property
    def large(self) -> bool:
        return self.value >= self.threshold


def drift_effect(pair: Pair, thresholds: Mapping[str, float] = MappingProxyType({})) -> Effect:
    """Measure how far the current side lies from the reference.

    Numbers with more than 5 distinct values: Wasserstein's distance of winsorised numbers, see
    ``clipped_wasserstein``. Categories, and numbers with fewer values: Jensen-Shannon distance of the values.

    Parameters
    ----------
    thresholds : mapping of effect to float, optional
        Instead of .1, by the names in ``EFFECTS``.

    Raises
    ------
    ArithmeticError
        When the numbers exceed double precision.

    Examples
    --------
    >>> from audits.metrics.drift.distributions import numeric_distribution
    >>> numbers = np.arange(1000.0)
    >>> moved = drift_effect(Pair(numeric_distribution(numbers), numeric_distribution(numbers + 145)))
    >>> moved.name, round(moved.value, 2), moved.large
    ('wasserstein-clipped', 0.5, True)
    """
    name = CLIPPED_WASSERSTEIN if pair.as_numbers else JENSEN_SHANNON
    values, reference, current = effect_cells(pair)
    value = float(effect_values(values, reference[np.newaxis], current[np.newaxis])[0])
    return Effect(name, value, thresholds.get(name, EFFECTS[name]))


def effect_cells(pair: Pair) -> tuple[Floats | None, Counts, Counts]:
    """What the effect is computed from: the numbers (None for categories), and both sides' rows of each."""
    return pair.on_scale if pair.as_numbers else (None, *pair.by_value)


def effect_values(values: Floats | None, reference: Counts, current: Counts) -> Floats:
    """The effect of many pairs: counts of shape (pairs, cells), effects of shape (pairs,)."""
    at_once = max(1, CELLS_AT_ONCE // reference.shape[1])
    pieces = [slice(start, start + at_once) for start in range(0, len(reference), at_once)]
    return np.concatenate([_effects(values, reference[piece], current[piece]) for piece in pieces])


def _effects(values: Floats | None, reference: Counts, current: Counts) -> Floats:
    if values is None:
        return jensen_shannon_rows(reference, current)
    return clipped_wasserstein(values, reference, current)


def clipped_wasserstein(values: Floats, reference: Counts, current: Counts) -> Floats:
    """First Wasserstein distance of winsorised numbers, in standard deviations of the winsorised reference.

    With ``R = q99 - q01`` of the reference, numbers beyond ``[q01 - R, q99 + R]`` are moved to these limits on both
    sides (winsorised; Dixon 1960, Ann. Math. Statist. 31, 385-391). So no number, however wild, weighs more than
    ``q99 + R``, while 2 % of wild numbers still count. The standard deviation is the population's.

    The percentiles leave out ``max(1, n // 100)`` rows on each side, so that one outlier is left out of small
    references, too. When ``R`` is 0, the reference's whole range takes its place; a constant reference is not
    clipped. A standard deviation of 0 is replaced by .001.

    Parameters
    ----------
    values : array, shape (cells,)
        Distinct finite numbers in ascending order.
    reference, current : arrays of int, shape (pairs, cells)
        Rows of each number; every pair has at least one on each side, and all pairs have equally many in all.

    Returns
    -------
    array, shape (pairs,)

    Raises
    ------
    ArithmeticError
        When the numbers exceed double precision.
    """
    with np.errstate(over="raise", invalid="raise"):
        below, below_current = np.cumsum(reference, axis=1), np.cumsum(current, axis=1)
        low, high = central_limits(values, below)
        clipped = np.clip(values, low[:, np.newaxis], high[:, np.newaxis])
        gap = np.abs(below / below[:, -1:] - below_current / below_current[:, -1:])
        moved: Floats = np.einsum("ij,ij->i", gap[:, :-1], np.diff(clipped, axis=1))
        return moved / _scale(clipped, reference / below[:, -1:])


def central_limits(values: Floats, below: Counts) -> tuple[Floats, Floats]:
    """Where each pair's numbers are clipped, from the reference's cumulative counts."""
    n = int(below[0, -1])
    left_out = tail_rows(n)
    low = values[np.argmax(below > left_out, axis=1)]
    high = values[np.argmax(below >= n - left_out, axis=1)]
    width = high - low
    if (width == 0).any():
        least, most = values[np.argmax(below > 0, axis=1)], values[np.argmax(below == n, axis=1)]
        width = np.where(width == 0, most - least, width)
    constant = width == 0
    return np.where(constant, values[0], low - width), np.where(constant, values[-1], high + width)


def tail_rows(n: int) -> int:
    """How many of ``n`` reference rows lie beyond the central range on each side."""
    return min(max(1, n // ROWS_PER_TAIL_ROW), (n - 1) // 2)


def _scale(clipped: Floats, shares: Floats) -> Floats:
    centre = np.einsum("ij,ij->i", shares, clipped)
    spread: Floats = np.sqrt(np.einsum("ij,ij->i", shares, (clipped - centre[:, np.newaxis]) ** 2))
    largest = np.where(shares > 0, np.abs(clipped), 0.0).max(axis=1)
    return np.where(spread > ROUNDING * largest, spread, SMALLEST_SCALE)


def psi_deciles(pair: Pair) -> float:
    """Population stability index over ten bins of equally many reference rows, the custom of credit scoring.

    Numbers fall into bins that end at the reference's deciles, ``(d_(j-1), d_j]``, open at both ends; equal deciles
    make one bin. Unlike bins of equal width, these are not spoilt by an outlier. Categories, and numbers with at most
    5 distinct values, are compared value by value. Source: Siddiqi 2006, Credit Risk Scorecards, Wiley.

    Returns
    -------
    float
        In nats, at least 0. Bins without rows get a small share, see ``drift_distances.filled_shares``.
    """
    values, reference, current = effect_cells(pair)
    if values is None:
        return population_stability_index(reference, current)
    n = int(reference.sum())
    ends = np.unique(values[np.searchsorted(np.cumsum(reference), np.ceil(DECILES * n))])
    bins = np.searchsorted(ends, values)
    before, after = (
        np.bincount(bins, weights=side, minlength=len(ends) + 1) for side in (reference, current)
    )
    occupied = before + after > 0
    return population_stability_index(before[occupied], after[occupied])
