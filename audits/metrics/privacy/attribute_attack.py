"""How much better an attacker guesses a sensitive attribute who also sees what a model says of the person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from audits.metrics.scores.encoding import Feature, codes_folded
from audits.metrics.scores.roc import placement_values
from audits.metrics.statistics.resampling import Floats, Ints, unit_codes

Bools = npt.NDArray[np.bool_]

FOLDS = 5
#: Variance of the mean over folds, in variances that independent folds would give it: 1/5 + 1/4 instead of 1/5.
_SHARED_TRAINING = 1 + FOLDS / (FOLDS - 1)
#: What the trees can tell apart in one categorical feature.
MOST_CATEGORIES = 255


@dataclass(frozen=True, slots=True)
class Gain:
    """An attacker's score with the model's output minus that without it, with a 95 % interval."""

    value: float
    error: float
    with_model: float
    without_model: float

    @property
    def interval(self) -> tuple[float, float]:
        half = float(ndtri(0.975)) * self.error
        return max(-1.0, self.value - half), min(1.0, self.value + half)

    def p_above(self, limit: float) -> float:
        """One-sided p of "the gain is at most ``limit``", normal."""
        return float(ndtr((limit - self.value) / self.error))


@dataclass(frozen=True, slots=True)
class AttributeAttack:
    """Gain in balanced accuracy and in the AUC over all classes (one against the rest), and the AUC's gain by class."""

    balanced_accuracy: Gain
    auc: Gain
    by_class: tuple[Gain, ...]


def attribute_attack(
    known: Sequence[Feature], outputs: Sequence[Feature], target: Ints, units: Ints | None, seed: int
) -> AttributeAttack:
    """Attack a sensitive attribute twice, without and with a model's outputs, and compare on rows that were not fitted on.

    The attribute advantage of Yeom et al. 2018, "Privacy risk in machine learning", section 5, measured against an
    attacker who knows the same other columns but has no access to the model (so what is merely correlated with known
    columns does not count); the setting of Fredrikson et al. 2014, "Privacy in pharmacogenetics". The attacker is
    histogram gradient boosting (50 trees of 8 leaves) in 5-fold cross-validation, folds by unit and by class. Without any known column
    the attacker guesses by the classes' shares.

    The guess is the class whose probability is largest relative to its share, which is the best rule for the balanced
    accuracy (the mean over classes of the share of their rows guessed right). AUCs are taken within folds, one class
    against the rest, and averaged over folds and classes (Hand and Till 2001 discuss such averages).

    Intervals are normal, from each unit's influence on the paired difference, as DeLong, DeLong and Clarke-Pearson
    1988 for rows and Obuchowski 1997 for clusters; times ``1 + 5/4`` because folds share their training rows (Nadeau
    and Bengio 2003). The error is never taken below what one row of the smallest class moves.

    Parameters
    ----------
    known, outputs : sequence of Feature
        What the attacker knows of each row, and what the model says of it; ``outputs`` has at least one.
    target : ndarray of int, shape (rows,)
        Class of each row, codes from 0 without gaps; at least two classes, each of at least ``FOLDS`` units.
    units : ndarray of int, optional
        Independent unit of each row; -1 for a row that stands for itself.
    seed : int
        Of folds and trees.
    """
    import sklearn.ensemble  # noqa: F401 (heavy; and only threads of libraries that are loaded can be limited)
    from threadpoolctl import threadpool_limits

    unit = unit_codes(len(target), units)
    folds = attack_folds(target, unit, seed)
    with threadpool_limits(limits=1, user_api="openmp"):
        without = _out_of_fold(known, target, folds, seed)
        informed = _out_of_fold([*known, *outputs], target, folds, seed)
    counts = np.bincount(target)
    floor = 1 / (len(counts) * int(counts.min()))
    right = [_guesses(scores, target, folds) == target for scores in (informed, without)]
    by_class = tuple(
        _auc_gain(informed, without, target, folds, [k], unit, floor) for k in range(int(target.max()) + 1)
    )
    everything = list(range(int(target.max()) + 1))
    return AttributeAttack(
        balanced_accuracy=_accuracy_gain(right[0], right[1], target, unit, floor),
        auc=_auc_gain(informed, without, target, folds, everything, unit, floor),
        by_class=by_class,
    )


