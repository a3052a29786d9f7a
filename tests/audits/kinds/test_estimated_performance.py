"""Estimated performance: marked as an estimate, verdicts, unlike scores, bad input."""

import numpy as np
import pytest

from audits.kinds import AuditInput, AuditInputError, AuditParameters, Verdict, worst_verdict
from audits.kinds.estimated_performance import UNLIKE, EstimatedPerformance
from audits.metrics.scores.label_free import METRICS
from audits.metrics.scores.metrics import profile_metrics
from audits.tables import MemoryTable, TableError
from tests.audits.score_data import profiled, scored


def _run(current, reference, **parameters):
    given = AuditInput(
        current=MemoryTable(current, label="now"),
        reference=None if reference is None else MemoryTable(reference, label="before"),
        parameters=AuditParameters(**{"y_true": "y", "y_pred": "score", **parameters}),
        seed=5,
    )
    return {m.name: m for m in EstimatedPerformance().run(given)}


def _labelled(n=6000, seed=1):
    score, label = scored(seed, n)
    return {"score": score, "y": label.astype(int)}


def _unlabelled(n=5000, seed=2, **how):
    return {"score": scored(seed, n, **how)[0]}


def _doubtful(n=5000):
    """Scores close to the decision, where half of the calls are wrong."""
    return {"score": np.random.default_rng(4).normal(0.5, 0.06, n)}


def test_unchanged_scores_pass_and_every_value_is_marked_as_an_estimate():
    found = _run(_unlabelled(), _labelled())
    assert set(found) == {*METRICS, "score-distance", "outside-share"}
    assert {m.verdict for m in found.values()} == {Verdict.PASS}
    reference = _labelled()
    realised = profile_metrics(profiled(reference["score"], reference["y"]))
    for name in METRICS:
        measured = found[name]
        assert measured.detail["estimated"] is True
        assert measured.detail["reference"] == pytest.approx(realised[name], abs=1e-12)
        assert measured.threshold == pytest.approx(0.9 * realised[name])
        assert measured.low < measured.value < measured.high
        worse = measured.detail["relative_worsening"]
        assert worse == pytest.approx(1 - measured.value / realised[name])
        assert measured.tolerance_used == pytest.approx(max(0, worse / 0.1))
        assert measured.detail["worsening_low"] < worse < measured.detail["worsening_high"]
        assert (measured.n, measured.detail["reference_n"]) == (5000, 6000)


def test_scores_that_became_doubtful_fail_before_any_label_is_in():
    found = _run(_doubtful(), _labelled())
    assert found["roc-auc"].verdict is Verdict.FAIL
    assert found["roc-auc"].detail["worsening_low"] > 0.1
    assert found["roc-auc"].tolerance_used > 1
    assert worst_verdict(found.values()) is Verdict.FAIL


def test_scores_unlike_the_references_are_reviewed_even_when_the_estimate_is_good():
    """More certain scores promise better decisions; but the reference hardly knows such scores."""
    found = _run(_unlabelled(slope=4.0), _labelled(), thresholds={"reference-tolerance": 0.9})
    assert found["score-distance"].verdict is Verdict.REVIEW
    assert found["accuracy"].value > found["accuracy"].detail["reference"]
    for name in METRICS:
        assert found[name].verdict is Verdict.REVIEW
        assert found[name].detail["reason"] == UNLIKE
    tolerated = _run(
        _unlabelled(slope=4.0),
        _labelled(),
        thresholds={"reference-tolerance": 0.9, "score-distance": 0.9, "outside-share": 0.9},
    )
    assert {m.verdict for m in tolerated.values()} == {Verdict.PASS}
    assert "reason" not in tolerated["accuracy"].detail


def test_scores_outside_the_references_range_are_reviewed():
    reference = _labelled()
    kept = reference["score"] < 0.8
    narrow = {name: values[kept] for name, values in reference.items()}
    current = {"score": np.concatenate([narrow["score"][:2000], np.full(60, 0.95)])}
    found = _run(current, narrow)
    assert found["outside-share"].verdict is Verdict.REVIEW
    assert found["outside-share"].value == pytest.approx(60 / 2060)
    assert found["outside-share"].detail["highest"] == pytest.approx(narrow["score"].max())
    assert found["score-distance"].verdict is Verdict.PASS
    assert found["roc-auc"].verdict is Verdict.REVIEW


