"""Intervals of effects on few rows: they hold the true effect about as often as they say."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from audits.metrics.drift import intervals as drift_intervals
from audits.metrics.drift import permutations
from audits.metrics.drift.distributions import categorical_distribution, numeric_distribution
from audits.metrics.drift.effects import drift_effect, effect_values
from audits.metrics.drift.intervals import MANY_ROWS, effect_interval
from audits.metrics.drift.methods import Pair


def numbers(rng: np.random.Generator, rows: tuple[int, int], shift: float) -> Pair:
    return Pair(
        *(numeric_distribution(rng.normal(size=n) + s) for n, s in zip(rows, (0, shift), strict=True))
    )


def categories(rng: np.random.Generator, rows: tuple[int, int], shares: list[float]) -> Pair:
    equal = [1 / len(shares)] * len(shares)
    drawn = [rng.choice(list("abcde"), size=n, p=p) for n, p in zip(rows, (equal, shares), strict=True)]
    return Pair(*(categorical_distribution(pa.array(side, type=pa.large_string())) for side in drawn))


def coverage(draw: Callable[[np.random.Generator, tuple[int, int]], Pair], rows: tuple[int, int]) -> float:
    rng = np.random.default_rng(8)
    true = drift_effect(draw(rng, (400_000, 400_000))).value
    intervals = [effect_interval(draw(rng, rows), seed) for seed in range(200)]
    return sum(low <= true <= high for low, high in filter(None, intervals)) / len(intervals)


@pytest.mark.parametrize(
    ("_case", "rows", "draw"),
    [
        ("a tenth of a deviation", (1000, 200), lambda rng, rows: numbers(rng, rows, 0.1)),
        ("three tenths", (5000, 2000), lambda rng, rows: numbers(rng, rows, 0.3)),
        ("a deviation", (1000, 200), lambda rng, rows: numbers(rng, rows, 1.0)),
        (
            "shares moved a little",
            (1000, 500),
            lambda rng, rows: categories(rng, rows, [0.25, 0.2, 0.2, 0.2, 0.15]),
        ),
        ("shares moved", (1000, 500), lambda rng, rows: categories(rng, rows, [0.4, 0.2, 0.2, 0.1, 0.1])),
    ],
)
def test_the_interval_holds_the_true_effect(_case, rows, draw) -> None:
    # At a true rate of .94 fewer than 178 of 200 have a probability of about .005.
    assert coverage(draw, rows) >= 0.89


def test_it_is_narrower_on_more_rows_and_there_is_none_on_many() -> None:
    rng = np.random.default_rng(9)
    few, more = (effect_interval(numbers(rng, rows, 0.5), 1) for rows in ((300, 300), (6000, 6000)))
    assert few is not None
    assert more is not None
    assert few[1] - few[0] > 2 * (more[1] - more[0])
    assert effect_interval(numbers(rng, (MANY_ROWS, MANY_ROWS), 0.5), 1) is None
    assert effect_interval(numbers(rng, (MANY_ROWS, MANY_ROWS - 1), 0.5), 1) is not None


def test_equal_sides_reach_down_to_nothing() -> None:
    side = numeric_distribution(np.arange(500.0))
    interval = effect_interval(Pair(side, side), 1)
    assert interval is not None
    assert interval[0] == 0.0
    assert 0 < interval[1] < 0.2


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    pair = numbers(np.random.default_rng(10), (500, 300), 0.3)
    assert effect_interval(pair, 1) == effect_interval(pair, 1)
    assert effect_interval(pair, 1) != effect_interval(pair, 2)


def test_many_categories_are_drawn_in_batches_that_give_an_interval_of_all_draws(monkeypatch) -> None:
    pair = categories(np.random.default_rng(11), (900, 400), [0.4, 0.2, 0.2, 0.1, 0.1])
    at_once = effect_interval(pair, 1)
    drawn = []

    def counted(values, reference, current):
        drawn.append(len(reference))
        return effect_values(values, reference, current)

    monkeypatch.setattr(permutations, "COUNTS_AT_ONCE", 5 * 60)
    monkeypatch.setattr(drift_intervals, "effect_values", counted)
    in_batches = effect_interval(pair, 1)
    assert drawn == [1, 60, 60, 60, 20]
    assert at_once is not None
    assert in_batches == pytest.approx(at_once, abs=0.03)  # other draws of the same distribution
