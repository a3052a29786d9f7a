"""The tops of ranked lists, place by place, of as many lists as memory allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.groups import Unit, attributes_of
from audits.metrics.groups.adding import mixed, taken_apart
from audits.metrics.groups.aligned_pieces import aligned_pieces
from audits.metrics.groups.cells import group_names
from audits.metrics.groups.counting import MOST_LEVELS
from audits.metrics.groups.levels import Levels
from audits.metrics.lists.exposure import places
from audits.tables import Table

Ints: TypeAlias = npt.NDArray[np.int64]
Codes: TypeAlias = npt.NDArray[np.int32]
Floats: TypeAlias = npt.NDArray[np.float64]
Keys: TypeAlias = npt.NDArray[np.uint64]

#: Beyond so many lists those with the smallest hashes are kept: a random sample that does not depend on their order.
MOST_LISTS = 20_000
_MERGED_AT_ONCE = 1 << 18


@dataclass(frozen=True, slots=True)
class ListTops:
    """Lists in rank order, cut at the cutoff.

    ``codes`` has shape (lists, places, attributes) and holds places in ``names``, -1 behind the end of a list. ``sampled``:
    there were more lists.
    """

    attributes: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]
    codes: Codes
    sampled: bool

    def groups(self, grouping: str) -> tuple[list[str], Ints]:
        """The groups of an attribute or intersection, and the one at each place, shape (lists, places); -1 for none."""
        chosen = [self.attributes.index(name) for name in attributes_of(grouping)]
        flat = self.codes.reshape(-1, len(self.attributes))[:, chosen].astype(np.int64)
        filled = flat[:, 0] >= 0
        sizes = [len(self.names[i]) for i in chosen]
        combined, _ = mixed(list(flat[filled].T), sizes)
        found, place = np.unique(combined, return_inverse=True)
        out = np.full(len(flat), -1, dtype=np.int64)
        out[filled] = place.reshape(-1)
        names = group_names([self.names[i] for i in chosen], taken_apart(found, sizes))
        return names, out.reshape(self.codes.shape[:2])


@dataclass(frozen=True, slots=True)
class _Rows:
    key: Keys
    rank: Floats
    codes: Codes


def list_tops(
    table: Table, user: str, rank: str, attributes: Sequence[str], cutoff: int, most: int = MOST_LISTS
) -> ListTops:
    """Read the first ``cutoff`` places of at most ``most`` lists, in one pass, wherever their rows stand.

    Raises
    ------
    TableError
        When a column cannot be read, or places are below 1.
    """
    levels = [Levels(name, MOST_LEVELS) for name in attributes]
    names = list(dict.fromkeys([user, rank, *attributes]))
    kept, limit, unit = _Rows(*_nothing(len(levels))), np.uint64(2**64 - 1), Unit(user)
    waiting: list[_Rows] = []
    sampled = False
    for pieces in aligned_pieces(table, names):
        found = dict(zip(names, pieces, strict=True))
        key, place = unit.keys(found[user], 0, len(found[user])), places(found[rank])
        codes = [level.of(found[level.attribute]) for level in levels]
        known = found[user].data.is_valid().to_numpy(zero_copy_only=False)
        chosen = known & (place <= cutoff) & (key <= limit)
        waiting.append(_Rows(key[chosen], place[chosen], np.column_stack(codes)[chosen].astype(np.int32)))
        if sum(len(part.key) for part in waiting) > _MERGED_AT_ONCE:
            kept, limit, more = _fewest([kept, *waiting], most, limit)
            waiting, sampled = [], sampled or more
    kept, _, more = _fewest([kept, *waiting], most, limit)
    return ListTops(
        tuple(attributes),
        tuple(tuple(level.names) for level in levels),
        _laid_out(kept, cutoff),
        sampled or more,
    )


def _nothing(attributes: int) -> tuple[Keys, Floats, Codes]:
    return np.zeros(0, np.uint64), np.zeros(0), np.zeros((0, attributes), np.int32)


def _fewest(parts: Sequence[_Rows], most: int, limit: np.uint64) -> tuple[_Rows, np.uint64, bool]:
    """The rows of the lists with the smallest hashes, the largest hash kept, and whether there were more lists."""
    whole = _Rows(*(np.concatenate([getattr(part, name) for part in parts]) for name in _Rows.__slots__))
    found = np.unique(whole.key)
    if len(found) <= most:
        return whole, limit, False
    limit = found[most - 1]
    kept = whole.key <= limit
    return _Rows(whole.key[kept], whole.rank[kept], whole.codes[kept]), limit, True


def _laid_out(rows: _Rows, cutoff: int) -> Codes:
    order = np.lexsort((rows.rank, rows.key))
    key, codes = rows.key[order], rows.codes[order]
    lists, first, of_list = np.unique(key, return_index=True, return_inverse=True)
    place = np.arange(len(key)) - first[of_list.reshape(-1)]
    out = np.full((len(lists), cutoff, codes.shape[1]), -1, dtype=np.int32)
    inside = place < cutoff
    out[of_list.reshape(-1)[inside], place[inside]] = codes[inside]
    return out
