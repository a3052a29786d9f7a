"""Thresholds by group: by brute force, beside fairlearn's, and as curves between today and parity."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.metrics.mitigation.group_thresholds import Steps, decided, threshold_for

grids = st.lists(st.integers(0, 20), min_size=1, max_size=40).map(lambda v: np.sort(np.array(v) / 20))


@settings(max_examples=150, deadline=None)
@given(grids, st.floats(0, 1), st.floats(0, 1))
def test_no_threshold_comes_nearer_to_the_rate(scores, rate, start):
    found = threshold_for(scores, rate, start)
    every = [*scores, scores[-1] + 1]
    best = min(abs((scores >= t).sum() - rate * len(scores)) for t in every)
    assert abs((scores >= found).sum() - rate * len(scores)) == pytest.approx(best)


@settings(max_examples=100, deadline=None)
@given(grids, st.floats(0, 1))
def test_a_rate_that_is_there_already_keeps_the_threshold(scores, start):
    assert threshold_for(scores, float((scores >= start).mean()), start) == start


def test_thresholds_lie_half_way_between_scores_and_reach_everybody_and_nobody():
    scores = np.array([0.1, 0.2, 0.6, 0.8])
    assert threshold_for(scores, 1.0, 0.5) == 0.1
    assert threshold_for(scores, 0.25, 0.5) == pytest.approx(0.7)
    nobody = threshold_for(scores, 0.0, 0.5)
    assert nobody == np.nextafter(0.8, np.inf)
    assert (scores >= nobody).sum() == 0


def two_groups(n=4000, seed=0):
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 2, n)
    score = rng.random(n) * np.where(group == 1, 0.7, 1.0)
    truth = (rng.random(n) < score).astype(float)
    return score, group, truth


def rates(score, group, thresholds, among=None):
    keep = np.ones(len(score), bool) if among is None else among
    return [(score[keep & (group == g)] >= t).mean() for g, t in thresholds.items()]


def test_steps_lead_from_today_to_one_rate_and_as_many_are_selected():
    score, group, _ = two_groups()
    steps = Steps.of(score, group, np.ones(len(score), bool), np.array([0, 1]), 0.5)
    assert steps.thresholds(0) == {0: 0.5, 1: 0.5}
    today = rates(score, group, steps.thresholds(0))
    half, full = (rates(score, group, steps.thresholds(step)) for step in (0.5, 1.0))
    assert half == pytest.approx([(now + steps.level) / 2 for now in today], abs=0.001)
    assert full == pytest.approx([steps.level] * 2, abs=0.001)
    after = decided(score, group, steps.thresholds(1.0), np.zeros(len(score)))
    assert after.sum() == pytest.approx((score >= 0.5).sum(), abs=2)


@pytest.mark.parametrize("truth_is", [0, 1])
def test_steps_of_error_rates_look_at_their_own_rows_only(truth_is):
    score, group, truth = two_groups()
    truth[group == 1] = np.arange((group == 1).sum()) % 2
    among = truth == truth_is
    steps = Steps.of(score, group, among, np.array([0, 1]), 0.5)
    assert rates(score, group, steps.thresholds(1.0), among) == pytest.approx([steps.level] * 2, abs=0.002)
    of_all = Steps.of(score, group, np.ones(len(score), bool), np.array([0, 1]), 0.5)
    assert steps.level == pytest.approx((score[among] >= 0.5).mean())
    assert abs(steps.thresholds(1.0)[1] - of_all.thresholds(1.0)[1]) > 0.005


def test_a_score_at_the_threshold_is_selected():
    assert decided(np.array([0.5, 0.4]), np.array([0, 0]), {0: 0.5}, np.zeros(2)).tolist() == [1.0, 0.0]


def test_a_group_without_a_threshold_keeps_its_decisions():
    score, group = np.array([0.9, 0.1, 0.9, 0.1]), np.array([0, 0, 1, 1])
    today = np.array([0.0, 1.0, 0.0, 1.0])
    assert decided(score, group, {0: 0.5}, today).tolist() == [1.0, 0.0, 0.0, 1.0]


@pytest.mark.peer
@pytest.mark.parametrize("seed", range(4))
def test_at_fairlearns_rate_the_thresholds_are_fairlearns(seed):
    """``ThresholdOptimizer`` chooses a rate; at that rate our thresholds lie between its two, in each group."""
    from fairlearn.postprocessing import ThresholdOptimizer
    from sklearn.linear_model import LinearRegression

    score, group, truth = two_groups(3000, seed)
    passed_on = LinearRegression(fit_intercept=False).fit(score[:, None], score)
    peer = ThresholdOptimizer(
        estimator=passed_on,
        constraints="demographic_parity",
        objective="balanced_accuracy_score",
        prefit=True,
        predict_method="predict",
    )
    peer.fit(score[:, None], truth, sensitive_features=group)
    rules = peer.interpolated_thresholder_.interpolation_dict
    for g, rule in rules.items():
        own = np.sort(score[group == g])
        both = [(rule["p0"], rule["operation0"].threshold), (rule["p1"], rule["operation1"].threshold)]
        rate = sum(p * (own > t).mean() for p, t in both)
        threshold = threshold_for(own, rate, 2.0)
        assert (own >= threshold).mean() == pytest.approx(rate, abs=0.5 / len(own) + 1e-9)
        limits = sorted(t for _, t in both)
        assert limits[0] - 1e-6 <= threshold <= np.nextafter(limits[1], np.inf) + 0.01
    level = {
        g: rule["p0"] * (score[group == g] > rule["operation0"].threshold).mean()
        + rule["p1"] * (score[group == g] > rule["operation1"].threshold).mean()
        for g, rule in rules.items()
    }
    assert level[0] == pytest.approx(level[1], abs=0.002)
