"""The metrics of one outcome in the groups of one attribute: from what was counted or added up to comparisons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.disparity.disparities import (
    Comparison,
    Sizes,
    Sums,
    compare_means,
    compare_rates,
    compare_sums,
    units_by_group,
)
from audits.metrics.disparity.rates import RATES, SELECTION, members, rate_counts
from audits.metrics.groups import GroupCounts, Groups, UnitSums
from audits.metrics.statistics.intervals import drawn_weights

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A metric's comparison over one attribute. ``rows`` are each group's, ``dropped`` those without a value."""

    metric: str
    groups: Groups
    comparison: Comparison
    rows: Floats
    dropped: Floats
    units: Floats | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


def compare_counts(
    counted: GroupCounts, metrics: Sequence[str], sizes: Sizes, exact: bool = False
) -> Iterator[Compared]:
    """Rates of independent rows, from one count of their outcomes. ``exact`` asks for Fisher's test everywhere.

    Parameters
    ----------
    counted : GroupCounts
        Rows per group and outcome as ``rates.outcome_codes`` numbers them.
    metrics : sequence of str
        Keys of ``RATES``.
    """
    rows = counted.counts.sum(axis=1).astype(np.float64)
    pairs = [rate_counts(counted.counts, metric) for metric in metrics]
    events, n = (np.stack(side) for side in zip(*pairs, strict=True))
    for metric, found in zip(metrics, compare_rates(events, n, counted.groups, sizes, exact), strict=True):
        yield Compared(
            metric=metric,
            groups=counted.groups,
            comparison=found,
            rows=rows,
            dropped=rows - members(counted.counts, metric),
        )


def compare_moments(sums: UnitSums, centre: float, sizes: Sizes) -> Compared:
    """Means of independent rows; the statistics are ``1, value - centre, (value - centre)**2`` of rows with a value."""
    rows, (n, first, second) = _by_group(sums, sums.rows), (_by_group(sums, s) for s in sums.sums.T)
    return Compared(
        metric="mean-outcome",
        groups=sums.groups,
        comparison=compare_means(n.astype(np.int64), first, second, centre, sums.groups, sizes),
        rows=rows,
        dropped=rows - n,
    )


@dataclass(frozen=True, slots=True)
class SumRatio:
    """A metric as ``sum(numerator) / sum(denominator)``, and ``n``: the rows that take part.

    Each is a tuple of places among the statistics that were added up. ``used`` are the places that count the rows that
    could take part. ``rate``: a share of events. ``offset`` is added before two groups' values are divided.
    """

    metric: str
    numerator: tuple[int, ...]
    denominator: tuple[int, ...]
    n: tuple[int, ...]
    used: tuple[int, ...]
    rate: bool = False
    offset: float = 0.0


def rate_ratios(metrics: Sequence[str]) -> list[SumRatio]:
    """Rates as ratios of sums, where the statistics are the outcomes of ``RATES``, one column each."""
    labelled = RATES["accuracy"][1]
    return [
        SumRatio(
            metric,
            numerator,
            denominator,
            denominator,
            denominator if metric == SELECTION else labelled,
            rate=True,
        )
        for metric in metrics
        for numerator, denominator in [RATES[metric]]
    ]


def compare_ratios(
    sums: UnitSums, ratios: Sequence[SumRatio], sizes: Sizes, seed: int, unit_name: str | None = None
) -> Iterator[Compared]:
    """Ratios of sums by a bootstrap of the independent units, drawn once for all of them.

    Parameters
    ----------
    unit_name : str, optional
        The column of the unit; None where each row stands for itself.
    """
    draw = _Draws(sums, seed)
    rows = _by_group(sums, sums.rows)
    for ratio in ratios:
        used = _total(sums.sums, ratio.used)
        taking_part = used > 0
        own, others = units_by_group(*_pairs(sums, taking_part), sums.groups)
        n = _by_group(sums, _total(sums.sums, ratio.n))
        numerator, denominator = _total(sums.sums, ratio.numerator), _total(sums.sums, ratio.denominator)
        if unit_name is None:
            own, others = n, sums.groups.reference(n)
        found = Sums(
            n=n.astype(np.int64),
            numerator=_by_stratum(sums, numerator),
            denominator=_by_stratum(sums, denominator),
            numerator_draws=draw.of(numerator),
            denominator_draws=draw.of(denominator),
            units=own,
            reference_units=others,
            unit_name=f"values of {unit_name!r}" if unit_name else "rows",
            offset=ratio.offset,
        )
        yield Compared(
            metric=ratio.metric if sums.strata == 1 else f"conditional-{ratio.metric}",
            groups=sums.groups,
            comparison=compare_sums(found, sums.groups, sizes, rate=ratio.rate),
            rows=rows,
            dropped=rows - _by_group(sums, used),
            units=own if unit_name else None,
        )


class _Draws:
    """Sums of resampled units, shape (replicates, strata, groups)."""

    def __init__(self, sums: UnitSums, seed: int) -> None:
        self._sums = sums
        self._weights = drawn_weights(max(sums.units, 1), np.random.default_rng(seed))

    def of(self, values: Floats) -> Floats:
        sums, units = self._sums, self._weights.shape[1]
        cells = sums.strata * len(sums.groups)
        places = sums.unit * cells + _cell(sums)
        dense = np.bincount(places, weights=values, minlength=units * cells).reshape(units, cells)
        return np.asarray(self._weights @ dense).reshape(-1, sums.strata, len(sums.groups))


def _pairs(sums: UnitSums, taking_part: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Each group and unit that occur together, once."""
    last = max(sums.units, 1)
    group, unit = np.divmod(np.unique(sums.group[taking_part] * last + sums.unit[taking_part]), last)
    return group, unit


def _cell(sums: UnitSums) -> Ints:
    return sums.stratum * len(sums.groups) + sums.group


def _by_stratum(sums: UnitSums, values: Floats) -> Floats:
    shape = sums.strata, len(sums.groups)
    totals = np.bincount(_cell(sums), weights=values, minlength=shape[0] * shape[1])
    return totals.astype(np.float64).reshape(shape)


def _by_group(sums: UnitSums, values: npt.NDArray[np.generic]) -> Floats:
    totals = np.bincount(sums.group, weights=values.astype(np.float64), minlength=len(sums.groups))
    return totals.astype(np.float64)


def _total(sums: Floats, places: tuple[int, ...]) -> Floats:
    return np.asarray(sums[:, places].sum(axis=1))
