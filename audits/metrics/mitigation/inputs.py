"""The inputs of a model that is trained again: columns of any type as numbers, by what the tuning half knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.mitigation.rows import Sides
from audits.metrics.scores.encoding import Feature, column_features, standardised
from audits.tables import TableError

Floats: TypeAlias = npt.NDArray[np.float64]

#: Categories beyond the most frequent ones share a column.
MOST_CATEGORIES = 20


@dataclass(frozen=True, slots=True)
class Inputs:
    """Matrices of the two sides with the same columns, and why some inputs are left out."""

    tuning: Floats
    held_out: Floats
    faults: Mapping[str, str]


def read_inputs(sides: Sides, seed: int) -> Inputs:
    """Numbers with mean 0 and variance 1, and a 0/1 column for each frequent category.

    Means, deviations and the order of categories are those of the tuning half.
    """
    tuning, held_out = sides.tuning, sides.held_out
    faults = dict(tuning.faults) | dict(held_out.faults)
    features: list[Feature] = []
    for name, column in tuning.inputs.items():
        other = held_out.inputs.get(name)
        if name in faults or other is None:
            continue
        if column.type is not other.type:
            faults[name] = (
                f"column {name!r} holds different types of values in the two tables; give it one type"
            )
            continue
        try:
            features += column_features(column, other, (seed, len(features)))
        except TableError as error:
            faults[name] = str(error)
    fitted = np.arange(len(tuning) + len(held_out)) < len(tuning)
    spread = [part for feature in features for part in _spread(feature, fitted)]
    matrix = standardised(spread, fitted).matrix
    return Inputs(matrix[fitted], matrix[~fitted], faults)


def _spread(feature: Feature, fitted: npt.NDArray[np.bool_]) -> list[Feature]:
    """A number as it is; a category as one 0/1 feature for each of the most frequent ones on the fitted rows."""
    if not feature.categorical:
        return [feature]
    known = np.unique(feature.values[fitted & ~np.isnan(feature.values)])
    own = np.searchsorted(known, np.nan_to_num(feature.values, nan=-1.0))
    codes = np.where(np.isin(feature.values, known), own, np.nan).astype(np.float64)
    place = _frequency_order(codes, fitted)
    folded = np.where(np.isnan(codes), np.nan, place[np.nan_to_num(codes).astype(np.int64)])
    folded = np.minimum(folded, MOST_CATEGORIES - 1)
    present = np.unique(folded[~np.isnan(folded)])
    return [Feature(feature.name, (folded == code).astype(np.float64)) for code in present]


def _frequency_order(codes: Floats, fitted: npt.NDArray[np.bool_]) -> Floats:
    """The rank of each code by how often it occurs on the fitted rows, the most frequent first."""
    seen = codes[fitted & ~np.isnan(codes)].astype(np.int64)
    counts = np.bincount(seen, minlength=1)
    rank = np.empty(len(counts))
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    return rank
