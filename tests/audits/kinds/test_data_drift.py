"""The data-drift kind: verdicts per column, the share of drifted columns, and what cannot be compared."""

import math

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from audits.kinds import AuditInput, AuditInputError, AuditParameters, Verdict, worst_verdict
from audits.kinds.data_drift import DataDrift
from audits.metrics.drift import comparison as drift_comparison
from audits.metrics.drift import rows as drift_rows
from audits.metrics.drift.distances import hellinger
from audits.metrics.drift.distributions import numeric_distribution
from audits.tables import ColumnFault, MemoryTable, TableError


def run(reference, current, **parameters):
    audit_input = AuditInput(
        reference=MemoryTable(reference, "reference.csv"),
        current=MemoryTable(current, "current.csv"),
        parameters=AuditParameters(**parameters),
    )
    return DataDrift().run(audit_input)


def by_column(measurements):
    return {m.slice: m for m in measurements}


def repeated(**counts):
    return [value for value, times in counts.items() for _ in range(times)]


NUMBERS = list(range(2000))


def test_shifted_column_fails_and_unmoved_column_passes():
    found = by_column(
        run(
            {"a": NUMBERS, "b": NUMBERS},
            {"a": [x + 300 for x in NUMBERS], "b": NUMBERS[::-1]},
            columns=("a", "b"),
        )
    )
    assert (found["a"].name, found["a"].verdict, found["a"].threshold) == ("wasserstein", Verdict.FAIL, 0.1)
    assert found["a"].value == pytest.approx(300 / np.std(NUMBERS))
    assert found["a"].tolerance_used == pytest.approx(3000 / np.std(NUMBERS))
    assert (found["b"].verdict, found["b"].value, found["b"].tolerance_used) == (Verdict.PASS, 0, 0)


def test_measurement_says_rows_used_psi_and_statistic():
    found = run({"a": repeated(x=50, y=50)}, {"a": [*repeated(x=40, y=60), None]})[0]
    assert (found.name, found.n, found.detail["reference_n"]) == ("z", 100, 100)
    assert found.detail["psi"] == pytest.approx(0.1 * math.log(0.5 / 0.4) + 0.1 * math.log(0.6 / 0.5))
    assert found.detail["statistic"] == pytest.approx(0.1 / math.sqrt(0.45 * 0.55 * 0.02))
    assert (found.detail["effect_name"], found.detail["effect_threshold"]) == ("jensenshannon", 0.1)
    assert found.tolerance_used == pytest.approx(found.detail["effect"] / 0.1)
    assert (found.verdict, found.detail["evidently_verdict"], found.detail["exact"]) == (
        Verdict.PASS,
        "pass",
        True,
    )
    evidently = run({"a": repeated(x=50, y=50)}, {"a": repeated(x=40, y=60)}, method="evidently")[0]
    assert evidently.tolerance_used == pytest.approx(math.log(found.value) / math.log(0.05))


def test_nulls_and_infinities_do_not_choose_the_method():
    reference = [*np.linspace(0, 1, 1000), *[math.nan] * 500, *[math.inf] * 500]
    found = run({"a": reference}, {"a": [*np.linspace(0, 1, 200), math.inf, math.nan]})[0]
    assert (found.name, found.n, found.detail["reference_n"]) == ("ks", 200, 1000)


def test_unseen_category_keeps_its_infinite_statistic_out_of_the_evidence():
    columns = {"a": repeated(x=50, y=50)}, {"a": repeated(x=50, y=49, z=1)}
    found = run(*columns, method="evidently")[0]
    assert (found.name, found.value, found.verdict) == ("chisquare", 0, Verdict.FAIL)
    assert "statistic" not in found.detail
    assert found.tolerance_used == 100


def test_one_new_row_in_a_hundred_alarms_evidently_and_not_us():
    found = run({"a": repeated(x=50, y=50)}, {"a": repeated(x=50, y=49, z=1)})[0]
    assert (found.verdict, found.detail["evidently_verdict"]) == (Verdict.PASS, "fail")
    assert 0 < found.detail["effect"] < 0.1
    assert "p_effect" not in found.detail  # too small to matter: chance was not asked


