"""The subgroup whose rate stands out most, among all that can be described by subsets of each attribute's values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import rel_entr

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]

RESTARTS = 30
DRAWS = 199
_ROUNDS = 20
#: Scores that differ by less than this are ties: equal tables, added up in another order.
_TIE = 1e-9


@dataclass(frozen=True, slots=True)
class Subgroup:
    """What was found: per attribute the values that belong to the subgroup, its events and rows, score and p."""

    values: tuple[tuple[int, ...], ...]
    events: int
    n: int
    score: float
    p: float


def bias_scan(codes: Ints, events: Ints, n: Ints, *, high: bool, seed: int) -> Subgroup | None:
    """Search the subgroup with the highest (or lowest) rate, by its likelihood ratio against the overall rate.

    The score of a subgroup with ``K`` of ``N`` events is ``N KL(K / N || r)``, ``r`` the overall rate: the log-likelihood
    ratio of binomial counts (multi-dimensional subset scan; Zhang and Neill 2016, "Identifying significant predictive bias
    in classifiers", arXiv:1611.08292; ``aif360``'s ``mdss_bias_scan`` without penalty). For one attribute, the others held
    fixed, the best subset is a run of its values in the order of their rates (Neill 2012, J. R. Statist. Soc. B 74,
    337-360), so the attributes are optimised in turn from several random starts. That comes close to the best of all
    subsets, if not always all the way; the observed table and the dealt ones are searched alike.

    p is exact for the whole search: events are dealt out to the rows anew, and the search is repeated, 199 times.

    Parameters
    ----------
    codes : array of int, shape (cells, attributes)
        The values of each cell, from 0.
    events, n : arrays of int, shape (cells,)

    Returns
    -------
    Subgroup or None
        None when all rows, or none, have the event: nothing can stand out.
    """
    total, rows = int(events.sum()), int(n.sum())
    if not 0 < total < rows:
        return None
    rng = np.random.default_rng(seed)
    dealt = rng.multivariate_hypergeometric(n, total, size=DRAWS, method="marginals")
    tables = np.vstack([events, dealt])
    best, included = _searched(codes, tables if high else n - tables, n, rng)
    p = (1 + int((best[1:] >= best[0] * (1 - _TIE)).sum())) / (DRAWS + 1)
    chosen = included[0]
    if not chosen.any():
        return None
    values = tuple(tuple(np.unique(codes[chosen, j]).tolist()) for j in range(codes.shape[1]))
    return Subgroup(values, int(events[chosen].sum()), int(n[chosen].sum()), float(best[0]), p)


def _searched(codes: Ints, events: Ints, n: Ints, rng: np.random.Generator) -> tuple[Floats, Bools]:
    """The best score of each table, and the cells of its subgroup; all tables and starts at once."""
    tables, cells = events.shape
    sizes = [int(column.max()) + 1 for column in codes.T]
    overall = float(events[0].sum() / n.sum())
    starts = [_start(size, tables, rng) for size in sizes]
    counts = np.repeat(events, RESTARTS, axis=0).astype(np.float64)
    best = np.full(tables * RESTARTS, -np.inf)
    for _ in range(_ROUNDS):
        before = best.copy()
        for j, size in enumerate(sizes):
            others = np.ones((len(best), cells), dtype=bool)
            for i, chosen in enumerate(starts):
                if i != j:
                    others &= chosen[:, codes[:, i]]
            member = (codes[:, j][:, np.newaxis] == np.arange(size)).astype(np.float64)
            k, m = (counts * others) @ member, (others * n) @ member
            starts[j], best = _best_subset(k, m, overall)
        if np.all(best <= before * (1 + _TIE)):
            break
    best, at = best.reshape(tables, RESTARTS).max(axis=1), best.reshape(tables, RESTARTS).argmax(axis=1)
    place = np.arange(tables) * RESTARTS + at
    included = np.ones((tables, cells), dtype=bool)
    for chosen, column in zip(starts, codes.T, strict=True):
        included &= chosen[place][:, column]
    return best, included & (n > 0)


def _start(size: int, tables: int, rng: np.random.Generator) -> Bools:
    """Random subsets, the first of each table's being everything."""
    chosen = rng.random((tables, RESTARTS, size)) < 0.5
    chosen[:, 0] = True
    chosen[~chosen.any(axis=2)] = True
    return np.asarray(chosen.reshape(-1, size))


def _best_subset(k: Floats, n: Floats, overall: float) -> tuple[Bools, Floats]:
    """The subset of one attribute's values with the highest score, per row: a run of the values with the highest rates."""
    rates = np.divide(k, n, out=np.full(k.shape, -1.0), where=n > 0)
    order = np.argsort(-rates, axis=1, kind="stable")
    events, rows = (np.cumsum(np.take_along_axis(side, order, axis=1), axis=1) for side in (k, n))
    scores = _score(events, rows, overall)
    last = scores.argmax(axis=1)
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.broadcast_to(np.arange(order.shape[1]), order.shape).copy(), axis=1)
    return rank <= last[:, np.newaxis], scores[np.arange(len(scores)), last]


def _score(events: Floats, rows: Floats, overall: float) -> Floats:
    """Log-likelihood ratio of a rate above the overall one; 0 for one that is not above."""
    rate = np.divide(events, rows, out=np.zeros_like(rows), where=rows > 0)
    gain = rows * (rel_entr(rate, overall) + rel_entr(1 - rate, 1 - overall))
    return np.where(rate > overall, gain, 0.0)


def described(values: Sequence[Sequence[str]], attributes: Sequence[str], levels: Sequence[int]) -> str:
    """A subgroup in words: the attributes that narrow it, with their values.

    Examples
    --------
    >>> described([["65+"], ["f", "m"]], ["age", "sex"], [4, 2])
    'age=65+'
    """
    parts = [
        f"{name}={'|'.join(chosen)}"
        for name, chosen, size in zip(attributes, values, levels, strict=True)
        if len(chosen) < size
    ]
    return ", ".join(parts) or "all rows"
