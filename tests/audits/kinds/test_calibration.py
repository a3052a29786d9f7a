"""Calibration: verdicts, details, delayed labels, bad input."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from audits.kinds import AuditInput, AuditInputError, AuditParameters, Verdict, worst_verdict
from audits.kinds.calibration import Calibration, calibration_verdict
from audits.metrics.statistics.resampling import Estimate
from audits.tables import MemoryTable, TableError
from tests.audits.score_data import scored

NAMES = {
    *("expected-calibration-error", "expected-calibration-error-equal-mass", "calibration-in-the-large"),
    *("calibration-slope", "calibration-intercept", "brier"),
}
ECE = "expected-calibration-error"


def _run(columns, labels=None, **parameters):
    given = AuditInput(
        current=MemoryTable(columns),
        parameters=AuditParameters(**{"y_true": "y", "y_pred": "score", **parameters}),
        seed=7,
        labels=labels or {},
    )
    return {m.name: m for m in Calibration().run(given)}


def _rows(n=4000, slope=1.0, lift=0.0):
    score, label = scored(3, n, slope, lift)
    return {"score": score, "y": label.astype(int)}


def test_calibrated_scores_pass():
    found = _run(_rows())
    assert set(found) == NAMES
    assert {m.verdict for m in found.values()} == {Verdict.PASS}
    error = found[ECE]
    assert (error.threshold, error.detail["role"]) == (0.05, "limit")
    assert error.tolerance_used == pytest.approx(error.value / 0.05)
    assert found["calibration-slope"].low < 1 < found["calibration-slope"].high
    assert found["calibration-intercept"].low < 0 < found["calibration-intercept"].high
    assert found["calibration-in-the-large"].low < 0 < found["calibration-in-the-large"].high


def test_overconfident_scores_fail_and_have_a_slope_below_one():
    found = _run(_rows(slope=2.5))
    assert {m.verdict for m in found.values()} == {Verdict.FAIL}
    assert found[ECE].low > 0.05
    assert found[ECE].value > found[ECE].detail["chance"]
    assert found[ECE].tolerance_used > 1
    assert found["calibration-slope"].high < 1


def test_scores_that_promise_too_much_are_told_by_the_sign():
    assert _run(_rows(lift=1.0))["calibration-in-the-large"].low > 0
    assert _run(_rows(lift=-1.0))["calibration-in-the-large"].high < 0


def test_numbers_are_scikit_learns_and_the_chart_is_in_the_detail():
    rows = _rows(1500, slope=1.4)
    found = _run(rows)
    assert found["brier"].value == pytest.approx(brier_score_loss(rows["y"], rows["score"]), abs=1e-12)
    shares, means = calibration_curve(rows["y"], rows["score"], n_bins=10)
    bins = found[ECE].detail["bins"]
    assert [b["share_true"] for b in bins] == pytest.approx(shares.tolist())
    assert [b["mean_score"] for b in bins] == pytest.approx(means.tolist())
    assert all(b["low"] <= b["share_true"] <= b["high"] for b in bins)
    sizes = np.array([b["n"] for b in bins])
    assert found[ECE].value == pytest.approx((sizes * np.abs(shares - means)).sum() / 1500)
    parts = found["brier"].detail
    total = parts["reliability"] - parts["resolution"] + parts["uncertainty"] + parts["within_bins"]
    assert total == pytest.approx(found["brier"].value)


@pytest.mark.parametrize(
    ("_case", "value", "low", "chance", "verdict"),
    [
        ("below the limit", 0.04, 0.02, 0.03, "pass"),
        ("at the limit", 0.05, 0.03, 0.03, "pass"),
        ("above, may be chance in sampling", 0.07, 0.04, 0.03, "review"),
        ("clearly above", 0.07, 0.06, 0.03, "fail"),
        ("clearly above, also with few rows", 0.2, 0.1, 0.08, "fail"),
        ("too few rows to tell", 0.07, 0.06, 0.08, "insufficient"),
        ("no interval", 0.07, None, 0.03, "review"),
    ],
)
def test_the_verdict_needs_limit_interval_and_chance(_case, value, low, chance, verdict):
    estimate = Estimate(n=100, value=value, low=low, high=None if low is None else 0.3)
    found, reason = calibration_verdict(estimate, 0.05, chance)
    assert found == verdict
    assert bool(reason) is (verdict == "insufficient")


def test_limits_can_be_set_for_either_kind_of_bins():
    rows = _rows(slope=1.4)
    default = _run(rows)
    assert default["expected-calibration-error-equal-mass"].threshold is None
    both = _run(rows, thresholds={ECE: 0.5, "expected-calibration-error-equal-mass": 0.001})
    assert both[ECE].verdict is Verdict.PASS
    assert both["expected-calibration-error-equal-mass"].verdict is Verdict.FAIL
    assert both["brier"].verdict is Verdict.FAIL  # descriptive: the worst of those with a limit


def test_a_repeated_entity_widens_the_intervals():
    rng = np.random.default_rng(0)
    shift = np.repeat(rng.normal(0, 0.15, 80), 50)
    score = rng.beta(2, 2, 4000)
    rows = {
        "score": score,
        "y": (rng.random(4000) < np.clip(score + shift, 0, 1)).astype(int),
        "seller": np.repeat(np.arange(80), 50),
    }
    alone, together = _run(rows), _run(rows, entity="seller")
    wide, narrow = (
        m["calibration-in-the-large"].high - m["calibration-in-the-large"].low for m in (together, alone)
    )
    assert wide > 1.5 * narrow
    assert together[ECE].value == alone[ECE].value


def test_rows_without_score_or_label_are_left_out():
    rows = _rows(500)
    score, label = rows["score"].copy(), rows["y"].astype(float)
    score[:5], label[5:25] = np.nan, np.nan
    found = _run({"score": score, "y": label})
    kept = _run({"score": score[25:], "y": label[25:]})
    assert (found[ECE].n, found[ECE].detail["dropped_rows"]) == (475, 5)
    assert {k: (m.low, m.value, m.high) for k, m in found.items()} == {
        k: (m.low, m.value, m.high) for k, m in kept.items()
    }


@pytest.mark.parametrize(
    ("_case", "columns", "parameters", "reason"),
    [
        ("few rows", _rows(29), {}, "29 rows with score and label"),
        ("one class", {"score": np.linspace(0, 1, 60), "y": [1] * 60}, {}, "only 0 rows of one class"),
        ("few units", {**_rows(200), "s": [1, 2] * 100}, {"entity": "s"}, "fewer than 5 independent units"),
    ],
)
def test_too_little_evidence_is_insufficient_never_pass(_case, columns, parameters, reason):
    found = _run(columns, **parameters)
    assert worst_verdict(found.values()) is Verdict.INSUFFICIENT
    assert reason in found[ECE].detail["reason"]


def test_separated_labels_have_no_line_but_an_error():
    score = np.concatenate([np.linspace(0.1, 0.4, 100), np.linspace(0.6, 0.9, 100)])
    found = _run({"score": score, "y": [0] * 100 + [1] * 100})
    assert found["calibration-slope"].verdict is Verdict.INSUFFICIENT
    assert "separates the labels" in found["calibration-slope"].detail["reason"]
    assert found[ECE].value > 0.1


def test_labels_that_are_in_are_counted_where_they_come_later():
    rows = _rows(1000)
    label = rows["y"].astype(float)
    label[600:] = np.nan
    found = _run({"score": rows["score"], "y": label}, {"labels_replaced": 3}, labels_id="id")
    share = found["labelled-share"]
    assert (share.value, share.n, share.verdict, share.threshold) == (0.6, 1000, Verdict.PASS, 0.5)
    assert share.low < 0.6 < share.high
    assert (share.detail["labelled"], share.detail["labels_replaced"]) == (600, 3)
    assert found[ECE].n == 600


def test_too_few_labels_are_insufficient_and_nothing_else_is_said():
    rows = _rows(1000)
    label = rows["y"].astype(float)
    label[400:] = np.nan
    found = _run({"score": rows["score"], "y": label}, labels_id="id")
    assert set(found) == {"labelled-share"}
    assert found["labelled-share"].verdict is Verdict.INSUFFICIENT
    assert found["labelled-share"].detail["reason"] == (
        "400 of 1,000 labels are in; at least 50% and 30 are needed"
    )


@pytest.mark.parametrize(
    ("_case", "columns", "parameters", "message"),
    [
        ("no label named", _rows(50), {"y_true": None}, "name both columns"),
        ("missing column", _rows(50), {"y_pred": "nope"}, "column 'nope' is not in"),
        ("outside", {"score": [1.2] * 50, "y": [0, 1] * 25}, {}, r"outside \[0, 1\]"),
        ("classes", {"score": [0.2] * 50, "y": [1, 2] * 25}, {}, "must hold 0 and 1"),
        ("unknown limit", _rows(50), {"thresholds": {"ece": 0.1}}, "unknown threshold 'ece'"),
        ("limit of zero", _rows(50), {"thresholds": {ECE: 0.0}}, "must be above 0"),
        ("missing entity", _rows(50), {"entity": "nope"}, "column 'nope' is not in"),
    ],
)
def test_bad_input_is_refused_by_name(_case, columns, parameters, message):
    with pytest.raises((AuditInputError, TableError), match=message):
        _run(columns, **parameters)


def test_parameters_are_refused_when_it_is_planned():
    with pytest.raises(AuditInputError, match="unknown threshold 'ece'"):
        Calibration().check(AuditParameters(y_true="y", y_pred="s", thresholds={"ece": 0.1}))
    with pytest.raises(AuditInputError, match="name both columns"):
        Calibration().check(AuditParameters(y_pred="s"))


def test_same_seed_same_measurements():
    assert _run(_rows(300)) == _run(_rows(300))
