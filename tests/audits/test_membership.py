"""The loss-threshold attack."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from audits.metrics.privacy.membership import attack_auc, attack_rate


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
    assert found.low == pytest.approx(0.981, abs=1e-3)  # Wilson, 200 of 200


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
