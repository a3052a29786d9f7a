"""Quality of a score from the counts of its profile: decisions, ranking, and losses.

Every function takes rows by cell, shape (..., cells), cells ascending by score, and works on the last axis; so that
expected rows (from calibrated probabilities) and resampled ones are judged by the same code as counted ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audits.metrics.scores.classification import LOG_LOSS_FLOOR
from audits.metrics.scores.profiles import FALSE, TRUE, ScoreProfile
from audits.metrics.statistics.resampling import Floats, ratio

Bools = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64] | Floats


@dataclass(frozen=True, slots=True)
class Confusion:
    """Rows by truth and decision, each of shape (...): counted, expected or resampled."""

    tp: Floats
    fp: Floats
    fn: Floats
    tn: Floats

    def metrics(self) -> Mapping[str, Floats]:
        """Accuracy, precision, recall, F1 and specificity (Fawcett 2006); NaN where a denominator is 0."""
        tp, fp, fn, tn = self.tp, self.fp, self.fn, self.tn
        return {
            "accuracy": ratio(tp + tn, tp + fp + fn + tn),
            "precision": ratio(tp, tp + fp),
            "recall": ratio(tp, tp + fn),
            "f1": ratio(2 * tp, 2 * tp + fp + fn),
            "specificity": ratio(tn, tn + fp),
        }


def confusion(false: Rows, true: Rows, called: Bools) -> Confusion:
    """Add up what was called positive and what was not.

    Parameters
    ----------
    false, true : ndarray, shape (..., cells)
        Rows of either class.
    called : ndarray of bool, shape (cells,)
        Which cells are called positive, as ``ScoreProfile.called`` says.
    """
    parts = (rows[..., mask].sum(axis=-1) for mask in (called, ~called) for rows in (true, false))
    tp, fp, fn, tn = (np.asarray(part, dtype=np.float64) for part in parts)
    return Confusion(tp, fp, fn, tn)


def roc_auc(false: Rows, true: Rows) -> Floats:
    """Area under the ROC curve, rows of one cell counting as ties.

    ``(sum_c t_c (F_below(c) + f_c / 2)) / (T F)``, the Mann-Whitney form (Bamber 1975); NaN without either class.
    """
    false, true = np.asarray(false, dtype=np.float64), np.asarray(true, dtype=np.float64)
    outranked = np.cumsum(false, axis=-1) - false / 2
    return ratio((true * outranked).sum(axis=-1), true.sum(axis=-1) * false.sum(axis=-1))


def all_metrics(false: Rows, true: Rows, called: Bools) -> dict[str, Floats]:
    """ROC AUC and the metrics of the decisions."""
    return {"roc-auc": roc_auc(false, true), **confusion(false, true, called).metrics()}


def profile_metrics(profile: ScoreProfile, threshold: float | None = None) -> dict[str, float]:
    """ROC AUC, accuracy, precision, recall, F1 and specificity of the labelled rows.

    Exact at the profile's decision and at cell edges (see ``ScoreProfile.called``); the AUC is exact when lossless,
    and otherwise treats rows of one cell as ties, which moves it by less than 1e-6. NaN where a denominator is 0.
    """
    false, true = profile.counts[:, FALSE], profile.counts[:, TRUE]
    found = all_metrics(false, true, profile.called(threshold))
    return {name: float(value) for name, value in found.items()}


def brier_score(profile: ScoreProfile) -> float:
    """Mean squared difference of score and label (Brier 1950) over the labelled rows.

    Exact when lossless; otherwise too low by the scores' variance within cells, less than 2e-8.
    """
    losses = (profile.counts[:, FALSE] * profile.means(FALSE) ** 2).sum() + (
        profile.counts[:, TRUE] * (1 - profile.means(TRUE)) ** 2
    ).sum()
    return float(losses / profile.labelled) if profile.labelled else float("nan")


def log_loss(profile: ScoreProfile) -> float:
    """``-mean(y ln p + (1 - y) ln(1 - p))`` in nats over the labelled rows, p kept one float epsilon from 0 and 1.

    Exact when lossless; otherwise the loss at each cell's mean score, which is too low by a few 1e-4 at most where
    many rows are certain and wrong.
    """
    losses = (profile.counts[:, TRUE] * -np.log(_inside(profile.means(TRUE)))).sum() + (
        profile.counts[:, FALSE] * -np.log1p(-_inside(profile.means(FALSE)))
    ).sum()
    return float(losses / profile.labelled) if profile.labelled else float("nan")


def _inside(scores: Floats) -> Floats:
    inside: Floats = np.clip(scores, LOG_LOSS_FLOOR, 1 - LOG_LOSS_FLOOR)
    return inside