def attack_folds(target: Ints, unit: Ints, seed: int) -> Ints:
    """A fold for each row: units stay whole, and the units of each class (that of their first row) are spread evenly."""
    rng = np.random.default_rng(seed)
    _, first = np.unique(unit, return_index=True)
    of_unit = np.empty(len(first), dtype=np.int64)
    start = 0
    for value in range(int(target.max()) + 1):
        mine = np.flatnonzero(target[first] == value)
        of_unit[mine] = (rng.permutation(len(mine)) + start) % FOLDS
        start += len(mine)
    return of_unit[unit]


def _out_of_fold(features: Sequence[Feature], target: Ints, folds: Ints, seed: int) -> Floats:
    """Probability of each class for each row, by a classifier that was fitted on the other folds."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    classes = int(target.max()) + 1
    out = np.zeros((len(target), classes))
    if not features:
        for fold in range(FOLDS):
            out[folds == fold] = np.bincount(target[folds != fold], minlength=classes) / (folds != fold).sum()
        return out
    matrix = np.column_stack(
        [codes_folded(f.values, MOST_CATEGORIES) if f.categorical else f.values for f in features]
    )
    for fold in range(FOLDS):
        model: Any = HistGradientBoostingClassifier(
            max_iter=50,
            max_leaf_nodes=8,
            early_stopping=False,
            categorical_features=[f.categorical for f in features],
            random_state=seed % 2**32,
        )
        model.fit(matrix[folds != fold], target[folds != fold])
        rows = np.flatnonzero(folds == fold)
        out[np.ix_(rows, model.classes_)] = model.predict_proba(matrix[rows])
    return out


def _guesses(scores: Floats, target: Ints, folds: Ints) -> Ints:
    """The class whose probability is largest relative to its share among the rows fitted on; the first of equal ones."""
    out = np.empty(len(target), dtype=np.int64)
    for fold in range(FOLDS):
        share = np.bincount(target[folds != fold], minlength=scores.shape[1]) / (folds != fold).sum()
        relative = scores[folds == fold] / np.where(share > 0, share, np.inf)
        out[folds == fold] = np.round(relative, 12).argmax(axis=1)
    return out


def _accuracy_gain(informed: Bools, without: Bools, target: Ints, unit: Ints, floor: float) -> Gain:
    counts = np.bincount(target)
    reached = [float((np.bincount(target, hit) / counts).mean()) for hit in (informed, without)]
    difference = informed.astype(np.float64) - without
    of_class = np.bincount(target, difference) / counts
    influence = (difference - of_class[target]) / (counts[target] * len(counts))
    return Gain(reached[0] - reached[1], _error(influence, unit, floor), *reached)


def _auc_gain(
    informed: Floats, without: Floats, target: Ints, folds: Ints, classes: list[int], unit: Ints, floor: float
) -> Gain:
    cells = list(_cells(target, folds, classes))
    reached, influence = np.zeros(2), np.zeros(len(target))
    for rows, of_class, value in cells:
        for place, (scores, sign) in enumerate(((informed, 1.0), (without, -1.0))):
            one = scores[rows, value]
            inside, outside = placement_values(one[of_class], one[~of_class])
            auc = float(inside.mean())
            reached[place] += auc / len(cells)
            influence[rows[of_class]] += sign * (inside - auc) / (len(inside) * len(cells))
            influence[rows[~of_class]] += sign * (outside - auc) / (len(outside) * len(cells))
    return Gain(float(reached[0] - reached[1]), _error(influence, unit, floor), *map(float, reached))


def _cells(target: Ints, folds: Ints, classes: list[int]) -> Iterator[tuple[Ints, Bools, int]]:
    """The rows of each fold, which of them are of a class, and the class; folds without either side are left out."""
    for fold in range(FOLDS):
        rows = np.flatnonzero(folds == fold)
        for value in classes:
            of_class = target[rows] == value
            if of_class.any() and not of_class.all():
                yield rows, of_class, value


def _error(influence: Floats, unit: Ints, floor: float) -> float:
    sums = np.bincount(unit, influence)
    variance = float((sums**2).sum()) * len(sums) / (len(sums) - 1)
    return max(floor, float(np.sqrt(_SHARED_TRAINING * variance)))
