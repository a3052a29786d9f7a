"""Inputs of a model against sensitive attributes: how often each value goes with each group, counted in one pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audits.metrics.groups.levels import Levels
from audits.tables import Column, ColumnFault, ColumnType, Table, TableError

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]

#: Numbers are put into at most so many bins of about as many rows each.
MOST_BINS = 20
#: Of text so many values are told apart, the most frequent ones; the others are one more.
MOST_VALUES = 1000
#: An attribute has at most so many groups.
MOST_GROUPS = 100


@dataclass(frozen=True, slots=True)
class AttributeCodes:
    """The group of every row, -1 where it declares none; 2 bytes for each row."""

    names: tuple[str, ...]
    code: npt.NDArray[np.int16]

    def without_small(self, least: int) -> AttributeCodes:
        """Only groups with at least so many rows; the others' rows declare nothing."""
        counts = np.bincount(self.code[self.code >= 0], minlength=len(self.names))
        kept = np.flatnonzero(counts >= least)
        places = np.full(len(self.names) + 1, -1, dtype=np.int16)
        places[kept] = np.arange(len(kept))
        return AttributeCodes(tuple(self.names[i] for i in kept), places[self.code])

    def of_sample(self, column: Column) -> AttributeCodes:
        """The groups of other rows of the attribute."""
        values = pa.array(list(self.names), pa.large_string())
        found = pc.index_in(column.texts(), value_set=values, skip_nulls=True).fill_null(-1)
        return AttributeCodes(self.names, found.to_numpy(zero_copy_only=False).astype(np.int16))

    @property
    def declared(self) -> int:
        return int((self.code >= 0).sum())


def attribute_codes(table: Table, attribute: str) -> AttributeCodes:
    """Read an attribute in one pass.

    Raises
    ------
    TableError
        When it is missing, cannot be read, or has more than 100 values.
    """
    levels, parts = Levels(attribute, MOST_GROUPS), [np.zeros(0, dtype=np.int16)]
    for piece in table.scan([attribute]):
        if isinstance(piece, ColumnFault):
            raise TableError(piece.reason)
        parts.append((levels.of(piece) - 1).astype(np.int16))
    names = levels.names[1:]
    place = {name: i for i, name in enumerate(sorted(names))}
    places = np.array([*(place[name] for name in names), -1], dtype=np.int16)
    return AttributeCodes(tuple(sorted(names)), places[np.concatenate(parts)])


class Binning(Protocol):
    """Turns values of an input into codes from 0 to ``size`` - 1; no value is the last one."""

    @property
    def size(self) -> int: ...

    def codes(self, piece: Column) -> Ints: ...


@dataclass(frozen=True, slots=True)
class NumberBins:
    """Bins between ascending ``edges``; a value on an edge is above it."""

    edges: Floats

    @property
    def size(self) -> int:
        return len(self.edges) + 2

    def codes(self, piece: Column) -> Ints:
        values = piece.floats()
        codes = np.searchsorted(self.edges, values, side="right").astype(np.int64)
        codes[np.isnan(values)] = self.size - 1
        return codes


@dataclass(frozen=True, slots=True)
class ValueBins:
    """Each of ``values`` by itself, and one for all others."""

    values: pa.LargeStringArray

    @property
    def size(self) -> int:
        return len(self.values) + 2

    def codes(self, piece: Column) -> Ints:
        encoded = piece.data.dictionary_encode()
        texts = encoded.dictionary.cast(pa.large_string())
        found = pc.index_in(texts, value_set=self.values).fill_null(len(self.values))
        places = np.append(found.to_numpy(zero_copy_only=False), self.size - 1).astype(np.int64)
        return places[encoded.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False)]


def binning_of(sample: Column) -> Binning:
    """How to put an input's values into bins, by a sample of its rows.

    Numbers and moments: up to 20 values by themselves, more in 20 bins between quantiles. Text and booleans: the 1,000
    most frequent values by themselves.

    Raises
    ------
    TableError
        When the input holds vectors.
    """
    if sample.type is ColumnType.EMBEDDING:
        raise TableError(f"column {sample.name!r} holds vectors, which have no values to count")
    if sample.type in (ColumnType.NUMERIC, ColumnType.DATETIME):
        return NumberBins(_edges(sample.floats()))
    counted = pc.value_counts(sample.texts().drop_null())
    values, counts = counted.field("values"), counted.field("counts").to_numpy()
    order = np.lexsort((np.array(values.to_pylist(), dtype=object).astype(str), -counts))[:MOST_VALUES]
    return ValueBins(values.take(pa.array(order)))


def _edges(values: Floats) -> Floats:
    """Lower edges of all bins but the first."""
    seen = np.unique(values[np.isfinite(values)])
    if len(seen) <= MOST_BINS:
        return seen[1:]
    finite = values[np.isfinite(values)]
    quantiles = np.quantile(finite, np.arange(1, MOST_BINS) / MOST_BINS, method="higher")
    return np.unique(quantiles[quantiles > seen[0]])


def contingency_tables(
    table: Table, binnings: Mapping[str, Binning], attributes: Mapping[str, AttributeCodes]
) -> tuple[dict[tuple[str, str], Ints], dict[str, str]]:
    """Count every input's values by every attribute's groups, in one pass over the inputs.

    Returns
    -------
    tables : dict from (attribute, input) to array of int, shape (values, groups)
    faults : dict from input to the reason why it cannot be read
    """
    tables = {
        (attribute, name): np.zeros((binning.size, len(codes.names)), dtype=np.int64)
        for attribute, codes in attributes.items()
        for name, binning in binnings.items()
    }
    faults: dict[str, str] = {}
    seen: Counter[str] = Counter()
    for piece in table.scan(list(binnings)):
        if isinstance(piece, ColumnFault):
            faults[piece.name] = piece.reason
            continue
        start = seen[piece.name]
        seen[piece.name] += len(piece)
        values = binnings[piece.name].codes(piece)
        for attribute, codes in attributes.items():
            group = codes.code[start : start + len(piece)]
            _add(tables[attribute, piece.name], values, group)
    return {key: counts for key, counts in tables.items() if key[1] not in faults}, faults


def _add(counts: Ints, values: Ints, group: npt.NDArray[np.int16]) -> None:
    declared = group >= 0
    groups = counts.shape[1]
    places = values[declared] * groups + group[declared]
    counts += np.bincount(places, minlength=counts.size).reshape(counts.shape)


def exact_function(counts: Sequence[Sequence[int]] | Ints) -> str:
    """Whether one of an input and an attribute is an exact function of the other.

    Returns
    -------
    str
        ``input tells attribute``, ``attribute tells input``, or empty. An input or attribute that does not vary tells and is told nothing.
    """
    table = np.asarray(counts)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if min(table.shape) < 2:
        return ""
    if (np.count_nonzero(table, axis=1) == 1).all():
        return "input tells attribute"
    return "attribute tells input" if (np.count_nonzero(table, axis=0) == 1).all() else ""
