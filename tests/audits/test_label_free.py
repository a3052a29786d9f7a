"""Performance without labels: NannyML's values, what must hold, and how often the truth lies in the interval."""

import numpy as np
import pytest
from scipy.stats import binom

from audits.metrics.scores.label_free import (
    METRICS,
    calibration_helps,
    estimate_values,
    estimate_without_labels,
    isotonic_calibrator,
)
from audits.metrics.scores.metrics import profile_metrics
from audits.metrics.scores.profiles import MAX_CELLS
from tests.audits.score_data import profiled, scored

#: CBPE of NannyML 0.13.1 (scikit-learn 1.9.1, NumPy 2.4.6; one chunk, isotonic calibration) for the pairs of ``pair``:
#: whether it calibrates, and roc_auc, accuracy, precision, recall, f1, specificity.
# fmt: off
NANNYML = {
    "overconfident": (
        True,
        (0.8177149311797323, 0.7325173045950312, 0.69600517319375,
         0.7695517723791134, 0.7309330643674439, 0.6993958405632116),
    ),
    "calibrated": (
        True,
        (0.8177146495005722, 0.7329325854048757, 0.7160637915338328,
         0.7196858014204985, 0.717870227799005, 0.7447797281605616),
    ),
    "underconfident, odd decision": (
        True,
        (0.818825856595349, 0.7292610944232173, 0.5360685688896802,
         0.7809790969414968, 0.6357527638393733, 0.7068278777426134),
    ),
    "more rows than cells": (
        True,
        (0.8117447937569938, 0.7294565901830452, 0.7007081031553744,
         0.7626969821143535, 0.7303896385205931, 0.6987144111154798),
    ),
    "rounded": (
        True,
        (0.816106919815904, 0.7309994410333874, 0.7538788262685071,
         0.6041728333160803, 0.6707743453337689, 0.8362734057556348),
    ),
    "almost perfect": (
        False,
        (0.9097666223274352, 0.9003089334050766, 0.92484137549765,
         0.8837419152551552, 0.90382465952044, 0.9189950439089236),
    ),
}
# fmt: on
#: Rows a side, slope, lift, moved, decision.
PAIRS = {
    "overconfident": (4000, 1.6, 0.3, 0.4, 0.5),
    "calibrated": (4000, 1.0, 0.0, 0.4, 0.5),
    "underconfident, odd decision": (4000, 0.6, 0.0, -0.6, 0.37),
    "more rows than cells": (60_000, 1.6, 0.3, 0.4, 0.5),
    "rounded": (4000, 1.3, -0.4, 0.3, 0.5),
    "almost perfect": (4000, 1.0, 0.0, 0.2, 0.5),
}


def pair(name):
    n, slope, lift, moved, decision = PAIRS[name]
    (before, label), (now, _) = scored(1, n, slope, lift), scored(2, n, slope, lift, moved)
    if name == "rounded":
        before, now = np.round(before, 2), np.round(now, 2)
    if name == "almost perfect":
        rng = np.random.default_rng(3)
        before = np.where(label, 0.9, 0.1) + 0.05 * rng.random(n)
        now = np.where(rng.random(n) < 0.5, 0.9, 0.1) + 0.05 * rng.random(n)
    return profiled(before, label, decision), profiled(now, decision=decision)


@pytest.mark.parametrize("name", NANNYML)
def test_values_are_nannymls(name):
    reference, current = pair(name)
    calibrates, values = NANNYML[name]
    assert calibration_helps(reference) is calibrates
    lossless = reference.level is None
    assert lossless is (name != "more rows than cells")
    found = estimate_values(reference, current)
    assert list(found) == list(METRICS)
    # It rounds cumulated rows to five places, hence not to 1e-12.
    assert list(found.values()) == pytest.approx(list(values), abs=1e-8 if lossless else 4e-5)


