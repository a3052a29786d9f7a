"""The resampled null of drift: exact where it can be enumerated, never too eager, and the verdict that needs both."""

import itertools
import math
import tracemalloc

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from audits.metrics.drift import effects as drift_effects
from audits.metrics.drift import null as drift_null
from audits.metrics.drift import permutations
from audits.metrics.drift.distributions import (
    CategoricalDistribution,
    categorical_distribution,
    numeric_distribution,
)
from audits.metrics.drift.effects import Effect, drift_effect, effect_cells, effect_values
from audits.metrics.drift.methods import Pair
from audits.metrics.drift.null import Null, calibrated_verdict, effect_null

LARGE, SMALL = Effect("jensenshannon", 0.2, 0.1), Effect("jensenshannon", 0.05, 0.1)


def numeric(before, after):
    return Pair(*(numeric_distribution(np.asarray(side, dtype=float)) for side in (before, after)))


def labels(before, after):
    """Categories with so many rows on each side."""
    names = np.array([f"level {i}" for i in range(len(before))])
    sides = (np.asarray(before), np.asarray(after))
    return Pair(
        *(CategoricalDistribution(pa.array(names[n > 0], pa.large_string()), n[n > 0]) for n in sides)
    )


def always(effect_pair):
    """The effect with a threshold that it always reaches, so that it is always tested."""
    effect = drift_effect(effect_pair)
    return Effect(effect.name, effect.value, 0.0)


def test_effect_below_its_threshold_is_not_tested():
    pair = labels([50, 50], [55, 45])
    assert drift_effect(pair).large is False
    assert effect_null(pair, 1) is None


def test_p_equals_the_probability_of_all_tables_at_least_as_far():
    """Two categories, 12 and 8 rows: the current side's first count is hypergeometric."""
    pair = labels([9, 3], [1, 7])
    observed = drift_effect(pair).value
    exact = 0.0
    for first in range(9):
        shuffled = labels([10 - first, 2 + first], [first, 8 - first])
        if drift_effect(shuffled).value >= observed - 1e-12:
            exact += stats.hypergeom.pmf(first, 20, 10, 8)
    draws = 20_000
    found = effect_null(pair, 5, draws)
    assert exact == pytest.approx(0.0198, abs=1e-4)
    assert found.p == pytest.approx(exact, abs=4 * math.sqrt(exact / draws))
    assert found.draws == draws


def test_p_of_numbers_equals_that_of_all_ways_to_deal_the_rows():
    before, after = [1.0, 2.0, 3.0, 4.0, 9.0], [3.5, 5.0, 7.0, 8.0]
    rows = before + after
    observed = drift_effect(numeric(before, after)).value
    dealt = [set(chosen) for chosen in itertools.combinations(range(9), 4)]
    effects = [
        drift_effect(numeric([rows[i] for i in range(9) if i not in chosen], [rows[i] for i in chosen])).value
        for chosen in dealt
    ]
    exact = np.mean(np.array(effects) >= observed - 1e-12)
    draws = 20_000
    assert 0.05 < exact < 0.5
    found = effect_null(numeric(before, after), 6, draws)
    assert found.p == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / draws))


def test_equal_sides_have_p_one():
    pair = numeric(range(50), range(50))
    assert effect_null(pair, 1, effect=Effect("wasserstein-clipped", 0.0, 0.0)).p == 1


def test_tables_that_mirror_one_another_tie_whatever_the_order_of_additions():
    """Three shares moved in a circle: every shuffled table occurs in six orders, with equal effects but for rounding."""
    shares = np.array([[7, 5, 3], [3, 7, 5], [5, 3, 7]])
    effects = effect_values(None, shares, np.roll(shares, 1, axis=1))
    assert np.ptp(effects) < drift_null.TIE * effects[0]


