"""How well a group can be told from all inputs of a model together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.scores.encoding import Feature, codes_folded, column_features
from audits.metrics.scores.roc import auc_covariance, auc_interval
from audits.tables import Column

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]

FOLDS = 5
#: Variance of the mean over folds, in variances of one fold: a test fold is a quarter of what it was fitted on.
_OF_MEAN = 1 / FOLDS + 1 / (FOLDS - 1)
#: What the trees can tell apart in one categorical feature.
MOST_CATEGORIES = 255
#: Rows of a fold on which the importance of inputs is measured.
IMPORTANCE_ROWS = 2000
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Predictability:
    """How well groups are told apart on rows that the classifier was not fitted on.

    ``auc`` is the mean over groups of the area under the ROC curve of "this group or another": .5 means not at all, 1 without
    error. ``balanced_accuracy`` is the mean share of each group that is recognised; guessing brings one over the number of
    groups. ``importance`` is the drop of the AUC when an input is shuffled, largest first. Intervals of 95 %.
    """

    auc: float
    auc_low: float
    auc_high: float
    balanced_accuracy: float
    accuracy_low: float
    accuracy_high: float
    importance: Mapping[str, float]


def input_features(columns: Sequence[Column], seed: Sequence[int]) -> list[Feature]:
    """The inputs of some rows as features; see ``encoding.column_features``."""
    features = []
    for column in columns:
        rows = len(column)
        features += [
            Feature(f.name, f.values[:rows], f.categorical) for f in column_features(column, column, seed)
        ]
    return features


def predictability(features: Sequence[Feature], group: Ints, groups: int, seed: int) -> Predictability:
    """Fit a classifier of the group, and measure it by 5-fold cross-validation stratified by group.

    Histogram gradient boosting of 50 rounds of trees with 8 leaves, groups weighted to count alike. The AUC of each group
    against the others is averaged over groups and folds. Its variance in a fold is at most the square of the mean of the groups'
    standard errors (DeLong, DeLong and Clarke-Pearson 1988), which is taken; over folds it is multiplied by ``1/5 + 1/4``, since
    folds share their training rows (Nadeau and Bengio 2003, Machine Learning 52, section 3). Interval on the logit scale.
    The interval of the balanced accuracy is normal, from the groups' binomial variances times ``1 + 5/4``.

    Parameters
    ----------
    features : sequence of Feature
    group : ndarray of int, shape (rows,)
        Each row's group from 0; rows are independent, and each group has at least ``2 FOLDS``.
    groups : int
        How many there are, at least 2.
    seed : int
        Of folds, trees and permutations.
    """
    import sklearn.ensemble  # noqa: F401 (heavy; and only threads of libraries that are loaded can be limited)
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="openmp"):
        return _Validation.of(features, group, groups, seed).found()


@dataclass(frozen=True, slots=True)
class _Validation:
    """A model for each fold, with the rows it was not fitted on and their scores, shape (rows, groups)."""

    matrix: Floats
    names: tuple[str, ...]
    group: Ints
    groups: int
    seed: int
    fitted: Sequence[tuple[Any, Ints, Floats]]

    @classmethod
    def of(cls, features: Sequence[Feature], group: Ints, groups: int, seed: int) -> _Validation:
        varied = [feature for feature in features if not feature.constant] or list(features[:1])
        matrix = np.column_stack(
            [codes_folded(f.values, MOST_CATEGORIES) if f.categorical else f.values for f in varied]
        )
        folds, fitted = _folds(group, groups, seed), []
        for fold in range(FOLDS):
            rows = np.flatnonzero(folds == fold)
            model = _model([f.categorical for f in varied], seed)
            model.fit(matrix[folds != fold], group[folds != fold])
            fitted.append((model, rows, model.predict_proba(matrix[rows])))
        return cls(matrix, tuple(f.name for f in varied), group, groups, seed, fitted)

    def found(self) -> Predictability:
        scored = [self._areas(self.group[rows], scores) for _, rows, scores in self.fitted]
        auc = float(np.mean([area for area, _ in scored]))
        variance = _OF_MEAN * float(np.mean([error**2 for _, error in scored]))
        sizes = np.bincount(self.group, minlength=self.groups)
        least = int(sizes.min())
        low, high = auc_interval(auc, variance, least, len(self.group) - least) or (auc, auc)
        accuracy, half = self._accuracy(sizes)
        return Predictability(
            auc,
            low,
            high,
            accuracy,
            max(0.0, accuracy - half),
            min(1.0, accuracy + half),
            self._importance(),
        )

    def _areas(self, group: Ints, scores: Floats) -> tuple[float, float]:
        """Mean AUC over the groups, and the mean of their standard errors."""
        found = [
            auc_covariance(group == k, scores[None, :, k])
            for k in range(1 if self.groups == 2 else 0, self.groups)
        ]
        areas = [float(area[0]) for area, _ in found]
        errors = [float(np.sqrt(max(0.0, np.nan_to_num(covariance[0, 0])))) for _, covariance in found]
        return float(np.mean(areas)), float(np.mean(errors))

    def _accuracy(self, sizes: Ints) -> tuple[float, float]:
        recognised = np.zeros(self.groups)
        for _, rows, scores in self.fitted:
            truth = self.group[rows]
            recognised += np.bincount(truth[scores.argmax(axis=1) == truth], minlength=self.groups)
        shares = recognised / sizes
        variance = float((shares * (1 - shares) / sizes).sum()) / self.groups**2
        return float(shares.mean()), _Z * float(np.sqrt(variance * FOLDS * _OF_MEAN))

    def _importance(self) -> dict[str, float]:
        rng = np.random.default_rng([self.seed, 1])
        drops = [dict(self._drops(model, rows, rng)) for model, rows, _ in self.fitted]
        mean = {name: float(np.mean([drop[name] for drop in drops])) for name in drops[0]}
        return dict(sorted(mean.items(), key=lambda pair: (-pair[1], pair[0])))

    def _drops(self, model: Any, rows: Ints, rng: np.random.Generator) -> Iterator[tuple[str, float]]:
        """How much of a fold's AUC is lost without each input."""
        some = rng.permutation(rows)[:IMPORTANCE_ROWS]
        values, truth = self.matrix[some], self.group[some]
        whole = self._area(truth, model.predict_proba(values))
        for name in dict.fromkeys(self.names):
            places = [i for i, other in enumerate(self.names) if other == name]
            shuffled = values.copy()
            shuffled[:, places] = values[rng.permutation(len(some))][:, places]
            yield name, whole - self._area(truth, model.predict_proba(shuffled))

    def _area(self, truth: Ints, scores: Floats) -> float:
        """Mean AUC over the groups that occur beside others."""
        found = [k for k in range(self.groups) if 0 < int((truth == k).sum()) < len(truth)]
        areas = [float(auc_covariance(truth == k, scores[None, :, k])[0][0]) for k in found]
        return float(np.mean(areas)) if areas else 0.5


def _folds(group: Ints, groups: int, seed: int) -> Ints:
    """A fold per row, of each group the same share in each."""
    rng = np.random.default_rng(seed)
    out = np.empty(len(group), dtype=np.int64)
    for k in range(groups):
        rows = np.flatnonzero(group == k)
        out[rows] = rng.permutation(len(rows)) % FOLDS
    return out


def _model(categorical: Sequence[bool], seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=50,
        max_leaf_nodes=8,
        early_stopping=False,
        categorical_features=list(categorical),
        class_weight="balanced",
        random_state=seed % 2**32,
    )
