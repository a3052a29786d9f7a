"""Does what held the columns of the reference together still hold those of the current table?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audits.metrics.scores.encoding import Feature, standardised
from audits.metrics.statistics.intervals import normal_quantile
from audits.metrics.statistics.resampling import Floats, Ints

#: Share of the variance that the principal components keep, and how many chunks the reference is cut into.
VARIANCE = 0.65
CHUNKS = 10
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """Mean reconstruction error of the current rows, and of each chunk of the reference.

    ``deviation`` is the chunks' standard deviation (n - 1). ``low`` and ``high`` are the 95 % interval of ``error``.
    """

    error: float
    low: float
    high: float
    reference_error: float
    deviation: float
    chunks: int
    chunk_rows: int
    components: int
    columns: int

    @property
    def deviations(self) -> float:
        """How many of the chunks' standard deviations the error lies from their mean; infinite when these do not vary."""
        gap = abs(self.error - self.reference_error)
        if self.deviation > 0:
            return gap / self.deviation
        return math.inf if gap > 0 else 0.0

    @property
    def change(self) -> float:
        """Relative to the reference's error."""
        return self.error / self.reference_error - 1


def reconstruction(features: Sequence[Feature], reference_n: int, seed: int) -> Reconstruction | None:
    """Compress rows to the principal components of the reference, restore them, and measure what was lost.

    NannyML's method (DataReconstructionDriftCalculator): columns encoded by frequency and standardised, components
    that explain 65 % of the variance, error = mean Euclidean distance between a row and its restored self, judged
    by the mean and standard deviation over chunks of the reference. Other than there, no row is measured with
    components that were fitted on it: the reference is cut into 5 random folds, each measured with components of the
    other four; current rows get the mean over the five. Chunks are consecutive rows, a tenth of the reference each,
    or as many as the current table has when it has fewer.

    Parameters
    ----------
    features : sequence of Feature
        Reference rows first.
    reference_n : int
        How many of the rows are the reference's.
    seed : int
        Of the folds.

    Returns
    -------
    Reconstruction or None
        None with fewer than two columns that vary, or when nothing is lost by the compression.
    """
    folds = np.random.default_rng(seed).permutation(reference_n) % FOLDS
    fits = [_errors(features, _others(folds, fold, len(features[0].values))) for fold in range(FOLDS)]
    if any(fit is None for fit in fits):
        return None
    kept = [fit for fit in fits if fit is not None]
    before = np.empty(reference_n)
    for fold, fit in enumerate(kept):
        before[folds == fold] = fit.errors[:reference_n][folds == fold]
    after = np.mean([fit.errors[reference_n:] for fit in kept], axis=0)
    chunk_rows = min(reference_n // CHUNKS, len(after))
    means = _chunk_means(before, chunk_rows)
    if not means.mean() > 0:
        return None
    half = normal_quantile(0.95) * float(after.std()) / math.sqrt(len(after))
    return Reconstruction(
        error=float(after.mean()),
        low=float(after.mean()) - half,
        high=float(after.mean()) + half,
        reference_error=float(means.mean()),
        deviation=float(means.std(ddof=1)),
        chunks=len(means),
        chunk_rows=chunk_rows,
        components=kept[0].components,
        columns=kept[0].columns,
    )


def _others(folds: Ints, fold: int, rows: int) -> npt.NDArray[np.bool_]:
    out = np.zeros(rows, dtype=np.bool_)
    out[: len(folds)] = folds != fold
    return out


def _chunk_means(errors: Floats, chunk_rows: int) -> Floats:
    whole = len(errors) // chunk_rows
    means: Floats = errors[: whole * chunk_rows].reshape(whole, chunk_rows).mean(axis=1)
    return means


@dataclass(frozen=True, slots=True)
class _Fit:
    errors: Floats
    components: int
    columns: int


def _errors(features: Sequence[Feature], fitted: npt.NDArray[np.bool_]) -> _Fit | None:
    matrix = standardised(features, fitted).matrix
    if matrix.shape[1] < 2:
        return None
    components = principal_components(matrix[fitted])
    restored = matrix @ components @ components.T
    errors: Floats = np.linalg.norm(matrix - restored, axis=1)
    return _Fit(errors, components.shape[1], matrix.shape[1])


def principal_components(matrix: Floats, variance: float = VARIANCE) -> Floats:
    """Directions of largest variance, as many as explain more than a share of it (Jolliffe 2002, section 6.1.1).

    Parameters
    ----------
    matrix : ndarray, shape (rows, columns)
        Columns of mean 0.
    variance : float
        In (0, 1).

    Returns
    -------
    ndarray, shape (columns, components)
        Orthonormal columns.
    """
    values, vectors = np.linalg.eigh(matrix.T @ matrix / len(matrix))
    explained = np.cumsum(values[::-1]) / values.sum()
    kept = int(np.searchsorted(explained, variance, side="right")) + 1
    directions: Floats = vectors[:, ::-1][:, :kept]
    return directions