def test_a_large_effect_that_chance_explains_is_no_drift():
    rng = np.random.default_rng(11)
    sides = [{"a": [f"c{i}" for i in rng.integers(0, 20, 200)]} for _ in range(2)]
    found = run(*sides)[0]
    assert found.detail["effect"] > 0.1
    assert found.detail["p_effect"] > 0.05
    assert found.verdict is Verdict.PASS
    assert found.tolerance_used <= 1


def test_one_outlier_does_not_hide_a_shift_of_a_standard_deviation():
    rng = np.random.default_rng(3)
    reference = np.append(rng.normal(size=2000), 1e6)
    found = run({"a": reference}, {"a": rng.normal(1, 1, 2000)})[0]
    assert (found.verdict, found.detail["evidently_verdict"]) == (Verdict.FAIL, "pass")
    assert found.detail["effect"] == pytest.approx(1, abs=0.15)
    assert found.detail["p_effect"] <= 0.05
    evidently = run({"a": reference}, {"a": rng.normal(1, 1, 2000)}, method="evidently")[0]
    assert (evidently.verdict, evidently.detail["verdict_rule"]) == (Verdict.PASS, "evidently")


def test_the_null_depends_on_the_seed_alone():
    rng = np.random.default_rng(11)
    sides = [MemoryTable({"a": [f"c{i}" for i in rng.integers(0, 20, 200)]}) for _ in range(2)]
    first, again, other = (
        DataDrift().run(AuditInput(reference=sides[0], current=sides[1], seed=seed))[0].detail["critical"]
        for seed in (1, 1, 2)
    )
    assert first == again != other


@pytest.mark.parametrize(
    ("drifted", "share", "verdict"), [(0, 0.0, Verdict.PASS), (1, 0.25, Verdict.PASS), (2, 0.5, Verdict.FAIL)]
)
def test_table_has_drifted_when_half_of_its_columns_have(drifted, share, verdict):
    reference = dict.fromkeys("abcd", NUMBERS)
    current = {name: [x + 1000 * (i < drifted) for x in NUMBERS] for i, name in enumerate("abcd")}
    found = run(reference, current)[-1]
    assert (found.name, found.slice, found.n, found.value) == ("drift-share", "", 4, share)
    assert (found.threshold, found.verdict, found.tolerance_used) == (0.5, verdict, share / 0.5)
    assert found.detail["drifted"] == list("abcd")[:drifted]


def test_thresholds_override_by_method_name():
    columns = {"a": repeated(x=50, y=50)}, {"a": repeated(x=40, y=60)}
    assert run(*columns, method="evidently", thresholds={"z": 0.2})[0].verdict is Verdict.FAIL
    assert run(*columns, method="evidently", thresholds={"psi": 0.2})[0].verdict is Verdict.PASS
    both = {"z": 0.2, "drift-share": 2}
    assert run(*columns, method="evidently", thresholds=both)[-1].verdict is Verdict.PASS


def test_threshold_of_the_effect_decides_the_calibrated_verdict():
    columns = {"a": repeated(x=5000, y=5000)}, {"a": repeated(x=4500, y=5500)}
    assert run(*columns)[0].verdict is Verdict.PASS
    strict = run(*columns, thresholds={"jensenshannon": 0.03})[0]
    assert (strict.verdict, strict.detail["effect_threshold"]) == (Verdict.FAIL, 0.03)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"thresholds": {"speed": 1}}, "unknown threshold 'speed'; known: wasserstein"),
        ({"thresholds": {"psi": 0}}, "threshold 'psi' is 0; it must be above 0"),
        ({"thresholds": {"ks": 1}}, "limit of a p-value must be below 1"),
        ({"method": "magic"}, "unknown method 'magic'; known: evidently, wasserstein"),
    ],
)
def test_unusable_parameters_are_refused(parameters, message):
    with pytest.raises(AuditInputError, match=message):
        run({"a": NUMBERS}, {"a": NUMBERS}, **parameters)


def test_reference_is_needed():
    with pytest.raises(AuditInputError, match="give a reference"):
        DataDrift().run(AuditInput(current=MemoryTable({"a": [1]})))


