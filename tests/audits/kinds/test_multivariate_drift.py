"""Multivariate drift: verdicts of both methods, what is left out and named, what is an error of one column."""

import numpy as np
import pyarrow as pa
import pytest

from audits.kinds import AuditInput, AuditInputError, AuditParameters, Verdict, worst_verdict
from audits.kinds.multivariate_drift import MultivariateDrift
from audits.metrics.groups.sampled_rows import SAMPLE_ROWS
from audits.tables import MemoryTable, TableError

AUC, ERROR = "domain-classifier-auc", "reconstruction-error"


def run(reference, current, seed=0, **parameters):
    audit_input = AuditInput(
        reference=MemoryTable(reference, "before.csv"),
        current=MemoryTable(current, "after.csv"),
        parameters=AuditParameters(**parameters),
        seed=seed,
    )
    return {m.name if m.name != "column" else m.slice: m for m in MultivariateDrift().run(audit_input)}


def table(n, seed, load=0.8, columns=5):
    """Numbers that share a hidden factor, and a category that has nothing to do with it."""
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(n, 1))
    numbers = load * factor + np.sqrt(1 - load**2) * rng.normal(size=(n, columns))
    return {f"x{i}": numbers[:, i] for i in range(columns)} | {"shop": rng.choice(["a", "b", "c"], n)}


def test_tables_of_one_distribution_pass_both_methods():
    found = run(table(1000, 0), table(1000, 1))
    assert {m.verdict for m in found.values()} == {Verdict.PASS}
    auc = found[AUC]
    assert auc.low < 0.5 < auc.high
    assert (auc.threshold, auc.n, auc.detail["reference_n"], auc.detail["columns"]) == (0.65, 1000, 1000, 6)
    assert auc.detail["importance"] == {}
    assert auc.detail["p"] > 0.05


def test_a_lost_correlation_fails_both_methods_although_no_column_moved():
    found = run(table(2000, 0), table(2000, 1, load=0.0))
    auc, error = found[AUC], found[ERROR]
    assert (auc.verdict, error.verdict) == (Verdict.FAIL, Verdict.FAIL)
    assert auc.low >= 0.65
    assert auc.tolerance_used == pytest.approx((auc.value - 0.5) / 0.15)
    assert list(auc.detail["importance"])[-1] == "shop"
    assert error.value > error.threshold >= error.detail["band_high"]
    assert error.detail["change"] == pytest.approx(error.value / error.detail["reference"] - 1)
    assert error.low < error.value < error.high


def test_a_lower_error_is_a_change_too():
    found = run(table(2000, 0, load=0.2), table(2000, 1, load=0.8))[ERROR]
    assert found.verdict is Verdict.FAIL
    assert found.value < found.threshold <= found.detail["band_low"]


def test_an_estimate_beyond_the_limit_with_an_interval_that_is_not_asks_for_a_look():
    after = table(150, 1)
    after["x0"] = after["x0"] + 0.8
    found = run(table(150, 0), after, thresholds={AUC: 0.65}, columns=("x0", "x1"))[AUC]
    assert found.value >= 0.65 > found.low
    assert found.verdict is Verdict.REVIEW


def test_the_band_alone_or_the_change_alone_does_not_fail():
    before, after = table(2000, 0), table(2000, 1, load=0.7)
    found = run(before, after)[ERROR]
    assert found.detail["change"] > 0.05
    assert found.verdict is Verdict.FAIL
    assert run(before, after, thresholds={"reconstruction-change": 0.9})[ERROR].verdict is Verdict.PASS
    assert run(before, after, thresholds={"reconstruction-deviations": 900})[ERROR].verdict is Verdict.PASS


