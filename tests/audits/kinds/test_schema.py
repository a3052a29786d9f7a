"""Schema: vanished, new, changed; read from files as from memory."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audits.kinds import AuditInput, AuditInputError, AuditParameters, Verdict, worst_verdict
from audits.kinds.schema import VERDICTS, Schema
from audits.metrics.drift.type_changes import Change
from audits.tables import CsvTable, MemoryTable, ParquetTable, TableError


def audited(reference, current, **parameters):
    audit_input = AuditInput(reference=reference, current=current, parameters=AuditParameters(**parameters))
    return {m.slice or m.name: m for m in Schema().run(audit_input)}


def run(reference, current, **parameters):
    return audited(MemoryTable(reference, "before.csv"), MemoryTable(current, "after.csv"), **parameters)


def test_equal_schemas_pass_whatever_the_order():
    found = run({"a": [1], "b": ["x"]}, {"b": ["y", "z"], "a": [2, 3]})
    assert set(found) == {"a", "b", "similar-names"}
    assert worst_verdict(found.values()) is Verdict.PASS
    a = found["a"]
    assert (a.name, a.value, a.n, a.tolerance_used) == ("schema-change", 0, 2, 0)
    assert a.detail == {"change": "none", "reference_type": "int64", "type": "int64"}


def test_a_vanished_column_fails_and_a_new_one_asks_for_a_look():
    found = run({"a": [1], "b": [1]}, {"a": [1], "c": ["x"]})
    assert (found["b"].verdict, found["b"].tolerance_used) == (Verdict.FAIL, 1)
    assert found["b"].detail == {"change": "vanished", "reference_type": "int64", "absent_from": "after.csv"}
    assert (found["c"].verdict, found["c"].tolerance_used, found["c"].value) == (Verdict.REVIEW, 0.5, 1)
    assert found["c"].detail["change"] == "new"
    assert found["a"].verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("before", "after", "change", "verdict"),
    [
        ([1], [1.5], "widened", Verdict.REVIEW),
        ([1.5], [1], "narrowed", Verdict.REVIEW),
        ([1], ["1"], "another sort of values", Verdict.FAIL),
        (["1"], [1], "another sort of values", Verdict.FAIL),
        ([True], [1], "another sort of values", Verdict.FAIL),
        (
            pa.array([0], pa.timestamp("us")),
            pa.array([0], pa.timestamp("us", "UTC")),
            "time zone added",
            Verdict.FAIL,
        ),
        (
            pa.array([0], pa.timestamp("us", "UTC")),
            pa.array([0], pa.timestamp("us")),
            "time zone lost",
            Verdict.FAIL,
        ),
        (
            pa.array([0], pa.timestamp("us", "UTC")),
            pa.array([0], pa.timestamp("us", "Europe/Rome")),
            "time zone changed",
            Verdict.REVIEW,
        ),
        (pa.array([0], pa.date32()), pa.array([0], pa.timestamp("us")), "widened", Verdict.REVIEW),
        ([[1.0, 2.0]], [[1.0, 2.0, 3.0]], "length changed", Verdict.FAIL),
    ],
)
def test_a_change_of_type_is_judged_by_what_it_does_to_values(before, after, change, verdict):
    found = run({"a": before, "b": [1]}, {"a": after, "b": [1]})
    assert (found["a"].detail["change"], found["a"].verdict) == (change, verdict)
    assert found["b"].verdict is Verdict.PASS


def test_every_change_has_its_verdict():
    assert set(VERDICTS) == set(Change)


@pytest.mark.parametrize("empty", [[None, None], pa.array([], pa.null())])
@pytest.mark.parametrize("swap", [False, True])
def test_a_column_without_values_has_no_type_to_compare(empty, swap):
    tables = {"a": [1.5, 2.5]}, {"a": empty}
    found = run(*(tables[::-1] if swap else tables))["a"]
    assert (found.verdict, found.value, found.tolerance_used) == (Verdict.INSUFFICIENT, None, None)
    assert found.detail["reason"].endswith("has no values, so its type says nothing")


def test_no_values_under_an_equal_type_are_no_change():
    empty = {"a": pa.nulls(3, pa.float64())}
    assert run({"a": [1.5]}, empty)["a"].verdict is Verdict.PASS


def test_an_unreadable_column_is_an_error_of_its_own():
    odd = pa.array([{"a": 1}])
    found = run({"a": [1], "odd": odd}, {"a": [1], "odd": odd})
    assert found["odd"].verdict is Verdict.ERRORED
    assert "has type struct" in found["odd"].detail["reason"]
    assert found["a"].verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("names", "similar"),
    [
        (["price", "Price"], [["price", "Price"]]),
        (["unit price", "unit_price", " unit-price "], [["unit price", "unit_price", " unit-price "]]),
        (["price1", "price_1"], []),
        (["a", "b"], []),
    ],
)
def test_names_that_are_easily_mistaken_ask_for_a_look(names, similar):
    columns = {name: [1] for name in names}
    found = run(columns, columns)["similar-names"]
    assert found.detail["names"] == similar
    assert found.value == sum(map(len, similar))
    assert found.verdict is (Verdict.REVIEW if similar else Verdict.PASS)


def test_only_asked_columns_are_compared():
    found = run({"a": [1], "b": [1]}, {"a": [1]}, columns=("a",))
    assert set(found) == {"a", "similar-names"}
    with pytest.raises(TableError, match=r"column 'z' is not in after.csv nor in before.csv"):
        run({"a": [1]}, {"a": [1]}, columns=("z",))


def test_files_are_compared_as_they_are_read(tmp_path):
    rows = 100_000  # more than one piece
    columns = {
        "a": np.arange(rows),
        "b": np.arange(rows).astype(str),
        "c": [None] * (rows - 1) + [1.5],
        "d": np.arange(rows).astype("M8[ms]"),
    }
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    text = "\n".join(f"{i},x{i},{'' if i < rows - 1 else 1.5},late" for i in range(rows))
    (tmp_path / "t.csv").write_text(f"a,b,c,d\n{text}\n")
    found = audited(ParquetTable(tmp_path / "t.parquet"), CsvTable(tmp_path / "t.csv"))
    changes = {name: m.detail.get("change") for name, m in found.items() if name != "similar-names"}
    assert changes == {"a": "none", "b": "none", "c": "none", "d": "another sort of values"}
    assert found["a"].n == rows


class Window(MemoryTable):
    """Two days that are read as one table."""

    def __init__(self, *parts):
        super().__init__({name: [] for part in parts for name in part}, "window")
        self.parts = [MemoryTable(part, f"day {i}") for i, part in enumerate(parts)]

    def scan(self, names=None):
        for part in self.parts:
            yield from part.scan(names)


def test_every_part_of_a_window_is_looked_at():
    window = Window({"a": [1], "b": [1], "c": [1]}, {"a": [2], "b": [1.5]})
    found = audited(MemoryTable({"a": [1], "b": [1], "c": [1]}, "before.csv"), window)
    assert found["a"].verdict is Verdict.PASS
    assert (found["b"].verdict, found["b"].detail["type"]) == (Verdict.REVIEW, "int64, double")
    assert (found["c"].verdict, found["c"].detail["absent_from"]) == (Verdict.FAIL, "day 1")
    worst = audited(MemoryTable({"b": [1]}), Window({"b": [1.5]}, {"b": ["x"]}, {"b": [1]}))["b"]
    assert (worst.verdict, worst.detail["change"]) == (Verdict.FAIL, "another sort of values")
    absent_before = audited(Window({"a": [1]}, {"b": [1]}), MemoryTable({"a": [1], "b": [1]}))
    assert {m.verdict for m in absent_before.values()} == {Verdict.PASS}


def test_a_part_without_values_says_nothing_beside_one_that_has_them():
    nothing = pa.nulls(3)
    for parts in (({"a": nothing}, {"a": [1, 2]}), ({"a": [1, 2]}, {"a": nothing})):
        found = audited(MemoryTable({"a": [1]}, "before.csv"), Window(*parts))["a"]
        assert (found.verdict, found.detail["type"]) == (Verdict.PASS, "int64")


def test_dictionaries_and_widths_of_text_are_storage_not_schema():
    encoded = {"a": pa.array(["x", "y"]).dictionary_encode()}
    assert run(encoded, {"a": pa.array(["z"], pa.large_string())})["a"].verdict is Verdict.PASS


def test_thresholds_are_refused_and_a_reference_is_needed():
    with pytest.raises(AuditInputError, match="unknown threshold 'psi'; a schema has none"):
        Schema().check(AuditParameters(thresholds={"psi": 1}))
    with pytest.raises(AuditInputError, match="unknown threshold 'psi'"):
        run({"a": [1]}, {"a": [1]}, thresholds={"psi": 1})
    with pytest.raises(AuditInputError, match="give a reference"):
        Schema().run(AuditInput(current=MemoryTable({"a": [1]})))
