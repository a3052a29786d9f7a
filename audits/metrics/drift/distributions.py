"""What a column holds, without its rows: values and how often each occurs, as every statistic of drift takes it.

Made from a column (lossless, so every statistic is exact) or from its profile (lossless up to 2,048 distinct numbers,
beyond that counts per narrow bin).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audits.profiles import (
    CategoricalProfile,
    ColumnProfile,
    DatetimeProfile,
    EmbeddingProfile,
    NumericProfile,
    ProfileMismatch,
    TextProfile,
    aligned_profiles,
)
from audits.tables import Column, ColumnType

Counts: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
#: Rows per bin: whole numbers, unless bins were split in proportion.
Weights: TypeAlias = Counts | Floats

#: A reference with more distinct numbers than this is compared in bins, not value by value (Evidently's rule).
MAX_VALUES_UNBINNED = 20
#: See ``CategoricalDistribution.sparse``.
MANY_CATEGORIES = 1000
MIN_ROWS_PER_CATEGORY = 5


@dataclass(frozen=True)
class NumericDistribution:
    """Distinct finite numbers in ascending order, and their counts (rows).

    With ``lows`` and ``highs`` the counts are those of bins between them, spread evenly within each; ``values`` are
    then the bins' middles.
    """

    values: Floats
    counts: Counts
    lows: Floats | None = None
    highs: Floats | None = None

    @cached_property
    def n(self) -> int:
        return int(self.counts.sum())

    @property
    def lossless(self) -> bool:
        return self.lows is None

    @property
    def low(self) -> float:
        """The smallest number."""
        return float(self.values[0] if self.lows is None else self.lows[0])

    @property
    def high(self) -> float:
        """The largest number."""
        return float(self.values[-1] if self.highs is None else self.highs[-1])

    @property
    def distinct(self) -> int:
        """Distinct numbers, or occupied bins: of numbers in bins there are at least so many."""
        return len(self.values)

    @property
    def sparse(self) -> bool:
        """Numbers lie on a scale: they can be compared however many are distinct."""
        return False


@dataclass(frozen=True)
class CategoricalDistribution:
    """Distinct categories in no particular order, and their counts (rows)."""

    values: pa.LargeStringArray
    counts: Counts
    estimated: int | None = None  # number of categories when ``values`` are buckets of them

    @cached_property
    def n(self) -> int:
        return int(self.counts.sum())

    @property
    def distinct(self) -> int:
        return len(self.values) if self.estimated is None else self.estimated

    @property
    def identifying(self) -> bool:
        """Whether more than half of the values are distinct: names of single rows, not categories of many.

        Evidently 0.7.23 does not take such a column for categorical either.
        """
        return 2 * self.distinct > self.n

    @property
    def sparse(self) -> bool:
        """Whether there are too few rows of each category to compare shares.

        That is an identifying column, or more than a thousand categories with fewer than five rows each on average:
        the chi-square test's usual minimum of expected counts (Cochran 1954).
        """
        many = self.distinct > MANY_CATEGORIES
        return self.identifying or (many and self.n < MIN_ROWS_PER_CATEGORY * self.distinct)


Distribution: TypeAlias = NumericDistribution | CategoricalDistribution


def numeric_distribution(numbers: Floats) -> NumericDistribution:
    """Count distinct numbers; NaN and infinities are dropped.

    Examples
    --------
    >>> numeric_distribution(np.array([2.0, 1.0, np.nan, 2.0])).counts.tolist()
    [1, 2]
    """
    values, counts = np.unique(numbers[np.isfinite(numbers)], return_counts=True)
    return NumericDistribution(values, counts.astype(np.int64))


def categorical_distribution(texts: pa.LargeStringArray) -> CategoricalDistribution:
    """Count distinct categories; nulls are dropped."""
    counted = texts.drop_null().value_counts()
    return CategoricalDistribution(counted.field("values"), counted.field("counts").to_numpy())


def column_distribution(column: Column) -> Distribution:
    """Numbers and moments as numbers, text and booleans as categories; nulls and infinities are dropped."""
    if column.type in (ColumnType.CATEGORICAL, ColumnType.BOOLEAN):
        return categorical_distribution(column.texts())
    return numeric_distribution(column.floats())


def profile_distributions(
    reference: ColumnProfile, current: ColumnProfile
) -> tuple[Distribution, Distribution]:
    """Distributions of two profiles whose bins, or buckets of categories, coincide.

    Moments are compared as numbers, embeddings by the lengths of their vectors.

    Raises
    ------
    ProfileMismatch
        When the columns hold different kinds of values; says which.
    """
    if reference.kind != current.kind:
        raise ProfileMismatch(f"{reference.kind} values cannot be compared with {current.kind} values")
    a, b = _core(reference), _core(current)
    if isinstance(a, NumericProfile) and isinstance(b, NumericProfile):
        a, b = aligned_profiles(a, b)
        return _numbers(a, b), _numbers(b, a)
    if isinstance(a, CategoricalProfile) and isinstance(b, CategoricalProfile):
        return (
            (_categories(a.fold(), a), _categories(b.fold(), b))
            if a.folded or b.folded
            else (_categories(a, a), _categories(b, b))
        )
    raise ProfileMismatch(f"{reference.kind} and {current.kind} values cannot be compared")


def profile_distribution(profile: ColumnProfile) -> Distribution:
    """The distribution of one profile; use ``profile_distributions`` to compare two."""
    return profile_distributions(profile, profile)[0]


def _core(profile: ColumnProfile) -> ColumnProfile:
    """The part of a profile that is compared."""
    if isinstance(profile, TextProfile):
        return profile.categories
    if isinstance(profile, DatetimeProfile):
        return profile.numbers
    return profile.norms if isinstance(profile, EmbeddingProfile) else profile


def _numbers(profile: NumericProfile, other: NumericProfile) -> NumericDistribution:
    if profile.lossless:
        return NumericDistribution(profile.keys, profile.counts)
    ends = [x for p in (profile, other) for x in (p.low, p.high) if x is not None]
    # A bin at the end of one side may reach further on the other: it is one bin all the same, with one point.
    points = replace(profile, low=min(ends), high=max(ends)).points()
    return NumericDistribution(points, profile.counts, *profile.edges())


def _categories(profile: CategoricalProfile, named: CategoricalProfile) -> CategoricalDistribution:
    return CategoricalDistribution(profile.values, profile.counts, named.distinct if profile.folded else None)


def aligned(reference: Distribution, current: Distribution) -> tuple[Counts, Counts]:
    """Counts of both over the union of their values, in one order. Raises TypeError when the types differ."""
    if isinstance(reference, NumericDistribution) and isinstance(current, NumericDistribution):
        union = np.union1d(reference.values, current.values)
        return rows_at(reference, union), rows_at(current, union)
    if isinstance(reference, CategoricalDistribution) and isinstance(current, CategoricalDistribution):
        place = pc.index_in(current.values, value_set=reference.values)
        known = place.is_valid().to_numpy(zero_copy_only=False)
        of_reference = np.concatenate([reference.counts, np.zeros(int((~known).sum()), dtype=np.int64)])
        of_current = np.zeros(len(reference.values), dtype=np.int64)
        of_current[place.drop_null().to_numpy()] = current.counts[known]
        return of_reference, np.concatenate([of_current, current.counts[~known]])
    raise TypeError("a numeric and a categorical distribution have no common values")


def binned(reference: Distribution, current: Distribution) -> tuple[Weights, Weights]:
    """Counts of both in common bins, as Evidently 0.7.23 bins for PSI, Jensen-Shannon and Kullback-Leibler.

    Categories, and numbers of which the reference has at most 20 distinct ones, are compared value by value. Other
    numbers fall into bins of equal width over the range of both, as many as Sturges' rule gives for all rows.

    Raises
    ------
    OverflowError
        When the range of the numbers exceeds double precision.
    """
    if (
        isinstance(reference, NumericDistribution)
        and isinstance(current, NumericDistribution)
        and reference.distinct > MAX_VALUES_UNBINNED
    ):
        edges = sturges_edges(reference, current, reference.n + current.n)
        return histogram(reference, edges), histogram(current, edges)
    return aligned(reference, current)


def sturges_edges(reference: NumericDistribution, current: NumericDistribution, n: int) -> Floats:
    """Bin edges over the range of both for ``n`` points: ``ceil(log2(n) + 1)`` bins of equal width (Sturges 1926).

    Same as ``numpy.histogram_bin_edges(points, "sturges")`` for floating-point points.
    """
    low, high = min(reference.low, current.low), max(reference.high, current.high)
    if low == high:
        return np.array([low - 0.5, high + 0.5])
    if not math.isfinite(high - low):
        raise OverflowError("the range of its values exceeds double precision; rescale it")
    width = (high - low) / (math.log2(n) + 1.0)
    bins = math.ceil((high - low) / width) if width else 1  # a range of one subnormal step cannot be divided
    return np.linspace(low, high, bins + 1)


def histogram(distribution: NumericDistribution, edges: Floats) -> Weights:
    """Rows per bin; bins are closed below and open above, the last is closed on both sides (``numpy.histogram``).

    Rows of a narrow bin that straddles an edge are split in proportion, so shares of rows can occur.
    """
    if distribution.lows is not None and distribution.highs is not None:
        return _split(distribution, distribution.lows, distribution.highs, edges)
    inner = np.searchsorted(distribution.values, edges[:-1], side="left")
    last = np.searchsorted(distribution.values, edges[-1:], side="right")
    below = np.concatenate([[0], np.cumsum(distribution.counts)])
    return np.diff(below[np.concatenate([inner, last])])


def rows_outside(distribution: NumericDistribution, low: float, high: float) -> int:
    """Rows below ``low`` or above ``high``; those of a narrow bin that holds a limit are split in proportion."""
    if distribution.lows is None or distribution.highs is None:
        outside = (distribution.values < low) | (distribution.values > high)
        return int(distribution.counts[outside].sum())
    width = np.maximum(distribution.highs - distribution.lows, np.finfo(np.float64).tiny)
    with np.errstate(over="ignore"):  # a bin without width lies inside or outside altogether
        below = np.clip((low - distribution.lows) / width, 0, 1)
        above = np.clip((distribution.highs - high) / width, 0, 1)
    return round(float(distribution.counts @ np.minimum(below + above, 1)))


def _split(distribution: NumericDistribution, lows: Floats, highs: Floats, edges: Floats) -> Floats:
    ends = np.column_stack([lows, highs]).ravel()
    below = np.concatenate([[0], np.cumsum(distribution.counts)])
    reached = np.interp(edges, ends, np.column_stack([below[:-1], below[1:]]).ravel())
    reached[0] = 0 if edges[0] <= distribution.low else reached[0]
    reached[-1] = distribution.n if edges[-1] >= distribution.high else reached[-1]
    return np.diff(reached)


def rows_at(distribution: NumericDistribution, union: Floats) -> Counts:
    out = np.zeros(len(union), dtype=np.int64)
    out[np.searchsorted(union, distribution.values)] = distribution.counts
    return out