def test_intervals_lie_about_the_values():
    reference, current = pair("overconfident")
    found = estimate_without_labels(reference, current, seed=4)
    values = estimate_values(reference, current, seed=4)
    for name, estimate in found.estimated.items():
        assert estimate.value == values[name]
        assert estimate.low < estimate.value < estimate.high
        assert estimate.n == current.n
    realised = profile_metrics(reference)
    for name, estimate in found.reference.items():
        assert estimate.value == pytest.approx(realised[name], abs=1e-15)
        assert estimate.low < estimate.value < estimate.high
    assert found.calibrated


def test_the_reference_estimated_from_itself_is_what_it_reached():
    """Isotonic regression keeps the mean of every block, so decisions at a block's edge are exact; others nearly."""
    reference, _ = pair("overconfident")
    estimated, realised = estimate_values(reference, reference), profile_metrics(reference)
    for name in METRICS:
        assert estimated[name] == pytest.approx(realised[name], abs=0.01)


def test_the_labels_of_the_current_rows_are_not_looked_at():
    reference, _ = pair("overconfident")
    score, label = scored(2, 3000, moved=0.4)
    known, wrong, unknown = (profiled(score, labels) for labels in (label, ~label, None))
    expected = estimate_without_labels(reference, unknown, seed=1).estimated
    for profile in (known, wrong):
        found = estimate_without_labels(reference, profile, seed=1).estimated
        assert {k: (e.low, e.value, e.high) for k, e in found.items()} == {
            k: (e.low, e.value, e.high) for k, e in expected.items()
        }


def test_realised_values_lie_in_the_intervals_about_as_often_as_these_say():
    """With a reference of some thousand rows, and while rows of equal score stay as often positive."""
    repetitions, held = 60, dict.fromkeys(METRICS, 0)
    for seed in range(repetitions):
        score, label = scored(9000 + seed, 600, moved=0.3)
        found = estimate_without_labels(profiled(*scored(5000 + seed, 4000)), profiled(score), seed)
        realised = profile_metrics(profiled(score, label))
        for name, estimate in found.estimated.items():
            held[name] += estimate.low <= realised[name] <= estimate.high
    assert min(held.values()) >= binom.ppf(0.001, repetitions, 0.93), held


def test_concept_drift_goes_unnoticed():
    """What the documentation warns of: labels that changed while the scores did not."""
    reference, _ = pair("overconfident")
    score, label = scored(2, 4000)
    estimated = estimate_values(reference, profiled(score))
    realised = profile_metrics(profiled(score, ~label))
    assert estimated["roc-auc"] > 0.8
    assert realised["roc-auc"] < 0.2


def test_the_isotonic_fit_pools_what_falls_and_keeps_the_mean():
    fit = isotonic_calibrator(np.array([0.1, 0.2, 0.3, 0.9]), np.array([3, 1, 0, 0]), np.array([1, 3, 0, 2]))
    assert fit.scores.tolist() == [0.1, 0.2, 0.9]
    assert fit.shares.tolist() == [0.25, 0.75, 1.0]
    assert fit(np.array([0.0, 0.15, 0.55, 1.0])).tolist() == pytest.approx([0.25, 0.5, 0.875, 1.0])
    fallen = isotonic_calibrator(np.array([0.1, 0.2]), np.array([0, 3]), np.array([1, 0]))
    assert fallen.shares.tolist() == [0.25, 0.25]


def test_one_class_or_a_perfect_ranking_is_left_as_it_is():
    score, label = scored(0, 500)
    assert not calibration_helps(profiled(score, np.zeros(500)))
    assert not calibration_helps(profiled(np.where(label, 0.8, 0.3), label))


def test_nothing_called_positive_leaves_precision_without_a_value():
    reference, _ = pair("overconfident")
    found = estimate_without_labels(reference, profiled(np.linspace(0.01, 0.4, 200)))
    assert found.estimated["precision"].value is None
    assert "undefined" in found.estimated["precision"].reason
    assert found.estimated["recall"].value == 0


def test_estimates_of_merged_profiles_are_those_of_the_whole():
    score, label = scored(1, 3 * MAX_CELLS)
    cut = MAX_CELLS + 7
    merged = profiled(score[:cut], label[:cut]).merge(profiled(score[cut:], label[cut:]))
    _, current = pair("overconfident")
    assert estimate_values(merged, current) == estimate_values(profiled(score, label), current)
