"""Performance: tasks, verdicts, bad input."""

import numpy as np
import pytest

from audits.kinds import AuditInput, AuditInputError, AuditParameters, Verdict, worst_verdict
from audits.kinds.performance import Performance, limit_verdict
from audits.metrics.statistics.resampling import Estimate
from audits.tables import MemoryTable, TableError


def _run(table, reference=None, **parameters):
    audit_input = AuditInput(
        current=table, reference=reference, parameters=AuditParameters(**parameters), seed=11
    )
    return {m.name: m for m in Performance().run(audit_input)}


def _scored(n=800, signal=0.3, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n)
    score = np.clip(0.5 + signal * (truth - 0.5) + 0.2 * rng.standard_normal(n), 0, 1)
    return {"y": truth, "score": score, "naive": rng.random(n), "label": (score >= 0.5).astype(int)}


def _forecast(n=600, noise=4.0, seed=0, categories=60):
    rng = np.random.default_rng(seed)
    expected = rng.gamma(4, 10, n)
    return {
        "units": rng.poisson(expected),
        "forecast": expected,
        "naive": expected + rng.normal(0, noise, n),
        "category": rng.integers(0, categories, n),
    }


FORECAST = {"y_true": "units", "y_pred": "forecast"}
SCORED = {"y_true": "y", "y_pred": "score"}


def test_score_without_limits_is_judged_against_guessing():
    found = _run(MemoryTable(_scored()), **SCORED)
    auc = found["roc-auc"]
    assert (auc.verdict, auc.threshold, auc.detail["role"]) == (Verdict.PASS, 0.5, "trivial predictor")
    assert auc.tolerance_used == pytest.approx((1 - auc.value) / 0.5)
    assert (found["brier"].threshold, found["brier"].tolerance_used) == (None, None)
    assert found["brier"].detail["role"] == "descriptive"
    assert set(found) == {
        *("roc-auc", "brier", "log-loss", "expected-calibration-error", "accuracy", "precision", "recall"),
        *("false-positive-rate", "f1", "balanced-accuracy", "skill"),
    }


def test_without_a_baseline_column_skill_is_the_gain_over_the_base_rate():
    found = _run(MemoryTable(_scored()), **SCORED)
    auc, skill = found["roc-auc"], found["skill"]
    assert (skill.value, skill.low, skill.high) == (auc.value - 0.5, auc.low - 0.5, auc.high - 0.5)
    assert (skill.threshold, skill.verdict, skill.detail["baseline"]) == (0, Verdict.PASS, "base rate")
    assert skill.tolerance_used == 0
    weak = _run(MemoryTable(_scored(signal=0.02)), **SCORED)["skill"]
    assert weak.tolerance_used == pytest.approx(1 - 2 * weak.value / 0.2)
    assert weak.tolerance_used > 0
    limited = _run(MemoryTable(_scored()), **SCORED, thresholds={"roc-auc": 0.5})["skill"]
    assert (limited.threshold, limited.detail["role"]) == (None, "descriptive")


def test_skill_of_labels_is_the_gain_over_the_majority_class():
    found = _run(MemoryTable(_scored()), y_true="y", y_pred="label")
    assert found["skill"].value == found["balanced-accuracy"].value - 0.5
    assert found["skill"].detail["baseline"] == "majority class"


def test_a_baseline_column_is_named_with_the_skill():
    assert _run(MemoryTable(_scored()), **SCORED, baseline="naive")["skill"].detail["baseline"] == "naive"


def test_score_without_signal_is_not_passed_and_a_reversed_one_fails():
    rows = _scored(signal=0.0)
    assert worst_verdict(_run(MemoryTable(rows), **SCORED).values()) is Verdict.REVIEW
    rows = _scored()
    rows["score"] = 1 - rows["score"]
    found = _run(MemoryTable(rows), **SCORED)
    assert {m.verdict for m in found.values()} == {Verdict.FAIL}
    assert found["roc-auc"].tolerance_used > 1


@pytest.mark.parametrize(
    ("_case", "limit", "verdict"),
    [
        ("above the interval", 0.95, "fail"),
        ("within it, above the estimate", None, "review"),
        ("below", 0.5, "pass"),
    ],
)
def test_given_limit_decides(_case, limit, verdict):
    table = MemoryTable(_scored())
    auc = _run(table, **SCORED)["roc-auc"]
    limit = limit or (auc.value + auc.high) / 2
    found = _run(table, **SCORED, thresholds={"roc-auc": limit})
    assert {str(m.verdict) for m in found.values()} == {verdict}
    assert found["roc-auc"].threshold == limit