def test_thresholds_move_the_verdict_and_the_tolerance():
    pair = table(1000, 0), table(1000, 1, load=0.0)
    strict, lax = (run(*pair, thresholds={AUC: limit})[AUC] for limit in (0.55, 0.99))
    assert (strict.verdict, lax.verdict) == (Verdict.FAIL, Verdict.PASS)
    assert (strict.value, strict.threshold, lax.threshold) == (lax.value, 0.55, 0.99)
    assert lax.tolerance_used == pytest.approx((lax.value - 0.5) / 0.49)


def test_columns_that_say_nothing_are_left_out_and_named():
    n = 200
    extra = {
        "id": [f"r{i}" for i in range(n)],
        "number": range(n),
        "at": np.arange(n).astype("M8[D]"),
        "constant": [1] * n,
        "empty": pa.nulls(n, pa.float64()),
    }
    found = run(table(n, 0) | extra | {"old": [1.0] * n}, table(n, 1) | extra | {"new": [1.0] * n})
    left_out = found[AUC].detail["left_out"]
    assert left_out == {
        "id": "names rows: too few rows share a value",
        "number": "names rows: too few rows share a value",
        "at": "a moment in time, which moves on by nature; name it in columns to compare it",
        "constant": "one value only in both tables",
        "empty": "no values in before.csv",
        "old": "column 'old' is not in after.csv",
        "new": "column 'new' is not in before.csv",
    }
    assert found[ERROR].detail["left_out"] == left_out
    assert worst_verdict(found.values()) is Verdict.PASS
    assert set(found) == {AUC, ERROR}


def test_a_column_constant_on_one_side_only_is_drift():
    before, after = table(500, 0), table(500, 1)
    after["x0"] = np.zeros(500)
    assert run(before, after)[AUC].verdict is Verdict.FAIL


def test_identifiers_that_replace_categories_are_drift():
    before, after = table(500, 0), table(500, 1)
    after["shop"] = [f"r{i}" for i in range(500)]
    found = run(before, after)[AUC]
    assert found.verdict is Verdict.FAIL
    assert next(iter(found.detail["importance"])) == "shop"


def test_moments_are_compared_when_asked_for():
    days = np.arange(500).astype("M8[D]")
    found = run({"at": days, **table(500, 0)}, {"at": days + 400, **table(500, 1)}, columns=("at", "x0"))
    assert found[AUC].verdict is Verdict.FAIL
    assert found[AUC].detail["columns"] == 2


def test_another_type_or_an_unreadable_column_is_an_error_of_that_column_only():
    before, after = table(300, 0), table(300, 1)
    after["x0"] = [str(value) for value in after["x0"]]
    before["odd"] = after["odd"] = pa.array([{"a": 1}] * 300)
    found = run(before, after)
    assert found["x0"].verdict is found["odd"].verdict is Verdict.ERRORED
    assert found["x0"].detail["reason"] == (
        "column 'x0' is numeric in before.csv but categorical in after.csv; give both the same type"
    )
    assert "column 'odd' of before.csv has type struct" in found["odd"].detail["reason"]
    assert found[AUC].verdict is Verdict.PASS
    assert found[AUC].detail["columns"] == 5


def test_asked_columns_that_one_table_lacks_are_errors():
    before, after = table(300, 0), table(300, 1)
    del after["x0"]
    found = run(before, after, columns=("x0", "x1", "x2"))
    assert (found["x0"].verdict, found["x0"].detail["reason"]) == (
        Verdict.ERRORED,
        "column 'x0' is not in after.csv",
    )
    assert found[AUC].detail["columns"] == 2
    with pytest.raises(TableError, match="column 'z' is not in"):
        run(before, after, columns=("z",))


def test_embeddings_are_compared_by_their_dimensions():
    rng = np.random.default_rng(0)
    before, after = rng.normal(size=(2, 300, 40))
    after[:, :20] += 0.6
    found = run({"v": list(before)}, {"v": list(after)})
    assert found[AUC].verdict is Verdict.FAIL
    assert found[AUC].detail["importance"] == {"v": pytest.approx(found[AUC].value - 0.5, abs=0.15)}
    other = run({"v": list(before), **table(300, 0)}, {"v": list(after[:, :30]), **table(300, 1)})
    assert other["v"].verdict is Verdict.ERRORED
    assert "vectors of different lengths" in other["v"].detail["reason"]