def test_forced_method_is_used_where_it_applies_and_refused_by_column_where_not():
    columns = {"n": NUMBERS, "t": repeated(x=1000, y=1000)}
    found = by_column(run(columns, columns, method="ks"))
    assert (found["n"].name, found["n"].verdict) == ("ks", Verdict.PASS)
    assert (found["t"].name, found["t"].verdict) == ("ks", Verdict.ERRORED)
    assert found["t"].detail["reason"] == (
        "column 't': ks compares numbers, and here are categories: use jensenshannon or psi"
    )


def test_text_on_one_side_is_an_error_of_that_column_only():
    found = by_column(run({"a": NUMBERS, "b": NUMBERS}, {"a": [*map(str, NUMBERS)], "b": NUMBERS}))
    assert found["a"].verdict is Verdict.ERRORED
    assert found["a"].detail["reason"] == (
        "column 'a' is numeric in reference.csv but categorical in current.csv; give both the same type"
    )
    assert found["b"].verdict is Verdict.PASS
    assert (found[""].n, found[""].verdict) == (1, Verdict.PASS)


@pytest.mark.parametrize("columns", [(), ("a", "only_here", "only_there")])
def test_column_on_one_side_only_is_an_error_of_that_column(columns):
    found = by_column(
        run({"a": NUMBERS, "only_there": NUMBERS}, {"a": NUMBERS, "only_here": NUMBERS}, columns=columns)
    )
    assert found["a"].verdict is Verdict.PASS
    assert found["only_here"].verdict is found["only_there"].verdict is Verdict.ERRORED
    assert "column 'only_here' is not in reference.csv" in found["only_here"].detail["reason"]


def test_asked_column_that_is_nowhere_is_refused():
    with pytest.raises(TableError, match=r"column 'z' is not in current.csv nor in reference.csv"):
        run({"a": NUMBERS}, {"a": NUMBERS}, columns=("z",))


@pytest.mark.parametrize(
    ("_case", "values"),
    [("no rows", []), ("all null", [None] * 50), ("all infinite", [math.inf] * 50)],
)
@pytest.mark.parametrize("swap", [False, True])
def test_nothing_to_compare_is_insufficient_never_pass(_case, values, swap):
    full, empty = {"a": [float(x) for x in NUMBERS]}, {"a": values}
    measurements = run(empty, full) if swap else run(full, empty)
    assert [m.verdict for m in measurements] == [Verdict.INSUFFICIENT, Verdict.INSUFFICIENT]
    assert "column 'a'" in measurements[0].detail["reason"]


def test_no_rows_on_both_sides_is_insufficient():
    assert worst_verdict(run({"a": [], "b": []}, {"a": [], "b": []})) is Verdict.INSUFFICIENT


def test_few_rows_never_pass_but_may_fail():
    unmoved, gone = {"a": [float(x % 11) for x in range(29)]}, {"a": [-1.0] * 29}
    found = run({"a": [float(x) for x in range(11)] * 20}, unmoved)
    assert [m.verdict for m in found] == [Verdict.INSUFFICIENT, Verdict.INSUFFICIENT]
    assert found[0].value > 0
    assert (
        found[0].detail["reason"]
        == "column 'a' has 220 reference and 29 current values; 30 of each are needed"
    )
    assert run({"a": list(range(100))}, gone)[0].verdict is Verdict.FAIL
    assert run({"a": unmoved["a"]}, unmoved, thresholds={"rows": 29})[0].verdict is Verdict.PASS


def test_column_that_names_rows_is_insufficient():
    found = run({"id": [f"r{i}" for i in range(500)]}, {"id": [f"c{i}" for i in range(400)]})[0]
    assert (found.verdict, found.value, found.n) == (Verdict.INSUFFICIENT, None, 400)
    assert found.detail["reason"].startswith("column 'id' has 400 categories in 400 rows")


def test_identifiers_that_replace_categories_are_drift():
    found = run({"a": repeated(x=250, y=250)}, {"a": [f"c{i}" for i in range(400)]})[0]
    assert (found.name, found.verdict) == ("chisquare", Verdict.FAIL)