def test_decision_threshold_moves_the_labels():
    table = MemoryTable(_scored())
    low, high = (_run(table, **SCORED, thresholds={"decision": d}) for d in (0.2, 0.8))
    assert low["recall"].value > high["recall"].value
    assert high["recall"].detail["decision"] == 0.8


def test_labels_are_judged_by_balanced_accuracy_and_baseline_labels_by_its_gain():
    rows = _scored()
    rows["naive_label"] = (rows["naive"] > 0.5).astype(int)
    alone = _run(MemoryTable(rows), y_true="y", y_pred="label")
    assert (alone["balanced-accuracy"].threshold, alone["balanced-accuracy"].verdict) == (0.5, Verdict.PASS)
    assert "roc-auc" not in alone
    beside = _run(MemoryTable(rows), y_true="y", y_pred="label", baseline="naive_label")
    gain = beside["balanced-accuracy"].value - beside["balanced-accuracy-baseline"].value
    assert beside["skill"].value == pytest.approx(gain, abs=1e-12)


def test_text_labels_give_the_multiclass_metrics():
    rng = np.random.default_rng(0)
    truth = rng.choice(["bags", "coats", "shoes"], 300)
    guess = np.where(rng.random(300) < 0.7, truth, rng.choice(["bags", "coats", "shoes"], 300))
    found = _run(MemoryTable({"y": truth, "f": guess}), y_true="y", y_pred="f")
    assert set(found) == {"accuracy", "macro-f1", "balanced-accuracy", "skill"}
    assert found["skill"].value == pytest.approx(found["balanced-accuracy"].value - 1 / 3)
    assert found["balanced-accuracy"].threshold == pytest.approx(1 / 3)
    assert found["balanced-accuracy"].verdict is Verdict.PASS


def test_whole_number_labels_of_different_types_are_the_same_labels():
    table = MemoryTable({"y": [1, 2, 3] * 20, "f": [1.0, 2.0, 3.0] * 20})
    assert _run(table, y_true="y", y_pred="f", task="classification")["accuracy"].value == 1


def test_forecast_better_than_the_naive_method_passes_with_its_interval_over_categories():
    found = _run(MemoryTable(_forecast(noise=15)), **FORECAST, baseline="naive", entity="category")
    skill = found["skill"]
    assert (skill.verdict, skill.threshold, skill.detail["role"]) == (Verdict.PASS, 0, "baseline")
    assert skill.value == pytest.approx(1 - found["wape"].value / found["wape-baseline"].value, abs=1e-12)
    assert skill.tolerance_used == pytest.approx(max(0, 1 - skill.value / 0.2))
    assert found["wape"].verdict is Verdict.PASS


def test_forecast_equal_to_the_naive_method_is_reviewed_not_passed():
    rows = _forecast()
    rng = np.random.default_rng(3)
    rows["forecast"], rows["naive"] = (rows["forecast"] + rng.normal(0, 5, 600) for _ in range(2))
    found = _run(MemoryTable(rows), **FORECAST, baseline="naive")
    assert found["skill"].verdict is Verdict.REVIEW
    assert found["skill"].low < 0 < found["skill"].high


def test_forecast_worse_than_the_naive_method_fails():
    rows = _forecast(noise=15)
    rows["forecast"], rows["naive"] = rows["naive"], rows["forecast"]
    found = _run(MemoryTable(rows), **FORECAST, baseline="naive", entity="category")
    assert found["skill"].verdict is Verdict.FAIL
    assert found["skill"].tolerance_used > 1


def test_bias_limit_holds_on_both_sides():
    rows = _forecast()
    for factor in (0.8, 1.25):
        found = _run(
            MemoryTable({**rows, "forecast": rows["forecast"] * factor}), **FORECAST, thresholds={"bias": 0.1}
        )
        assert found["bias"].verdict is Verdict.FAIL
        assert found["bias"].tolerance_used == pytest.approx(abs(found["bias"].value) / 0.1)
    assert _run(MemoryTable(rows), **FORECAST, thresholds={"bias": 0.1})["bias"].verdict is Verdict.PASS


