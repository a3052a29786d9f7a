"""What each user's ranked lists are worth: premium exposure, quality, and how they fit what the user bought."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.groups.keyed_sums import KeyedSums
from audits.metrics.lists.exposure import amounts, attention, flags, places
from audits.tables import Column

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]

#: The share of the history that is mixed into the list, so that a divergence is finite (Steck 2018, alpha).
SMOOTHING = 0.01
#: Attention beyond what distinct places can give, up to rounding.
_SLACK = 1e-9

_OF_LISTS = ("listed", "attention", "known", "premium")
_OF_CHOICES = ("wanted", "priced", "priced_premium", "gained", "hits")
_OF_HISTORY = ("history", "histories")


@dataclass(frozen=True, slots=True)
class ListRows:
    """Which columns tell what, and what is added up of each row.

    ``roles`` maps ``rank`` and ``premium``, and optionally ``relevant`` and ``history-premium``, to columns. ``cutoff`` is
    the last place that counts for quality.
    """

    roles: Mapping[str, str]
    cutoff: int

    @property
    def columns(self) -> list[str]:
        return list(self.roles.values())

    @property
    def statistics(self) -> tuple[str, ...]:
        """What is added up, in this order."""
        choices = _OF_CHOICES if "relevant" in self.roles else ()
        return (*_OF_LISTS, *choices, *(_OF_HISTORY if "history-premium" in self.roles else ()))

    def of(self, pieces: tuple[Column, ...]) -> Floats:
        """The statistics of each row, shape (rows, statistics). Raises ``TableError`` for values out of range."""
        found = dict(zip(self.roles, pieces, strict=True))
        rank, premium = places(found["rank"]), flags(found["premium"])
        weight, tier_known, is_premium = attention(rank), ~np.isnan(premium), premium == 1
        columns = [~np.isnan(rank), weight, weight * tier_known, weight * is_premium]
        if "relevant" in found:
            chosen = flags(found["relevant"]) == 1
            top = chosen & (rank <= self.cutoff)
            columns += [chosen, chosen & tier_known, chosen & is_premium, weight * top, top]
        if "history-premium" in found:
            share = amounts(found["history-premium"], most=1.0)
            columns += [np.nan_to_num(share), ~np.isnan(share)]
        return np.column_stack(columns).astype(np.float64)


@dataclass(frozen=True, slots=True)
class UserScores:
    """One entry per user, NaN where undefined. A user's score is the mean over the user's lists (one per period).

    ``exposure``: premium share of the attention; ``ndcg`` and ``hit`` of lists with something to find; ``bought``: premium
    share of the chosen items; ``divergence``: from the list to the history, in nats. ``of_lists`` is the exposure of each
    list. ``repeated`` counts lists that hold a place twice, whose ``ndcg`` would mean nothing.
    """

    exposure: Floats
    ndcg: Floats
    hit: Floats
    bought: Floats
    divergence: Floats
    of_lists: Floats
    repeated: int


def user_scores(lists: KeyedSums, rows: ListRows) -> UserScores:
    """Scores from the sums that ``ListRows.of`` gave, by user and period.

    ``exposure = sum_j w_j [item j is premium] / sum_j w_j`` over places ``j``, ``w_j = 1 / log2(1 + j)`` (exposure: Singh and
    Joachims 2018). ``ndcg = DCG / best DCG`` with binary gains to the cutoff (Järvelin and Kekäläinen 2002), ``hit`` whether
    there is one (as ``ranking.score_users``). ``divergence``: see ``tier_divergence``.
    """
    part = dict(zip(rows.statistics, lists.sums.T, strict=True))
    nothing = np.zeros(len(lists.key))
    of_lists = _divide(part["premium"], part["known"])
    wanted = part.get("wanted", nothing)
    best = _ideal(rows.cutoff)[np.minimum(wanted, rows.cutoff).astype(np.int64)]
    ndcg = _divide(part.get("gained", nothing), best)
    hit = np.where(wanted > 0, part.get("hits", nothing) > 0, np.nan)
    bought, priced, history, histories = (
        lists.by_key(part.get(name, nothing)) for name in ("priced_premium", "priced", "history", "histories")
    )
    exposure = _mean(lists, of_lists)
    return UserScores(
        exposure=exposure,
        ndcg=_mean(lists, ndcg),
        hit=_mean(lists, hit),
        bought=_divide(bought, priced),
        divergence=tier_divergence(_divide(history, histories), exposure),
        of_lists=of_lists,
        repeated=_repeated(part["listed"], part["attention"]),
    )


def tier_divergence(history: Floats, shown: Floats, smoothing: float = SMOOTHING) -> Floats:
    """How far the price tiers of a list are from those of the user's history, in nats; 0 when they agree.

    ``KL(p || q')`` over premium or not, ``q' = (1 - a) q + a p``: ``p`` is the history, ``q`` the list, its places weighted.
    Source: Steck 2018, "Calibrated recommendations", RecSys, 154-162, equations 3 to 5, ``a`` = .01.

    Parameters
    ----------
    history, shown : arrays, shape (users,)
        Premium shares, 0 to 1; NaN where unknown.

    Returns
    -------
    array
        At most ``ln(1 / a)`` = 4.6; NaN where a share is.
    """
    divergence = np.zeros(len(history))
    for p, q in ((history, shown), (1 - history, 1 - shown)):
        mixed = (1 - smoothing) * q + smoothing * p
        logarithm = np.log(np.divide(p, mixed, out=np.ones(len(p)), where=p > 0))
        divergence += np.where(p > 0, p * logarithm, 0.0)
    return np.where(np.isnan(history) | np.isnan(shown), np.nan, np.maximum(divergence, 0.0))


def _mean(lists: KeyedSums, values: Floats) -> Floats:
    known = ~np.isnan(values)
    return _divide(lists.by_key(np.where(known, values, 0.0)), lists.by_key(known))


def _ideal(cutoff: int) -> Floats:
    """The best DCG with 0, 1, ... relevant items."""
    return np.concatenate([[0.0], np.cumsum(attention(np.arange(1.0, cutoff + 1)))])


def _repeated(listed: Floats, given: Floats) -> int:
    """Lists with more attention than their items can have in places of their own."""
    most = _ideal(int(listed.max(initial=0)))[listed.astype(np.int64)]
    return int((given > most + _SLACK).sum())


def _divide(a: Floats, b: Floats) -> Floats:
    return np.asarray(np.divide(a, b, out=np.full(len(a), np.nan), where=b > 0))
