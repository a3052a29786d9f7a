"""What a model loses without some of its inputs, refitted each time, and which inputs can go together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import stdtr, stdtrit

from audits.metrics.scores.encoding import Feature, codes_folded
from audits.metrics.statistics.resampling import Floats, Ints, unit_codes

FOLDS = 5
REPEATS = 2
#: What the trees can tell apart in one categorical feature.
MOST_CATEGORIES = 255
#: Probabilities below this count as this in the log-loss.
_FLOOR = 1e-6


@dataclass(frozen=True, slots=True)
class Cost:
    """Loss added by removing inputs, as a share of what the model with all inputs gains over a constant guess.

    0: nothing is lost; 1: without them the model is as good as guessing. Below 0: the model is better without them.
    """

    value: float
    low: float
    high: float
    p: float


@dataclass(slots=True)
class Refits:
    """Cross-validated losses of models refitted on different inputs, all on the same folds.

    Histogram gradient boosting (50 trees of 8 leaves); log-loss of classes, squared error of numbers. ``FOLDS`` folds are drawn
    ``REPEATS`` times; the rows of one unit stay in one fold.
    """

    features: Sequence[Feature]
    target: Floats
    classes: int
    units: Ints | None
    seed: int
    _codings: list[Ints] = field(default_factory=list)
    _losses: dict[frozenset[str], Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unit = unit_codes(len(self.target), self.units)
        for repeat in range(REPEATS):
            rng = np.random.default_rng((self.seed, repeat))
            self._codings.append((rng.permutation(int(unit.max()) + 1) % FOLDS)[unit])

    def losses(self, without: Collection[str] = ()) -> Floats:
        """Mean loss of each fold of each repeat, shape (FOLDS * REPEATS,), of models that do not see some inputs."""
        key = frozenset(without)
        if key not in self._losses:
            kept = [f for f in self.features if f.name not in key]
            design = _Design.of(kept, self.classes, self.seed)
            self._losses[key] = self._per_fold(design.predicted if kept else self._guessed)
        return self._losses[key]

    def constant(self) -> Floats:
        """The same of the best constant guess: the classes' shares, or the mean."""
        return self._per_fold(self._guessed)

    def least_important(self, names: Sequence[str]) -> list[str]:
        """Inputs by how much the loss grows when their values are shuffled (Breiman 2001), least first.

        One model on four fifths of the rows, losses on the others. Only an order in which to look: of correlated
        inputs each may matter much when shuffled and nothing when left out.
        """
        folds = self._codings[0]
        fitted, rest = np.flatnonzero(folds != 0), np.flatnonzero(folds == 0)
        rng = np.random.default_rng((self.seed, REPEATS))
        design = _Design.of(self.features, self.classes, self.seed)
        added: dict[str, float] = {}
        with _one_thread():
            model = design.fitted(self.target, fitted)
            for name in names:
                shuffled = design.shuffled(name, self.features, rest, rng)
                added[name] = self._loss(design.answers(model, shuffled), self.target[rest])
        return sorted(names, key=lambda name: added[name])

    def _per_fold(self, predicted: Callable[[Floats, Ints, Ints], Floats]) -> Floats:
        out = []
        with _one_thread():
            for folds in self._codings:
                for fold in range(FOLDS):
                    rows, rest = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
                    out.append(self._loss(predicted(self.target, rows, rest), self.target[rest]))
        return np.array(out)

    def _guessed(self, target: Floats, rows: Ints, rest: Ints) -> Floats:
        if not self.classes:
            return np.full(len(rest), target[rows].mean())
        shares = np.bincount(target[rows].astype(np.int64), minlength=self.classes) / len(rows)
        return np.tile(shares, (len(rest), 1))

    def _loss(self, predicted: Floats, truth: Floats) -> float:
        if not self.classes:
            return float(((predicted - truth) ** 2).mean())
        of_truth = predicted[np.arange(len(truth)), truth.astype(np.int64)]
        return float(-np.log(np.maximum(of_truth, _FLOOR)).mean())


