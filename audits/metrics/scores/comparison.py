"""Whether scores are distributed like those on which a calibration was learned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import rel_entr

from audits.metrics.scores.profiles import ScoreProfile
from audits.metrics.statistics.resampling import Floats, Ints

BINS = 10
DRAWS = 499
LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class ScoreComparison:
    """How far current scores are from the reference's.

    ``distance`` is Jensen-Shannon's over bins that hold a tenth of the reference each, ``distance_p`` how often two
    samples of one distribution are as far apart. ``outside`` is the share of current rows below the reference's lowest
    or above its highest score (``lowest``, ``highest``), ``outside_p`` how often as many are when nothing has changed.
    """

    distance: float
    distance_p: float
    outside: float
    outside_p: float
    lowest: float
    highest: float

    def far(self, limit: float) -> bool:
        """Whether the distance reaches the limit, and not by chance."""
        return self.distance >= limit and self.distance_p <= LEVEL

    def outside_range(self, limit: float) -> bool:
        """Whether the share outside reaches the limit, and not by chance."""
        return self.outside >= limit and self.outside_p <= LEVEL


def compare_scores(reference: ScoreProfile, current: ScoreProfile, seed: int = 0) -> ScoreComparison:
    """Compare two profiles of one score, each with at least one row.

    The distance (Lin 1991, natural logarithm, root taken) has its p from a permutation of the pooled rows, drawn anew
    ``DRAWS`` times (Phipson and Smyth 2010). Of ``m`` new values from the distribution of ``n`` earlier ones, the
    number outside the earlier ones' range is beta-binomial with ``(m, 2, n - 1)`` when there are no ties (Wilks 1941),
    and seldom larger with ties.
    """
    from scipy.stats import betabinom  # the package takes half a second to load

    before, after = _binned(reference, current)
    distance = float(_distance(before, after))
    rows, new = reference.n, current.n
    scores, seen = current.means(), reference.means()
    lowest, highest = float(seen[0]), float(seen[-1])
    outside = int(current.counts.sum(axis=1)[(scores < lowest) | (scores > highest)].sum())
    return ScoreComparison(
        distance,
        _permutation_p(before, after, distance, seed),
        outside / new,
        float(betabinom.sf(outside - 1, new, 2, max(rows - 1, 1))),
        lowest,
        highest,
    )


def _binned(reference: ScoreProfile, current: ScoreProfile) -> tuple[Ints, Ints]:
    """Rows of both by the reference's deciles; what lies beyond them is in the outer bins."""
    rows, means = reference.counts.sum(axis=1), reference.means()
    ends = np.cumsum(rows)
    inner = np.unique(means[np.searchsorted(ends, ends[-1] * np.arange(1, BINS) / BINS)])
    before, after = (
        np.bincount(np.searchsorted(inner, p.means()), p.counts.sum(axis=1), len(inner) + 1).astype(np.int64)
        for p in (reference, current)
    )
    return before, after


def _distance(before: Ints, after: Ints) -> Floats:
    p, q = (side / side.sum(axis=-1, keepdims=True) for side in (before, after))
    middle = (p + q) / 2
    divergence = (rel_entr(p, middle) + rel_entr(q, middle)).sum(axis=-1) / 2
    return np.sqrt(np.maximum(divergence, 0.0))


def _permutation_p(before: Ints, after: Ints, distance: float, seed: int) -> float:
    pooled, rng = before + after, np.random.default_rng(seed)
    if (
        pooled.sum() < 1_000_000_000
    ):  # NumPy's limit for the exact draw; beyond it replacement makes no difference
        drawn = rng.multivariate_hypergeometric(pooled, int(after.sum()), DRAWS, method="marginals")
        others = pooled - drawn
    else:
        shares = pooled / pooled.sum()
        drawn, others = (rng.multinomial(int(side.sum()), shares, DRAWS) for side in (after, before))
    return float((1 + (_distance(others, drawn) >= distance).sum()) / (DRAWS + 1))
