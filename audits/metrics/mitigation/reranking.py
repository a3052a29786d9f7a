"""Lists in another order, so that each group of items gets its share of the places: greedy, best items first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]

#: A share of 1/3 times 3 places is 1, whatever rounding makes of it.
_SLACK = 1e-9


def conservative(groups: Ints, shares: Sequence[float], size: int) -> list[int]:
    """A list whose every prefix of ``k`` places has at least ``floor(k p_g)`` items of group ``g``, where there are enough.

    A group below its least number goes first; else the group that soonest must have another item, ``min ceil(k p_g) / p_g``
    among those below ``ceil(k p_g)``. Equals are settled by the place in the list as it was. Source: ``DetCons`` of Geyik, Ambler and
    Kenthapadi 2019, "Fairness-aware ranking in search and recommendation systems", KDD, 2221-2231, section 4.2.

    Parameters
    ----------
    groups : ndarray of int, shape (items,)
        The group of each item, best item first.
    shares : sequence of float
        The share of places that each group should have; adds up to 1.
    size : int
        How many places to fill.

    Returns
    -------
    list of int
        Places in ``groups``, at most ``size``.

    Examples
    --------
    >>> conservative(np.array([1, 0, 0, 0]), [0.75, 0.25], 4)
    [1, 2, 0, 3]
    """
    waiting = _by_group(groups, len(shares))
    counts = [0] * len(shares)
    out: list[int] = []
    for k in range(1, min(size, len(groups)) + 1):
        able = [g for g in range(len(shares)) if counts[g] < len(waiting[g])]
        below = [g for g in able if counts[g] < _floor(k * shares[g])]
        room = [g for g in able if shares[g] > 0 and counts[g] < math.ceil(k * shares[g] - _SLACK)]
        if below:
            chosen = min(below, key=lambda g: waiting[g][counts[g]])
        elif room:
            due = {g: math.ceil(k * shares[g] - _SLACK) / shares[g] for g in room}
            chosen = min(room, key=lambda g: (due[g], waiting[g][counts[g]]))
        else:
            chosen = min(able, key=lambda g: waiting[g][counts[g]])
        out.append(waiting[chosen][counts[chosen]])
        counts[chosen] += 1
    return out


def constrained(groups: Ints, shares: Sequence[float], size: int) -> list[int]:
    """As ``conservative``, but items move up as far as no group's least number is hurt: better items stay nearer the top.

    Whenever the least number of some group grows by one, its next item is put behind the list and then moves up past worse items,
    each of which stays before the place by which it is due. Source: ``DetConstSort``, the same paper, algorithm 3.

    Examples
    --------
    >>> constrained(np.array([1, 0, 0, 0]), [0.75, 0.25], 4)
    [0, 1, 2, 3]
    """
    waiting = _by_group(groups, len(shares))
    counts, least = [0] * len(shares), [0] * len(shares)
    out: list[int] = []
    due: list[int] = []
    k = 0
    most = min(size, len(groups))
    while len(out) < most and k < _rounds(most, shares):
        k += 1
        now = [_floor(k * share) for share in shares]
        grown = [g for g in range(len(shares)) if now[g] > least[g] and counts[g] < len(waiting[g])]
        for g in sorted(grown, key=lambda g: waiting[g][counts[g]]):
            if len(out) == most:
                break
            out.append(waiting[g][counts[g]])
            due.append(k - 1)
            _move_up(out, due)
            counts[g] += 1
        least = now
    return _filled(out, len(groups), most)


def _move_up(out: list[int], due: list[int]) -> None:
    """The last item moves past worse ones that may still stand one place lower."""
    i = len(out) - 1
    while i > 0 and due[i - 1] >= i and out[i - 1] > out[i]:
        out[i - 1], out[i] = out[i], out[i - 1]
        due[i - 1], due[i] = due[i], due[i - 1]
        i -= 1


def _rounds(most: int, shares: Sequence[float]) -> int:
    """By then every group with a share has had its items: groups that ran out do not keep the loop going."""
    return math.ceil(most / min(share for share in shares if share > 0)) + 1


def _filled(out: list[int], items: int, most: int) -> list[int]:
    """Places that no group claims go to the best items left."""
    taken = set(out)
    rest = (i for i in range(items) if i not in taken)
    return out + [i for i, _ in zip(rest, range(most - len(out)), strict=False)]


def _by_group(groups: Ints, size: int) -> list[list[int]]:
    return [np.flatnonzero(groups == g).tolist() for g in range(size)]


def _floor(value: float) -> int:
    return math.floor(value + _SLACK)


def reordered(groups: Ints, shares: Floats, size: int, even: bool) -> Ints:
    """Every list in its new order.

    Parameters
    ----------
    groups : ndarray of int, shape (lists, places)
        The group of each item in the order of the list, -1 behind its end.
    shares : ndarray, shape (groups,) or (lists, groups)
    even : bool
        ``conservative``, else ``constrained``.

    Returns
    -------
    ndarray of int, shape (lists, size)
        Which place of the old list stands at each place of the new one; -1 behind the end.
    """
    of_lists = np.broadcast_to(shares, (len(groups), shares.shape[-1]))
    rank = conservative if even else constrained
    out = np.full((len(groups), size), -1, dtype=np.int64)
    for i, row in enumerate(groups):
        found = rank(row[row >= 0], of_lists[i].tolist(), size)
        out[i, : len(found)] = found
    return out
