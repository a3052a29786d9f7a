"""Ranking metrics against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from audits.metrics.scores.ranking import ranking_estimates, score_users


def test_one_user_computed_by_hand():
    # Relevant at ranks 2 and 25, and one relevant item never recommended: three relevant, one of them in the top 20.
    users = np.zeros(4, dtype=np.int64)
    relevant = np.array([False, True, True, True])
    found = score_users(users, relevant, np.array([1.0, 2.0, 25.0, np.nan]))
    best = 1 / np.log2(2) + 1 / np.log2(3) + 1 / np.log2(4)
    assert found.ndcg.tolist() == pytest.approx([1 / np.log2(3) / best], abs=1e-12)
    assert found.hit.tolist() == [1]
    assert found.reciprocal_rank.tolist() == [0.5]


def test_relevant_item_below_the_cutoff_counts_for_the_reciprocal_rank_only():
    found = score_users(np.zeros(1, dtype=np.int64), np.array([True]), np.array([25.0]))
    assert (found.ndcg.tolist(), found.hit.tolist(), found.reciprocal_rank.tolist()) == ([0], [0], [0.04])


def test_ndcg_equals_scikit_learn_on_full_rankings():
    rng = np.random.default_rng(0)
    people, items = 30, 40
    relevant = rng.random((people, items)) < 0.1
    relevant[:, 0] = True
    order = np.array([rng.permutation(items) + 1 for _ in range(people)], dtype=float)
    users = np.repeat(np.arange(people), items)
    found = score_users(users, relevant.ravel(), order.ravel())
    expected = [ndcg_score(relevant[[u]], -order[[u]], k=20) for u in range(people)]
    assert found.ndcg.tolist() == pytest.approx(expected, abs=1e-12)


def test_users_without_relevant_items_are_left_out_and_the_perfect_list_scores_one():
    users = np.array([0, 0, 1, 1, 2])
    relevant = np.array([True, False, False, False, True])
    rank = np.array([1.0, 2.0, 1.0, 2.0, 1.0])
    found = score_users(users, relevant, rank)
    assert found.ndcg.tolist() == [1, 1]


def test_skill_is_the_mean_difference_over_users_and_zero_against_itself():
    rng = np.random.default_rng(1)
    users = np.repeat(np.arange(50), 10)
    relevant = np.tile(np.arange(10) < 2, 50)
    rank = np.concatenate([rng.permutation(10) + 1.0 for _ in range(50)])
    naive = np.concatenate([rng.permutation(10) + 1.0 for _ in range(50)])
    found = ranking_estimates(users, relevant, rank, naive, 0)
    gap = score_users(users, relevant, rank).ndcg - score_users(users, relevant, naive).ndcg
    assert found["skill"].value == pytest.approx(gap.mean(), abs=1e-12)
    assert found["skill"].n == 50
    same = ranking_estimates(users, relevant, rank, rank, 0)["skill"]
    assert (same.value, same.low, same.high) == pytest.approx((0, 0, 0), abs=1e-12)
