"""Outcomes at equal prediction: closed forms, a second implementation, and what must not count as change."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import hypergeom

from audits.metrics.drift.concept_change import BINS, MIN_ROWS_IN_BIN, concept_change, prediction_bins


def by_value(outcomes_by_bin):
    """Constant predictions per bin: ``{bin: (reference outcomes, current outcomes)}``."""
    rows = [
        (place, y, side)
        for place, sides in outcomes_by_bin.items()
        for side, outcomes in enumerate(sides)
        for y in outcomes
    ]
    bins, outcome, side = (np.array(column) for column in zip(*rows, strict=True))
    return outcome.astype(float), bins, bins.astype(float), side == 1


def ones(k, n):
    return [1.0] * k + [0.0] * (n - k)


def test_change_is_the_difference_of_rates_weighted_by_the_references_rows():
    found = concept_change(
        *by_value({0: (ones(30, 300), ones(20, 100)), 1: (ones(50, 100), ones(40, 200))}), seed=0
    )
    # Bin 0: .10 to .20, weight 3/4; bin 1: .50 to .20, weight 1/4.
    assert found.effect == pytest.approx(0.75 * 0.1 + 0.25 * 0.3)
    assert found.change == pytest.approx(0.75 * 0.1 - 0.25 * 0.3)
    assert [b.change for b in found.bins] == pytest.approx([0.1, -0.3])
    assert [(b.reference_n, b.current_n) for b in found.bins] == [(300, 100), (100, 200)]
    assert [b.reference_mean for b in found.bins] == pytest.approx([0.1, 0.5])
    assert found.coverage == 1


def test_rates_that_did_not_change_have_no_effect_and_p_of_one():
    found = concept_change(
        *by_value({0: (ones(10, 100), ones(20, 200)), 1: (ones(5, 50), ones(1, 10))}), seed=0
    )
    assert found.effect == pytest.approx(0, abs=1e-12)
    assert found.p == 1


def test_how_often_a_prediction_is_made_does_not_count():
    mixed = {0: (ones(90, 900), ones(10, 100)), 1: (ones(50, 100), ones(450, 900))}
    found = concept_change(*by_value(mixed), seed=0)
    assert found.effect == pytest.approx(0, abs=1e-12)


def test_p_is_that_of_an_exact_test_for_one_bin():
    """With one bin of 0/1 outcomes the permutation null is hypergeometric: SciPy's two-sided p by absolute difference."""
    outcome, bins, prediction, current = by_value({0: (ones(10, 40), ones(14, 30))})
    found = concept_change(outcome, bins, prediction, current, seed=1, draws=9999)
    k = np.arange(31)
    gaps = np.abs(k / 30 - (24 - k) / 40)
    exact = hypergeom.pmf(k, 70, 24, 30)[gaps >= 14 / 30 - 10 / 40 - 1e-12].sum()
    assert found.p == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 9999))


def test_change_at_equal_prediction_equals_ordinary_least_squares():
    """The second implementation: numpy's least squares with intercept, prediction and side, in each bin."""
    rng = np.random.default_rng(0)
    prediction = rng.random(2000)
    current = rng.random(2000) < 0.2 + 0.6 * prediction
    outcome = prediction**2 + rng.normal(size=2000) * 0.1 + 0.05 * current
    bins = (prediction * 4).astype(int)
    found = concept_change(outcome, bins, prediction, current, seed=0)
    for place, b in enumerate(found.bins):
        rows = bins == place
        design = np.column_stack([np.ones(rows.sum()), prediction[rows], current[rows]])
        assert b.change == pytest.approx(np.linalg.lstsq(design, outcome[rows])[0][2], rel=1e-9)


def test_predictions_that_moved_within_a_bin_do_not_count():
    """Outcomes follow predictions exactly; the current ones lie higher in the bin. Comparing means would see .25."""
    prediction = np.concatenate([np.linspace(0, 1, 400), np.linspace(0.5, 1, 400)])
    current = np.arange(800) >= 400
    found = concept_change(prediction.copy(), np.zeros(800, dtype=int), prediction, current, seed=0)
    assert found.bins[0].current_mean - found.bins[0].reference_mean == pytest.approx(0.25)
    assert found.effect == pytest.approx(0, abs=1e-9)


def test_what_the_prediction_explains_is_no_noise():
    """Outcomes follow predictions but for a small step: permuting the outcomes themselves would drown it."""
    rng = np.random.default_rng(0)
    prediction, current = rng.random(400), np.arange(400) >= 200
    outcome = prediction + 0.02 * current + 0.02 * rng.normal(size=400)
    found = concept_change(outcome, np.zeros(400, dtype=int), prediction, current, seed=1)
    assert found.effect == pytest.approx(0.02, abs=0.005)
    assert found.p == 1 / 500
    assert found.critical < 0.006


