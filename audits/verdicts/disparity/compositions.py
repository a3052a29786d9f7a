"""Who is in which segment: shares of the groups of every attribute with verdicts, and how strongly both go together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.contract import Measurement, Verdict
from audits.metrics.disparity.compositions import (
    MOST_CELLS,
    Resampled,
    association,
    cluster_balance,
    compare_composition,
    compare_composition_within,
    composition_ratios,
    highest_balance,
    of_rows,
    of_units,
    representation_balance,
)
from audits.metrics.disparity.group_comparisons import compare_ratios
from audits.metrics.disparity.segments import Segments
from audits.metrics.groups import GroupCells, Groups, GroupSums, Unit, attributes_of, count_cells, sum_cells
from audits.verdicts.disparity.disparities import judged, number
from audits.verdicts.disparity.examination import Examination

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]


def composition_measured(segments: Segments, examination: Examination) -> Iterator[Measurement]:
    """Shares of every segment as one family of hypotheses per attribute, then association and balance.

    Parameters
    ----------
    segments : Segments
        Of the column that is examined.
    """
    for name, found in _counted(segments, examination):
        yield from _shares(name, found, segments, examination)
        if examination.strata:
            yield from _shares_within(name, found, segments, examination)
        yield from _spread(name, found, examination)


def _counted(segments: Segments, examination: Examination) -> Iterator[tuple[str, GroupCells | GroupSums]]:
    """Counts by each grouping; sums of indicators by entity where one has several rows."""
    table, columns, width = examination.table, [segments.column], 1 + len(segments)
    sets = [(*attributes_of(name), *examination.strata) for name in examination.groupings]
    if not examination.entity:
        cells = count_cells(table, sets, columns, lambda pieces: segments.codes(pieces[0]), width)
        yield from zip(examination.groupings, cells, strict=True)
        return
    unit = Unit(examination.entity)
    sums = sum_cells(table, sets, columns, lambda pieces: segments.indicators(pieces[0]), width, unit)
    for name, found in zip(examination.groupings, sums, strict=True):
        yield name, found.as_cells() if found.unit_is_row else found


def _shares(
    name: str, found: GroupCells | GroupSums, segments: Segments, examination: Examination
) -> Iterator[Measurement]:
    rules, baseline = examination.rules, examination.references.get(name)
    if isinstance(found, GroupCells):
        family = list(compare_composition(found.by(name, baseline), segments.names, rules.sizes, rules.exact))
    else:
        ratios = composition_ratios(segments.names)
        family = list(
            compare_ratios(
                found.by(name, baseline), ratios, rules.sizes, examination.seed, examination.entity
            )
        )
    if family:
        yield from judged(family, rules)


def _shares_within(
    name: str, found: GroupCells | GroupSums, segments: Segments, examination: Examination
) -> Iterator[Measurement]:
    rules, baseline, strata = examination.rules, examination.references.get(name), examination.strata
    if isinstance(found, GroupCells):
        counted = found.within(name, strata, baseline)
        family = list(compare_composition_within(counted, segments.names, rules.sizes))
    else:
        sums = found.by(name, baseline, strata)
        ratios = composition_ratios(segments.names)
        family = list(compare_ratios(sums, ratios, rules.sizes, examination.seed, examination.entity))
    declared = {"strata": list(strata)}
    if family:
        yield from judged([replace(c, detail={**c.detail, **declared}) for c in family], rules)


def _spread(name: str, found: GroupCells | GroupSums, examination: Examination) -> Iterator[Measurement]:
    """Association of attribute and segment, and balance of the segments, among those who declared the attribute."""
    counts, groups, resampled = _table(name, found, examination.seed)
    yield _association(name, counts, resampled, isinstance(found, GroupSums), examination.rules.sizes.rows)
    yield _balance(name, counts, groups, examination.rules.sizes.rows)


def _table(name: str, found: GroupCells | GroupSums, seed: int) -> tuple[Floats, list[str], Resampled | None]:
    """Rows per declared group and segment, the groups' names, and resamples of these rows."""
    if isinstance(found, GroupCells):
        by = found.by(name)
        chosen = _declared(by.groups)
        cells: Ints = by.counts[chosen, 1:]
        few = 0 < cells.size <= MOST_CELLS
        return cells.astype(np.float64), _names(by.groups, chosen), of_rows(cells, seed) if few else None
    sums = found.by(name)
    chosen = _declared(sums.groups)
    counts = np.zeros((len(sums.groups), sums.sums.shape[1]))
    np.add.at(counts, sums.group, sums.sums)
    counts = counts[chosen, 1:]
    few = 0 < counts.size <= MOST_CELLS
    return counts, _names(sums.groups, chosen), of_units(sums, chosen, seed) if few else None


def _declared(groups: Groups) -> list[int]:
    return [int(place) for place in np.flatnonzero(groups.declared)]


def _names(groups: Groups, chosen: list[int]) -> list[str]:
    return [groups.names[place] for place in chosen]


def _association(
    name: str, counts: Floats, resampled: Resampled | None, clustered: bool, least: int
) -> Measurement:
    found = association(counts, resampled, clustered)
    n = int(counts.sum())
    reason = None
    if n < least:
        reason = f"{n} rows with a group and a segment; at least {least} are needed"
    elif np.isnan(found.value):
        reason = "fewer than two groups or segments, or too many to resample"
    return Measurement(
        name="cramers-v",
        slice=name,
        n=n,
        value=number(found.value),
        low=number(found.low),
        high=number(found.high),
        verdict=Verdict.INSUFFICIENT if reason else Verdict.PASS,
        detail={"correction": "bootstrap" if clustered else "bergsma"}
        | ({"reason": reason} if reason else {}),
    )


def _balance(name: str, counts: Floats, groups: list[str], least: int) -> Measurement:
    """Of the groups with enough rows: one person alone would make every segment but theirs unbalanced."""
    large = counts.sum(axis=1) >= least
    kept, left_out = counts[large], [group for group, enough in zip(groups, large, strict=True) if not enough]
    detail: dict[str, object] = {"left_out": left_out} if left_out else {}
    n = int(kept.sum())
    if len(kept) < 2:
        reason = f"fewer than two groups of at least {least} rows with a segment"
        return Measurement(
            name="cluster-balance",
            slice=name,
            n=n,
            verdict=Verdict.INSUFFICIENT,
            detail=detail | {"reason": reason},
        )
    return Measurement(
        name="cluster-balance",
        slice=name,
        n=n,
        value=cluster_balance(kept),
        verdict=Verdict.PASS,
        detail=detail
        | {"highest_possible": highest_balance(kept), "representation": representation_balance(kept)},
    )
