"""Classification metrics against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from audits.metrics.scores.classification import (
    balanced_accuracy_gain,
    binary_estimates,
    multiclass_estimates,
    score_estimates,
)


def _rows(seed, n=200):
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.3
    truth[:10] = [True] * 5 + [False] * 5
    return truth, np.clip(0.3 + 0.3 * truth + 0.2 * rng.standard_normal(n), 0, 1)


def test_binary_metrics_equal_scikit_learn():
    truth, score = _rows(0)
    decided = score >= 0.5
    found = {name: e.value for name, e in binary_estimates(truth, decided, None, 0).items()}
    tn, fp, _, _ = sk.confusion_matrix(truth, decided).ravel()
    expected = {
        "accuracy": sk.accuracy_score(truth, decided),
        "precision": sk.precision_score(truth, decided),
        "recall": sk.recall_score(truth, decided),
        "f1": sk.f1_score(truth, decided),
        "false-positive-rate": fp / (fp + tn),
        "balanced-accuracy": sk.balanced_accuracy_score(truth, decided),
    }
    assert found == pytest.approx(expected, abs=1e-12)


def test_score_metrics_equal_scikit_learn():
    truth, score = _rows(1)
    found = {name: e.value for name, e in score_estimates(truth, score, None, 0).items()}
    assert found["roc-auc"] == pytest.approx(sk.roc_auc_score(truth, score), abs=1e-12)
    assert found["brier"] == pytest.approx(sk.brier_score_loss(truth, score), abs=1e-12)
    assert found["log-loss"] == pytest.approx(sk.log_loss(truth, score), abs=1e-12)


def test_calibration_error_of_a_case_computed_by_hand():
    # Bin (.2, .3]: 10 rows, mean y .4; bin (.8, .9]: 9 rows, 7 true; bin (.9, 1]: a single row at exactly 1, true.
    truth = np.array([1] * 4 + [0] * 6 + [1] * 7 + [0] * 2 + [1], dtype=bool)
    score = np.array([0.25] * 10 + [0.9] * 9 + [1.0])
    found = score_estimates(truth, score, None, 0)["expected-calibration-error"]
    assert found.value == pytest.approx((10 * 0.15 + 9 * 0.9 - 7 + 0) / 20, abs=1e-12)
    assert found.low <= found.value <= found.high


def test_certain_but_wrong_scores_give_a_finite_log_loss():
    truth = np.array([True, False] * 10)
    found = score_estimates(truth, (~truth).astype(float), None, 0)
    assert found["log-loss"].value == pytest.approx(-np.log(np.finfo(float).eps), rel=1e-9)
    assert found["brier"].value == 1


def test_rare_class_leaves_only_the_accuracy():
    truth = np.arange(100) < 4
    found = binary_estimates(truth, truth, None, 0)
    assert found["accuracy"].value == 1
    assert {name for name, e in found.items() if e.value is None} == set(found) - {"accuracy"}
    assert found["recall"].reason == "only 4 rows of one class; at least 5 of either are needed"
    assert score_estimates(truth, truth.astype(float), None, 0)["roc-auc"].value is None


def test_nothing_called_positive_leaves_precision_without_a_value():
    truth = np.arange(100) < 40
    found = binary_estimates(truth, np.zeros(100, dtype=bool), None, 0)
    assert found["precision"].value is None
    assert found["recall"].value == 0


def test_no_error_at_all_still_has_an_interval_by_the_number_of_clusters():
    truth = np.tile([True, False], 500)
    rows = binary_estimates(truth, truth, None, 0)["accuracy"]
    clustered = binary_estimates(truth, truth, np.repeat(np.arange(10), 100), 0)["accuracy"]
    assert (rows.high, clustered.high) == (1, 1)
    assert rows.low > 0.99
    assert clustered.low == pytest.approx(1 / (1 + 1.959964**2 / 10), abs=1e-6)  # Wilson, 10 of 10


def test_multiclass_metrics_equal_scikit_learn():
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 4, 300)
    predicted = np.where(rng.random(300) < 0.6, truth, rng.integers(0, 5, 300))
    found = {name: e.value for name, e in multiclass_estimates(truth, predicted, 5, None, 0).items()}
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(truth, predicted), abs=1e-12)
    assert found["macro-f1"] == pytest.approx(sk.f1_score(truth, predicted, average="macro"), abs=1e-12)
    recall = sk.recall_score(truth, predicted, average=None, labels=range(4))
    assert found["balanced-accuracy"] == pytest.approx(recall.mean(), abs=1e-12)


def test_gain_is_the_difference_of_the_two_balanced_accuracies():
    rng = np.random.default_rng(4)
    truth, model, naive = (rng.integers(0, 3, 200) for _ in range(3))
    before, gain = balanced_accuracy_gain(truth, model, naive, 3, None, 0)
    assert before.value == pytest.approx(sk.balanced_accuracy_score(truth, naive), abs=1e-12)
    assert gain.value == pytest.approx(sk.balanced_accuracy_score(truth, model) - before.value, abs=1e-12)


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_order_of_rows_changes_no_value(seed):
    truth, score = _rows(seed, n=60)
    order = np.random.default_rng(seed).permutation(60)
    first = score_estimates(truth, score, None, 0)
    second = score_estimates(truth[order], score[order], None, 0)
    assert {n: e.value for n, e in first.items()} == pytest.approx(
        {n: e.value for n, e in second.items()}, abs=1e-12
    )
