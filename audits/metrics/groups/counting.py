"""One pass over a table: each row's combination of groups, and what is counted or added up there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np

from audits.metrics.groups.adding import counted, mixed, taken_apart
from audits.metrics.groups.aligned_pieces import aligned_pieces
from audits.metrics.groups.cells import GroupCells
from audits.metrics.groups.levels import Levels, TooManyLevels
from audits.metrics.groups.naming import CROSS, Floats, Ints, attributes_of
from audits.metrics.groups.sums import GroupSums, merge_sums
from audits.metrics.groups.units import Unit
from audits.tables import Column, Table, TableError

#: From the pieces of the columns that were asked for to each row's outcome, 0 to ``outcomes`` - 1.
OutcomeOf: TypeAlias = Callable[[tuple[Column, ...]], Ints]
#: From the pieces to what is added up: shape (rows, statistics).
StatisticsOf: TypeAlias = Callable[[tuple[Column, ...]], Floats]

#: A thousand groups are more than anyone compares; beyond, an identifier was probably named by mistake.
MOST_LEVELS = 1000
_MERGED_AT_ONCE = 16


def count_cells(
    table: Table,
    sets: Sequence[Sequence[str]],
    columns: Sequence[str],
    outcome: OutcomeOf,
    outcomes: int,
    most: int = MOST_LEVELS,
) -> list[GroupCells]:
    """Count rows by each set of attributes and by outcome: one pass, in memory that does not grow with the rows.

    Parameters
    ----------
    sets : sequence of sequences of str
        Columns whose values form groups together: ``[("age",), ("age", "income")]``.
    columns : sequence of str
        Columns that ``outcome`` needs, in its order.
    outcome : callable
        Each row's outcome, from 0 to ``outcomes`` - 1.

    Returns
    -------
    list of GroupCells
        One for each set; a cell for each combination of its values that occurs.

    Raises
    ------
    TableError
        When a column is missing or cannot be read, or an attribute or a set has more than ``most`` groups.
    """
    levels = {name: Levels(name, most) for names in sets for name in names}
    parts: list[list[tuple[Ints, Ints]]] = [[] for _ in sets]
    for attributes, tails in _pieces(table, list(levels), columns):
        of_rows = {name: level.of(attributes[name]) for name, level in levels.items()}
        result = outcome(tails)
        for names, found in zip(sets, parts, strict=True):
            sizes = [len(levels[name]) for name in names]
            found.append(_counted([of_rows[name] for name in names], sizes, result, outcomes))
    cells = [
        GroupCells.of(
            names,
            [levels[name].names for name in names],
            np.vstack([codes for codes, _ in found]),
            np.vstack([counts for _, counts in found]),
        )
        for names, found in zip(sets, parts, strict=True)
    ]
    for each in cells:
        _refuse_many(each.attributes, len(each.codes), most)
    return cells


def _counted(codes: Sequence[Ints], sizes: Sequence[int], result: Ints, outcomes: int) -> tuple[Ints, Ints]:
    combined, places = mixed([*codes, result], [*sizes, outcomes])
    found, rows = counted(combined, places)
    *parts, outcome = taken_apart(found, [*sizes, outcomes])
    counts = np.zeros((len(rows), outcomes), dtype=np.int64)
    counts[np.arange(len(rows)), outcome] = rows
    return np.column_stack(parts) if parts else np.zeros((len(rows), 0), np.int64), counts


def usable_groupings(
    table: Table, groupings: Sequence[str], most: int = MOST_LEVELS
) -> tuple[list[str], dict[str, str]]:
    """The attributes and intersections that can be compared, and why the others cannot.

    All are tried in one pass; only when that fails each is tried by itself.
    """
    try:
        _try(table, groupings, most)
    except TableError:
        faults = {name: reason for name in groupings if (reason := _fault(table, name, most))}
        return [name for name in groupings if name not in faults], faults
    return list(groupings), {}


def _fault(table: Table, grouping: str, most: int) -> str:
    try:
        _try(table, [grouping], most)
    except TableError as error:
        return str(error)
    return ""


def _try(table: Table, groupings: Sequence[str], most: int) -> None:
    sets = [attributes_of(name) for name in groupings]
    count_cells(table, sets, sets[0][:1], lambda pieces: np.zeros(len(pieces[0]), np.int64), 1, most)


def _refuse_many(attributes: Sequence[str], groups: int, most: int) -> None:
    if groups > most:
        raise TooManyLevels(
            f"{CROSS.join(attributes)!r} has {groups} groups; group its columns first (at most {most} groups)"
        )


def sum_cells(
    table: Table,
    sets: Sequence[Sequence[str]],
    columns: Sequence[str],
    statistics: StatisticsOf,
    width: int,
    unit: Unit,
    most: int = MOST_LEVELS,
) -> list[GroupSums]:
    """Add numbers up by each set of attributes and by independent unit: one pass, in bounded memory.

    Parameters
    ----------
    statistics : callable
        What is added up for each row, shape (rows, ``width``); a row that takes no part has zeros.
    unit : Unit
        What is independent of each other: see there.

    Returns
    -------
    list of GroupSums
        One for each set.

    Raises
    ------
    TableError
        As ``count_cells``.
    """
    levels = {name: Levels(name, most) for names in sets for name in names}
    parts = [[GroupSums.empty(tuple(names), width)] for names in sets]
    start = 0
    extra = [*columns, *([unit.column] if unit.column else [])]
    for attributes, tails in _pieces(table, list(levels), extra):
        of_rows = {name: level.of(attributes[name]) for name, level in levels.items()}
        values = statistics(tails[: len(columns)])
        keys = unit.keys(tails[-1] if unit.column else None, start, len(values))
        for i, names in enumerate(sets):
            codes = [of_rows[name] for name in names]
            stacked = np.column_stack(codes) if codes else np.zeros((len(values), 0), np.int64)
            parts[i].append(
                GroupSums.of(names, [levels[name].names for name in names], stacked, keys, values)
            )
            if len(parts[i]) > _MERGED_AT_ONCE:
                parts[i] = [merge_sums(parts[i])]
        start += len(values)
    sums = [merge_sums(found) for found in parts]
    for each in sums:
        _refuse_many(each.attributes, each.groups, most)
    return sums


def _pieces(
    table: Table, attributes: Sequence[str], columns: Sequence[str]
) -> Iterator[tuple[dict[str, Column], tuple[Column, ...]]]:
    """Aligned pieces of the attributes by name, and of the other columns in their order."""
    names = list(dict.fromkeys([*attributes, *columns]))
    if not names:
        raise TableError("name at least one column to count by")
    for pieces in aligned_pieces(table, names):
        found = dict(zip(names, pieces, strict=True))
        yield found, tuple(found[name] for name in columns)
