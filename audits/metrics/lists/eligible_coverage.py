"""Which items ever reach a group: distinct items by group, in one pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.groups import Unit, attributes_of
from audits.metrics.groups.adding import added_up, mixed, taken_apart
from audits.metrics.groups.aligned_pieces import aligned_pieces
from audits.metrics.groups.cells import group_names
from audits.metrics.groups.counting import MOST_LEVELS
from audits.metrics.groups.levels import Levels
from audits.tables import Column, Table

Bools: TypeAlias = npt.NDArray[np.bool_]
Ints: TypeAlias = npt.NDArray[np.int64]
Keys: TypeAlias = npt.NDArray[np.uint64]
#: From the pieces of the columns to which rows hold an eligible item, and which of these reached somebody.
Reached: TypeAlias = Callable[[tuple[Column, ...]], tuple[Bools, Bools]]


@dataclass(frozen=True, slots=True)
class Reach:
    """``items`` is how many eligible items there are, ``reached`` how many of them each group got."""

    items: int
    reached: dict[str, int]


def reach(
    table: Table, item: str, columns: Sequence[str], reached: Reached, groupings: Sequence[str]
) -> list[Reach]:
    """Count the eligible items, and those of them that each group got at least once.

    The memory grows with items times groups: 16 bytes for each pair that occurs.

    Parameters
    ----------
    item : str
        Column of the item; rows without one are left out.
    groupings : sequence of str
        Attributes and intersections.

    Returns
    -------
    list of Reach
        One for each grouping.
    """
    levels = {name: Levels(name, MOST_LEVELS) for grouping in groupings for name in attributes_of(grouping)}
    names = list(dict.fromkeys([item, *columns, *levels]))
    every: Keys = np.zeros(0, dtype=np.uint64)
    seen = [(np.zeros(0, np.int64), every) for _ in groupings]
    unit = Unit(item)
    for pieces in aligned_pieces(table, names):
        found = dict(zip(names, pieces, strict=True))
        eligible, got = reached(tuple(found[name] for name in columns))
        known = found[item].data.is_valid().to_numpy(zero_copy_only=False)
        keys = unit.keys(found[item], 0, len(known))
        every = np.union1d(every, keys[known & eligible])
        chosen = known & eligible & got
        codes = {name: level.of(found[name])[chosen] for name, level in levels.items()}
        for i, grouping in enumerate(groupings):
            group, _ = mixed([codes[name] for name in attributes_of(grouping)], _sizes(grouping))
            seen[i] = _distinct(seen[i], (group, keys[chosen]))
    return [
        Reach(len(every), _counts(grouping, pairs[0], levels))
        for grouping, pairs in zip(groupings, seen, strict=True)
    ]


def _sizes(grouping: str) -> list[int]:
    """Room for every code that an attribute may get, so that codes of all pieces agree."""
    return [MOST_LEVELS + 1 for _ in attributes_of(grouping)]


def _distinct(before: tuple[Ints, Keys], new: tuple[Ints, Keys]) -> tuple[Ints, Keys]:
    """Each pair of group and item once."""
    keys = [np.concatenate(pair) for pair in zip(before, new, strict=True)]
    (group, item), _ = added_up(keys, np.zeros((len(keys[0]), 0)))
    return group, item


def _counts(grouping: str, group: Ints, levels: dict[str, Levels]) -> dict[str, int]:
    found, counts = np.unique(group, return_counts=True)
    names = group_names(
        [levels[name].names for name in attributes_of(grouping)], taken_apart(found, _sizes(grouping))
    )
    return dict(zip(names, counts.tolist(), strict=True))
