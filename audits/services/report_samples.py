"""Columns for a report that people look at: a few sampled rows, without what would point at a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from audits.metrics.groups.sampled_rows import Sample
from audits.selectors.profiles import FEWEST_ROWS
from audits.tables import Column, ColumnType

#: Rows of each side at most.
REPORT_ROWS = 5_000
#: Columns at most: each adds two charts to the file.
MOST_COLUMNS = 100
RARE = "(rare)"

Numbers: TypeAlias = npt.NDArray[np.float64]
Texts: TypeAlias = list[str | None]


@dataclass(frozen=True, slots=True)
class ReportColumn:
    """One column as both sides may be shown: NaN or None where there is no value."""

    name: str
    numeric: bool
    reference: Numbers | Texts
    current: Numbers | Texts


@dataclass(frozen=True, slots=True)
class ReportSample:
    """Columns fit to be shown, and why others are not."""

    columns: list[ReportColumn]
    left_out: dict[str, str]


def report_sample(
    reference: Sample, current: Sample, names: Sequence[str], identifying: Iterable[str] = ()
) -> ReportSample:
    """Keep what may be shown: columns of one type on both sides that neither identify nor single out people.

    A category is shown by name when each side has no or at least ``FEWEST_ROWS`` sampled rows of it; the others
    become ``(rare)``: small cells are the shortest way from a table to a person (Hundepool et al. 2012, "Statistical
    Disclosure Control", threshold rule).

    Parameters
    ----------
    reference, current : Sample
        Sampled rows of each side, with the columns in ``names`` read.
    names : sequence of str
        Columns in the order of the report.
    identifying : iterable of str
        Columns that say who a row is about; never shown.
    """
    people = frozenset(identifying)
    columns: list[ReportColumn] = []
    left_out: dict[str, str] = {}
    for name in names:
        found = "it identifies people" if name in people else _column(name, reference, current)
        if isinstance(found, ReportColumn) and len(columns) == MOST_COLUMNS:
            found = f"the report has {MOST_COLUMNS} columns already"
        if isinstance(found, ReportColumn):
            columns.append(found)
        else:
            left_out[name] = found
    return ReportSample(columns, left_out)


def categories_shown(reference: Sequence[str | None], current: Sequence[str | None]) -> set[str]:
    """Categories that may be named: on each side either no row has it, or at least ``FEWEST_ROWS`` have."""
    sides = [Counter(side) for side in (reference, current)]
    every = {value for side in sides for value in side if value is not None}
    return {value for value in every if not any(0 < side[value] < FEWEST_ROWS for side in sides)}


def _column(name: str, reference: Sample, current: Sample) -> ReportColumn | str:
    """The column, or why it is not shown."""
    for side in (reference, current):
        if name in side.faults:
            return side.faults[name]
    before, after = reference.columns[name], current.columns[name]
    if before.type is not after.type:
        return f"it is {before.type} in the reference and {after.type} in the current data"
    if before.type is ColumnType.NUMERIC:
        return _numbers(before, after)
    if before.type in (ColumnType.CATEGORICAL, ColumnType.BOOLEAN):
        return _categories(before, after)
    return f"Evidently's report has no chart for {before.type} columns"


def _numbers(before: Column, after: Column) -> ReportColumn | str:
    sides = [np.where(np.isfinite(numbers), numbers, np.nan) for numbers in (before.floats(), after.floats())]
    if min(np.count_nonzero(~np.isnan(side)) for side in sides) < FEWEST_ROWS:
        return f"one side has fewer than {FEWEST_ROWS} values"
    return ReportColumn(before.name, True, *sides)


def _categories(before: Column, after: Column) -> ReportColumn | str:
    sides: list[Texts] = [column.texts().to_pylist() for column in (before, after)]
    if min(len(side) - side.count(None) for side in sides) < FEWEST_ROWS:
        return f"one side has fewer than {FEWEST_ROWS} values"
    shown = categories_shown(*sides)
    if not shown:
        return f"none of its values is shared by {FEWEST_ROWS} rows"
    return ReportColumn(before.name, False, *(_grouped(side, shown) for side in sides))


def _grouped(texts: Texts, shown: set[str]) -> Texts:
    return [text if text is None or text in shown else RARE for text in texts]