def test_moments_are_compared_only_when_asked_for():
    days = np.arange("2024-01-01", "2024-02-01", dtype="M8[D]")
    reference, current = {"at": days, "a": [1.0] * 31}, {"at": days + 31, "a": [1.0] * 31}
    assert [m.slice for m in run(reference, current)] == ["a", ""]
    asked = run(reference, current, columns=("at",))[0]
    assert (asked.slice, asked.name, asked.verdict) == ("at", "ks", Verdict.FAIL)
    with pytest.raises(AuditInputError, match="only when named"):
        run({"at": days}, {"at": days})


def test_numbers_beyond_double_precision_are_an_error_of_that_column():
    huge = [-1.7e308, 1.7e308] * 600 + list(range(20))
    found = run({"a": huge}, {"a": huge})[0]
    assert found.verdict is Verdict.ERRORED
    assert found.detail["reason"].startswith("column 'a': ")


def test_booleans_are_compared_as_categories():
    found = run({"a": [True, False] * 50}, {"a": [True, True, True, False] * 25})[0]
    assert (found.name, found.verdict) == ("z", Verdict.FAIL)


def test_order_of_rows_does_not_matter():
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=3000), rng.normal(0.1, 1, size=2000)
    assert run({"a": a}, {"a": b}) == run({"a": rng.permutation(a)}, {"a": np.sort(b)})


def test_many_categories_are_compared_and_a_million_names_of_rows_are_not():
    rng = np.random.default_rng(0)
    sides = [
        {
            "sku": pa.array(rng.integers(0, 100_000, 1_000_000)).cast(pa.string()),
            "client": pa.array(rng.permutation(1_000_000)).cast(pa.string()),
        }
        for _ in range(2)
    ]
    found = by_column(run(*sides))
    assert (found["sku"].name, found["sku"].n) == ("jensenshannon", 1_000_000)
    assert found["client"].verdict is Verdict.INSUFFICIENT


#: More distinct numbers than a profile keeps one by one.
MANY, MORE = 3000, 4000


def many_numbers(shift=0.05, sizes=(MANY, MORE)):
    rng = np.random.default_rng(12)
    return rng.normal(size=sizes[0]), rng.normal(shift, 1, sizes[1])


@pytest.mark.parametrize("method", ["hellinger", "cramer_von_mises"])
def test_methods_that_need_every_number_read_the_rows_of_columns_in_bins(method):
    before, after = many_numbers()
    found = run({"a": before}, {"a": after}, method=method)[0]
    expected = {
        "hellinger": lambda: hellinger(numeric_distribution(before), numeric_distribution(after)),
        "cramer_von_mises": lambda: stats.cramervonmises_2samp(before, after).pvalue,
    }[method]()
    assert (found.name, found.value) == (method, pytest.approx(expected, abs=1e-9))
    assert found.detail["sampled"] == {"reference": MANY, "current": MORE}
    assert found.detail["exact"] is True
    by_default = run({"a": before}, {"a": after})[0]
    kept = ("effect", "psi", "psi_deciles", "effect_threshold", "reference_n")
    assert [found.detail[name] for name in kept] == [by_default.detail[name] for name in kept]
    assert (found.verdict, found.tolerance_used) == (by_default.verdict, by_default.tolerance_used)
    assert "sampled" not in by_default.detail
    assert by_default.detail["exact"] is False


def test_a_sample_of_a_longer_table_is_said_to_be_one(monkeypatch):
    monkeypatch.setattr(drift_rows, "MOST_ROWS", MANY)
    before, after = many_numbers(shift=0.0)
    found, again, other = (
        DataDrift().run(
            AuditInput(
                reference=MemoryTable({"a": before}),
                current=MemoryTable({"a": after}),
                parameters=AuditParameters(method="cramer_von_mises"),
                seed=seed,
            )
        )[0]
        for seed in (1, 1, 2)
    )
    assert found.detail["sampled"] == {"reference": MANY, "current": MANY}
    assert (found.detail["exact"], found.n) == (False, MORE)
    assert found == again
    assert found.value != other.value
    assert found.value == pytest.approx(stats.cramervonmises_2samp(before, after).pvalue, abs=0.5)


