"""The worst subgroup: found where it was hidden, as good as trying every subset, and not found where there is none."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.metrics.disparity.bias_scan import _score, bias_scan, described


def crossed(*sizes):
    return np.array(list(itertools.product(*map(range, sizes))), dtype=np.int64)


def score(events, rows, overall):
    """The log-likelihood ratio of binomial counts, written out."""
    if not rows or events / rows <= overall:
        return 0.0
    rate = events / rows
    above = events * math.log(rate / overall)
    return above + ((rows - events) * math.log((1 - rate) / (1 - overall)) if rate < 1 else 0.0)


@given(st.integers(0, 50), st.integers(1, 50), st.floats(0.05, 0.95))
def test_the_score_is_the_log_likelihood_ratio(events, more, overall):
    rows = events + more - 1
    found = _score(np.array([float(events)]), np.array([float(rows)]), overall)[0]
    assert found == pytest.approx(score(events, rows, overall), abs=1e-9)


def exhaustive(codes, events, n):
    overall = events.sum() / n.sum()
    sizes = [int(column.max()) + 1 for column in codes.T]
    subsets = [
        [set(chosen) for k in range(1, size + 1) for chosen in itertools.combinations(range(size), k)]
        for size in sizes
    ]
    best = 0.0
    for chosen in itertools.product(*subsets):
        mask = np.array([all(code in s for code, s in zip(row, chosen, strict=True)) for row in codes])
        best = max(best, score(events[mask].sum(), n[mask].sum(), overall))
    return best


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_search_comes_close_to_the_best_of_all_subsets_and_never_beyond(seed):
    rng = np.random.default_rng(seed)
    codes = crossed(3, 2, 3)
    n = rng.integers(1, 60, len(codes))
    events = rng.binomial(n, rng.uniform(0.1, 0.9, len(codes)))
    if not 0 < events.sum() < n.sum():
        return
    found = bias_scan(codes, events, n, high=True, seed=0)
    assert found is not None
    best = exhaustive(codes, events, n)
    assert 0.9 * best <= found.score <= best * (1 + 1e-9)


@pytest.mark.parametrize("high", [True, False])
def test_a_hidden_subgroup_is_found_exactly(high):
    rng = np.random.default_rng(3)
    codes = crossed(2, 4, 5)
    n = np.full(len(codes), 500)
    hidden = (codes[:, 0] == 1) & np.isin(codes[:, 1], [2, 3]) & np.isin(codes[:, 2], [0, 1])
    events = rng.binomial(n, np.where(hidden, 0.45 if high else 0.15, 0.3))
    found = bias_scan(codes, events, n, high=high, seed=0)
    assert found is not None
    assert found.values == ((1,), (2, 3), (0, 1))
    assert (found.n, found.events) == (2000, events[hidden].sum())
    assert found.p == 1 / 200
    other = bias_scan(codes, events, n, high=not high, seed=0)
    assert other is not None
    assert other.values != found.values


def test_equal_rates_are_accused_in_about_one_of_twenty_searches():
    rng = np.random.default_rng(7)
    codes, accused = crossed(2, 3, 3), 0
    n = np.full(len(codes), 80)
    for seed in range(100):
        found = bias_scan(codes, rng.binomial(n, 0.3), n, high=True, seed=seed)
        accused += found is not None and found.p <= 0.05
    assert accused <= 11  # binomial(100, .05) exceeds 11 with probability .004


@pytest.mark.parametrize("rate", [0, 1])
def test_nothing_stands_out_when_all_are_treated_alike(rate):
    codes, n = crossed(2, 2), np.array([10, 20, 30, 40])
    assert bias_scan(codes, n * rate, n, high=True, seed=0) is None


def test_it_is_told_in_words():
    assert described([["65+"], ["f", "m"]], ["age", "sex"], [4, 2]) == "age=65+"
    assert described([["a", "b"], ["f"]], ["age", "sex"], [4, 2]) == "age=a|b, sex=f"
    assert described([["a"]], ["age"], [1]) == "all rows"
