"""Recommended and chosen products side by side: one row per household and product, with both methods' places."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from audits.metrics.scores.ranking import UserScores, score_users
from config.demo.price_tiers import PREMIUM

Ints = npt.NDArray[np.int64]


def rank_rows(
    chosen: pd.DataFrame, households: Ints, lists: Ints, baseline_lists: Ints, price_tier: pd.Series[str]
) -> pd.DataFrame:
    """Lay out the union of what was recommended, by either method, and what the household then chose.

    Parameters
    ----------
    chosen : DataFrame
        ``household_id`` and ``product_id`` of the held-out choices. Households without any are left out of the result.
    households : ndarray of int, shape (n,)
    lists, baseline_lists : ndarray of int, shape (n, length)
        Product ids, best first.
    price_tier : Series
        By product id.

    Returns
    -------
    DataFrame
        ``household_id``, ``product_id``, ``relevant`` (0 or 1), ``rank`` and ``baseline_rank`` (from 1; null when not
        recommended), ``price_tier``; sorted by household and product.
    """
    keys = ["household_id", "product_id"]
    rows = (
        chosen[keys]
        .assign(relevant=1)
        .merge(_places(households, lists, "rank"), on=keys, how="outer")
        .merge(_places(households, baseline_lists, "baseline_rank"), on=keys, how="outer")
    )
    rows = rows[rows["household_id"].isin(chosen["household_id"])].sort_values(keys, ignore_index=True)
    rows["relevant"] = rows["relevant"].fillna(0).astype("int8")
    return rows.assign(price_tier=price_tier.reindex(rows["product_id"]).array)


def household_scores(rows: pd.DataFrame, rank: str = "rank") -> UserScores:
    """NDCG, hit and reciprocal rank at 20 of each household, in the order of the household ids."""
    users = pd.factorize(rows["household_id"], sort=True)[0].astype(np.int64)
    return score_users(users, rows["relevant"].to_numpy() == 1, rows[rank].to_numpy(dtype=np.float64))


def premium_exposure(rows: pd.DataFrame) -> pd.Series[float]:
    """Share of a household's attention that premium products get: ``sum_j w_j 1[premium(item_j)] / sum_j w_j``.

    ``w_j = 1 / log2(1 + j)`` for place ``j``, the discount of NDCG (Singh and Joachims 2018, exposure). Indexed by
    household, 0 to 1.
    """
    listed = rows.dropna(subset="rank")
    attention = 1.0 / np.log2(1.0 + listed["rank"])
    premium = attention.where(listed["price_tier"] == PREMIUM, 0.0)
    household = listed["household_id"]
    return (premium.groupby(household).sum() / attention.groupby(household).sum()).rename("premium_exposure")


def _places(households: Ints, lists: Ints, name: str) -> pd.DataFrame:
    count, length = lists.shape
    return pd.DataFrame(
        {
            "household_id": np.repeat(households, length),
            "product_id": lists.ravel(),
            name: np.tile(np.arange(1.0, length + 1), count),
        }
    )