@dataclass(frozen=True, slots=True)
class _Design:
    """Inputs as a matrix, and the model that is fitted on it; no classes: a regression."""

    matrix: Floats
    categorical: list[bool]
    classes: int
    seed: int

    @classmethod
    def of(cls, features: Sequence[Feature], classes: int, seed: int) -> _Design:
        columns = [codes_folded(f.values, MOST_CATEGORIES) if f.categorical else f.values for f in features]
        matrix = np.column_stack(columns) if columns else np.empty((0, 0))
        return cls(matrix, [f.categorical for f in features], classes, seed)

    def predicted(self, target: Floats, rows: Ints, rest: Ints) -> Floats:
        """Answers for some rows of a model fitted on others."""
        return self.answers(self.fitted(target, rows), self.matrix[rest])

    def fitted(self, target: Floats, rows: Ints) -> Any:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        chosen = HistGradientBoostingClassifier if self.classes else HistGradientBoostingRegressor
        model = chosen(
            max_iter=50,
            max_leaf_nodes=8,
            early_stopping=False,
            categorical_features=self.categorical,
            random_state=self.seed % 2**32,
        )
        return model.fit(self.matrix[rows], target[rows])

    def answers(self, model: Any, matrix: Floats) -> Floats:
        """Numbers, or the probability of every class, 0 of one that was not fitted on."""
        if not self.classes:
            predicted: Floats = model.predict(matrix)
            return predicted
        out = np.zeros((len(matrix), self.classes))
        out[:, model.classes_.astype(np.int64)] = model.predict_proba(matrix)
        return out

    def shuffled(
        self, name: str, features: Sequence[Feature], rows: Ints, rng: np.random.Generator
    ) -> Floats:
        """Some rows with the values of one input shuffled among them."""
        places = [place for place, feature in enumerate(features) if feature.name == name]
        out = self.matrix[rows].copy()
        out[:, places] = self.matrix[rng.permutation(rows)][:, places]
        return out


def _one_thread() -> AbstractContextManager[Any]:
    """Threads that wait for one another on a busy machine cost more than they save; the trees are the same either way."""
    import sklearn.ensemble  # noqa: F401 (heavy; and only threads of libraries that are loaded can be limited)
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[Any] = threadpool_limits(limits=1, user_api="openmp")
    return limits


def corrected_t(differences: Floats) -> Cost:
    """Mean of differences over resampled folds, with the interval and one-sided p of the corrected resampled t-test.

    The mean has the variance ``(1 / J + 1 / (FOLDS - 1)) s^2`` with ``s^2`` the variance of the ``J`` differences: a
    test fold is a quarter of what was trained on, and folds share those rows. ``J - 1`` degrees of freedom. Source: Nadeau and
    Bengio 2003, "Inference for the generalization error", Machine Learning 52, 239-281. ``p`` is of "not above 0".
    """
    folds = len(differences)
    mean = float(differences.mean())
    error = float(np.sqrt((1 / folds + 1 / (FOLDS - 1)) * differences.var(ddof=1)))
    if error == 0:
        return Cost(mean, mean, mean, 0.0 if mean > 0 else 1.0)
    half = float(stdtrit(folds - 1, 0.975)) * error
    return Cost(mean, mean - half, mean + half, float(stdtr(folds - 1, -mean / error)))


def skill(refits: Refits) -> Cost:
    """Loss of guessing minus that of the model with all inputs, in units of the loss."""
    return corrected_t(refits.constant() - refits.losses())


def removal_cost(refits: Refits, removed: Collection[str]) -> Cost:
    """What is lost without some inputs: ``(loss without - loss with) / (loss of guessing - loss with)``, over folds.

    What the model gains over guessing, the denominator, is taken as known: it is much larger than the differences.

    Raises
    ------
    ValueError
        When the model with all inputs is no better than guessing.
    """
    gained = skill(refits).value
    if gained <= 0:
        raise ValueError("the refitted model is no better than guessing")
    return corrected_t((refits.losses(removed) - refits.losses()) / gained)


@dataclass(frozen=True, slots=True)
class Elimination:
    """Inputs that can go together, what all of them cost, and what each candidate cost on top of those before it."""

    removed: tuple[str, ...]
    cost: Cost | None
    tried: Mapping[str, Cost]


def removable_together(refits: Refits, candidates: Sequence[str], tolerance: float) -> Elimination:
    """Remove candidates one after the other as long as the loss of all removed is surely within the tolerance.

    Of two copies of one input only the first goes: without both, the loss is felt. Backward elimination in a given
    order.

    Parameters
    ----------
    candidates : sequence of str
        In the order in which they are tried.
    tolerance : float
        Largest tolerated cost; the upper end of the interval must not be above it.

    Returns
    -------
    Elimination
        ``cost`` is of removing all of them, None when none can go; ``tried`` holds, for each candidate, the cost of
        removing it with those removed before.
    """
    removed: list[str] = []
    tried: dict[str, Cost] = {}
    for name in candidates:
        tried[name] = removal_cost(refits, [*removed, name])
        if tried[name].high <= tolerance:
            removed.append(name)
    return Elimination(tuple(removed), tried[removed[-1]] if removed else None, tried)
