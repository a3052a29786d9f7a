"""How groups stand along a ranked list: divergence of every prefix, and a test of every prefix."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, bdtrc

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]

#: So many numbers are worked on at once.
_AT_ONCE = 1 << 22


def ndkl(groups: Ints, wanted: Floats) -> Floats:
    """Normalised discounted cumulative KL divergence of each list from a wanted distribution, in nats.

    ``1/Z sum_i KL(D_i || D) / log2(i + 1)`` over the prefixes of length ``i``, ``D_i`` the shares of the groups among the
    first ``i`` items and ``Z = sum_i 1 / log2(i + 1)``. Source: Geyik, Ambler and Kenthapadi 2019, KDD, 2221-2231, definition
    3.4. 0 only if every prefix has the wanted shares, which short prefixes cannot; compare versions, not with 0.

    Parameters
    ----------
    groups : array of int, shape (lists, places)
        The group at each place; -1 behind the end of a list, and nowhere else.
    wanted : array, shape (groups,)
        Sums to 1.

    Returns
    -------
    array, shape (lists,)
        Infinite where a list holds a group with a wanted share of 0; NaN for an empty list.
    """
    step = max(1, _AT_ONCE // len(wanted))
    parts = [_ndkl(groups[i : i + step], wanted) for i in range(0, len(groups), step)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _ndkl(groups: Ints, wanted: Floats) -> Floats:
    lists, places = groups.shape
    counts = np.zeros((lists, len(wanted)))
    total, weights = np.zeros(lists), np.zeros(lists)
    every = np.arange(lists)
    for i in range(places):
        here = groups[:, i] >= 0
        counts[every[here], groups[here, i]] += 1
        share = counts / (i + 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(share > 0, share * np.log(share / wanted), 0.0)
        weight = here / np.log2(i + 2)
        total[here] += (terms.sum(axis=1) * weight)[here]
        weights += weight
    return np.asarray(np.divide(total, weights, out=np.full(lists, np.nan), where=weights > 0))


def least_counts(places: int, share: float, alpha: float) -> Ints:
    """The least number of a group's items in the first 1, 2, ... places of a list that represents it fairly.

    ``m(k)`` is the smallest ``m`` with ``F(m; k, share) > alpha``, ``F`` the binomial distribution function. Source: FA*IR,
    Zehlike et al. 2017, "FA*IR: a fair top-k ranking algorithm", CIKM, 1569-1578, definition 3.1 and table 2.

    Examples
    --------
    >>> least_counts(12, 0.5, 0.1).tolist()
    [0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 3, 4]
    """
    k = np.arange(1, places + 1)[:, None]
    m = np.arange(places + 1)[None, :]
    enough = bdtr(np.minimum(m, k), k, share) > alpha
    return np.asarray(enough.argmax(axis=1), dtype=np.int64)


def failing_share(least: Ints, share: float) -> Floats:
    """How many lists of each length fail although every place is drawn with the same chance: what to expect of fair lists.

    More than ``alpha``, as every prefix is tested (the paper's section 4.2). Exact: the distribution of the count is carried
    from place to place, without those that failed.

    Parameters
    ----------
    least : array of int, shape (places,)
        From ``least_counts``.

    Returns
    -------
    array, shape (places,)
        For lists of length 1, 2, ...

    Examples
    --------
    >>> round(float(failing_share(least_counts(20, 0.25, 0.1), 0.25)[-1]), 6)
    0.146887
    """
    alive = np.zeros(len(least) + 1)
    alive[0] = 1.0
    out = np.zeros(len(least))
    for i, needed in enumerate(least):
        alive[1:] = alive[1:] * (1 - share) + alive[:-1] * share
        alive[0] *= 1 - share
        alive[:needed] = 0.0
        out[i] = 1 - alive.sum()
    return out


def failing_lists(members: Bools, lengths: Ints, least: Ints) -> Bools:
    """Whether a list has too few of a group in some prefix.

    Parameters
    ----------
    members : array of bool, shape (lists, places)
        Whether the item at each place belongs to the group; False behind the end.
    lengths : array of int, shape (lists,)
    """
    counts = members.cumsum(axis=1)
    inside = np.arange(members.shape[1])[None, :] < lengths[:, None]
    return np.asarray(((counts < least[None, :]) & inside).any(axis=1))


def at_least(events: int, n: int, share: float) -> float:
    """Exact binomial chance of so many events or more among ``n``."""
    return 1.0 if events <= 0 else float(bdtrc(events - 1, n, share))