def test_reference_table_passes_itself_and_fails_a_clearly_worse_one():
    good, bad = MemoryTable(_scored(signal=0.6)), MemoryTable(_scored(signal=0.1, seed=1))
    same = _run(good, good, **SCORED)
    assert {m.verdict for m in same.values()} == {Verdict.PASS}
    for name in ("roc-auc", "brier", "accuracy"):
        beside = same[name].detail
        assert beside["relative_worsening"] == 0
        assert beside["worsening_low"] < -0.001
        assert beside["worsening_high"] > 0.001
    worse = _run(bad, good, **SCORED)
    assert worse["roc-auc"].verdict is Verdict.FAIL
    assert worse["roc-auc"].threshold == pytest.approx(0.9 * worse["roc-auc"].detail["reference"])
    assert worse["false-positive-rate"].verdict is Verdict.FAIL


def test_small_worsening_within_the_tolerance_passes():
    rows = _forecast(n=4000)
    rng = np.random.default_rng(1)
    slightly = {**rows, "forecast": rows["forecast"] + rng.normal(0, 1.5, 4000)}
    found = _run(MemoryTable(slightly), MemoryTable(rows), **FORECAST)
    assert 0 < found["wape"].detail["relative_worsening"] < 0.1
    assert found["wape"].verdict is Verdict.PASS


def test_worsening_beyond_the_tolerance_that_may_be_chance_is_reviewed():
    rows = _forecast(n=40)
    wider = {**rows, "forecast": rows["units"] + 1.15 * (rows["forecast"] - rows["units"])}
    found = _run(MemoryTable(wider), MemoryTable(rows), **FORECAST)["wape"]
    assert found.detail["relative_worsening"] == pytest.approx(0.15)
    assert found.detail["worsening_low"] < 0.1
    assert found.verdict is Verdict.REVIEW
    assert found.tolerance_used == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("name", "interval", "limit", "asked", "must_beat"),
    [
        ("roc-auc", (0.6, 0.7, 0.8), 0.65, "pass", "review"),
        ("roc-auc", (0.66, 0.7, 0.8), 0.65, "pass", "pass"),
        ("roc-auc", (0.6, 0.7, 0.8), 0.75, "review", "review"),
        ("roc-auc", (0.6, 0.7, 0.8), 0.81, "fail", "fail"),
        ("wape", (0.2, 0.3, 0.4), 0.45, "pass", "pass"),
        ("wape", (0.2, 0.3, 0.4), 0.25, "review", "review"),
        ("wape", (0.2, 0.3, 0.4), 0.19, "fail", "fail"),
        ("bias", (-0.4, -0.3, -0.2), 0.25, "review", "review"),
        ("bias", (-0.4, -0.3, -0.2), 0.1, "fail", "fail"),
        ("skill", (0.0, 0.0, 0.0), 0.0, "pass", "fail"),
        ("skill", (-0.1, 0.1, 0.3), 0.0, "pass", "review"),
        ("skill", (None, 0.1, None), 0.0, "review", "review"),
    ],
)
def test_a_limit_must_not_be_missed_and_a_baseline_must_be_beaten(name, interval, limit, asked, must_beat):
    low, value, high = interval
    estimate = Estimate(n=100, value=value, low=low, high=high)
    assert str(limit_verdict(name, estimate, limit, must_beat=False)) == asked
    assert str(limit_verdict(name, estimate, limit, must_beat=True)) == must_beat


def test_unusable_reference_is_an_error_not_a_pass():
    with pytest.raises(AuditInputError, match="before cannot serve as the reference: 10 usable rows"):
        _run(MemoryTable(_forecast()), MemoryTable(_forecast(n=10), label="before"), **FORECAST)


def _lists(users=60, seed=0, lift=0.5):
    rng = np.random.default_rng(seed)
    rows = {"user": [], "relevant": [], "rank": [], "naive": []}
    for user in range(users):
        naive, relevant = rng.permutation(30) + 1.0, np.zeros(30, dtype=int)
        relevant[:3] = 1
        rank = np.argsort(np.argsort(rng.random(30) - lift * relevant)) + 1.0
        rows["user"] += [f"u{user}"] * 30
        rows["relevant"] += relevant.tolist()
        rows["rank"] += [r if r <= 20 else None for r in rank]
        rows["naive"] += [r if r <= 20 else None for r in naive]
    return rows


