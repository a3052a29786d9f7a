"""Columns of mixed types as numbers that multivariate methods can take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audits.metrics.scores.scored_rows import column_codes
from audits.metrics.statistics.resampling import Floats, Ints
from audits.tables import Column, ColumnType

#: Vectors with more dimensions than this are projected at random to so many (Johnson and Lindenstrauss 1984).
PROJECTED_DIMENSIONS = 32
#: Squares of numbers within this range neither overflow nor vanish.
_SAFE = 1e100
_CATEGORIES = frozenset({ColumnType.CATEGORICAL, ColumnType.BOOLEAN})


@dataclass(frozen=True, slots=True)
class Feature:
    """One number per row, reference rows first; NaN where there is no finite value.

    ``values`` of a categorical feature are codes from 0. A vector column gives several features of its name.
    """

    name: str
    values: Floats
    categorical: bool = False

    @property
    def constant(self) -> bool:
        """Whether no two rows differ, a missing value being a value too."""
        return not varies(self.values)


def varies(values: Floats) -> bool:
    """Whether two values differ, NaN taken for a value."""
    missing = np.isnan(values)
    seen = values[~missing]
    return bool((missing.any() and len(seen)) or (len(seen) and seen.min() != seen.max()))


def column_features(reference: Column, current: Column, seed: Sequence[int]) -> list[Feature]:
    """Both sides of a column as features: a number, the code of a category, or a vector's dimensions.

    Infinities count as missing. Very large and very small numbers are rescaled, which no method here notices.

    Parameters
    ----------
    reference, current : Column
        Of the same type; vectors of the same length.
    seed : sequence of int
        Of the projection of long vectors.
    """
    name = reference.name
    if reference.type in _CATEGORIES:
        return [Feature(name, _pooled_codes(reference, current), categorical=True)]
    if reference.type is ColumnType.EMBEDDING:
        vectors = _projected(np.concatenate([reference.vectors(), current.vectors()]), seed)
        return [Feature(name, _safe(vectors[:, i])) for i in range(vectors.shape[1])]
    return [Feature(name, _safe(np.concatenate([reference.floats(), current.floats()])))]


def _safe(values: Floats) -> Floats:
    out = np.where(np.isfinite(values), values, np.nan)
    size = np.abs(out[~np.isnan(out)]).max(initial=0.0)
    return out / size if size > _SAFE or 0 < size < 1 / _SAFE else out


def _pooled_codes(reference: Column, current: Column) -> Floats:
    sides = [column_codes(side) for side in (reference, current)]
    names = sorted({name for _, side in sides for name in side})
    place = {name: float(i) for i, name in enumerate(names)}
    return np.concatenate(
        [np.array([*(place[name] for name in side), np.nan])[codes] for codes, side in sides]
    )


def _projected(vectors: Floats, seed: Sequence[int]) -> Floats:
    dimensions = vectors.shape[1]
    if dimensions <= PROJECTED_DIMENSIONS:
        return vectors
    directions = np.random.default_rng(seed).standard_normal((dimensions, PROJECTED_DIMENSIONS))
    out: Floats = vectors @ (directions / np.sqrt(PROJECTED_DIMENSIONS))
    return out


@dataclass(frozen=True, slots=True)
class Standardised:
    """Features as columns of mean 0 and variance 1 on the rows they were fitted on."""

    matrix: Floats
    names: tuple[str, ...]


def standardised(features: Sequence[Feature], fitted: npt.NDArray[np.bool_]) -> Standardised:
    """Encode all rows by what is known of some of them, for methods that need numbers of one scale.

    A category becomes its share of the fitted rows (frequency encoding; an unseen one 0, a missing value is a
    category of its own). Numbers are clipped to ``[q01 - R, q99 + R]`` with ``R = q99 - q01``, so that no single wild
    value decides; missing ones become the mean, with a 0/1 column that says so. What does not vary on the fitted
    rows is left out.

    Parameters
    ----------
    features : sequence of Feature
    fitted : ndarray of bool, shape (rows,)
        Rows that means, deviations, quantiles and shares are taken from.
    """
    encoded = [
        (feature.name, column) for feature in features for column in _encoded(feature, fitted) if len(column)
    ]
    columns = [(name, _scaled(column, fitted)) for name, column in encoded]
    kept = [(name, column) for name, column in columns if column is not None]
    matrix = np.column_stack([column for _, column in kept]) if kept else np.empty((len(fitted), 0))
    return Standardised(matrix, tuple(name for name, _ in kept))


def _encoded(feature: Feature, fitted: npt.NDArray[np.bool_]) -> Iterator[Floats]:
    missing = np.isnan(feature.values)
    if feature.categorical:
        yield _frequencies(feature.values, missing, fitted)
        return
    seen = feature.values[fitted & ~missing]
    if len(seen):
        yield np.where(missing, seen.mean(), np.clip(feature.values, *clip_limits(seen)))
    yield missing.astype(np.float64)


def _frequencies(codes: Floats, missing: npt.NDArray[np.bool_], fitted: npt.NDArray[np.bool_]) -> Floats:
    own = np.where(missing, np.nanmax(codes, initial=-1.0) + 1, codes).astype(np.int64)
    shares = np.bincount(own[fitted], minlength=int(own.max()) + 1) / fitted.sum()
    out: Floats = shares[own]
    return out


def clip_limits(seen: Floats) -> tuple[float, float]:
    """``[q01 - R, q99 + R]`` with ``R = q99 - q01``, or the range when those quantiles are equal."""
    low, high = np.quantile(seen, (0.01, 0.99))
    if low == high:
        return float(seen.min()), float(seen.max())
    return float(2 * low - high), float(2 * high - low)


def _scaled(column: Floats, fitted: npt.NDArray[np.bool_]) -> Floats | None:
    on = column[fitted]
    deviation = float(on.std())
    # A mean of equal numbers may be off in the last bit, which leaves a deviation of rounding only.
    if deviation <= 1e-12 * float(np.abs(on).max(initial=0.0)):
        return None
    return (column - on.mean()) / deviation


def codes_folded(codes: Floats, most: int) -> Floats:
    """Codes 0 to ``most - 1`` in order of frequency; rarer categories share the last, missing ones stay NaN."""
    missing = np.isnan(codes)
    whole: Ints = codes[~missing].astype(np.int64)
    counts = np.bincount(whole, minlength=1)
    rank = np.empty(len(counts), dtype=np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    out = np.full(len(codes), np.nan)
    out[~missing] = np.minimum(rank[whole], most - 1)
    return out
