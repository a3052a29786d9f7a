"""Bounds of the resampled null: never below what draws show, from tiny to large sides, and useful on many rows."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audits.metrics.drift.bounds import ChanceBound, clipped_wasserstein_bound, jensen_shannon_bound
from audits.metrics.drift.distances import jensen_shannon
from audits.metrics.drift.distributions import numeric_distribution
from audits.metrics.drift.effects import effect_values
from audits.metrics.drift.methods import Pair
from audits.metrics.drift.permutations import permuted_counts

pairs_of_counts = st.integers(2, 12).flatmap(
    lambda k: st.tuples(*[st.lists(st.integers(0, 1000), min_size=k, max_size=k).filter(any)] * 2)
)


def numeric(before, after):
    """Distinct numbers, and both sides' rows of each."""
    pair = Pair(*(numeric_distribution(np.asarray(side, dtype=float)) for side in (before, after)))
    return np.union1d(pair.reference.values, pair.current.values), *pair.by_value


def shuffled_effects(values, reference, current, draws=2000):
    return effect_values(values, *permuted_counts(reference, current, draws, np.random.default_rng(0)))


@given(pairs_of_counts)
def test_jensen_shannon_is_bounded_by_the_triangular_discrimination(pair):
    """The inequality behind the bound (Topsoe 2000), on any two sides."""
    p, q = (np.array(side) / sum(side) for side in pair)
    triangular = float(np.sum((p - q)[p + q > 0] ** 2 / (p + q)[p + q > 0]))
    assert jensen_shannon(p, q) ** 2 <= math.log(2) / 2 * triangular + 1e-12


@pytest.mark.parametrize(
    ("reference", "current"),
    [
        ([1], [1]),
        ([3, 2], [1, 1]),
        ([500, 500], [30, 30]),
        ([10, 20, 30, 40], [400, 300, 200, 100]),
        ([5000] + [1] * 50, [300] + [0] * 50),
        ([100] * 40, [100] * 40),
    ],
)
def test_jensen_shannon_of_shuffled_rows_stays_below_its_bound(reference, current):
    reference, current = np.array(reference), np.array(current)
    bound = jensen_shannon_bound(reference, current)
    effects = shuffled_effects(None, reference, current)
    assert np.mean(effects**2) <= bound.noise**2 * 1.03
    assert np.quantile(effects, 0.95) <= bound.critical(0.05) + 1e-12


SHAPES = {
    "normal": lambda rng, n: rng.normal(size=n),
    "lognormal": lambda rng, n: rng.lognormal(size=n),
    "wild": lambda rng, n: rng.standard_cauchy(n),
    "whole": lambda rng, n: rng.poisson(4, n),
    "two heaps": lambda rng, n: rng.normal(size=n) + 50 * rng.integers(0, 2, n),
    "mostly zero": lambda rng, n: rng.integers(1, 50, n) * (rng.random(n) < 0.06),
}


@pytest.mark.parametrize("sizes", [(300, 300), (3000, 700), (2000, 20_000), (8000, 8000)])
@pytest.mark.parametrize("shape", SHAPES)
def test_wasserstein_of_shuffled_rows_stays_below_its_bound(shape, sizes):
    rng = np.random.default_rng(sum(sizes))
    values, *sides = numeric(*(SHAPES[shape](rng, n).round(2) for n in sizes))
    bound = clipped_wasserstein_bound(values, *sides)
    effects = shuffled_effects(values, *sides, draws=300)
    assert bound is not None
    for level in (0.5, 0.05):
        assert np.mean(effects > bound.critical(level)) <= level + 3 * math.sqrt(level * (1 - level) / 300)
    for effect in np.quantile(effects, [0.5, 0.9]):
        assert np.mean(effects >= effect) <= bound.p(effect) + 0.09


@pytest.mark.parametrize(
    ("_case", "before", "after"),
    [
        ("one number", [1.0] * 50, [1.0] * 20),
        ("percentiles coincide", [0.0] * 5000 + [1.0], [0.0] * 5000),
        ("rounding noise", 1e6 + np.arange(500) * 1e-12, 1e6 + np.arange(500) * 1e-12),
    ],
)
def test_nothing_is_said_about_numbers_without_spread(_case, before, after):
    assert clipped_wasserstein_bound(*numeric(before, after)) is None


def test_wild_numbers_beyond_double_precision_decide_nothing():
    bound = clipped_wasserstein_bound(
        *numeric([*range(900), *[1.7e308] * 100], [*range(900), *[-1.7e308] * 100])
    )
    assert bound is None or not bound.critical(0.05) <= 1e300


def test_bound_tightens_with_the_root_of_the_rows():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=20_000).round(1)
    values, reference, current = numeric(rows[:10_000], rows[10_000:])
    few, many = (clipped_wasserstein_bound(values, reference * k, current * k) for k in (1, 100))
    assert many.noise == pytest.approx(few.noise / 10, rel=0.01)
    assert many.critical(0.05) < 0.02


def test_p_and_critical_effect_invert_one_another():
    bound = ChanceBound(noise=0.02, rest=0.01)
    assert bound.p(bound.critical(0.05)) == pytest.approx(0.05)
    assert bound.critical(0.01) == math.inf
