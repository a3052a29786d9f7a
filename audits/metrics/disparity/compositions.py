"""How the groups of an attribute are spread over segments: shares, balance, and association with its interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.disparity.disparities import Comparison, Sizes, compare_rates
from audits.metrics.disparity.group_comparisons import Compared, SumRatio
from audits.metrics.disparity.stratified import mantel_haenszel
from audits.metrics.groups import GroupCounts, Groups, UnitSums
from audits.metrics.statistics.association import cramers_v, pearson
from audits.metrics.statistics.intervals import REPLICATES, drawn_weights

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
#: From the place of a segment to resampled rows of each group in it, shape (replicates, groups).
Resampled: TypeAlias = Callable[[int], Floats]

#: With more combinations of group and segment than these nothing is resampled.
MOST_CELLS = 10_000


def metric_of(segment: str) -> str:
    """What the share of a segment is called."""
    return f"composition:{segment}"


def compare_composition(
    counted: GroupCounts, segments: Sequence[str], sizes: Sizes, exact: bool
) -> Iterator[Compared]:
    """Each segment's share of a group, ``P(segment | group)`` among rows with a segment, against the reference's.

    Parameters
    ----------
    counted : GroupCounts
        Counts of shape (groups, 1 + segments); the first column counts rows without a segment.
    """
    events = counted.counts[:, 1:].T.astype(np.float64)
    n = np.broadcast_to(events.sum(axis=0), events.shape)
    compared = compare_rates(events, n, counted.groups, sizes, exact)
    for segment, comparison in zip(segments, compared, strict=True):
        yield _composed(metric_of(segment), comparison, counted.groups, counted.counts)


def compare_composition_within(
    counted: GroupCounts, segments: Sequence[str], sizes: Sizes
) -> Iterator[Compared]:
    """The same within strata, see ``mantel_haenszel``; counts of shape (strata, groups, 1 + segments)."""
    assigned = counted.counts[:, :, 1:].astype(np.float64)
    n = assigned.sum(axis=2).T
    for place, segment in enumerate(segments):
        found = mantel_haenszel(assigned[:, :, place].T, n, counted.groups, sizes)
        yield _composed(
            f"conditional-{metric_of(segment)}", found, counted.groups, counted.counts.sum(axis=0)
        )


def _composed(metric: str, comparison: Comparison, groups: Groups, counts: Ints) -> Compared:
    rows = counts.sum(axis=1).astype(np.float64)
    return Compared(
        metric=metric,
        groups=groups,
        comparison=comparison,
        rows=rows,
        dropped=counts[:, 0].astype(np.float64),
    )


def composition_ratios(segments: Sequence[str]) -> list[SumRatio]:
    """The shares as ratios of sums of indicators, for rows that are not independent."""
    assigned = tuple(range(1, 1 + len(segments)))
    return [
        SumRatio(metric_of(segment), (place,), assigned, assigned, assigned, rate=True)
        for place, segment in enumerate(segments, start=1)
    ]


@dataclass(frozen=True, slots=True)
class Association:
    """Cramer's V of group and segment; NaN where it is not defined."""

    value: float
    low: float
    high: float


def association(counts: Floats, resampled: Resampled | None, clustered: bool) -> Association:
    """Bias-corrected Cramer's V with a bootstrap interval.

    The bootstrap repeats the upward bias of ``phi^2``: its replicates lie two biases above the truth, and that much is taken
    from each before V and the percentiles are formed. Where rows are independent the value is Bergsma's
    (``cramers_v``); where an entity has several rows his correction is too small, and the bias that the bootstrap shows is
    taken instead.

    Parameters
    ----------
    counts : array, shape (groups, segments)
        Rows with a group and a segment.
    resampled : callable, optional
        Without resamples there is no interval, and no value of rows that are not independent.
    """
    kept = counts.sum(axis=1) > 0
    occurring = counts[kept]
    room = _room(occurring[:, occurring.sum(axis=0) > 0])
    nothing = Association(math.nan, math.nan, math.nan)
    if not room > 0:
        return nothing
    plain = cramers_v(occurring)
    if resampled is None:
        return nothing if clustered else Association(plain, math.nan, math.nan)
    phi2 = pearson(occurring) / occurring.sum()
    draws = _phi2_draws(resampled, kept, counts.shape[1])
    bias = float(draws.mean()) - phi2
    low, high = np.quantile(_as_v(draws - 2 * bias, room), (0.025, 0.975))
    value = float(_as_v(np.array(phi2 - bias), room)) if clustered else plain
    return Association(value, float(low), float(high))