@pytest.mark.parametrize(
    ("_case", "reference", "current", "reason"),
    [
        ("one row", table(300, 0), table(1, 1), "300 reference and 1 current rows; 100 of each are needed"),
        ("no rows", table(300, 0), {n: v[:0] for n, v in table(1, 1).items()}, "0 current rows"),
        ("few rows", table(99, 0), table(300, 1), "99 reference"),
        ("all constant", {"a": [1] * 200}, {"a": [1] * 200}, "no column varies"),
        ("all null", {"a": [None] * 200}, {"a": [None] * 200}, "no column varies"),
    ],
)
def test_too_little_to_compare_is_insufficient_never_pass(_case, reference, current, reason):
    found = run(reference, current)
    assert {m.verdict for m in found.values()} == {Verdict.INSUFFICIENT}
    assert reason in found[AUC].detail["reason"]


def test_one_column_can_be_told_apart_but_not_reconstructed():
    found = run({"a": table(300, 0)["x0"]}, {"a": table(300, 1)["x0"]})
    assert (found[AUC].verdict, found[ERROR].verdict) == (Verdict.PASS, Verdict.INSUFFICIENT)
    assert found[ERROR].detail["reason"] == "fewer than two columns vary in the reference"


def test_missing_values_and_infinities_are_taken_as_they_are():
    before, after = table(400, 0), table(400, 1)
    for side in (before, after):
        side["x0"] = np.where(np.arange(400) % 5 == 0, np.nan, side["x0"])
        side["x1"] = np.where(np.arange(400) == 7, np.inf, side["x1"])
    assert worst_verdict(run(before, after).values()) is Verdict.PASS
    after["x0"] = np.where(np.arange(400) % 5 < 4, np.nan, after["x0"])
    found = run(before, after)[AUC]
    assert next(iter(found.detail["importance"])) == "x0"
    assert found.verdict is not Verdict.PASS


def test_at_most_so_many_rows_of_each_side_are_looked_at():
    rng = np.random.default_rng(0)
    found = run(
        {"a": rng.normal(size=25_000), "b": rng.normal(size=25_000)}, {n: rng.normal(size=500) for n in "ab"}
    )
    assert (found[AUC].n, found[AUC].detail["reference_n"]) == (500, SAMPLE_ROWS)


def test_the_seed_decides_everything():
    pair = table(300, 0), table(300, 1)
    assert run(*pair, seed=3) == run(*pair, seed=3)
    assert run(*pair, seed=3)[AUC].value != run(*pair, seed=4)[AUC].value


def test_tables_without_a_common_column_are_refused():
    with pytest.raises(AuditInputError, match=r"before.csv and after.csv have no column in common"):
        run({"a": [1]}, {"b": [1]})
    with pytest.raises(AuditInputError, match="give a reference"):
        MultivariateDrift().run(AuditInput(current=MemoryTable({"a": [1]})))


@pytest.mark.parametrize(
    ("thresholds", "message"),
    [
        ({"psi": 1}, "unknown threshold 'psi'; known: domain-classifier-auc"),
        ({AUC: 0.5}, "threshold 'domain-classifier-auc' is 0.5; it must be above 0.5"),
        ({AUC: 1}, "it must be below 1"),
        ({"rows": 20}, "threshold 'rows' is 20; it must be above 99"),
        ({"reconstruction-change": 0}, "must be above 0"),
    ],
)
def test_unusable_thresholds_are_refused_before_any_data_is_read(thresholds, message):
    with pytest.raises(AuditInputError, match=message):
        MultivariateDrift().check(AuditParameters(thresholds=thresholds))
    with pytest.raises(AuditInputError, match=message):
        run({"a": [1]}, {"a": [1]}, thresholds=thresholds)
