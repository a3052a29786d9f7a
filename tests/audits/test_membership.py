"""The loss-threshold attack."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from audits.metrics.privacy.losses import GIVEN, LOG_LOSS, calibrated_losses
from audits.metrics.privacy.membership import (
    attack_advantage,
    attack_auc,
    attack_rate,
    group_attack,
    p_above,
)


def _sides(seed, ties=False):
    rng = np.random.default_rng(seed)
    members, others = rng.exponential(0.7, 250), rng.exponential(1.0, 180)
    return (members.round(1), others.round(1)) if ties else (members, others)


@given(st.integers(0, 10_000), st.booleans())
@settings(max_examples=30, deadline=None)
def test_attack_equals_scikit_learns_roc_curve(seed, ties):
    members, others = _sides(seed, ties)
    truth, score = np.r_[np.ones(250), np.zeros(180)], -np.r_[members, others]
    fpr, tpr, _ = roc_curve(truth, score, drop_intermediate=False)
    assert attack_auc(members, others, 0).value == pytest.approx(roc_auc_score(truth, score), abs=1e-12)
    assert attack_rate(members, others, 0).value == pytest.approx(tpr[fpr <= 0.01].max(), abs=1e-12)


def test_a_monotone_change_of_the_loss_changes_nothing():
    members, others = _sides(1)
    assert attack_auc(members**2, others**2, 0).value == attack_auc(members, others, 0).value
    assert attack_rate(members**2, others**2, 0).value == attack_rate(members, others, 0).value


def test_memorised_rows_are_all_found():
    found = attack_rate(np.zeros(200), np.ones(200), 0)
    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx(0.025 ** (1 / 200))  # Clopper and Pearson, 200 of 200: .025^(1/200)


def test_members_with_higher_loss_are_reported_below_one_half():
    members, others = _sides(2)
    assert attack_auc(others, members, 0).value == pytest.approx(1 - attack_auc(members, others, 0).value)
    assert attack_auc(others, members, 0).value < 0.5


def test_interval_of_the_rate_equals_a_plain_bootstrap_of_both_sides():
    rng = np.random.default_rng(3)
    members, others = rng.exponential(0.2, 2000), rng.exponential(1.0, 2000)
    found = attack_rate(members, others, 0)
    plain = []
    for _ in range(400):
        a, b = rng.choice(members, 2000), np.sort(rng.choice(others, 2000))
        plain.append(float((a < b[20]).mean()))
    low, high = np.quantile(plain, [0.025, 0.975])
    assert found.low == pytest.approx(low, abs=0.01)
    assert found.high == pytest.approx(high, abs=0.01)


def test_interval_covers_the_true_rate_about_95_times_in_100():
    # Exponential losses, rates 5 and 1: the 1 % point of the others is -ln .99, so the rate is 1 - .99^5 = .0490.
    rng, covered = np.random.default_rng(4), 0
    for i in range(400):
        found = attack_rate(rng.exponential(0.2, 1000), rng.exponential(1.0, 1000), i)
        covered += found.low <= 1 - 0.99**5 <= found.high
    assert covered >= 368


# -- strict rate, advantage, p


def test_random_scores_find_as_many_members_as_they_wrong_others():
    rng = np.random.default_rng(5)
    one, strict = [], []
    for i in range(60):
        members, others = rng.random(10_000), rng.random(10_000)
        one.append(attack_rate(members, others, i).value)
        strict.append(attack_rate(members, others, i, 0.001).value)
    # The limit is the (k+1)-th lowest loss of n others, so members below it are (k+1) / (n+1) on average.
    assert np.mean(one) == pytest.approx(101 / 10_001, abs=0.0006)
    assert np.mean(strict) == pytest.approx(11 / 10_001, abs=0.0002)


def test_interval_of_the_strict_rate_covers_the_true_one():
    # Rates 5 and 1: the .1 % point of the others is -ln .999, so the rate is 1 - .999^5.
    rng, covered = np.random.default_rng(6), 0
    for i in range(200):
        found = attack_rate(rng.exponential(0.2, 5000), rng.exponential(1.0, 5000), i, 0.001)
        covered += found.low <= 1 - 0.999**5 <= found.high
    assert covered >= 180


@given(st.integers(0, 10_000), st.booleans())
@settings(max_examples=30, deadline=None)
def test_advantage_is_the_largest_gap_of_the_roc_curve(seed, ties):
    members, others = _sides(seed, ties)
    truth, score = np.r_[np.ones(250), np.zeros(180)], -np.r_[members, others]
    fpr, tpr, _ = roc_curve(truth, score, drop_intermediate=False)
    found = attack_advantage(members, others)
    assert found.value == pytest.approx((tpr - fpr).max(), abs=1e-12)
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_advantage_of_two_exponentials_is_known_and_covered():
    # F(x) = 1 - exp(-2x) against 1 - exp(-x): the gap exp(-x) - exp(-2x) is largest at exp(-x) = 1/2, where it is 1/4.
    rng = np.random.default_rng(7)
    found = attack_advantage(rng.exponential(0.5, 20_000), rng.exponential(1.0, 20_000))
    assert found.value == pytest.approx(0.25, abs=0.01)
    assert found.low < 0.25 < found.high
    assert found.high - found.value == pytest.approx(2 * np.sqrt(np.log(80) / 40_000))


def test_advantage_is_nothing_or_everything():
    assert attack_advantage(np.ones(50), np.ones(50)).value == 0
    assert attack_advantage(np.ones(50), np.zeros(50)).value == 0, (
        "members with the higher loss betray nothing"
    )
    assert attack_advantage(np.zeros(50), np.ones(50)).value == 1


@given(st.integers(0, 10_000), st.floats(0.51, 0.9), st.integers(30, 200))
@settings(max_examples=60, deadline=None)
def test_p_is_below_2_5_percent_exactly_when_the_interval_is_above(seed, limit, n):
    rng = np.random.default_rng(seed)
    members, others = rng.exponential(rng.uniform(0.001, 1), n), rng.exponential(1.0, n)
    _, low, _, p = group_attack(members, others, limit)
    assert (p < 0.025) == (low > limit)


def test_p_of_a_perfect_and_of_a_constant_attack():
    assert p_above(1.0, 0.0, 0.6, 100, 100) < 1e-6
    _, low, _, p = group_attack(np.zeros(30), np.ones(30), 0.6)
    assert low > 0.6
    assert p < 0.025
    assert p_above(0.5, 0.0, 0.6, 100, 100) == 1
    assert p_above(0.0, 0.0, 0.6, 100, 100) == 1


# -- calibration by shadow models


def _confidence_by_hand(loss):
    p = math.exp(-loss)
    return math.log(p / (1 - p))


@given(st.lists(st.lists(st.floats(0.01, 5), min_size=4, max_size=4), min_size=3, max_size=8))
@settings(max_examples=50, deadline=None)
def test_likelihood_ratio_equals_the_formula_written_out(rows):
    table = np.array(rows)
    found = calibrated_losses(table[:, 0], list(table[:, 1:].T), LOG_LOSS)
    own = [[_confidence_by_hand(x) for x in row] for row in rows]
    pooled = statistics.mean(statistics.variance(row[1:]) for row in own)
    for row, score in zip(own, found, strict=True):
        expected = (statistics.mean(row[1:]) - row[0]) / math.sqrt(pooled or 1.0)
        assert score == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_each_row_has_its_own_spread_from_64_shadow_models():
    rng = np.random.default_rng(8)
    shadows = list(rng.normal(1.0, [[0.1], [1.0]], (2, 64)).T)
    found = calibrated_losses(np.zeros(2), shadows, GIVEN)
    # -loss is the confidence: 0 here, -1 on average elsewhere, in spreads of .1 and 1.
    assert found == pytest.approx([-10, -1], rel=0.2)
    shared = calibrated_losses(np.zeros(2), shadows[:63], GIVEN)
    assert shared == pytest.approx([-1 / np.sqrt(0.505)] * 2, rel=0.2)


def test_one_shadow_model_is_subtracted_and_a_missing_loss_stays_missing():
    found = calibrated_losses(np.array([1.0, 2.0, np.nan]), [np.array([0.5, np.nan, 1.0])], LOG_LOSS)
    assert np.array_equal(found, [0.5, np.nan, np.nan], equal_nan=True)
    several = calibrated_losses(
        np.array([1.0, 2.0]), [np.array([0.5, np.nan]), np.array([0.6, 1.0])], LOG_LOSS
    )
    assert np.isnan(several).tolist() == [False, True]


def test_shadow_models_that_agree_leave_the_distance_itself():
    found = calibrated_losses(np.array([1.0, 3.0]), [np.ones(2), np.ones(2)], GIVEN)
    assert found.tolist() == [0.0, 2.0]


def test_a_loss_of_nothing_and_of_almost_everything_stay_finite():
    found = calibrated_losses(np.array([0.0, 900.0]), [np.array([0.1, 0.2]), np.array([0.2, 0.1])], LOG_LOSS)
    assert np.isfinite(found).all()
    assert found[0] < 0 < found[1]
