"""Rows shuffled between two sides, from counts: totals, moments, and rows that are shuffled one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits.metrics.drift import permutations
from audits.metrics.drift.permutations import permuted_batches, permuted_counts

sides = st.integers(1, 12).flatmap(
    lambda k: st.tuples(*[st.lists(st.integers(0, 40), min_size=k, max_size=k).filter(any)] * 2)
)


@given(sides, st.integers(0, 2**32))
def test_shuffling_keeps_each_sides_rows_and_each_cells_rows(pair, seed):
    reference, current = (np.array(side) for side in pair)
    before, after = permuted_counts(reference, current, 7, np.random.default_rng(seed))
    assert before.shape == after.shape == (7, len(reference))
    assert (before + after == reference + current).all()
    assert (after.sum(axis=1) == current.sum()).all()
    assert min(before.min(), after.min()) >= 0


@pytest.mark.parametrize(("rows_per_cell", "way"), [(10, "count"), (5, "marginals")])
def test_moments_are_those_of_the_hypergeometric_distribution(monkeypatch, rows_per_cell, way):
    monkeypatch.setattr(permutations, "_ROWS_PER_CELL", rows_per_cell)
    reference, current = np.array([60, 30, 10]), np.array([5, 10, 5])
    assert permutations._cheaper(reference + current, 20) == way
    _, after = permuted_counts(reference, current, 20_000, np.random.default_rng(1))
    share = (reference + current) / 120
    assert after.mean(axis=0) == pytest.approx(20 * share, rel=0.01)
    assert after.var(axis=0) == pytest.approx(20 * share * (1 - share) * 100 / 119, rel=0.05)


def test_few_rows_are_shuffled_one_by_one_and_many_by_cell():
    cells = np.full(300, 100)
    assert permutations._cheaper(cells, 1500) == "count"
    assert permutations._cheaper(cells, 30_000 - 1500) == "count"
    assert permutations._cheaper(cells, 1501) == "marginals"
    assert permutations._cheaper(cells * 100, 1500) == "marginals"
    assert permutations._cheaper(cells * 100, 300) == "count"
    assert permutations._cheaper(cells * 100, 301) == "marginals"
    assert permutations._cheaper(cells * 200, 1) == "marginals"  # the rows alone would take up 48 MB


@pytest.mark.parametrize(("draws", "cells", "sizes"), [(7, 3, [3, 3, 1]), (7, 10, [7]), (2, 100, [1, 1])])
def test_batches_hold_few_counts_and_add_up_to_all_draws(monkeypatch, draws, cells, sizes):
    monkeypatch.setattr(permutations, "COUNTS_AT_ONCE", {3: 10, 10: 70, 100: 99}[cells])
    assert list(permutations.batches(draws, cells)) == sizes
    side = np.full(cells, 40)
    drawn = list(permuted_batches(side, side, draws, np.random.default_rng(4)))
    assert [before.shape for before, _ in drawn] == [(size, cells) for size in sizes]
    at_once = permuted_counts(side, side, draws, np.random.default_rng(4))
    for place in (0, 1):
        assert (np.concatenate([sides[place] for sides in drawn]) == at_once[place]).all()


def test_beyond_the_generators_limit_both_sides_are_drawn_from_the_pooled_shares():
    reference, current = np.array([900_000_000, 300_000_000]), np.array([10_000, 30_000])
    before, after = permuted_counts(reference, current, 2000, np.random.default_rng(2))
    assert (before.sum(axis=1) == 1_200_000_000).all()
    assert (after.sum(axis=1) == 40_000).all()
    share = 900_010_000 / 1_200_040_000
    assert after[:, 0].mean() == pytest.approx(40_000 * share, rel=1e-3)
    assert after[:, 0].var() == pytest.approx(40_000 * share * (1 - share), rel=0.1)
    assert before[:, 0].var() == pytest.approx(1.2e9 * share * (1 - share), rel=0.1)


def test_largest_number_of_rows_the_generator_takes_is_shuffled():
    reference, current = np.array([499_999_999, 400_000_000]), np.array([50_000_000, 50_000_000])
    before, after = permuted_counts(reference, current, 3, np.random.default_rng(3))
    assert (before + after == reference + current).all()
    assert len(set(after[:, 0].tolist())) == 3