RANKING = {"y_true": "relevant", "y_pred": "rank", "entity": "user", "task": "ranking"}


def test_ranking_better_than_popularity_passes_and_counts_users():
    found = _run(MemoryTable(_lists()), **RANKING, baseline="naive")
    assert set(found) == {"ndcg-at-20", "hit-rate-at-20", "mrr", "ndcg-at-20-baseline", "skill"}
    assert (found["skill"].verdict, found["skill"].n) == (Verdict.PASS, 60)
    gap = found["ndcg-at-20"].value - found["ndcg-at-20-baseline"].value
    assert found["skill"].value == pytest.approx(gap, abs=1e-12)
    expected = max(0, 1 - gap / found["ndcg-at-20-baseline"].value / 0.2)
    assert found["skill"].tolerance_used == pytest.approx(expected)


def test_ranking_with_nothing_to_judge_by_is_insufficient_with_values():
    found = _run(MemoryTable(_lists()), **RANKING)
    assert {m.verdict for m in found.values()} == {Verdict.INSUFFICIENT}
    assert found["mrr"].value > 0
    assert found["mrr"].detail["reason"] == "nothing to judge by: give a limit, a baseline or a reference"


def test_ranking_refuses_a_rank_given_twice():
    rows = _lists()
    rows["rank"][:2] = [1.0, 1.0]
    with pytest.raises(
        TableError, match="column 'rank' gives the same rank twice within one value of 'user'"
    ):
        _run(MemoryTable(rows), **RANKING)


@pytest.mark.parametrize(
    ("_case", "columns", "parameters"),
    [
        ("few rows", {k: v[:29] for k, v in _scored().items()}, SCORED),
        ("few units", {**_forecast(), "category": [1, 2, 3] * 200}, {**FORECAST, "entity": "category"}),
        ("one class", {**_scored(), "y": np.ones(800, dtype=int)}, SCORED),
        ("one text class", {"y": ["a"] * 50, "score": ["a"] * 50}, SCORED),
        ("predictions mostly missing", {**_scored(n=60), "score": [0.2] * 20 + [None] * 40}, SCORED),
        ("few users", _lists(users=12), RANKING),
        ("constant truth", {"units": [3] * 50, "forecast": np.arange(50.0)}, FORECAST),
    ],
)
def test_too_little_evidence_is_insufficient_never_pass(_case, columns, parameters):
    found = _run(MemoryTable(columns), **parameters)
    assert worst_verdict(found.values()) is Verdict.INSUFFICIENT
    assert all(m.detail["reason"] for m in found.values() if m.value is None)


@pytest.mark.parametrize(
    ("_case", "columns", "parameters", "message"),
    [
        ("no columns named", _scored(), {}, "y_true and y_pred"),
        ("missing column", _scored(), {**SCORED, "y_pred": "nope"}, "column 'nope' is not in"),
        ("missing entity", _scored(), {**SCORED, "entity": "nope"}, "column 'nope' is not in"),
        ("unknown task", _scored(), {**SCORED, "task": "magic"}, "unknown task 'magic'"),
        ("unknown limit", _scored(), {**SCORED, "thresholds": {"auc": 0.9}}, "unknown threshold 'auc'"),
        (
            "limit on another task's metric",
            _scored(),
            {**SCORED, "thresholds": {"wape": 0.9}},
            "limit on 'wape'",
        ),
        ("text truth", {"y": ["a", "b"] * 30, "score": [0.1, 0.2] * 30}, SCORED, "'y' holds text"),
        (
            "text in a forecast",
            {"y": ["a"] * 60, "score": [0.1] * 60},
            {**SCORED, "task": "regression"},
            "'y'",
        ),
        (
            "score outside",
            {**_scored(), "score": np.arange(800.0)},
            {**SCORED, "task": "classification"},
            "'score'",
        ),
        (
            "infinite",
            {**_scored(), "score": [np.inf] + [0.5] * 799},
            SCORED,
            "'score' of table holds 1 infinite",
        ),
        ("NaN only", {**_scored(), "score": [np.nan] * 800}, SCORED, "'score' of table has no values"),
        ("no rows", {"y": [], "score": []}, SCORED, "has no"),
        (
            "free text",
            {"y": [f"t{i}" for i in range(500)], "score": ["t1"] * 500},
            SCORED,
            "500 different labels",
        ),
        (
            "two spellings",
            {"y": ["a", "b"] * 30, "score": ["A", "B"] * 30},
            SCORED,
            "no label of column 'score'",
        ),
        ("ranking without users", _lists(), {**RANKING, "entity": None}, "user column"),
        ("rank zero", {**_lists(), "rank": [0.0] * 1800}, RANKING, "whole ranks from 1"),
    ],
)
def test_bad_input_is_refused_by_name(_case, columns, parameters, message):
    with pytest.raises((AuditInputError, TableError), match=message):
        _run(MemoryTable(columns), **parameters)


