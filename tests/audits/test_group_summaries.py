"""The largest gaps and differential fairness: published values, fairlearn's own functions, and bootstrap intervals."""

import math

import numpy as np
import pytest
from fairlearn import metrics as fairlearn
from hypothesis import given
from hypothesis import strategies as st

from audits.metrics.disparity.group_summaries import (
    SUMMARIES,
    bootstrap_counts,
    group_summaries,
    smoothed_epsilon,
)
from audits.metrics.disparity.rates import FN, FP, OUTCOMES, TN, TP
from audits.metrics.groups import GroupCounts, Groups

#: Admitted of applicants to "University X", gender A/B by race 1/2: Foulds, Islam, Keya and Pan 2020, "An intersectional
#: definition of fairness", table I (the figures of Charig et al. 1986 on kidney stones).
ADMITTED = {"A*1": (81, 87), "A*2": (192, 263), "B*1": (234, 270), "B*2": (55, 80)}


def decisions(pairs):
    counts = np.zeros((len(pairs), OUTCOMES), dtype=np.int64)
    for row, (selected, n) in zip(counts, pairs, strict=True):
        row[TP], row[TN] = selected, n - selected
    return counts


@pytest.mark.parametrize(
    ("_by", "pairs", "epsilon"),
    [
        ("gender and race", list(ADMITTED.values()), 1.511),
        ("gender", [(273, 350), (289, 350)], 0.2329),
        ("race", [(315, 357), (247, 343)], 0.8667),
    ],
)
def test_differential_fairness_of_the_published_example(_by, pairs, epsilon):
    value, *_ = smoothed_epsilon(decisions(pairs)[np.newaxis], 0)
    assert value[0] == pytest.approx(epsilon, abs=5e-4 if epsilon > 1 else 5e-5)


def test_differential_fairness_names_the_two_groups():
    counted = GroupCounts(Groups.of("gender*race", list(ADMITTED)), decisions(list(ADMITTED.values())))
    (found,) = [s for s in group_summaries(counted, False, 30, 0) if s.metric == "differential-fairness"]
    assert set(found.worst) == {"A*1", "B*2"}
    by_hand = math.log((25.5 / 81) / (6.5 / 88))
    assert found.value == pytest.approx(by_hand, rel=1e-12)
    assert found.low < found.value < found.high
    assert found.n == 700


CELLS = st.lists(st.tuples(*[st.integers(1, 40)] * 4), min_size=2, max_size=5)


@given(CELLS)
def test_gaps_equal_fairlearns(cells):
    truth, predicted, group = [], [], []
    counts = np.zeros((len(cells), OUTCOMES), dtype=np.int64)
    for i, four in enumerate(cells):
        for place, y, p, n in zip((TN, FP, FN, TP), (0, 0, 1, 1), (0, 1, 0, 1), four, strict=True):
            counts[i, place] = n
            truth += [y] * n
            predicted += [p] * n
            group += [i] * n
    for name, function in (
        ("demographic-parity-difference", fairlearn.demographic_parity_difference),
        ("demographic-parity-ratio", fairlearn.demographic_parity_ratio),
        ("equalized-odds-difference", fairlearn.equalized_odds_difference),
    ):
        value, *_ = SUMMARIES[name].of(counts[np.newaxis])
        expected = function(truth, predicted, sensitive_features=group)
        assert value[0] == pytest.approx(expected, abs=1e-12)


def test_small_and_undeclared_groups_and_lone_ones_have_no_summary():
    groups = Groups.of("g", ["a", "b", "tiny", "undeclared"])
    counted = GroupCounts(groups, decisions([(50, 100), (60, 100), (1, 9), (0, 100)]))
    assert {s.worst for s in group_summaries(counted, False, 30, 0)} <= {("a", "b"), ("b", "a")}
    alone = GroupCounts(Groups.of("g", ["a", "undeclared"]), decisions([(50, 100), (60, 100)]))
    assert list(group_summaries(alone, False, 30, 0)) == []


def test_draws_of_the_cells_are_draws_of_the_rows():
    """Means and variances of multinomial counts are those of resampled rows: n p and n p (1 - p)."""
    counts = decisions([(30, 100), (250, 400)])
    drawn = bootstrap_counts(counts, 20_000, seed=1)
    assert drawn.sum(axis=(1, 2)).tolist() == [500] * 20_000
    p = counts / 500
    assert drawn.mean(axis=0) == pytest.approx(500 * p, abs=0.5)
    assert drawn.var(axis=0) == pytest.approx(500 * p * (1 - p), rel=0.05)


def test_the_interval_of_a_gap_covers_it():
    """Two groups at .30 and .45: the interval of their difference covers .15 in about 95 of 100 tables."""
    rng = np.random.default_rng(4)
    covered = 0
    for _ in range(200):
        pairs = [(rng.binomial(800, 0.3), 800), (rng.binomial(700, 0.45), 700)]
        counted = GroupCounts(Groups.of("g", ["a", "b"]), decisions(pairs))
        (found,) = [
            s for s in group_summaries(counted, False, 30, 0) if s.metric == "demographic-parity-difference"
        ]
        covered += found.low <= 0.15 <= found.high
    assert 180 <= covered <= 199


def test_equal_groups_stand_out_by_chance_as_often_as_said():
    """Sixty equal groups: the gap exceeds what chance explains in about one of twenty tables, however large it looks."""
    rng = np.random.default_rng(9)
    groups = Groups.of("g", [f"g{i:02d}" for i in range(60)])
    seen, large = 0, 0
    for seed in range(100):
        pairs = [(rng.binomial(100, 0.3), 100) for _ in range(60)]
        found = {s.metric: s for s in group_summaries(GroupCounts(groups, decisions(pairs)), False, 30, seed)}
        seen += found["demographic-parity-difference"].p <= 0.05
        large += found["demographic-parity-ratio"].value < 0.8
    assert large == 100  # the bare four-fifths rule would accuse every one of these fair tables
    assert seen <= 11  # binomial(100, .05) exceeds 11 with probability .004


def test_a_real_gap_is_beyond_chance():
    counted = GroupCounts(Groups.of("g", ["a", "b", "c"]), decisions([(300, 1000), (300, 1000), (200, 1000)]))
    for found in group_summaries(counted, False, 30, 0):
        assert found.p == 1 / 200
        assert set(found.worst) >= {"c"}
        if found.metric == "demographic-parity-ratio":
            assert found.value < found.chance
        else:
            assert found.value > found.chance
