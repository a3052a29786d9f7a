"""The exposure of every item, and what follows for the groups of items: catalogue shares, coverage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.groups import attributes_of
from audits.metrics.groups.adding import mixed, taken_apart
from audits.metrics.groups.cells import group_names
from audits.metrics.groups.keyed_sums import KeyedSums, sum_by_key
from audits.metrics.lists.exposure import amounts, attention, places
from audits.tables import Column, Table

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

#: What ``ItemRows`` adds up of each row, in this order.
EXPOSURE, LISTED, TOP, RELEVANCE, RELATED, USEFUL = range(6)


@dataclass(frozen=True, slots=True)
class ItemRows:
    """What is added up of each row: attention, whether listed, whether in the top, relevance, whether it is known and above 0.

    ``cutoff`` is the last place of the top.
    """

    cutoff: int

    def of(self, pieces: tuple[Column, ...]) -> Floats:
        """From the place, and the relevance where it is known: shape (rows, 6). Raises ``TableError`` as ``places``."""
        rank = places(pieces[0])
        relevance = amounts(pieces[1]) if len(pieces) > 1 else np.full(len(rank), np.nan)
        columns = [attention(rank), ~np.isnan(rank), rank <= self.cutoff]
        columns += [np.nan_to_num(relevance), ~np.isnan(relevance), relevance > 0]
        return np.column_stack(columns).astype(np.float64)


@dataclass(frozen=True, slots=True)
class ItemGroups:
    """Items per group in the table, how many of them were listed at all, and items whose rows name several groups."""

    names: list[str]
    items: Ints
    listed: Ints
    conflicting: int

    @property
    def shares(self) -> dict[str, float]:
        """Each group's share of the catalogue: of the distinct items in the table."""
        return dict(zip(self.names, (self.items / self.items.sum()).tolist(), strict=True))


def item_exposures(table: Table, item: str, rank: str, attributes: Sequence[str]) -> KeyedSums:
    """The attention that each distinct item gets over all lists, and how often it is listed.

    A row without a place still says that the item is in the catalogue. Rows without an item are left out.
    """
    return sum_by_key(table, item, [rank], _exposure, attributes)


def _exposure(pieces: tuple[Column, ...]) -> Floats:
    rank = places(pieces[0])
    return np.column_stack([attention(rank), ~np.isnan(rank)]).astype(np.float64)


def item_groups(items: KeyedSums, grouping: str) -> ItemGroups:
    """Count the items of each group of an attribute or intersection."""
    chosen = [items.attributes.index(name) for name in attributes_of(grouping)]
    sizes = [len(items.names[i]) for i in chosen]
    combined, _ = mixed([items.codes[:, i] for i in chosen], sizes)
    found, place = np.unique(combined, return_inverse=True)
    listed = items.by_key(items.sums)[:, LISTED] > 0
    return ItemGroups(
        names=group_names([items.names[i] for i in chosen], taken_apart(found, sizes)),
        items=np.bincount(place.reshape(-1), minlength=len(found)),
        listed=np.bincount(place.reshape(-1), weights=listed, minlength=len(found)).astype(np.int64),
        conflicting=sum(items.conflicting[i] for i in chosen),
    )
