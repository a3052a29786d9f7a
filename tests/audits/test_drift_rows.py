"""Single rows of a column for methods that need every number: all of them, or a sample that a seed chooses."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from audits.metrics.drift import rows as drift_rows
from audits.metrics.drift.distributions import column_distribution, profile_distribution
from audits.metrics.drift.rows import RowReader
from audits.profiles import column_profile
from audits.tables import Column, ColumnFault, ColumnType, MemoryTable, TableError


def row_pair(reference, current, name, seed):
    return RowReader(reference, current, [name], seed).pair(name)


def table(values, label="table"):
    return MemoryTable({"other": np.zeros(len(values)), "x": values}, label)


def test_all_rows_of_short_tables_are_taken():
    rng = np.random.default_rng(1)
    sides = [rng.normal(size=n) for n in (3000, 5000)]
    found = row_pair(*map(table, sides), "x", 0)
    assert found.complete is True
    for side, values in zip((found.pair.reference, found.pair.current), sides, strict=True):
        assert side.values.tolist() == sorted(values)
        assert side.n == len(values)
    assert found.pair.lossless is True


@pytest.mark.parametrize(("rows", "complete"), [(500, True), (501, False)])
def test_of_a_longer_table_a_sample_is_taken_and_said_to_be_one(monkeypatch, rows, complete):
    monkeypatch.setattr(drift_rows, "MOST_ROWS", 500)
    for sides in ((rows, 20), (20, rows)):
        found = row_pair(*(table(np.arange(float(n))) for n in sides), "x", 0)
        assert found.complete is complete
        assert {found.pair.reference.n, found.pair.current.n} == {500, 20}


def test_the_seed_alone_chooses_the_rows_and_both_sides_differ(monkeypatch):
    monkeypatch.setattr(drift_rows, "MOST_ROWS", 50)
    side = table(np.arange(10_000.0))

    def chosen(seed):
        pair = row_pair(side, side, "x", seed).pair
        return pair.reference.values.tolist(), pair.current.values.tolist()

    assert chosen(1) == chosen(1) != chosen(2)
    assert chosen(1)[0] != chosen(1)[1]


def test_nulls_and_infinities_are_dropped():
    found = row_pair(table([1.0, None, math.inf]), table([2.0, math.nan, 3.0]), "x", 0)
    assert (found.pair.reference.n, found.pair.current.n, found.complete) == (1, 2, True)


class Noted(MemoryTable):
    """A table that notes which columns are asked for."""

    def __init__(self, columns):
        super().__init__(columns)
        self.asked = []

    def scan(self, names=None):
        self.asked.append(list(names))
        return super().scan(names)


def test_columns_are_read_some_at_a_time_and_only_when_asked_for(monkeypatch):
    monkeypatch.setattr(drift_rows, "COLUMNS_AT_ONCE", 2)
    columns = {name: np.arange(20.0) + place for place, name in enumerate("abcdef")}
    sides = Noted(columns), Noted(columns)
    reader = RowReader(*sides, ["b", "c", "d", "f"], 0)
    assert [side.asked for side in sides] == [[], []]
    for name in "bcf":
        pair = reader.pair(name).pair
        assert pair.reference.values.tolist() == pair.current.values.tolist() == columns[name].tolist()
    assert [side.asked for side in sides] == [[["b", "c"], ["f"]]] * 2


def test_a_column_that_cannot_be_read_is_an_error_with_its_reason():
    class Broken(MemoryTable):
        def scan(self, names=None):
            yield Column("x", ColumnType.NUMERIC, pa.array([1.0]))
            yield ColumnFault("x", "column 'x' of broken ends early; save the file again")

            yield Column("other", ColumnType.NUMERIC, pa.array([2.0]))

    reader = RowReader(table([1.0]), Broken({"x": [1.0], "other": [2.0]}), ["x", "other"], 0)
    with pytest.raises(TableError, match="column 'x' of broken ends early"):
        reader.pair("x")
    assert reader.pair("other").pair.current.values.tolist() == [2.0]


@pytest.mark.parametrize("kind", ["numbers", "moments"])
def test_rows_are_the_numbers_that_profiles_hold(kind):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    values = {
        "numbers": [0.5, 2.0, None, 2.0],
        "moments": [start, None, start + timedelta(days=3)],
    }[kind]
    column = MemoryTable({"x": values}).column("x")
    rows, profiled = column_distribution(column), profile_distribution(column_profile(column))
    assert rows.values.tolist() == profiled.values.tolist()
    assert rows.counts.tolist() == profiled.counts.tolist()