def _room(counts: Floats) -> float:
    """The largest ``phi^2`` that a table of these sides can have, corrected as by Bergsma."""
    n, (r, c) = counts.sum(), counts.shape
    if min(r, c) < 2 or n < 2:
        return math.nan
    return float(min(r - 1 - (r - 1) ** 2 / (n - 1), c - 1 - (c - 1) ** 2 / (n - 1)))


def _as_v(phi2: Floats, room: float) -> Floats:
    return np.asarray(np.sqrt(np.clip(phi2 / room, 0, 1)))


def _phi2_draws(resampled: Resampled, kept: npt.NDArray[np.bool_], segments: int) -> Floats:
    """``phi^2 = sum n_gs^2 / (n_g n_s) - 1`` of each replicate; one segment at a time, to keep little."""
    rows = np.sum([resampled(place)[:, kept] for place in range(segments)], axis=0)
    total = np.zeros(len(rows))
    for place in range(segments):
        cells = resampled(place)[:, kept]
        column = cells.sum(axis=1)
        by_row = np.divide(cells**2, rows, out=np.zeros(cells.shape), where=rows > 0).sum(axis=1)
        total += np.divide(by_row, column, out=np.zeros(len(rows)), where=column > 0)
    return total - 1


def of_rows(counts: Ints, seed: int) -> Resampled:
    """Resamples of independent rows: multinomial draws of the cells, the same as drawing rows."""
    n = int(counts.sum())
    shares = counts.ravel() / max(n, 1)
    drawn = np.random.default_rng(seed).multinomial(n, shares, size=REPLICATES).reshape(-1, *counts.shape)
    return lambda place: drawn[:, :, place].astype(np.float64)


def of_units(sums: UnitSums, chosen: Sequence[int], seed: int) -> Resampled:
    """Resamples of whole units, from sums of indicators of ``composition_ratios``; of the groups ``chosen``."""
    width = len(sums.groups)
    weights = drawn_weights(max(sums.units, 1), np.random.default_rng(seed))
    places = sums.unit * width + sums.group

    def drawn(place: int) -> Floats:
        dense = np.bincount(places, weights=sums.sums[:, 1 + place], minlength=weights.shape[1] * width)
        return np.asarray(weights @ dense.reshape(-1, width))[:, chosen]

    return drawn


def cluster_balance(counts: Floats) -> float:
    """How evenly the groups are mixed in the least mixed segment: ``min over s, g, h of n_gs / n_hs``.

    0 where a segment lacks a group; at most the smallest group's rows over the largest's, ``highest_balance``.
    Source: Chierichetti, Kumar, Lattanzi and Vassilvitskii 2017, "Fair clustering through fairlets", NeurIPS 30,
    definition 1, for any number of groups. holisticai's ``min_cluster_ratio`` is one direction of it for two groups.

    Parameters
    ----------
    counts : array, shape (groups, segments)
        At least one row in each group.
    """
    filled = counts[:, counts.sum(axis=0) > 0]
    return float((filled.min(axis=0) / filled.max(axis=0)).min())


def highest_balance(counts: Floats) -> float:
    """The balance that segments would have were all groups spread alike: of the whole data."""
    return cluster_balance(counts.sum(axis=1, keepdims=True))


def representation_balance(counts: Floats) -> float:
    """``min over s, g of min(r, 1 / r)`` with ``r = P(g | s) / P(g)``: 1 where every segment mirrors the whole data.

    Source: Bera, Chakrabarty, Flores and Negahbani 2019, "Fair algorithms for clustering", NeurIPS 32; it is what
    holisticai calls ``cluster_balance``.
    """
    filled = counts[:, counts.sum(axis=0) > 0]
    share = filled / filled.sum(axis=0)
    overall = counts.sum(axis=1, keepdims=True) / counts.sum()
    return float(np.minimum(share / overall, overall / np.where(share > 0, share, np.inf)).min())