@pytest.mark.parametrize(("reference_rows", "read"), [(1000, True), (1001, False)])
def test_kolmogorov_smirnov_of_a_small_reference_is_exact(reference_rows, read):
    before, after = many_numbers(sizes=(reference_rows, MORE))
    found = run({"a": before}, {"a": after}, method="ks")[0]
    expected = stats.ks_2samp(before, after)
    assert ("sampled" in found.detail, found.detail["exact"]) == (read, read)
    within = 1e-12 if read else 1e-3
    assert found.detail["statistic"] == pytest.approx(expected.statistic, abs=within)
    if read:
        assert found.value == pytest.approx(expected.pvalue, abs=1e-9)


def test_kolmogorov_smirnov_keeps_to_bins_when_not_all_rows_would_be_read(monkeypatch):
    monkeypatch.setattr(drift_comparison, "MOST_ROWS", MORE - 1)
    before, after = many_numbers(sizes=(500, MORE))
    found = run({"a": before}, {"a": after})[0]
    assert (found.name, found.detail["exact"], "sampled" in found.detail) == ("ks", False, False)


class ReadOnce(MemoryTable):
    """A table whose rows are gone after its first scan."""

    scans = 0

    def scan(self, names=None):
        self.scans += 1
        if self.scans == 1:
            yield from super().scan(names)
        else:
            yield from (ColumnFault(name, f"column {name!r} is gone; read it again") for name in names)


@pytest.mark.parametrize(
    ("method", "sizes"),
    [(None, (MANY, MORE)), ("hellinger", (2000, 1500)), (None, (900, 1100)), ("psi", (MANY, MORE))],
)
def test_rows_are_not_read_where_profiles_serve(method, sizes):
    tables = [ReadOnce({"a": side}) for side in many_numbers(sizes=sizes)]
    audit_input = AuditInput(
        reference=tables[0], current=tables[1], parameters=AuditParameters(method=method)
    )
    found = DataDrift().run(audit_input)[0]
    assert found.value is not None
    assert [side.scans for side in tables] == [1, 1]
    assert "sampled" not in found.detail


def test_rows_that_cannot_be_read_are_an_error_of_that_column_only():
    before, after = many_numbers()
    sides = [{"a": side, "b": np.round(side)} for side in (before, after)]
    found = by_column(
        DataDrift().run(
            AuditInput(
                reference=ReadOnce(sides[0]),
                current=MemoryTable(sides[1]),
                parameters=AuditParameters(method="evidently:hellinger"),
            )
        )
    )
    assert (found["a"].verdict, found["a"].value) == (Verdict.ERRORED, None)
    assert found["a"].detail["reason"] == "column 'a' is gone; read it again"
    assert found["b"].verdict is Verdict.PASS


def test_vectors_keep_to_bins_and_say_what_to_do():
    rng = np.random.default_rng(13)
    sides = [
        {"a": pa.FixedSizeListArray.from_arrays(pa.array(rng.normal(size=3 * MANY)), 3)} for _ in range(2)
    ]
    found = run(*sides, method="hellinger")[0]
    assert found.verdict is Verdict.ERRORED
    assert "hellinger needs every distinct number" in found.detail["reason"]
    assert run(*sides, method="ks")[0].detail["exact"] is False


def test_moments_in_bins_are_read_by_row_when_named():
    moments = [np.datetime64("2026-01-01") + np.arange(n).astype("m8[s]") for n in (MANY, MORE)]
    found = run({"at": moments[0]}, {"at": moments[1]}, columns=("at",), method="cramer_von_mises")[0]
    expected = stats.cramervonmises_2samp(np.arange(MANY), np.arange(MORE)).pvalue
    assert found.value == pytest.approx(expected, abs=1e-9)
    assert found.detail["sampled"] == {"reference": MANY, "current": MORE}


def test_a_sample_without_a_value_is_insufficient_never_pass(monkeypatch):
    monkeypatch.setattr(drift_rows, "MOST_ROWS", 1)
    before, after = many_numbers()
    empty = np.where(np.arange(MANY) < 40, before, np.nan)
    found = run({"a": empty}, {"a": after}, method="hellinger")[0]
    assert (found.verdict, found.value) == (Verdict.INSUFFICIENT, None)
    assert "no finite values among" in found.detail["reason"]
