"""Calibration statistics: scikit-learn's where it has them, formulas by hand, and false alarms by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from sklearn.calibration import calibration_curve as sklearn_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss

from audits.kinds.calibration import calibration_verdict
from audits.metrics.scores.calibration import (
    assess,
    bin_edges,
    brier_parts,
    calibration_curve,
    calibration_error,
    calibration_groups,
    cell_bins,
    draws_of_rows,
    draws_of_units,
    recalibration,
)
from audits.metrics.scores.classification import score_estimates
from audits.metrics.scores.profiles import FALSE, TRUE
from tests.audits.score_data import SHAPES, profiled, scored

each_shape = pytest.mark.parametrize("shape", SHAPES)


def labelled(shape, n, seed=0):
    rng = np.random.default_rng(seed)
    score = SHAPES[shape](rng, n)
    return score, rng.random(n) < 0.1 + 0.7 * score


def assessed(profile, seed=0):
    return assess(profile, draws_of_rows(calibration_groups(profile)[0], seed), seed)


def lines(profile):
    return recalibration(profile.counts[:, FALSE], profile.counts[:, TRUE], profile.means(FALSE, TRUE))


@each_shape
@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
@pytest.mark.parametrize("n", [40, 3000])
def test_the_curve_is_scikit_learns(shape, strategy, n):
    score, label = labelled(shape, n)
    shares, means = sklearn_curve(label, score, n_bins=10, strategy=strategy)
    curve = calibration_curve(profiled(score, label), equal_mass=strategy == "quantile")
    assert [b.share_true for b in curve] == pytest.approx(shares.tolist(), abs=1e-12)
    assert [b.mean_score for b in curve] == pytest.approx(means.tolist(), abs=1e-12)
    assert sum(b.n for b in curve) == n


@pytest.mark.parametrize("decimals", [1, 2])
def test_a_score_on_an_edge_belongs_to_the_bin_below_it_in_calibration_and_in_performance(decimals):
    """Scores of one or two decimals stand on edges. Neighbours err in opposite directions, so that it matters which
    of them share a bin: the other convention gives another error.
    """
    rng = np.random.default_rng(decimals)
    score = rng.random(400).round(decimals)
    errs = np.where((score * 10**decimals).round() % 2, 0.4, -0.4)
    label = (rng.random(400) < score + errs).astype(np.int64)
    rows, sums = np.zeros(10), np.zeros(10)
    for p, y in zip(score, label, strict=True):
        place = max(0, math.ceil(round(p * 10, 6)) - 1)  # (.2, .3] is the third
        rows[place] += 1
        sums[place] += y - p
    expected = float(np.abs(sums).sum() / rows.sum())
    found = assessed(profiled(score, label)).estimates["expected-calibration-error"]
    assert found.value == pytest.approx(expected, abs=1e-12)
    performance = score_estimates(label == 1, score, None, 0)["expected-calibration-error"]
    assert performance.value == pytest.approx(expected, abs=1e-12)
    shares, means = sklearn_curve(label, score, n_bins=10)
    assert (np.abs(shares - means) * rows[rows > 0]).sum() / 400 == pytest.approx(expected, abs=1e-12)


@each_shape
@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
def test_the_curve_of_counted_cells_is_close_to_scikit_learns(shape, strategy):
    score, label = labelled(shape, 100_000)
    shares, means = sklearn_curve(label, score, n_bins=10, strategy=strategy)
    curve = calibration_curve(profiled(score, label), equal_mass=strategy == "quantile")
    assert [b.share_true for b in curve] == pytest.approx(shares.tolist(), abs=5e-4)
    assert [b.mean_score for b in curve] == pytest.approx(means.tolist(), abs=5e-4)


@each_shape
def test_the_calibration_error_is_the_bins_weighted_gap(shape):
    score, label = labelled(shape, 3000)
    profile = profiled(score, label)
    for equal_mass in (False, True):
        edges = bin_edges(profile, equal_mass=equal_mass)
        at = np.searchsorted(edges[1:-1], score)
        gaps = [abs(label[at == b].mean() - score[at == b].mean()) * (at == b).mean() for b in np.unique(at)]
        found = calibration_error(
            profile.counts[:, FALSE], profile.counts[:, TRUE], profile.means(), cell_bins(profile, edges)
        )
        assert float(found) == pytest.approx(sum(gaps), abs=1e-12)


def test_by_hand():
    """Two rows scored .2, none true; two scored .8, one true."""
    found = assessed(profiled([0.2, 0.2, 0.8, 0.8], [0, 0, 1, 0]))
    assert found.estimates["expected-calibration-error"].value == pytest.approx(0.25)
    assert found.estimates["calibration-in-the-large"].value == pytest.approx(0.25)
    parts = found.parts
    assert parts.brier == pytest.approx((2 * 0.04 + 0.04 + 0.64) / 4)
    assert parts.reliability == pytest.approx((0.2**2 + 0.3**2) / 2)
    assert parts.resolution == pytest.approx(0.25**2)
    assert parts.uncertainty == pytest.approx(0.25 * 0.75)
    assert parts.within_bins == pytest.approx(0)


@each_shape
@pytest.mark.parametrize("n", [50, 100_000])
def test_the_parts_add_up_to_scikit_learns_brier_score(shape, n):
    score, label = labelled(shape, n)
    parts = brier_parts(profiled(score, label))
    assert parts.brier == pytest.approx(brier_score_loss(label, score), abs=1e-12 if n == 50 else 1e-8)
    total = parts.reliability - parts.resolution + parts.uncertainty + parts.within_bins
    assert total == pytest.approx(parts.brier, abs=1e-15)
    assert min(parts.reliability, parts.resolution, parts.uncertainty) >= 0


def test_scores_that_are_equal_within_a_bin_leave_nothing_within_bins():
    rng = np.random.default_rng(0)
    score = rng.choice([0.05, 0.35, 0.65, 0.95], 500)
    assert brier_parts(profiled(score, rng.random(500) < score)).within_bins == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize(("slope", "lift"), [(1.0, 0.0), (1.6, 0.3), (0.5, -1.0), (-0.7, 0.2)])
@pytest.mark.parametrize("n", [300, 60_000])
def test_the_line_is_that_of_an_unpenalised_logistic_regression(slope, lift, n):
    score, label = scored(5, n, slope, lift)
    odds = np.log(score) - np.log1p(-score)
    peer = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000).fit(odds[:, None], label)
    intercept, gradient = lines(profiled(score, label))
    exact = 1e-5 if n == 300 else 1e-4
    assert float(gradient) == pytest.approx(peer.coef_[0, 0], abs=exact)
    assert float(intercept) == pytest.approx(peer.intercept_[0], abs=exact)
    assert float(gradient) == pytest.approx(1 / slope, rel=0.5 if n == 300 else 0.03)


def test_many_tables_are_fitted_at_once():
    rng = np.random.default_rng(0)
    scores = np.linspace(0.05, 0.95, 19)
    true, false = rng.integers(1, 50, (40, 19)), rng.integers(1, 50, (40, 19))
    together = recalibration(false, true, scores)
    alone = [recalibration(f, t, scores) for f, t in zip(false, true, strict=True)]
    assert together[0].tolist() == pytest.approx([float(a) for a, _ in alone], abs=1e-9)
    assert together[1].tolist() == pytest.approx([float(b) for _, b in alone], abs=1e-9)


@pytest.mark.parametrize(
    ("_case", "score", "label"),
    [
        ("separated", [0.1, 0.2, 0.3, 0.7, 0.8], [0, 0, 0, 1, 1]),
        ("separated the wrong way", [0.1, 0.2, 0.3, 0.7, 0.8], [1, 1, 0, 0, 0]),
        ("but for a tie", [0.1, 0.2, 0.2, 0.8], [0, 0, 1, 1]),
        ("one score", [0.4] * 6, [0, 1, 0, 1, 1, 0]),
        ("one class", [0.1, 0.5, 0.9], [1, 1, 1]),
    ],
)
def test_no_line_where_none_can_be_fitted(_case, score, label):
    intercept, slope = lines(profiled(score, label))
    assert np.isnan(intercept)
    assert np.isnan(slope)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 1e-9, 0.1, 0.5, 0.9, 1.0]), st.booleans()), min_size=2, max_size=40
    )
)
def test_a_line_is_either_the_best_one_or_none(rows):
    """No nearby line fits better than the one that is given."""
    scores, labels = np.array([s for s, _ in rows]), np.array([y for _, y in rows])
    profile = profiled(scores, labels)
    intercept, slope = (float(v) for v in lines(profile))
    if np.isnan(slope):
        return
    inside = np.clip(scores, np.finfo(float).eps, 1 - np.finfo(float).eps)
    odds = np.log(inside) - np.log1p(-inside)

    def misfit(a, b):
        at = a + b * odds
        return (np.logaddexp(0, at) - labels * at).sum()

    best = misfit(intercept, slope)
    for a, b in ((1e-3, 0), (-1e-3, 0), (0, 1e-3), (0, -1e-3)):
        assert misfit(intercept + a, slope + b) >= best - 1e-9


def test_intervals_hold_the_truth_of_calibrated_scores_about_as_often_as_they_say():
    repetitions, held = (
        120,
        {"calibration-in-the-large": 0, "calibration-slope": 0, "calibration-intercept": 0},
    )
    truth = {"calibration-in-the-large": 0.0, "calibration-slope": 1.0, "calibration-intercept": 0.0}
    for seed in range(repetitions):
        found = assessed(profiled(*scored(seed, 400, 1.0, 0.0))).estimates
        for name in held:
            held[name] += found[name].low <= truth[name] <= found[name].high
    least = binom.ppf(0.001, repetitions, 0.93)
    assert min(held.values()) >= least, held


@pytest.mark.parametrize("n", [30, 60, 150, 600])
def test_calibrated_scores_rarely_fail_however_few_rows_there_are(n):
    repetitions, failed = 80, 0
    for seed in range(repetitions):
        rng = np.random.default_rng([n, seed])
        score = rng.beta(1, 1.5, n)
        found = assessed(profiled(score, rng.random(n) < score))
        verdict, _ = calibration_verdict(found.estimates["expected-calibration-error"], 0.05, found.chance)
        failed += verdict == "fail"
    assert failed <= binom.ppf(0.999, repetitions, 0.05), failed


def test_the_interval_of_a_calibration_error_takes_off_what_chance_adds():
    """Exact scores have an error of 0; that of a sample lies far above it, and its interval reaches back."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        score = rng.beta(2, 2, 300)
        error = assessed(profiled(score, rng.random(300) < score)).estimates["expected-calibration-error"]
        assert 0 <= error.low < 0.6 * error.value
        assert error.high - error.value < error.value - error.low


def test_units_of_many_rows_widen_the_interval():
    rng = np.random.default_rng(0)
    units = np.repeat(np.arange(60), 50)
    score = rng.beta(2, 2, 3000)
    shift = np.repeat(rng.normal(0, 0.15, 60), 50)
    label = rng.random(3000) < np.clip(score + shift, 0, 1)
    profile = profiled(score, label)
    groups = calibration_groups(profile)[0]
    alone = assess(profile, draws_of_rows(groups, 0), 0)
    drawn = draws_of_units(profile, groups, score, label.astype(float), units, 0)
    together = assess(profile, drawn, 0)

    def width(found):
        estimate = found.estimates["calibration-in-the-large"]
        return estimate.high - estimate.low

    assert width(together) > 1.5 * width(alone)
    assert (drawn[0] + drawn[1]).sum(axis=1).min() == 3000


def test_the_same_seed_gives_the_same_answer():
    profile = profiled(*scored(0, 500))
    one, two = assessed(profile, 3), assessed(profile, 3)
    assert one.chance == two.chance
    assert all(one.estimates[k].draws.tolist() == two.estimates[k].draws.tolist() for k in one.estimates)
