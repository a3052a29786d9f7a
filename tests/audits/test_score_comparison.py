"""Scores are unlike the reference's only when they have moved far, or out of its range, and not by chance."""

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import binom

from audits.metrics.scores.comparison import compare_scores
from tests.audits.score_data import profiled, scored


def test_the_distance_is_scipys_over_the_references_deciles():
    before, now = scored(0, 3000)[0], scored(1, 2000, moved=0.7)[0]
    edges = np.sort(before)[np.arange(300, 3000, 300) - 1]
    shares = [np.bincount(np.searchsorted(edges, s), minlength=10) for s in (before, now)]
    found = compare_scores(profiled(before), profiled(now))
    assert found.distance == pytest.approx(float(jensenshannon(*shares)), abs=1e-12)
    assert found.distance_p == pytest.approx(1 / 500)
    assert found.far(0.1)
    assert not found.far(0.9)


def test_equal_scores_are_at_no_distance():
    profile = profiled(scored(0, 500)[0])
    found = compare_scores(profile, profile)
    assert (found.distance, found.distance_p, found.outside, found.outside_p) == (0, 1, 0, 1)


@pytest.mark.parametrize(("rows", "new"), [(1000, 60), (100, 100), (5000, 5000)])
def test_scores_of_one_distribution_are_seldom_unlike(rows, new):
    repetitions = 150
    far = outside = 0
    for seed in range(repetitions):
        found = compare_scores(profiled(scored(seed, rows)[0]), profiled(scored(seed + 10_000, new)[0]), seed)
        far += found.far(0.1)
        outside += found.outside_range(0.01)
    most = binom.ppf(0.999, repetitions, 0.05)
    assert far <= most
    assert outside <= most


def test_scores_beyond_the_references_range_are_found():
    before = np.linspace(0.2, 0.6, 1000)
    found = compare_scores(profiled(before), profiled(np.concatenate([before[:950], np.full(50, 0.7)])))
    assert found.outside == 0.05
    assert (found.lowest, found.highest) == (0.2, 0.6)
    assert found.outside_range(0.01)
    assert not found.outside_range(0.06)
    assert not found.far(0.5)


def test_few_distinct_scores_share_bins():
    before = profiled(np.repeat([0.1, 0.9], 50))
    assert compare_scores(before, profiled(np.repeat([0.1, 0.9], [20, 20]))).distance == 0
    assert compare_scores(before, profiled(np.full(40, 0.9))).far(0.1)
