"""How well a loss-threshold attacker tells training rows from others."""

from __future__ import annotations

import numpy as np
from scipy.special import logit, ndtr

from audits.metrics.scores.roc import auc_covariance, auc_estimate, auc_interval
from audits.metrics.statistics.goodness_of_fit import clopper_pearson
from audits.metrics.statistics.resampling import REPLICATES, Estimate, Floats, percentile_interval

FALSE_POSITIVE_RATE = 0.01


def attack_auc(members: Floats, others: Floats, seed: int) -> Estimate:
    """Probability that a member's loss is below a non-member's, ties counting half.

    The ROC AUC of the attack that calls a row a member when its loss is low (Yeom et al. 2018); one half is
    guessing. DeLong interval on the logit scale.

    Parameters
    ----------
    members, others : ndarray
        Loss of each row that was, and was not, in the training data. Only their order matters.
    seed : int
        Of the draws.
    """
    truth = np.arange(len(members) + len(others)) < len(members)
    auc, covariance = auc_covariance(truth, -np.concatenate([members, others])[None, :])
    return auc_estimate(float(auc[0]), float(covariance[0, 0]), truth, seed)


def attack_rate(
    members: Floats,
    others: Floats,
    seed: int,
    false_positive_rate: float = FALSE_POSITIVE_RATE,
) -> Estimate:
    """Share of members found while few non-members, 1 % unless said otherwise, are wrongly called members.

    The attacker calls a row a member when its loss is below the strictest limit that keeps that promise, so of equal
    losses all or none are called (Carlini et al. 2022). The interval joins that of Clopper and Pearson 1934, which
    takes the limit as known, with the percentiles of a bootstrap of both sides, which does not: the limit is an order
    statistic, whose place in a resample has a beta distribution, so each resample costs two draws.

    Parameters
    ----------
    members, others : ndarray
        Loss of each row.
    seed : int
        Of the resamples.
    false_positive_rate : float, default 0.01
        In (0, 1).
    """
    allowed = int(np.floor(false_positive_rate * len(others)))
    ordered_others, ordered_members = np.sort(others), np.sort(members)
    found = int(np.searchsorted(ordered_members, ordered_others[allowed], side="left"))
    rng = np.random.default_rng(seed)
    place = rng.beta(allowed + 1, len(others) - allowed, REPLICATES)
    limits = ordered_others[np.minimum((place * len(others)).astype(np.int64), len(others) - 1)]
    shares = np.searchsorted(ordered_members, limits, side="left") / len(members)
    draws = rng.binomial(len(members), shares) / len(members)
    low, high = (float(limit) for limit in clopper_pearson(found, len(members)))
    low_draw, high_draw = percentile_interval(draws) or (low, high)
    return Estimate(
        n=len(members),
        value=found / len(members),
        low=min(low, low_draw),
        high=max(high, high_draw),
        draws=draws,
    )


def attack_advantage(members: Floats, others: Floats) -> Estimate:
    """Largest gap between the share of members and of non-members that one loss limit calls members.

    ``max over t of P(loss <= t | member) - P(loss <= t | other)``: the membership advantage of Yeom et al. 2018 at the
    attacker's best limit; 0 when no limit helps, 1 when one tells all apart. The interval is the value plus and minus
    ``sqrt(ln(4 / .05) / 2n)`` of either side, added up: both distribution functions lie that close to the true ones in
    97.5 % of samples each (Dvoretzky, Kiefer and Wolfowitz 1956 with the constant of Massart 1990), so it holds
    whatever the losses look like. The maximum of a sample is biased upwards: describe with it, do not judge by it.
    """
    limits = np.concatenate([members, others])
    found = np.searchsorted(np.sort(members), limits, side="right") / len(members)
    wrong = np.searchsorted(np.sort(others), limits, side="right") / len(others)
    value = max(0.0, float((found - wrong).max()))
    reach = sum(float(np.sqrt(np.log(4 / 0.05) / (2 * n))) for n in (len(members), len(others)))
    return Estimate(n=len(limits), value=value, low=max(0.0, value - reach), high=min(1.0, value + reach))


def p_above(auc: float, variance: float, limit: float, positives: int, negatives: int) -> float:
    """One-sided p of "the AUC is at most ``limit``"; below .025 exactly when the interval of ``auc_interval`` is above.

    Normal on the logit scale, as that interval. An AUC of 0 or 1 has no estimated variance, there the variance that
    Newcombe 2006 (method 5) gives an AUC of ``limit`` serves, as in the interval. 1 for a constant loss.
    """
    if 0 < auc < 1 and variance > 0:
        return float(ndtr((logit(limit) - logit(auc)) * auc * (1 - auc) / np.sqrt(variance)))
    if auc < 1:
        return 1.0
    spread = 1 + ((positives + negatives) / 2 - 1) * ((1 - limit) / (2 - limit) + limit / (1 + limit))
    error = np.sqrt(limit * (1 - limit) * spread / (positives * negatives))
    return float(ndtr((limit - auc) / error))


def group_attack(members: Floats, others: Floats, limit: float) -> tuple[float, float, float, float]:
    """AUC of the attack on some rows, its 95 % interval, and the one-sided p of "at most ``limit``"."""
    truth = np.arange(len(members) + len(others)) < len(members)
    auc, covariance = auc_covariance(truth, -np.concatenate([members, others])[None, :])
    value, variance = float(auc[0]), float(covariance[0, 0])
    low, high = auc_interval(value, variance, len(members), len(others)) or (0.0, 1.0)
    return value, low, high, p_above(value, variance, limit, len(members), len(others))
