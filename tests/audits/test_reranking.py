"""Other orders of lists: by hand, by their guarantees, and what must not happen."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.metrics.mitigation.reranking import conservative, constrained, reordered

RANKERS = pytest.mark.parametrize("rank", [conservative, constrained])


@st.composite
def lists(draw):
    size = draw(st.integers(2, 4))
    weights = draw(st.lists(st.integers(1, 9), min_size=size, max_size=size))
    shares = [w / sum(weights) for w in weights]
    places = draw(st.integers(1, 12))
    # enough of every group that no wish is beyond what there is
    items = [g for g in range(size) for _ in range(places)]
    order = draw(st.permutations(items))
    return np.array(order), shares, places


def test_two_equal_groups_by_hand():
    groups = np.array([0, 0, 0, 0, 1, 1])
    assert conservative(groups, [0.5, 0.5], 4) == [0, 4, 1, 5]
    assert constrained(groups, [0.5, 0.5], 4) == [0, 4, 1, 5]


def test_the_best_item_stays_first_when_only_the_last_place_needs_it():
    """Shares .75 and .25: group 1 is due by place 4. Due numbers 4/3, 8/3 and 4 (a tie at place 3) against 4."""
    groups = np.array([1, 0, 0, 0])
    assert constrained(groups, [0.75, 0.25], 4) == [0, 1, 2, 3]
    assert conservative(groups, [0.75, 0.25], 4) == [1, 2, 0, 3]


def test_conservative_takes_the_group_that_is_due_first():
    """Shares .6, .3, .1: nobody is below at place 1; due are 1/.6, 1/.3, 1/.1, so group 0 though it stands last."""
    groups = np.array([2, 1, 0, 0, 0, 0])
    assert conservative(groups, [0.6, 0.3, 0.1], 1) == [2]


@RANKERS
@settings(max_examples=120, deadline=None)
@given(case=lists())
def test_every_prefix_has_the_least_number_of_every_group(rank, case):
    groups, shares, size = case
    found = rank(groups, shares, size)
    assert len(found) == len(set(found)) == size
    for k in range(1, size + 1):
        for g, share in enumerate(shares):
            got = sum(groups[i] == g for i in found[:k])
            assert got >= math.floor(k * share + 1e-9)


@RANKERS
@settings(max_examples=60, deadline=None)
@given(case=lists())
def test_within_a_group_the_order_of_the_model_stays(rank, case):
    groups, shares, size = case
    found = rank(groups, shares, size)
    for g in range(len(shares)):
        own = [i for i in found if groups[i] == g]
        assert own == np.flatnonzero(groups == g)[: len(own)].tolist()


@settings(max_examples=60, deadline=None)
@given(lists())
def test_constrained_lists_are_worth_as_much_as_conservative_ones_of_two_groups(case):
    groups, shares, size = case
    if len(shares) > 2:
        return
    weight = 1 / np.log2(2 + np.arange(size))
    worth = 1 / np.log2(2 + np.arange(len(groups)))
    first, second = (worth[rank(groups, shares, size)] @ weight for rank in (constrained, conservative))
    assert first >= second - 1e-9


@RANKERS
def test_a_group_that_runs_out_leaves_its_places_to_the_best_others(rank):
    groups = np.array([0, 0, 0, 1])
    found = rank(groups, [0.5, 0.5], 4)
    assert sorted(found) == [0, 1, 2, 3]
    assert rank(np.array([0, 0, 0]), [0.5, 0.5], 3) == [0, 1, 2]


@RANKERS
def test_a_group_without_a_share_comes_last(rank):
    assert rank(np.array([2, 0, 1, 0, 1]), [0.5, 0.5, 0.0], 4)[-1] != 0
    assert sorted(rank(np.array([2, 0]), [0.5, 0.5, 0.0], 2)) == [0, 1]


def test_shorter_lists_end_early_and_each_list_may_have_shares_of_its_own():
    groups = np.array([[0, 0, 1, 1], [0, 1, -1, -1]])
    shares = np.array([[0.5, 0.5], [0.0, 1.0]])
    found = reordered(groups, shares, 3, even=True)
    assert found.tolist() == [[0, 2, 1], [1, 0, -1]]