def test_dropped_rows_are_counted():
    rows = _scored()
    score = rows["score"].copy()
    score[:7] = np.nan
    found = _run(MemoryTable({**rows, "score": score}), **SCORED)
    assert found["roc-auc"].detail["dropped_rows"] == 7
    assert found["roc-auc"].n == 793


def _late(share, n=1000, **more):
    """Scored rows of which so many have their label."""
    rows = _scored(n)
    truth = rows["y"].astype(float)
    truth[round(share * n) :] = np.nan
    return {**rows, "y": truth, **more}


def _run_late(columns, labels=None, **parameters):
    given = AuditInput(
        current=MemoryTable(columns),
        parameters=AuditParameters(**{"labels_id": "id", **SCORED, **parameters}),
        seed=11,
        labels=labels or {},
    )
    return {m.name: m for m in Performance().run(given)}


def test_labels_that_come_later_are_counted_and_only_those_that_are_in_are_judged():
    found = _run_late(_late(0.7), {"label_tables": 3, "labels_without_prediction": 12})
    share = found["labelled-share"]
    assert (share.value, share.n, share.threshold, share.verdict) == (0.7, 1000, 0.5, Verdict.PASS)
    assert share.low < 0.7 < share.high
    assert share.detail == {"label_tables": 3, "labels_without_prediction": 12, "labelled": 700}
    rows = _scored(1000)
    alone = _run(MemoryTable({name: values[:700] for name, values in rows.items()}), **SCORED)
    assert (found["roc-auc"].n, found["roc-auc"].value) == (700, alone["roc-auc"].value)


@pytest.mark.parametrize(
    ("_case", "columns", "thresholds", "reason"),
    [
        ("too small a share", _late(0.4), {}, "400 of 1,000 labels are in; at least 50% and 30 are needed"),
        ("too few", _late(0.9, n=32), {}, "29 of 32 labels are in; at least 50% and 30 are needed"),
        (
            "a higher share asked for",
            _late(0.7),
            {"labelled-share": 0.8},
            "700 of 1,000 labels are in; at least 80% and 30 are needed",
        ),
        ("none", _late(0.0), {}, "0 of 1,000 labels are in; at least 50% and 30 are needed"),
        (
            "no predictions",
            {"y": [], "score": []},
            {},
            "0 of 0 labels are in; at least 50% and 30 are needed",
        ),
    ],
)
def test_too_few_labels_are_insufficient_and_nothing_else_is_said(_case, columns, thresholds, reason):
    found = _run_late(columns, thresholds=thresholds)
    assert set(found) == {"labelled-share"}
    assert found["labelled-share"].verdict is Verdict.INSUFFICIENT
    assert found["labelled-share"].detail["reason"] == reason


def test_fewer_labels_can_be_asked_for():
    assert "roc-auc" in _run_late(_late(0.2), thresholds={"labelled-share": 0.1})


def test_ids_that_predictions_share_are_reviewed():
    share = _run_late(_late(0.9), {"predictions_sharing_id": 2})["labelled-share"]
    assert share.verdict is Verdict.REVIEW
    assert share.detail["reason"] == "2 predictions share their id with another; ids must be unique"


def test_without_a_labels_id_no_share_is_reported():
    assert "labelled-share" not in _run(MemoryTable(_late(0.4)), **SCORED)


def test_parameters_are_refused_when_it_is_planned():
    with pytest.raises(AuditInputError, match="unknown threshold 'auc'"):
        Performance().check(AuditParameters(**SCORED, thresholds={"auc": 0.9}))


def test_same_seed_same_measurements():
    table = MemoryTable(_scored())
    assert _run(table, **SCORED) == _run(table, **SCORED)
