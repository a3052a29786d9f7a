"""Prediction drift: the predictions alone, by the calibrated rule or Evidently's."""

import numpy as np
import pyarrow as pa
import pytest

from audits.kinds import AuditInput, AuditInputError, AuditParameters, Verdict
from audits.kinds.prediction_drift import PredictionDrift
from audits.metrics.drift.distributions import numeric_distribution
from audits.metrics.drift.effects import drift_effect
from audits.metrics.drift.methods import Pair
from audits.tables import MemoryTable, TableError


def run(reference, current, seed=0, **parameters):
    audit_input = AuditInput(
        reference=MemoryTable({"f": reference, "x": np.zeros(len(reference))}, "before.csv"),
        current=MemoryTable({"f": current, "x": np.ones(len(current))}, "after.csv"),
        parameters=AuditParameters(**{"y_pred": "f", **parameters}),
        seed=seed,
    )
    (found,) = PredictionDrift().run(audit_input)
    return found


def normal(n, seed=0, shift=0.0):
    return np.random.default_rng([seed, n]).normal(size=n) + shift


def test_unmoved_predictions_pass_whatever_the_inputs_do():
    found = run(normal(2000), normal(2000, 1))
    assert (found.name, found.slice, found.n, found.verdict) == ("wasserstein", "f", 2000, Verdict.PASS)
    assert found.detail["evidently_verdict"] == "pass"
    assert (found.detail["critical"], found.detail["p_effect"]) == (None, None)
    assert found.tolerance_used == pytest.approx(found.detail["effect"] / 0.1)


def test_shifted_predictions_fail_by_effect_and_chance():
    before, after = normal(2000), normal(2000, 1, shift=0.5)
    found = run(before, after)
    assert found.verdict is Verdict.FAIL
    effect = drift_effect(Pair(numeric_distribution(before), numeric_distribution(after)))
    assert found.detail["effect"] == pytest.approx(effect.value, rel=1e-9)
    assert (found.detail["effect_name"], found.detail["effect_threshold"]) == (effect.name, 0.1)
    assert found.detail["p_effect"] <= 0.05
    assert found.detail["verdict_rule"] == "calibrated"
    assert found.detail["mean"] - found.detail["reference_mean"] == pytest.approx(
        after.mean() - before.mean()
    )
    assert found.tolerance_used == pytest.approx(effect.value / 0.1)


def test_a_small_window_that_moves_by_chance_passes_although_evidently_alarms():
    found = run(normal(2000), normal(60, 3))
    assert found.detail["evidently_verdict"] == "fail"
    assert found.detail["effect"] >= 0.1
    assert found.detail["p_effect"] > 0.05
    assert found.verdict is Verdict.PASS
    assert found.tolerance_used < 1


def test_evidentlys_verdict_on_request():
    pair = normal(2000), normal(60, 3)
    found = run(*pair, method="evidently")
    assert (found.name, found.verdict, found.detail["verdict_rule"]) == (
        "wasserstein",
        Verdict.FAIL,
        "evidently",
    )
    assert found.tolerance_used == pytest.approx(found.value / 0.1)
    assert run(*pair, method="evidently:psi").name == "psi"
    shown = run(*pair, method="ks")
    assert (shown.name, shown.verdict) == ("ks", Verdict.PASS)
    assert "statistic" in shown.detail


def test_one_wild_prediction_does_not_hide_a_shift():
    assert run(np.append(normal(2000), 1e6), normal(2000, 1, shift=1.0)).verdict is Verdict.FAIL


def test_labels_are_compared_by_their_shares():
    before, after = ["a"] * 600 + ["b"] * 400, ["a"] * 500 + ["b"] * 300 + ["c"] * 200
    found = run(before, after)
    assert (found.name, found.detail["effect_name"], found.verdict) == (
        "chisquare",
        "jensenshannon",
        Verdict.FAIL,
    )
    assert "mean" not in found.detail
    assert run(before, before).verdict is Verdict.PASS
    assert run([True, False] * 100, [True] * 200).verdict is Verdict.FAIL


@pytest.mark.parametrize("rows", [(29, 200), (200, 29)])
def test_few_rows_never_pass_but_may_fail(rows):
    before, after = normal(rows[0]), normal(rows[1])
    unmoved = run(before, after, thresholds={"wasserstein-clipped": 99})
    assert unmoved.verdict is Verdict.INSUFFICIENT
    assert (
        unmoved.detail["reason"]
        == f"{rows[0]} reference and {rows[1]} current predictions; 30 of each are needed"
    )
    enough = run(before, after, thresholds={"wasserstein-clipped": 99, "rows": 29})
    assert enough.verdict is Verdict.PASS
    assert run(before, after + 9).verdict is Verdict.FAIL


@pytest.mark.parametrize("values", [[], [None] * 50, [np.inf] * 50])
def test_nothing_to_compare_is_insufficient(values):
    found = run(normal(100), pa.array(values, pa.float64()))
    assert (found.verdict, found.n) == (Verdict.INSUFFICIENT, 0)
    assert found.detail["reason"] == "column 'f' has no finite values on one side"


def test_names_of_rows_are_insufficient():
    found = run([f"r{i}" for i in range(300)], [f"s{i}" for i in range(300)])
    assert found.verdict is Verdict.INSUFFICIENT
    assert "300 categories in 300 rows" in found.detail["reason"]


def test_the_seed_decides_the_null():
    pair = normal(200), normal(80, 1, shift=0.3)
    assert run(*pair, seed=1) == run(*pair, seed=1)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"y_pred": None}, "name it as y_pred"),
        ({"method": "magic"}, "unknown method 'magic'"),
        ({"thresholds": {"speed": 1}}, "unknown threshold 'speed'; known: wasserstein"),
        ({"thresholds": {"wasserstein-clipped": 0}}, "threshold 'wasserstein-clipped' is 0"),
        ({"thresholds": {"ks": 1}}, "limit of a p-value must be below 1"),
    ],
)
def test_unusable_parameters_are_refused_before_any_data_is_read(parameters, message):
    with pytest.raises(AuditInputError, match=message):
        PredictionDrift().check(AuditParameters(**{"y_pred": "f", **parameters}))
    with pytest.raises(AuditInputError, match=message):
        run(normal(100), normal(100), **parameters)


def test_bad_input_is_refused_by_name():
    with pytest.raises(AuditInputError, match=r"column 'f': .*give both the same type"):
        run(normal(100), ["a"] * 100)
    with pytest.raises(TableError, match=r"column 'g' is not in before.csv"):
        run(normal(100), normal(100), y_pred="g")
    with pytest.raises(TableError, match=r"column 'f' of before.csv holds vectors"):
        run([[1.0, 2.0]] * 50, [[1.0, 2.0]] * 50)
    with pytest.raises(AuditInputError, match="chisquare compares categories"):
        run(normal(100), normal(100), method="chisquare")
    with pytest.raises(AuditInputError, match="give a reference"):
        PredictionDrift().run(
            AuditInput(current=MemoryTable({"f": [1]}), parameters=AuditParameters(y_pred="f"))
        )


def test_unmoved_predictions_seldom_alarm_where_evidently_often_does():
    """200 draws of 2,000 against 200 scores: at most 6 % and the slack of 200 draws, Evidently's rule above 20 %."""
    found = [run(normal(2000, seed), normal(200, seed), seed=seed) for seed in range(200)]
    assert sum(m.verdict is Verdict.FAIL for m in found) / 200 <= 0.06 + 2.33 * np.sqrt(0.06 * 0.94 / 200)
    assert sum(m.detail["evidently_verdict"] == "fail" for m in found) / 200 > 0.2
