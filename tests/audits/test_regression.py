"""Forecast metrics against scikit-learn and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from audits.metrics.scores.regression import regression_estimates


def _values(truth, predicted, baseline=None):
    return {name: e.value for name, e in regression_estimates(truth, predicted, baseline, None, 0).items()}


def test_metrics_equal_scikit_learn():
    rng = np.random.default_rng(0)
    truth = rng.poisson(20, 300) + 1e6  # a large level must not cost R2 its digits
    predicted = truth + rng.normal(0, 4, 300)
    found = _values(truth, predicted)
    assert found["mae"] == pytest.approx(sk.mean_absolute_error(truth, predicted), abs=1e-9)
    assert found["rmse"] == pytest.approx(sk.root_mean_squared_error(truth, predicted), abs=1e-9)
    assert found["r2"] == pytest.approx(sk.r2_score(truth, predicted), abs=1e-9)


def test_wape_bias_and_skill_of_a_case_computed_by_hand():
    truth = np.array([10.0, 0.0, 30.0, 60.0])
    found = _values(truth, np.array([12.0, 1.0, 27.0, 60.0]), np.array([20.0, 0.0, 20.0, 64.0]))
    assert found["wape"] == pytest.approx(6 / 100, abs=1e-12)
    assert found["bias"] == pytest.approx(0.0, abs=1e-12)
    assert found["wape-baseline"] == pytest.approx(24 / 100, abs=1e-12)
    assert found["skill"] == pytest.approx(0.75, abs=1e-12)


def test_predicting_the_mean_has_an_r2_of_zero():
    truth = np.arange(50.0)
    assert _values(truth, np.full(50, truth.mean()))["r2"] == pytest.approx(0, abs=1e-12)


def test_constant_or_zero_truth_leaves_the_ratios_without_a_value():
    found = _values(np.full(40, 0.1), np.full(40, 0.2))
    assert found["r2"] is None
    assert found["wape"] == pytest.approx(1)
    zero = _values(np.zeros(40), np.ones(40))
    assert (zero["wape"], zero["bias"], zero["mae"]) == (None, None, 1)


def test_numbers_too_large_to_square_end_without_a_value_not_with_a_warning():
    found = _values(np.full(40, 1e200), np.linspace(-1e200, 1e200, 40))
    assert found["rmse"] is None
    assert found["mae"] == pytest.approx(1e200)


def test_skill_is_compared_within_resamples_so_its_interval_is_narrow():
    rng = np.random.default_rng(1)
    truth = rng.poisson(rng.gamma(1, 100, 2000)).astype(float)
    shared = rng.normal(0, 20, 2000)
    found = regression_estimates(truth, truth + 0.9 * shared, truth + shared, None, 0)
    assert found["skill"].value == pytest.approx(0.1, abs=1e-12)
    assert found["skill"].high - found["skill"].low < 1e-12
    assert found["wape"].high - found["wape"].low > 0.005


@given(st.integers(0, 10_000), st.floats(0.01, 100))
@settings(max_examples=30, deadline=None)
def test_units_of_measurement_do_not_change_the_relative_metrics(seed, scale):
    rng = np.random.default_rng(seed)
    truth, predicted, naive = (rng.gamma(2, 10, 40) for _ in range(3))
    first, second = _values(truth, predicted, naive), _values(scale * truth, scale * predicted, scale * naive)
    for name in ("r2", "wape", "bias", "skill"):
        assert second[name] == pytest.approx(first[name], abs=1e-9)
    assert second["mae"] == pytest.approx(scale * first["mae"], rel=1e-9)