@pytest.mark.parametrize("draws", [19, 39, 199, 999])
def test_p_is_never_zero_and_at_most_five_per_cent_only_beyond_the_critical_effect(draws):
    rng = np.random.default_rng(draws)
    decided = set()
    for seed in range(60):
        pair = labels(rng.multinomial(60, [0.25] * 4), rng.multinomial(50, [0.35, 0.2, 0.2, 0.25]))
        found = effect_null(pair, seed, draws, effect=always(pair))
        assert found.draws == draws
        assert found.p * (draws + 1) == pytest.approx(round(found.p * (draws + 1)))
        assert found.p >= 1 / (draws + 1)
        assert (found.p <= 0.05) == (drift_effect(pair).value > found.critical * (1 + 1e-9))
        decided.add(found.p <= 0.05)
    assert decided == {True, False}


def test_the_same_seed_gives_the_same_null_and_another_seed_another():
    rng = np.random.default_rng(0)
    pair = numeric(rng.normal(size=100), rng.normal(0.4, 1, 80))
    assert effect_null(pair, 1) == effect_null(pair, 1)
    assert effect_null(pair, 1).critical != effect_null(pair, 2).critical


def test_too_few_draws_are_refused():
    with pytest.raises(ValueError, match="at least 19 times"):
        effect_null(labels([50, 0], [0, 50]), 1, 18)


def mostly_zero(rng, n):
    return rng.integers(1, 50, n) * (rng.random(n) < 0.03)


CASES = {
    "uneven normal": lambda rng: numeric(rng.normal(size=300), rng.normal(size=60)),
    "wild": lambda rng: numeric(rng.standard_cauchy(200), rng.standard_cauchy(200)),
    "many numbers": lambda rng: numeric(rng.lognormal(size=900), rng.lognormal(size=100)),
    "mostly zero": lambda rng: numeric(mostly_zero(rng, 400), mostly_zero(rng, 200)),
    "levels": lambda rng: labels(rng.multinomial(300, [0.1] * 10), rng.multinomial(100, [0.1] * 10)),
    "many levels": lambda rng: many_levels(rng, 2000, 700, 700),
    "more levels than rows": lambda rng: many_levels(rng, 500, 400, 5000),
}


def many_levels(rng, before, after, levels):
    return labels(*(rng.multinomial(rows, np.full(levels, 1 / levels)) for rows in (before, after)))


@pytest.mark.parametrize("case", CASES)
def test_without_drift_p_is_at_most_a_level_as_often_as_the_level_says(case):
    rng, repetitions = np.random.default_rng(len(case)), 400
    p = []
    for _ in range(repetitions):
        pair = CASES[case](rng)
        p.append(drift_null._by_draws(drift_effect(pair).value, *effect_cells(pair), rng, 39).p)
    for level in (0.05, 0.5):
        slack = 3 * math.sqrt(level * (1 - level) / repetitions)
        assert np.mean(np.array(p) <= level) <= level + slack
        assert np.mean(np.array(p) <= level) >= level - slack - (0.03 if "zero" in case else 0)


def shuffled_rows(before, after, times):
    """A second way to the null: the rows themselves are shuffled, and the effect of each deal computed from them."""
    rng, rows = np.random.default_rng(21), np.concatenate([before, after])
    for _ in range(times):
        rng.shuffle(rows)
        sides = rows[: len(before)], rows[len(before) :]
        yield drift_effect(
            numeric(*sides)
            if rows.dtype.kind == "f"
            else Pair(*(categorical_distribution(pa.array(side, pa.large_string())) for side in sides))
        ).value


def levels_written_out(rng, rows, levels):
    return np.array([f"level {i}" for i in range(levels)])[rng.integers(0, levels, rows)]


ON_ONE_SCALE = {
    "5,000 levels": lambda rng: [levels_written_out(rng, 1000, 5000) for _ in range(2)],
    "600 levels, few rows on one side": lambda rng: [levels_written_out(rng, n, 600) for n in (3000, 150)],
    "a gap at the percentile": lambda rng: [
        np.where(rng.random(n) < 0.01, 1e4 * rng.random(n), rng.random(n)) for n in (900, 300)
    ],
    "wild": lambda rng: [rng.standard_cauchy(n) for n in (900, 300)],
}


