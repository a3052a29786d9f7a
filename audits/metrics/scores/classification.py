"""How good classifications and scores are, with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from audits.metrics.scores.roc import Bools, auc_covariance, auc_estimate
from audits.metrics.statistics.resampling import (
    Estimate,
    Floats,
    Ints,
    Resampler,
    Statistic,
    ratio,
    unit_codes,
    wilson_limits,
)

#: Below this many rows of a class, what conditions on that class is not reported.
MIN_CLASS_ROWS = 5
ECE_BINS = 10
#: Probabilities are kept this far from 0 and 1 in the log-loss, or one certain error would make it infinite.
LOG_LOSS_FLOOR = float(np.finfo(np.float64).eps)

# Columns of the totals for binary metrics.
_TP, _FP, _FN, _TN = range(4)

#: Metric -> (what is counted, out of what), as columns of the totals. Definitions: Fawcett 2006.
_PROPORTIONS: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "accuracy": ((_TP, _TN), (_TP, _FP, _FN, _TN)),
    "precision": ((_TP,), (_TP, _FP)),
    "recall": ((_TP,), (_TP, _FN)),
    "false-positive-rate": ((_FP,), (_FP, _TN)),
}


def binary_estimates(truth: Bools, decided: Bools, clusters: Ints | None, seed: int) -> dict[str, Estimate]:
    """Accuracy, precision, recall, false-positive rate, F1 and balanced accuracy of yes/no decisions.

    Intervals of the proportions are Wilson's when rows are independent; with clusters, and for F1 and balanced
    accuracy always, they are bootstrap percentiles. Resamples without spread (all right, or all wrong) would give an
    interval without width, so there Wilson's is used on the number of clusters.

    Parameters
    ----------
    truth, decided : ndarray of bool, shape (n,)
        Whether the row is positive, and whether it was called so.
    clusters : ndarray of int, shape (n,), optional
        Codes of the independent unit; ``-1`` for a row of its own.
    seed : int
        Of the resamples.

    Returns
    -------
    dict of str to Estimate
        A class of fewer than ``MIN_CLASS_ROWS`` rows leaves all but the accuracy without a value.
    """
    units = unit_codes(len(truth), clusters)
    totals = Resampler(units, seed).totals(
        [truth & decided, ~truth & decided, truth & ~decided, ~truth & ~decided]
    )
    out = {}
    for name, (hits, trials) in _PROPORTIONS.items():
        trial_count = int(totals.observed[0, list(trials)].sum())
        estimate = totals.estimate(_proportion(hits, trials))
        out[name] = _with_wilson(estimate, trial_count, None if clusters is None else int(units.max()) + 1)
    out["f1"] = totals.estimate(_f1)
    out["balanced-accuracy"] = totals.estimate(_balanced_accuracy)
    few = _rare_class(truth)
    if few:
        out.update({name: Estimate(n=len(truth), reason=few) for name in out if name != "accuracy"})
    return out


def _proportion(hits: tuple[int, ...], trials: tuple[int, ...]) -> Statistic:
    return lambda t: ratio(t[:, list(hits)].sum(axis=1), t[:, list(trials)].sum(axis=1))


def _f1(t: Floats) -> Floats:
    return ratio(2 * t[:, _TP], 2 * t[:, _TP] + t[:, _FP] + t[:, _FN])


def _balanced_accuracy(t: Floats) -> Floats:
    return (ratio(t[:, _TP], t[:, _TP] + t[:, _FN]) + ratio(t[:, _TN], t[:, _TN] + t[:, _FP])) / 2


def _with_wilson(estimate: Estimate, trials: int, clusters: int | None) -> Estimate:
    if estimate.value is None or (clusters is not None and estimate.low != estimate.high):
        return estimate
    effective = trials if clusters is None else min(clusters, trials)
    return estimate.with_interval(*wilson_limits(estimate.value, effective))


def _rare_class(truth: Bools) -> str:
    positives = int(truth.sum())
    fewest = min(positives, len(truth) - positives)
    if fewest >= MIN_CLASS_ROWS:
        return ""
    return f"only {fewest} rows of one class; at least {MIN_CLASS_ROWS} of either are needed"


def score_estimates(truth: Bools, score: Floats, clusters: Ints | None, seed: int) -> dict[str, Estimate]:
    """ROC AUC, Brier score, log-loss and expected calibration error of probabilities.

    Brier (1950) is ``mean((p - y)^2)``; log-loss is ``-mean(y ln p + (1-y) ln(1-p))``, p kept one float epsilon
    from 0 and 1; the expected calibration error is ``sum_b n_b/n |mean y - mean p|`` over ten bins of equal width
    (Naeini et al. 2015), those of ``score_bins``. Resampling inflates that last one, so its interval is the spread of
    its resamples about their median, laid around the estimate.

    Parameters
    ----------
    truth : ndarray of bool, shape (n,)
    score : ndarray, shape (n,)
        Probabilities in [0, 1].
    clusters, seed
        As in ``binary_estimates``.
    """
    units = unit_codes(len(truth), clusters)
    resampler = Resampler(units, seed)
    losses = resampler.totals([np.ones(len(truth)), (score - truth) ** 2, row_log_loss(truth, score)])
    bins = score_bins(score, np.linspace(0.0, 1.0, ECE_BINS + 1))
    gaps = resampler.class_totals([(bins, truth - score), (bins, None)], ECE_BINS)
    return {
        "roc-auc": auc_of_score(truth, score, None if clusters is None else units, seed),
        "brier": losses.estimate(lambda t: t[:, 1] / t[:, 0]),
        "log-loss": losses.estimate(lambda t: t[:, 2] / t[:, 0]),
        "expected-calibration-error": _centred(gaps.estimate(_calibration_error)),
    }


def score_bins(scores: Floats, edges: Floats) -> Ints:
    """Bin of each score: above the bin's lower edge, up to and including its upper one.

    The same as scikit-learn's ``calibration_curve``, and the one convention of every calibration error here.

    Parameters
    ----------
    scores : ndarray, shape (n,)
        In [0, 1]; a 0 is in the first bin.
    edges : ndarray, shape (bins + 1,)
        Ascending. Only the inner ones are looked at, so every score has a bin.
    """
    return np.searchsorted(edges[1:-1], scores).astype(np.int64)


def row_log_loss(truth: Bools, score: Floats) -> Floats:
    """Loss of each row's probability: ``-ln p`` where the truth is 1, ``-ln(1 - p)`` where it is 0. In nats."""
    clipped = np.clip(score, LOG_LOSS_FLOOR, 1 - LOG_LOSS_FLOOR)
    loss: Floats = -np.where(truth, np.log(clipped), np.log1p(-clipped))
    return loss