def test_a_worse_estimate_within_the_tolerance_passes_and_one_that_may_be_chance_is_reviewed():
    now = {"score": np.concatenate([scored(2, 4500)[0], np.full(500, 0.5)])}
    within = _run(now, _labelled())["roc-auc"]
    assert 0 < within.detail["relative_worsening"] < 0.1
    assert within.verdict is Verdict.PASS
    worse = within.detail["relative_worsening"]
    close = _run(now, _labelled(), thresholds={"reference-tolerance": worse * 0.999})["roc-auc"]
    assert close.verdict is Verdict.REVIEW
    clear = _run(now, _labelled(), thresholds={"reference-tolerance": worse / 200})["roc-auc"]
    assert clear.verdict is Verdict.FAIL


def test_the_decision_is_that_of_the_parameters():
    found = _run(_unlabelled(), _labelled(), thresholds={"decision": 0.37})
    assert found["recall"].detail["decision"] == 0.37
    assert found["recall"].value > _run(_unlabelled(), _labelled())["recall"].value
    assert found["roc-auc"].value == pytest.approx(_run(_unlabelled(), _labelled())["roc-auc"].value)


def test_the_current_table_needs_no_label_column_and_one_that_it_has_is_not_read():
    current = _unlabelled()
    with_labels = {**current, "y": ["not a label"] * 5000}
    assert _run(with_labels, _labelled()) == _run(current, _labelled())


def test_rows_without_score_or_label_are_left_out_and_counted():
    reference, current = _labelled(), _unlabelled()
    label, score = reference["y"].astype(float), current["score"].copy()
    label[:100], score[:7] = np.nan, np.nan
    found = _run({"score": score}, {**reference, "y": label})["accuracy"]
    assert (found.n, found.detail["dropped_rows"], found.detail["reference_n"]) == (4993, 7, 5900)


@pytest.mark.parametrize(
    ("_case", "current", "reference", "reason"),
    [
        ("small reference", _unlabelled(), _labelled(29), "29 reference rows"),
        ("small window", _unlabelled(29), _labelled(), "29 rows with a score"),
        (
            "one class",
            _unlabelled(),
            {**_labelled(100), "y": [0] * 100},
            "only 0 reference rows of one class",
        ),
        ("no labels", _unlabelled(), {**_labelled(100), "y": [None] * 100}, "0 reference rows"),
        ("no scores", {"score": [None] * 50}, _labelled(), "0 rows with a score"),
    ],
)
def test_too_little_evidence_is_insufficient_never_pass(_case, current, reference, reason):
    found = _run(current, reference)
    assert set(found) == set(METRICS)
    assert {m.verdict for m in found.values()} == {Verdict.INSUFFICIENT}
    assert all(reason in m.detail["reason"] and m.detail["estimated"] for m in found.values())


def test_a_metric_without_a_value_is_insufficient_and_leaves_the_others():
    found = _run({"score": np.linspace(0.01, 0.4, 500)}, _labelled())
    assert found["precision"].verdict is Verdict.INSUFFICIENT
    assert "undefined" in found["precision"].detail["reason"]
    assert found["accuracy"].value > 0


@pytest.mark.parametrize(
    ("_case", "current", "reference", "parameters", "message"),
    [
        ("no reference", _unlabelled(50), None, {}, "give a reference"),
        ("no label named", _unlabelled(50), _labelled(50), {"y_true": None}, "name both columns"),
        ("reference without labels", _unlabelled(50), _unlabelled(50), {}, "column 'y' is not in before"),
        ("missing score", {"other": [0.1]}, _labelled(50), {}, "column 'score' is not in now"),
        ("outside", {"score": [2.0] * 50}, _labelled(50), {}, r"'score' of now holds values outside \[0, 1\]"),
        ("unknown limit", _unlabelled(50), _labelled(50), {"thresholds": {"f1": 0.5}}, "unknown threshold 'f1'"),
        ("no tolerance", _unlabelled(50), _labelled(50), {"thresholds": {"reference-tolerance": 0}}, "above 0"),
        ("decision", _unlabelled(50), _labelled(50), {"thresholds": {"decision": 1.1}}, "at most 1"),
        ("entity", _unlabelled(50), _labelled(50), {"entity": "store"}, "leave 'entity' out"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_by_name(_case, current, reference, parameters, message):
    with pytest.raises((AuditInputError, TableError), match=message):
        _run(current, reference, **parameters)


def test_parameters_are_refused_when_it_is_planned():
    with pytest.raises(AuditInputError, match="unknown threshold 'f1'"):
        EstimatedPerformance().check(AuditParameters(y_true="y", y_pred="s", thresholds={"f1": 0.1}))


def test_same_seed_same_measurements():
    assert _run(_unlabelled(300), _labelled(500)) == _run(_unlabelled(300), _labelled(500))
