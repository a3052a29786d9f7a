"""How well ranked lists meet what users then chose, with bootstrap intervals over users."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audits.metrics.scores.roc import Bools
from audits.metrics.statistics.resampling import Estimate, Floats, Ints, Resampler, Statistic, unit_codes

CUTOFF = 20


@dataclass(frozen=True, slots=True)
class UserScores:
    """One value per user who has at least one relevant item, in the order of the user codes."""

    ndcg: Floats
    hit: Floats
    reciprocal_rank: Floats


def score_users(users: Ints, relevant: Bools, rank: Floats, cutoff: int = CUTOFF) -> UserScores:
    """NDCG, hit and reciprocal rank of each user's list.

    ``DCG = sum_{relevant, rank <= k} 1 / log2(1 + rank)``, divided by its best possible value, reached when the first
    ``min(k, relevant items)`` places are relevant (Järvelin and Kekäläinen 2002, binary gains). A hit is one relevant
    item in the first ``k``. The reciprocal rank is that of the first relevant item in the whole list, 0 without one
    (Voorhees 1999).

    Parameters
    ----------
    users : ndarray of int, shape (n,)
        User codes from 0. One row per user and item that was recommended or relevant.
    relevant : ndarray of bool, shape (n,)
        Whether the user chose the item in the held-out period.
    rank : ndarray, shape (n,)
        Place in the list from 1; NaN when the item was not recommended.
    cutoff : int, default 20
        The ``k`` of NDCG@k and of the hit.
    """
    size = int(users.max()) + 1
    wanted = np.bincount(users[relevant], minlength=size)
    found = relevant & ~np.isnan(rank)
    top = found & (rank <= cutoff)
    gained = np.bincount(users[top], weights=1 / np.log2(1 + rank[top]), minlength=size)
    best = np.concatenate([[0.0], np.cumsum(1 / np.log2(1 + np.arange(1, cutoff + 1)))])
    first = np.full(size, np.inf)
    np.minimum.at(first, users[found], rank[found])
    kept = wanted > 0
    ndcg = gained[kept] / best[np.minimum(wanted[kept], cutoff)]
    return UserScores(ndcg, (first[kept] <= cutoff).astype(np.float64), 1 / first[kept])


def _mean_of(column: int) -> Statistic:
    return lambda t: t[:, column] / t[:, 0]


def ranking_estimates(
    users: Ints, relevant: Bools, rank: Floats, baseline: Floats | None, seed: int
) -> dict[str, Estimate]:
    """Mean NDCG@20, hit rate@20 and reciprocal rank over users; with a baseline also its NDCG@20 and the difference.

    Parameters
    ----------
    users, relevant, rank
        As in ``score_users``.
    baseline : ndarray, shape (n,), optional
        Place of the item in the naive method's list; NaN when that one did not recommend it.
    seed : int
        Of the resamples of users.
    """
    model = score_users(users, relevant, rank)
    columns = [np.ones(len(model.ndcg)), model.ndcg, model.hit, model.reciprocal_rank]
    statistics = {"ndcg-at-20": _mean_of(1), "hit-rate-at-20": _mean_of(2), "mrr": _mean_of(3)}
    if baseline is not None:
        columns.append(score_users(users, relevant, baseline).ndcg)
        statistics["ndcg-at-20-baseline"] = _mean_of(4)
        statistics["skill"] = lambda t: (t[:, 1] - t[:, 4]) / t[:, 0]
    return Resampler(unit_codes(len(model.ndcg), None), seed).totals(columns).estimates(statistics)
