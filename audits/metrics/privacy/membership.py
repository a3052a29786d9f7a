"""How well a loss-threshold attacker tells training rows from others."""

from __future__ import annotations

import numpy as np

from audits.metrics.scores.roc import auc_covariance, auc_estimate
from audits.metrics.statistics.resampling import (
    REPLICATES,
    Estimate,
    Floats,
    percentile_interval,
    wilson_limits,
)

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
    """Share of members found while at most 1 % of non-members are wrongly called members (Carlini et al. 2022).

    The attacker calls a row a member when its loss is below the strictest limit that keeps that promise, so of equal
    losses all or none are called. The interval joins Wilson's (limit taken as known) with the percentiles of a
    bootstrap of both sides: the limit is an order statistic, whose place in a resample has a beta distribution, so
    each resample costs two draws.

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
    low, high = wilson_limits(found / len(members), len(members))
    low_draw, high_draw = percentile_interval(draws) or (low, high)
    return Estimate(
        n=len(members),
        value=found / len(members),
        low=min(low, low_draw),
        high=max(high, high_draw),
        draws=draws,
    )
