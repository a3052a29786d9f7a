"""AUC, its covariance and interval, against slow and independent computations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from audits.metrics.scores.roc import auc_covariance, auc_difference, auc_interval


def _case(seed, n=60, ties=True):
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.4
    truth[:2] = [True, False]
    score = rng.random(n) + 0.3 * truth
    return truth, np.round(score, 1) if ties else score


def _delong_by_pairs(truth, scores):
    """Covariance from the full positive x negative comparison matrix, as in the paper."""
    m, n = truth.sum(), (~truth).sum()
    wins = [(s[truth][:, None] > s[~truth]) + 0.5 * (s[truth][:, None] == s[~truth]) for s in scores]
    tens = np.cov([w.mean(axis=1) for w in wins])
    ones = np.cov([w.mean(axis=0) for w in wins])
    return tens / m + ones / n


@pytest.mark.parametrize("ties", [True, False])
def test_auc_equals_scikit_learn_and_covariance_equals_the_pairwise_definition(ties):
    truth, score = _case(1, ties=ties)
    other = _case(2, ties=ties)[1]
    auc, covariance = auc_covariance(truth, np.stack([score, other]))
    assert auc[0] == pytest.approx(roc_auc_score(truth, score), abs=1e-12)
    assert auc[1] == pytest.approx(roc_auc_score(truth, other), abs=1e-12)
    assert covariance == pytest.approx(_delong_by_pairs(truth, [score, other]), abs=1e-12)


def test_clusters_of_one_row_give_the_variance_of_independent_rows():
    truth, score = _case(3)
    plain = auc_covariance(truth, score[None])[1]
    single = auc_covariance(truth, score[None], np.random.default_rng(0).permutation(len(truth)))[1]
    assert single == pytest.approx(plain, abs=1e-12)


def test_repeated_rows_in_clusters_do_not_narrow_the_interval():
    truth, score = _case(4)
    once = auc_covariance(truth, score[None])[1][0, 0]
    labels = np.repeat(np.arange(len(truth)), 20)
    auc, repeated = auc_covariance(np.repeat(truth, 20), np.repeat(score, 20)[None], labels)
    assert auc[0] == pytest.approx(roc_auc_score(truth, score), abs=1e-12)
    assert repeated[0, 0] == pytest.approx(
        once, rel=0.05
    )  # small-sample factors differ: clusters of one class only


@given(st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_auc_of_the_opposite_score_is_one_minus_it(seed):
    truth, score = _case(seed)
    auc, covariance = auc_covariance(truth, np.stack([score, -score]))
    assert auc.sum() == pytest.approx(1, abs=1e-12)
    assert covariance[0, 0] == pytest.approx(covariance[1, 1], abs=1e-12)


def test_interval_covers_the_true_auc_about_95_times_in_100():
    # Normal scores one standard deviation apart: AUC = Phi(1 / sqrt 2) = .7602.
    rng = np.random.default_rng(5)
    truth = np.arange(80) < 30
    covered = 0
    for _ in range(1000):
        score = rng.standard_normal(80) + truth
        auc, covariance = auc_covariance(truth, score[None])
        low, high = auc_interval(auc[0], covariance[0, 0], 30, 50)
        covered += low <= 0.76025 <= high
    assert 930 <= covered <= 970


def test_perfect_separation_still_has_an_interval():
    low, high = auc_interval(1.0, 0.0, 10, 10)
    assert high == 1.0
    assert 0.7 < low < 0.9
    assert auc_interval(0.0, 0.0, 10, 10) == (0.0, pytest.approx(1 - low))
    assert auc_interval(1.0, 0.0, 1000, 1000)[0] > 0.99


def test_constant_score_is_exactly_one_half_and_unknown_variance_has_no_interval():
    assert auc_interval(0.5, 0.0, 10, 10) == (0.5, 0.5)
    assert auc_interval(0.7, float("nan"), 10, 10) is None


def test_difference_of_a_score_with_itself_is_zero_without_width():
    truth, score = _case(6)
    found = auc_difference(truth, score, score, None, seed=0)
    assert (found.value, found.low, found.high) == (0, pytest.approx(0, abs=1e-7), pytest.approx(0, abs=1e-7))
