"""Whether recommendations go to what is popular anyway, beyond what users choose by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.groups.keyed_sums import sum_by_key
from audits.metrics.lists.exposure import amounts, places
from audits.metrics.statistics.resampling import Estimate, Resampler, unit_codes
from audits.tables import Column, Table

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PopularityLift:
    """The lift with its interval, the mean popularity shown and chosen, and how many users have both."""

    estimate: Estimate
    shown: float
    chosen: float
    users: int


def popularity_lift(table: Table, roles: Mapping[str, str], seed: int) -> PopularityLift:
    """How much more popular the recommended items are than those that the same users chose.

    ``(GAP_q - GAP_p) / GAP_p``: the group average popularity, a mean over users of the mean popularity of the items in
    their lists (q) and in their profile (p). Source: Abdollahpouri, Mansoury, Burke and Mobasher 2019, "The unfairness of
    popularity bias in recommendation", RMSE workshop at RecSys, section 4. 0: as popular; interval by 1,000
    resamples of users.

    Parameters
    ----------
    roles : mapping
        Columns of ``user``, ``rank``, ``popularity`` and ``relevance``; rows with a relevance above 0 are the profile.
    """
    columns = [roles["rank"], roles["popularity"], roles["relevance"]]
    sums = sum_by_key(table, roles["user"], columns, _statistics)
    listed, shown, profile, chosen = sums.by_key(sums.sums).T
    both = (listed > 0) & (profile > 0)
    q, p = shown[both] / listed[both], chosen[both] / profile[both]
    users = int(both.sum())
    if not users or p.sum() <= 0:
        reason = "no user has both listed and chosen items of known popularity above 0"
        return PopularityLift(Estimate(n=users, reason=reason), float("nan"), float("nan"), users)
    totals = Resampler(unit_codes(users, None), seed).totals([q, p])
    estimate = totals.estimates({"lift": lambda t: t[:, 0] / t[:, 1] - 1})["lift"]
    return PopularityLift(estimate, float(q.mean()), float(p.mean()), users)


def _statistics(pieces: tuple[Column, ...]) -> Floats:
    rank, popularity, relevance = places(pieces[0]), amounts(pieces[1]), amounts(pieces[2])
    known = ~np.isnan(popularity)
    listed, profile = ~np.isnan(rank) & known, (relevance > 0) & known
    value = np.nan_to_num(popularity)
    return np.column_stack([listed, value * listed, profile, value * profile]).astype(np.float64)