@pytest.mark.parametrize("case", ON_ONE_SCALE)
def test_critical_effect_is_what_shuffled_rows_reach_in_five_per_cent_on_the_scale_of_the_effect(case):
    before, after = ON_ONE_SCALE[case](np.random.default_rng(len(case)))
    by_chance = np.array(list(shuffled_rows(before, after, 600)))
    pair = (
        numeric(before, after)
        if before.dtype.kind == "f"
        else Pair(*(categorical_distribution(pa.array(side, pa.large_string())) for side in (before, after)))
    )
    found = effect_null(pair, 3, 1999, effect=always(pair))
    # Expected: .05 of 600 shuffles; .025 to .079 are within chance.
    assert 0.025 < np.mean(by_chance > found.critical) < 0.079
    as_large = np.mean(by_chance >= drift_effect(pair).value)
    assert found.p == pytest.approx(as_large, abs=4 * math.sqrt(max(as_large * (1 - as_large), 0.002) / 600))


def test_thousands_of_categories_on_few_rows_lie_no_further_than_chance():
    """Sampling alone makes the effect .7 here; what chance reaches has to stand at .7, too, not at .4."""
    pair = many_levels(np.random.default_rng(4), 1000, 1000, 5000)
    effect, found = drift_effect(pair), effect_null(pair, 1)
    assert effect.value > 0.65
    assert found.critical == pytest.approx(effect.value, rel=0.03)
    assert calibrated_verdict(effect, found) is False


def test_thousands_of_categories_that_moved_are_drift():
    rng = np.random.default_rng(5)
    weights = np.repeat([1.5, 0.5], 2500) / 5000
    pair = labels(rng.multinomial(2000, weights), rng.multinomial(2000, weights[::-1]))
    assert calibrated_verdict(drift_effect(pair), effect_null(pair, 1)) is True


@pytest.mark.parametrize("case", ["levels", "numbers"])
def test_draws_in_batches_are_those_drawn_at_once(monkeypatch, case):
    rng = np.random.default_rng(6)
    pair = (
        labels(rng.multinomial(9000, [0.01] * 100), rng.multinomial(9000, [0.01] * 100))
        if case == "levels"
        else numeric(rng.normal(size=9000).round(2), rng.normal(size=4000).round(2))
    )
    at_once = effect_null(pair, 1, effect=always(pair))
    monkeypatch.setattr(permutations, "COUNTS_AT_ONCE", 1000)
    monkeypatch.setattr(drift_effects, "CELLS_AT_ONCE", 300)
    assert effect_null(pair, 1, effect=always(pair)) == at_once
    assert at_once.draws == 199


def test_a_hundred_thousand_categories_are_shuffled_in_bounded_memory():
    rng = np.random.default_rng(7)
    shares = np.full(100_000, 1e-5)
    pair = labels(rng.multinomial(900_000, shares), rng.multinomial(2000, shares))
    assert len(pair.by_value[0]) > 99_000
    effect = always(pair)
    tracemalloc.start()
    found = effect_null(pair, 1, effect=effect)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (found.draws, found.p > 0.05) == (199, True)
    assert peak < 72e6  # all draws at once would take 320 MB


def test_more_categories_than_that_are_shuffled_fewer_times(monkeypatch):
    pair = labels([1] * 50 + [0] * 50, [0] * 50 + [1] * 50)
    monkeypatch.setattr(drift_null, "MANY_CELLS", 99)
    found = effect_null(pair, 1)
    assert (found.draws, found.p) == (99, 1.0)
    assert effect_null(pair, 1, draws=19).draws == 19
    monkeypatch.setattr(drift_null, "MANY_CELLS", 100)
    assert effect_null(pair, 1).draws == 199


