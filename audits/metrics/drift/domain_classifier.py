"""How well a classifier tells the rows of two tables apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from audits.metrics.scores.encoding import Feature, codes_folded
from audits.metrics.scores.roc import auc_covariance, auc_interval
from audits.metrics.statistics.resampling import Floats, Ints

Bools = npt.NDArray[np.bool_]

FOLDS = 5
#: Variance of the mean over folds, in variances of one fold: a test fold is a quarter of what it was trained on.
_OF_MEAN = 1 / FOLDS + 1 / (FOLDS - 1)
#: What the trees can tell apart in one categorical feature.
MOST_CATEGORIES = 255
#: Rows of a fold on which the importance of columns is measured.
IMPORTANCE_ROWS = 2000


@dataclass(frozen=True, slots=True)
class Discrimination:
    """Area under the ROC curve of "which table is this row from", on rows the classifier was not fitted on.

    .5 means indistinguishable. ``importance`` is how much of it each column carries, largest first; empty when
    ``p`` is above .05, since there is nothing to explain.
    """

    auc: float
    low: float
    high: float
    p: float
    importance: dict[str, float]


def discriminate(features: Sequence[Feature], current: Bools, seed: int) -> Discrimination:
    """Fit a classifier of "reference or current" and measure it by 5-fold cross-validation.

    The classifier two-sample test (Lopez-Paz and Oquab 2017, "Revisiting classifier two-sample tests"). The
    classifier is histogram gradient boosting: 50 trees of 8 leaves, which see lost correlations that a linear model
    cannot, take categories and missing values as they are, and are not moved by outliers.

    The AUC is the mean over folds. Its variance is the mean of the folds' DeLong variances times
    ``1/5 + 1/4``: folds share their training rows, so that the plain ``1/5`` would be too small (Nadeau and Bengio
    2003, "Inference for the generalization error", Machine Learning 52, section 3). Interval on the logit scale.
    ``p`` is one-sided, in the same way from the variance that midranks have when both tables are alike (Mann and
    Whitney 1947, with ties).

    Parameters
    ----------
    features : sequence of Feature
    current : ndarray of bool, shape (rows,)
        True for rows of the current table; at least ``FOLDS`` rows of either.
    seed : int
        Of folds, trees and permutations.

    Returns
    -------
    Discrimination
        Importance is the mean drop of the AUC over folds when the column's values are permuted among the rows of a
        fold (Breiman 2001), in AUC points.
    """
    import sklearn.ensemble  # noqa: F401 (heavy; and only threads of libraries that are loaded can be limited)
    from threadpoolctl import threadpool_limits

    # Threads that wait for one another on a busy machine cost more than they save; the trees are the same either way.
    with threadpool_limits(limits=1, user_api="openmp"):
        return _discriminated(_design(features), current, seed)


def _discriminated(design: _Design, current: Bools, seed: int) -> Discrimination:
    folds = _folds(current, seed)
    fitted = [
        (_fitted(design, current, folds != fold, seed), np.flatnonzero(folds == fold))
        for fold in range(FOLDS)
    ]
    scored = [(current[rows], model.predict_proba(design.matrix[rows])[:, 1]) for model, rows in fitted]
    found = [auc_covariance(truth, scores[None, :]) for truth, scores in scored]
    auc = float(np.mean([area[0] for area, _ in found]))
    variance = _OF_MEAN * float(np.mean([covariance[0, 0] for _, covariance in found]))
    positives = int(current.sum())
    low, high = auc_interval(auc, variance, positives, len(current) - positives) or (auc, auc)
    error = np.sqrt(_OF_MEAN * np.mean([null_variance(truth, scores) for truth, scores in scored]))
    p = float(ndtr((0.5 - auc) / error)) if error > 0 else 1.0
    importance = _importance(design, current, fitted, seed) if p <= 0.05 else {}
    return Discrimination(auc, low, high, p, importance)


def null_variance(truth: Bools, scores: Floats) -> float:
    """Variance of the AUC when scores do not depend on the class.

    ``(n + 1 - sum(t^3 - t) / (n (n - 1))) / (12 n1 n0)`` with ``t`` the sizes of ties (Lehmann 1975, section 1.4).
    """
    n, positives = len(truth), int(truth.sum())
    ties = np.unique(scores, return_counts=True)[1].astype(np.float64)
    spread = n + 1 - float((ties**3 - ties).sum()) / (n * (n - 1))
    return spread / (12 * positives * (n - positives))


@dataclass(frozen=True, slots=True)
class _Design:
    matrix: Floats
    categorical: list[bool]
    names: tuple[str, ...]

    def positions(self) -> dict[str, list[int]]:
        """The places of each column's features."""
        out: dict[str, list[int]] = {}
        for place, name in enumerate(self.names):
            out.setdefault(name, []).append(place)
        return out


def _design(features: Sequence[Feature]) -> _Design:
    columns = [codes_folded(f.values, MOST_CATEGORIES) if f.categorical else f.values for f in features]
    return _Design(
        np.column_stack(columns), [f.categorical for f in features], tuple(f.name for f in features)
    )


def _folds(current: Bools, seed: int) -> Ints:
    """A fold per row, of each table the same share in each."""
    rng = np.random.default_rng(seed)
    out = np.empty(len(current), dtype=np.int64)
    for side in (current, ~current):
        out[side] = rng.permutation(int(side.sum())) % FOLDS
    return out


def _fitted(design: _Design, current: Bools, rows: Bools, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=50,
        max_leaf_nodes=8,
        early_stopping=False,
        categorical_features=design.categorical,
        random_state=seed % 2**32,
    )
    return model.fit(design.matrix[rows], current[rows])


def _importance(
    design: _Design, current: Bools, fitted: Sequence[tuple[Any, Ints]], seed: int
) -> dict[str, float]:
    rng = np.random.default_rng([seed, 1])
    drops = [dict(_drops(design, current, model, rows, rng)) for model, rows in fitted]
    mean = {name: float(np.mean([drop[name] for drop in drops])) for name in design.positions()}
    return dict(sorted(mean.items(), key=lambda pair: -pair[1]))


def _drops(
    design: _Design, current: Bools, model: Any, rows: Ints, rng: np.random.Generator
) -> Iterator[tuple[str, float]]:
    """How much of a fold's AUC is lost without each column."""
    some = rng.permutation(rows)[:IMPORTANCE_ROWS]
    values, truth = design.matrix[some], current[some]
    whole = _auc(truth, model.predict_proba(values)[:, 1])
    for name, places in design.positions().items():
        permuted = values.copy()
        permuted[:, places] = values[rng.permutation(len(some))][:, places]
        yield name, whole - _auc(truth, model.predict_proba(permuted)[:, 1])


def _auc(truth: Bools, scores: Floats) -> float:
    if truth.all() or not truth.any():
        return 0.5
    return float(auc_covariance(truth, scores[None, :])[0][0])
