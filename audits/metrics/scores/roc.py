"""Area under the ROC curve: its value, its covariance over several scores, and its interval."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit, ndtri

from audits.metrics.statistics.resampling import REPLICATES, Estimate, Floats, Ints

Bools = npt.NDArray[np.bool_]


def placement_values(positive: Floats, negative: Floats) -> tuple[Floats, Floats]:
    """For each positive the share of negatives it outranks, and for each negative the share that outranks it.

    Ties count half. The mean of either is the AUC (DeLong, DeLong and Clarke-Pearson 1988), computed from midranks
    in ``O(n log n)`` (Sun and Xu 2014).

    Parameters
    ----------
    positive, negative : ndarray
        Scores of the rows of either class; higher means "more likely positive".

    Returns
    -------
    of_positive, of_negative : ndarray
        In [0, 1].
    """
    from scipy.stats import rankdata  # the package takes half a second to load

    ranks = rankdata(np.concatenate([positive, negative]))
    of_positive = (ranks[: len(positive)] - rankdata(positive)) / len(negative)
    of_negative = 1 - (ranks[len(positive) :] - rankdata(negative)) / len(positive)
    return of_positive, of_negative


def auc_covariance(truth: Bools, scores: Floats, clusters: Ints | None = None) -> tuple[Floats, Floats]:
    """AUC of one or more scores of the same rows, with their covariance matrix.

    DeLong, DeLong and Clarke-Pearson (1988) for independent rows; Obuchowski (1997) when rows come in clusters,
    to which the former is equal when every cluster is one row.

    Parameters
    ----------
    truth : ndarray of bool, shape (n,)
        True for the positive class; both classes must occur.
    scores : ndarray, shape (k, n)
        Higher means "more likely positive".
    clusters : ndarray of int, shape (n,), optional
        Cluster codes from 0.

    Returns
    -------
    auc : ndarray, shape (k,)
    covariance : ndarray, shape (k, k)
        NaN when a class comes from a single cluster.
    """
    labels = np.arange(len(truth)) if clusters is None else clusters
    size = int(labels.max()) + 1
    auc = np.empty(len(scores))
    positive_sums, negative_sums = np.empty((len(scores), size)), np.empty((len(scores), size))
    for k, score in enumerate(scores):
        of_positive, of_negative = placement_values(score[truth], score[~truth])
        auc[k] = of_positive.mean()
        positive_sums[k] = np.bincount(labels[truth], of_positive - auc[k], size) / truth.sum()
        negative_sums[k] = np.bincount(labels[~truth], of_negative - auc[k], size) / (~truth).sum()
    cross = positive_sums @ negative_sums.T
    covariance = (
        _small_sample(labels[truth]) * positive_sums @ positive_sums.T
        + _small_sample(labels[~truth]) * negative_sums @ negative_sums.T
        + _small_sample(labels) * (cross + cross.T)
    )
    return auc, covariance


def _small_sample(labels: Ints) -> float:
    """The factor I / (I - 1) over the I clusters that occur."""
    found = len(np.unique(labels))
    return found / (found - 1) if found > 1 else np.nan


def auc_interval(auc: float, variance: float, positives: int, negatives: int) -> tuple[float, float] | None:
    """95 % interval of an AUC on the logit scale (Pepe 2003, 5.2), which stays within [0, 1].

    An AUC of 0 or 1 has no estimated variance; there the score-type interval of Newcombe (2006, method 5) is
    solved, which needs the two class sizes only. A constant score has an AUC of exactly one half. ``None`` when the
    variance is unknown.
    """
    if 0 < auc < 1 and variance > 0:
        half = ndtri(0.975) * np.sqrt(variance) / (auc * (1 - auc))
        return float(expit(logit(auc) - half)), float(expit(logit(auc) + half))
    if auc in (0.0, 1.0):
        far = _newcombe_limit(positives, negatives)
        return (far, 1.0) if auc == 1.0 else (0.0, 1 - far)
    return (auc, auc) if variance == 0 else None


def _newcombe_limit(positives: int, negatives: int) -> float:
    """Lower limit for an AUC of 1: the theta whose distance from 1 is 1.96 of its own standard errors."""
    extra = (positives + negatives) / 2 - 1

    def gap(theta: float) -> float:
        spread = 1 + extra * (1 - theta) / (2 - theta) + extra * theta / (1 + theta)
        variance = theta * (1 - theta) * spread / (positives * negatives)
        return float((1 - theta) ** 2 - ndtri(0.975) ** 2 * variance)

    from scipy.optimize import brentq  # the package takes half a second to load

    return float(brentq(gap, 1e-12, 1 - 1e-12))


def auc_estimate(auc: float, variance: float, truth: Bools, seed: int) -> Estimate:
    """An AUC with its interval; the draws come from its normal distribution on the logit scale."""
    positives = int(truth.sum())
    interval = auc_interval(auc, variance, positives, len(truth) - positives)
    low, high = interval if interval else (None, None)
    draws = np.full(REPLICATES, auc)
    if 0 < auc < 1 and variance > 0:
        noise = np.random.default_rng(seed).standard_normal(REPLICATES)
        draws = expit(logit(auc) + noise * np.sqrt(variance) / (auc * (1 - auc)))
    return Estimate(n=len(truth), value=auc, low=low, high=high, draws=draws)


def auc_difference(truth: Bools, score: Floats, baseline: Floats, units: Ints | None, seed: int) -> Estimate:
    """AUC of a score minus that of another score of the same rows, with the normal interval of the paired difference."""
    auc, covariance = auc_covariance(truth, np.stack([score, baseline]), units)
    gap = float(auc[0] - auc[1])
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    if not np.isfinite(variance):
        return Estimate(n=len(truth), value=gap)
    error = float(np.sqrt(max(variance, 0.0)))
    draws = gap + error * np.random.default_rng(seed).standard_normal(REPLICATES)
    half = float(ndtri(0.975)) * error
    return Estimate(n=len(truth), value=gap, low=gap - half, high=gap + half, draws=draws)