def test_a_few_wild_numbers_of_a_small_side_are_seen():
    rng = np.random.default_rng(8)
    current = rng.normal(size=1000)
    current[::50] = 1e6
    pair = numeric(rng.normal(size=100_000).round(3), current)
    found = effect_null(pair, 1)
    assert found.draws == drift_null.DRAWS
    assert found.critical < drift_effect(pair).value / 2
    assert found.p == 1 / (drift_null.DRAWS + 1)


def test_numbers_whose_shuffled_range_exceeds_double_precision_are_an_error_not_a_pass():
    before = np.arange(300.0)
    pair = numeric(before, [*before[:280], *[1.7e308] * 10, *[-1.7e308] * 10])
    assert drift_effect(pair).large is True
    with pytest.raises(ArithmeticError):
        effect_null(pair, 1)


@pytest.mark.parametrize(
    ("_case", "effect", "null", "drifted"),
    [
        ("small, not tested", SMALL, None, False),
        ("small, though not chance", SMALL, Null(0.01, 0.005, 199), False),
        ("large, chance", LARGE, Null(0.25, 0.055, 199), False),
        ("large, at the level", LARGE, Null(0.19, 0.05, 199), True),
        (
            "at the threshold, not chance",
            Effect("jensenshannon", 0.1, 0.1),
            Null(0.05, 0.005, 199),
            True,
        ),
    ],
)
def test_verdict_needs_an_effect_that_is_large_and_not_chance(_case, effect, null, drifted):
    assert calibrated_verdict(effect, null) is drifted


def test_large_effect_that_was_not_tested_is_an_error_not_a_pass():
    with pytest.raises(ValueError, match="needs a null"):
        calibrated_verdict(LARGE, None)


def test_on_many_rows_a_bound_decides_and_nothing_is_drawn(monkeypatch):
    monkeypatch.setattr(drift_null, "permuted_batches", None)
    rng = np.random.default_rng(2)
    for pair in (
        numeric(rng.normal(size=60_000).round(2), rng.normal(0.15, 1, 60_000).round(2)),
        labels([40_000, 60_000], [60_000, 40_000]),
    ):
        found = effect_null(pair, 1)
        assert found.draws == 0
        assert 0 < found.p < 0.05
        assert 0 < found.critical <= 0.1
        assert calibrated_verdict(drift_effect(pair), found) is True


def test_on_few_rows_the_bound_leaves_the_decision_to_draws():
    rng = np.random.default_rng(2)
    assert effect_null(numeric(rng.normal(size=500), rng.normal(1, 1, 500)), 1).draws == 199
    assert effect_null(labels([200, 300], [300, 200]), 1).draws == 199


def test_a_billion_rows_are_tested_without_rows():
    moved, unmoved = (
        labels([600_000_000, 600_000_000], [20, 80]),
        labels([600_000_000, 600_000_000], [45, 55]),
    )
    found = effect_null(moved, 1)
    assert (found.draws, found.p) == (199, 0.005)
    assert effect_null(unmoved, 1, effect=always(unmoved)).p > 0.05


@settings(max_examples=20)
@given(st.text("abc", min_size=30, max_size=60), st.text("abc", min_size=30, max_size=60))
def test_categories_may_come_in_any_order(before, after):
    pairs = [
        Pair(*(categorical_distribution(pa.array(list(side), pa.large_string())) for side in sides))
        for sides in ((before, after), (before[::-1], after[::-1]))
    ]
    effects = [drift_effect(pair).value for pair in pairs]
    assert effects[0] == pytest.approx(effects[1])
    found = [effect_null(pair, 1, 999, effect=always(pair)) for pair in pairs]
    # Ties of few categories jump: the probability of an effect as large differs by the draws' error alone.
    assert found[0].p == pytest.approx(found[1].p, abs=0.1)