@pytest.mark.parametrize(
    ("_case", "current", "coverage"),
    [
        ("too few in one bin", {0: 200, 1: MIN_ROWS_IN_BIN - 1}, 0.5),
        ("just enough", {0: 200, 1: MIN_ROWS_IN_BIN}, 1.0),
        ("never made", {0: 200, 1: 0}, 0.5),
    ],
)
def test_bins_without_enough_rows_are_not_compared(_case, current, coverage):
    sides = {place: (ones(10, 100), ones(n // 10, n)) for place, n in current.items()}
    found = concept_change(*by_value(sides), seed=0)
    assert found.coverage == coverage
    assert len(found.bins) == (2 if coverage == 1 else 1)


def test_nothing_in_common_gives_nothing():
    assert concept_change(*by_value({0: (ones(10, 100), []), 1: ([], ones(10, 100))}), seed=0) is None


def test_a_bin_in_which_sides_do_not_overlap_is_not_compared():
    prediction = np.concatenate([np.linspace(0, 0.45, 100), np.linspace(0.55, 1, 100)])
    current = np.arange(200) >= 100
    outcome = np.arange(200) % 2.0
    assert concept_change(outcome, np.zeros(200, dtype=int), np.round(prediction), current, seed=0) is None


def test_the_seed_decides_and_row_order_does_not_change_the_effect():
    args = by_value({0: (ones(30, 300), ones(16, 100)), 1: (ones(50, 100), ones(80, 200))})
    assert concept_change(*args, seed=3) == concept_change(*args, seed=3)
    order = np.random.default_rng(0).permutation(len(args[0]))
    assert concept_change(*(a[order] for a in args), seed=3).effect == pytest.approx(
        concept_change(*args, seed=3).effect
    )


@given(st.floats(0.01, 100), st.floats(-10, 10))
def test_effect_scales_with_the_outcome_and_ignores_its_origin(scale, origin):
    outcome, *rest = by_value({0: (ones(30, 60), ones(20, 50)), 1: (ones(9, 40), ones(20, 30))})
    before, after = (concept_change(y, *rest, seed=0, draws=19) for y in (outcome, scale * outcome + origin))
    assert after.effect == pytest.approx(scale * before.effect, rel=1e-6)
    assert after.p == before.p


def test_bins_end_at_the_references_deciles():
    reference = np.arange(1000.0)
    of_reference, of_current, edges = prediction_bins(reference, np.array([-5.0, 99.0, 99.1, 2000.0] * 200))
    assert len(edges) == BINS - 1
    assert np.bincount(of_reference).tolist() == [100] * BINS
    assert of_current[:4].tolist() == [0, 0, 1, 9]


def test_few_rows_get_fewer_bins_and_few_values_a_bin_each():
    rng = np.random.default_rng(0)
    assert len(prediction_bins(rng.random(1000), rng.random(120))[2]) + 1 == 2
    assert len(prediction_bins(rng.random(1000), rng.random(40))[2]) + 1 == 1
    labels = np.array([0.0, 1.0, 2.0] * 10)
    of_reference, of_current, edges = prediction_bins(labels, labels[:5])
    assert (of_reference[:3].tolist(), of_current.tolist(), edges.tolist()) == (
        [0, 1, 2],
        [0, 1, 2, 0, 1],
        [0, 1],
    )


def test_repeated_predictions_do_not_make_empty_bins():
    reference = np.concatenate([np.zeros(600), np.linspace(0.1, 1, 400)])
    of_reference, _, edges = prediction_bins(reference, reference)
    assert len(np.unique(edges)) == len(edges)
    assert (np.bincount(of_reference) > 0).all()


def scored(rng, n, shift=0.0, concept=0.0):
    """Scores of a model that was right about the reference, and events whose odds rise by ``concept``."""
    x = rng.normal(size=n) + shift
    return expit(1.5 * x - 0.5), (rng.random(n) < expit(1.5 * x - 0.5 + concept)).astype(float)


def forecast(rng, n, shift=0.0, concept=0.0):
    """Forecasts with errors that grow with them, and a bias of ``concept`` times the forecast."""
    value = np.exp(rng.normal(size=n) + shift)
    return value, value * (rng.normal(size=n) + concept)


def compared(make, rng, sizes, seed, **change):
    (before, y0), (after, y1) = make(rng, sizes[0]), make(rng, sizes[1], **change)
    bins = prediction_bins(before, after)[:2]
    outcome = np.concatenate([y0, y1]) / (1.0 if make is scored else y0.std())
    return concept_change(
        outcome,
        np.concatenate(bins),
        np.concatenate([before, after]),
        np.arange(sum(sizes)) >= sizes[0],
        seed,
        99,
    )


def alarms(make, sizes, limit, repeats=150, **change):
    streams = np.random.default_rng([int(10 * value) for value in change.values()]).spawn(repeats)
    found = [compared(make, stream, sizes, seed, **change) for seed, stream in enumerate(streams)]
    return sum(c.p <= 0.05 and c.effect >= limit for c in found) / repeats


@pytest.mark.parametrize("sizes", [(300, 300), (2000, 500)])
@pytest.mark.parametrize(("make", "limit"), [(scored, 0.05), (forecast, 0.1)])
def test_pure_covariate_shift_raises_no_more_alarms_than_chance(make, limit, sizes):
    """Shifts of 0, .5 and 1 standard deviation of the input, 150 draws each: at most 6 % and the slack of 450 draws."""
    rates = [alarms(make, sizes, limit, shift=shift) for shift in (0.0, 0.5, 1.0)]
    assert np.mean(rates) <= 0.05 + 2.33 * np.sqrt(0.05 * 0.95 / 450)


@pytest.mark.parametrize(
    ("make", "limit", "sizes", "concept", "power"),
    [
        (scored, 0.05, (2000, 500), 0.5, 0.75),
        (scored, 0.05, (300, 300), 1.0, 0.9),
        (forecast, 0.1, (2000, 500), 0.5, 0.95),
        (forecast, 0.1, (300, 300), 0.5, 0.85),
    ],
)
@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_concept_drift_is_found_with_and_without_covariate_shift(make, limit, sizes, concept, power, shift):
    assert alarms(make, sizes, limit, repeats=60, concept=concept, shift=shift) >= power
