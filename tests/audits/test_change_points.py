"""Change points: exact on clear steps, rarely wrong on series that stay, and able to see what matters."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits.metrics.statistics.change_points import MIN_SEGMENT, change_points

WEEK = [0.0, 0.0, 0.0, 0.0, 0.0, 3.0, 3.0]


def autoregressive(rng: np.random.Generator, n: int, memory: float) -> np.ndarray:
    noise, out = rng.normal(size=n + 50), np.zeros(n + 50)
    for i in range(1, n + 50):
        out[i] = memory * out[i - 1] + noise[i]
    return out[50:]


def seasonal(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.normal(size=n) + np.resize(WEEK, n)


def test_a_step_is_found_where_it_is_with_the_levels_on_either_side() -> None:
    found = change_points([0.1] * 15 + [0.4] * 15, seed=1)
    assert [(c.index, c.before, c.after) for c in found] == [(15, 0.1, 0.4)]
    assert 0.001 <= found[0].p <= 0.02  # ten blocks can hardly be shuffled into two levels


def test_two_steps_are_found_in_their_order() -> None:
    noise = np.random.default_rng(5).normal(scale=0.01, size=90)
    found = change_points(np.repeat([0.1, 0.5, 0.2], 30) + noise, seed=1)
    assert [c.index for c in found] == [30, 60]
    assert [round(c.before, 1) for c in found] == [0.1, 0.5]
    assert [round(c.after, 1) for c in found] == [0.5, 0.2]


def test_wild_values_neither_make_nor_hide_a_change() -> None:
    rng = np.random.default_rng(6)
    calm, stepped = rng.normal(size=40), np.repeat([0.0, 3.0], 20) + rng.normal(size=40)
    calm[[3, 33]] = 1e9
    stepped[[2, 38]] = [1e9, -1e9]
    assert change_points(calm, seed=1) == []
    assert [abs(c.index - 20) <= 2 for c in change_points(stepped, seed=1)] == [True]


@pytest.mark.parametrize("values", [[], [1.0], [0.0] * 5 + [9.0] * 4, [2.0] * 60])
def test_too_few_values_and_equal_values_have_none(values: list[float]) -> None:
    assert change_points(values, seed=1) == []


def test_values_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="must be finite; leave out windows without a value"):
        change_points([0.1, float("nan")] * 10, seed=1)


def test_the_same_seed_gives_the_same_answer() -> None:
    values = np.random.default_rng(3).normal(size=60) + np.repeat([0.0, 1.0], 30)
    assert change_points(values, seed=4) == change_points(values, seed=4)


@given(st.lists(st.floats(-1e6, 1e6), max_size=60))
def test_segments_are_long_enough_and_scale_and_place_do_not_matter(values: list[float]) -> None:
    found = change_points(values, seed=2)
    limits = [0, *(c.index for c in found), len(values)]
    assert all(b - a >= MIN_SEGMENT for a, b in pairwise(limits)) or not found
    assert all(0 < c.p <= 0.05 for c in found)
    doubled = change_points([2 * value for value in values], seed=2)
    assert [(c.index, c.p) for c in doubled] == [(c.index, c.p) for c in found]


@pytest.mark.parametrize(
    ("_case", "draw"),
    [
        ("20 independent values", lambda rng: rng.normal(size=20)),
        ("60 independent values", lambda rng: rng.normal(size=60)),
        ("heavy tails", lambda rng: rng.standard_cauchy(60)),
        ("weekends differ", lambda rng: seasonal(rng, 90)),
        ("neighbours correlated .3", lambda rng: autoregressive(rng, 200, 0.3)),
    ],
)
def test_a_series_that_stays_raises_few_alarms(_case, draw) -> None:
    rng = np.random.default_rng(20)
    alarms = sum(bool(change_points(draw(rng), seed)) for seed in range(250))
    # At a true rate of .05 more than 22 of 250 have a probability of .004.
    assert alarms <= 22


@pytest.mark.parametrize(("n", "sizes", "least"), [(30, 2.0, 0.9), (60, 1.0, 0.65), (90, 1.0, 0.88)])
def test_a_lasting_change_is_seen(n: int, sizes: float, least: float) -> None:
    """``sizes`` are standard deviations of the windows' own noise."""
    rng = np.random.default_rng(21)
    found = [change_points(rng.normal(size=n) + np.repeat([0.0, sizes], n // 2), seed) for seed in range(150)]
    seen = [min(abs(c.index - n // 2) for c in one) for one in found if one]
    assert len(seen) / len(found) >= least
    assert np.median(seen) <= 2
