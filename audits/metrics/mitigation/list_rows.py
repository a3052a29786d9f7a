"""The lists of a study: groups and relevance of the items at each place, deep enough to put them in another order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.lists.exposure import attention
from audits.metrics.lists.tops import ListTops
from audits.metrics.mitigation.utility import Worth
from audits.metrics.statistics.resampling import Resampler

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]

#: Lists that a study looks at, half of them to tune on.
MOST_LISTS = 4_000
#: How many times as many places as the top has are read: what an item may move up from.
DEPTH = 10


@dataclass(frozen=True, slots=True)
class Lists:
    """Lists in the order of the model, shape (lists, places); ``groups`` is -1 behind the end of a list.

    ``gain`` is what an item is worth to the user at its place of today: 1 for a chosen item where that is known, else the attention
    of that place, so that the model's own order is the best one.
    """

    groups: Ints
    gain: Floats
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.groups)

    def taken(self, chosen: Bools) -> Lists:
        """Some of the lists."""
        return Lists(self.groups[chosen], self.gain[chosen], self.names)


def lists_of(tops: ListTops, grouping: str, relevant: str | None) -> Lists:
    """Lists from tops read with the item's attributes, and with its relevance among them where that is known."""
    names, groups = tops.groups(grouping)
    places = np.arange(1.0, groups.shape[1] + 1)
    gain = np.where(groups >= 0, attention(places), 0.0)
    if relevant:
        gain = np.where(groups >= 0, flagged(tops, relevant), 0.0)
    return Lists(groups, gain, tuple(names))


def flagged(tops: ListTops, attribute: str) -> Floats:
    """1 where an attribute of 0 and 1 is 1."""
    place = tops.attributes.index(attribute)
    yes = np.array([name.lower() in {"1", "1.0", "true"} for name in tops.names[place]], dtype=bool)
    codes = tops.codes[:, :, place]
    return np.asarray((yes[np.maximum(codes, 0)] & (codes >= 0)).astype(np.float64))


def place_shares(lists: Lists, size: int) -> Floats:
    """The share of the first ``size`` places of all lists that each group has today."""
    top = lists.groups[:, :size]
    counts = np.bincount(top[top >= 0], minlength=len(lists.names)).astype(np.float64)
    return np.asarray(counts / max(counts.sum(), 1.0))


def exposures(lists: Lists, order: Ints) -> Floats:
    """The attention that each list gives each group in an order, shape (lists, groups)."""
    size = len(lists.names)
    weight = attention(np.arange(1.0, order.shape[1] + 1))
    taken = np.take_along_axis(lists.groups, np.maximum(order, 0), axis=1)
    inside = order >= 0
    keys = (np.arange(len(lists))[:, None] * size + taken)[inside]
    weights = np.broadcast_to(weight, order.shape)[inside]
    given = np.bincount(keys, weights=weights, minlength=len(lists) * size).astype(np.float64)
    return given.reshape(len(lists), size)


def unchanged(lists: Lists, size: int) -> Ints:
    """The order of today."""
    own = np.broadcast_to(np.arange(lists.groups.shape[1]), lists.groups.shape)[:, :size]
    return np.where(lists.groups[:, :size] >= 0, own, -1)


class ListWorth:
    """Quality of lists in another order: ``sum gain x attention`` of the new places over the best that is possible.

    With chosen items this is NDCG (Järvelin and Kekäläinen 2002, binary gains; best among the places that were read). Lists without
    any gain are left out. Intervals are percentiles of resampled lists, paired with today's order.
    """

    def __init__(self, lists: Lists, size: int, seed: int) -> None:
        best = -np.sort(-lists.gain, axis=1)[:, :size]
        ideal = best @ attention(np.arange(1.0, best.shape[1] + 1))
        self._kept = ideal > 0
        self._lists, self._ideal = lists, ideal
        self._resampler = Resampler(np.arange(int(self._kept.sum())), seed) if self._kept.any() else None
        self._today = self._quality(unchanged(lists, size))

    @property
    def known(self) -> bool:
        """Whether any list has something to gain."""
        return self._resampler is not None

    def of(self, order: Ints) -> Worth:
        """Quality of an order, and what it loses against today's. Needs ``known``."""
        if self._resampler is None:
            raise ValueError("no list has anything to gain")
        columns = [np.ones(len(self._today)), self._quality(order), self._today]
        totals = self._resampler.totals(columns)
        return Worth(
            totals.estimate(lambda t: np.asarray(t[:, 1] / t[:, 0])),
            totals.estimate(lambda t: np.asarray((t[:, 2] - t[:, 1]) / t[:, 0])),
            {},
        )

    def _quality(self, order: Ints) -> Floats:
        gained = np.take_along_axis(self._lists.gain, np.maximum(order, 0), axis=1)
        got = np.where(order >= 0, gained, 0.0) @ attention(np.arange(1.0, order.shape[1] + 1))
        return np.asarray(got[self._kept] / self._ideal[self._kept])
