"""A bounded sample: the same rows of every column, whatever pieces the table comes in."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audits.metrics.groups.sampled_rows import SAMPLE_ROWS, sample_rows
from audits.tables import Column, ColumnFault, ColumnType, MemoryTable, ParquetTable


class Pieces:
    """A table that hands out the given pieces."""

    label = "pieces"

    def __init__(self, rows, pieces):
        self.rows, self._pieces = rows, pieces
        self.names = tuple(dict.fromkeys(piece.name for piece in pieces))

    def column(self, name):
        raise NotImplementedError

    def scan(self, names=None):
        yield from (piece for piece in self._pieces if piece.name in names)


def numbers(name, first, last):
    return Column(name, ColumnType.NUMERIC, pa.array(range(first, last), pa.int64()))


def test_all_rows_of_a_small_table_are_taken_in_order():
    sample = sample_rows(MemoryTable({"a": [3, 1, 2], "b": ["x", None, "y"]}), ["a", "b"], [0])
    assert sample.columns["a"].data.to_pylist() == [3, 1, 2]
    assert sample.columns["b"].data.to_pylist() == ["x", None, "y"]
    assert (sample.rows, sample.table_rows, dict(sample.faults)) == (3, 3, {})


def test_every_column_gets_the_same_rows_in_the_tables_order():
    values = np.arange(1000)
    sample = sample_rows(MemoryTable({"a": values, "b": values.astype(str)}), ["b", "a"], [7, 1], most=50)
    chosen = sample.columns["a"].data.to_pylist()
    assert len(set(chosen)) == 50
    assert chosen == sorted(chosen)
    assert [str(value) for value in chosen] == sample.columns["b"].data.to_pylist()
    assert (sample.rows, sample.table_rows) == (50, 1000)


def test_the_seed_chooses_the_rows_and_nothing_else_does():
    table = MemoryTable({"a": range(1000), "b": range(1000)})
    once, again, other = (
        sample_rows(table, names, seed, most=20)
        for names, seed in ((["a", "b"], [1]), (["a"], [1]), (["a"], [2]))
    )
    assert once.columns["a"].data.equals(again.columns["a"].data)
    assert not once.columns["a"].data.equals(other.columns["a"].data)


def test_every_row_is_equally_likely():
    table = MemoryTable({"a": range(10)})
    counts = np.zeros(10)
    for seed in range(2000):
        counts[sample_rows(table, ["a"], [seed], most=3).columns["a"].data.to_numpy()] += 1
    assert counts.sum() == 6000
    assert np.abs(counts - 600).max() < 5 * np.sqrt(2000 * 0.3 * 0.7)


def test_pieces_are_put_together_however_they_are_cut():
    whole = Pieces(100, [numbers("a", 0, 100), numbers("b", 0, 100)])
    cut = Pieces(
        100,
        [
            numbers("a", 0, 30),
            numbers("b", 0, 100),
            numbers("a", 30, 30),
            numbers("a", 30, 99),
            numbers("a", 99, 100),
        ],
    )
    samples = [sample_rows(table, ["a", "b"], [3], most=10) for table in (whole, cut)]
    for name in ("a", "b"):
        assert samples[0].columns[name].data.equals(samples[1].columns[name].data)


def test_text_in_different_encodings_becomes_plain_text():
    plain = Column("a", ColumnType.CATEGORICAL, pa.array(["x", None], pa.large_string()))
    encoded = Column("a", ColumnType.CATEGORICAL, pa.array(["y", "x"]).dictionary_encode())
    found = sample_rows(Pieces(4, [plain, encoded]), ["a"], [0]).columns["a"]
    assert found.data.type == pa.large_string()
    assert found.data.to_pylist() == ["x", None, "y", "x"]


def test_parts_of_different_number_types_become_one_and_others_a_fault():
    whole, real = numbers("a", 0, 2), Column("a", ColumnType.NUMERIC, pa.array([0.5]))
    assert sample_rows(Pieces(3, [whole, real]), ["a"], [0]).columns["a"].data.to_pylist() == [0.0, 1.0, 0.5]
    plain, zoned = (
        Column("a", ColumnType.DATETIME, pa.array([0], pa.timestamp("us", zone))) for zone in (None, "UTC")
    )
    mixed = sample_rows(Pieces(2, [plain, zoned]), ["a"], [0])
    assert dict(mixed.columns) == {}
    assert "column 'a' of pieces changes its type between parts" in mixed.faults["a"]


def test_a_fault_takes_its_column_and_no_other():
    broken = ColumnFault("b", "column 'b' is broken")
    sample = sample_rows(Pieces(4, [numbers("a", 0, 4), numbers("b", 0, 2), broken]), ["a", "b"], [0])
    assert dict(sample.faults) == {"b": "column 'b' is broken"}
    assert list(sample.columns) == ["a"]


def test_a_table_without_rows_gives_columns_without_rows():
    sample = sample_rows(MemoryTable({"a": pa.array([], pa.float64())}), ["a"], [0])
    assert (len(sample.columns["a"]), sample.columns["a"].type, sample.rows) == (0, ColumnType.NUMERIC, 0)


def test_a_large_file_is_sampled_across_its_row_groups(tmp_path):
    rows = 150_000
    pq.write_table(
        pa.table({"a": np.arange(rows), "b": np.arange(rows).astype(str)}),
        tmp_path / "t.parquet",
        row_group_size=40_000,
    )
    sample = sample_rows(ParquetTable(tmp_path / "t.parquet"), ["a", "b"], [0])
    chosen = sample.columns["a"].data.to_numpy()
    assert len(chosen) == SAMPLE_ROWS == len(np.unique(chosen))
    assert sample.columns["b"].data.to_pylist() == [str(value) for value in chosen]
    # Each row group has its share: 40,000 of 150,000 rows, within five standard errors.
    assert np.histogram(chosen, bins=[0, 40_000, 80_000, 120_000, 150_000])[0] == pytest.approx(
        SAMPLE_ROWS * np.array([4, 4, 4, 3]) / 15, abs=5 * np.sqrt(SAMPLE_ROWS * 0.2)
    )