def auc_of_score(truth: Bools, score: Floats, units: Ints | None, seed: int) -> Estimate:
    """ROC AUC of one score (any numbers; only their order matters); without a value when a class is too rare."""
    few = _rare_class(truth)
    if few:
        return Estimate(n=len(truth), reason=few)
    auc, covariance = auc_covariance(truth, score[None, :], units)
    return auc_estimate(float(auc[0]), float(covariance[0, 0]), truth, seed)


def _calibration_error(t: Floats) -> Floats:
    return ratio(np.abs(t[:, :ECE_BINS]).sum(axis=1), t[:, ECE_BINS:].sum(axis=1))


def _centred(estimate: Estimate) -> Estimate:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return estimate
    shift = estimate.value - float(np.median(estimate.draws))
    low, high = max(0.0, estimate.low + shift), min(1.0, estimate.high + shift)
    return replace(estimate, low=low, high=high, draws=estimate.draws + shift)


def multiclass_estimates(
    truth: Ints, predicted: Ints, classes: int, clusters: Ints | None, seed: int
) -> dict[str, Estimate]:
    """Accuracy, macro-averaged F1 and balanced accuracy of labels.

    Macro F1 averages over every class that occurs in either column, a class never got right counting 0; balanced
    accuracy averages the recall of the classes that truly occur (Sokolova and Lapalme 2009).

    Parameters
    ----------
    truth, predicted : ndarray of int, shape (n,)
        Class codes from 0.
    classes : int
        Number of codes.
    clusters, seed
        As in ``binary_estimates``.
    """
    units = unit_codes(len(truth), clusters)
    right = (truth == predicted).astype(np.float64)
    totals = Resampler(units, seed).class_totals([(truth, right), (truth, None), (predicted, None)], classes)

    def parts(t: Floats) -> tuple[Floats, Floats, Floats]:
        return t[:, :classes], t[:, classes : 2 * classes], t[:, 2 * classes :]

    def accuracy(t: Floats) -> Floats:
        hits, true, _ = parts(t)
        return hits.sum(axis=1) / true.sum(axis=1)

    def macro_f1(t: Floats) -> Floats:
        hits, true, called = parts(t)
        return _mean_of_defined(ratio(2 * hits, true + called))

    def balanced(t: Floats) -> Floats:
        hits, true, _ = parts(t)
        return _mean_of_defined(ratio(hits, true))

    out = totals.estimates({"accuracy": accuracy, "macro-f1": macro_f1, "balanced-accuracy": balanced})
    count = None if clusters is None else int(units.max()) + 1
    return {**out, "accuracy": _with_wilson(out["accuracy"], len(truth), count)}


def _mean_of_defined(values: Floats) -> Floats:
    """Mean over the classes that occur; one that no row of a resample has is left out there."""
    defined = np.isfinite(values)
    return ratio(np.where(defined, values, 0).sum(axis=1), defined.sum(axis=1).astype(np.float64))


def balanced_accuracy_gain(
    truth: Ints, predicted: Ints, baseline: Ints, classes: int, clusters: Ints | None, seed: int
) -> tuple[Estimate, Estimate]:
    """Balanced accuracy of the baseline's labels, and how much higher the model's is (paired resamples)."""
    right, naive = ((truth == labels).astype(np.float64) for labels in (predicted, baseline))
    resampler = Resampler(unit_codes(len(truth), clusters), seed)
    totals = resampler.class_totals([(truth, right), (truth, naive), (truth, None)], classes)

    def of_baseline(t: Floats) -> Floats:
        return _mean_of_defined(ratio(t[:, classes : 2 * classes], t[:, 2 * classes :]))

    def gain(t: Floats) -> Floats:
        return _mean_of_defined(ratio(t[:, :classes], t[:, 2 * classes :])) - of_baseline(t)

    return totals.estimate(of_baseline), totals.estimate(gain)
