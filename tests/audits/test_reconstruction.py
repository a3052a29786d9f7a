"""PCA reconstruction error: against scikit-learn, and what raises it."""

import math

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from audits.metrics.drift.reconstruction import CHUNKS, principal_components, reconstruction
from audits.metrics.scores.encoding import Feature


def table(n, rng, p=6, correlated=True):
    """Columns that share one hidden factor, or the same columns without it."""
    load = 0.8 if correlated else 0.0
    return load * rng.normal(size=(n, 1)) + math.sqrt(1 - load**2) * rng.normal(size=(n, p))


def restored(reference, current, seed=0):
    pooled = np.concatenate([reference, current])
    features = [Feature(f"x{i}", pooled[:, i]) for i in range(pooled.shape[1])]
    return reconstruction(features, len(reference), seed)


@pytest.mark.parametrize("variance", [0.3, 0.65, 0.9])
def test_components_equal_those_of_scikit_learn(variance):
    matrix = StandardScaler().fit_transform(table(500, np.random.default_rng(0)))
    ours = principal_components(matrix, variance)
    theirs = PCA(n_components=variance, svd_solver="full").fit(matrix).components_.T
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours @ ours.T, theirs @ theirs.T, atol=1e-10)


def test_error_equals_that_of_scikit_learn_fitted_on_the_other_folds():
    """The second implementation: scaler and PCA of scikit-learn on each fold's other rows."""
    rng = np.random.default_rng(1)
    before, after = table(400, rng), table(300, rng)
    folds = np.random.default_rng(9).permutation(400) % 5
    own, other = np.empty(400), []
    for fold in range(5):
        scaler = StandardScaler().fit(before[folds != fold])
        pca = PCA(n_components=0.65, svd_solver="full").fit(scaler.transform(before[folds != fold]))

        def error(rows, scaler=scaler, pca=pca):
            scaled = scaler.transform(rows)
            return np.linalg.norm(scaled - pca.inverse_transform(pca.transform(scaled)), axis=1)

        own[folds == fold] = error(before[folds == fold])
        other.append(error(after))
    found = restored(before, after, seed=9)
    assert found.error == pytest.approx(np.mean(other), rel=1e-9)
    means = own.reshape(10, 40).mean(axis=1)
    assert found.reference_error == pytest.approx(means.mean(), rel=1e-9)
    assert found.deviation == pytest.approx(means.std(ddof=1), rel=1e-9)
    assert (found.chunks, found.chunk_rows, found.columns) == (10, 40, 6)


def test_lost_correlation_raises_the_error_although_no_column_moved():
    rng = np.random.default_rng(2)
    found = restored(table(3000, rng), table(3000, rng, correlated=False))
    assert found.deviations > 3
    assert found.change > 0.3


def test_closer_correlation_lowers_the_error():
    rng = np.random.default_rng(3)
    found = restored(table(3000, rng, correlated=False), table(3000, rng))
    assert found.deviations > 3
    assert found.change < -0.05


def test_equal_tables_lie_within_the_band():
    rng = np.random.default_rng(4)
    found = restored(table(3000, rng), table(3000, rng))
    assert found.deviations < 3
    assert abs(found.change) < 0.05
    assert found.low < found.error < found.high


def test_more_columns_than_rows_do_not_flatter_the_reference():
    """Were the reference measured on rows it was fitted on, its error would be near 0 and every other table far off."""
    rng = np.random.default_rng(5)
    found = restored(rng.normal(size=(100, 60)), rng.normal(size=(100, 60)))
    assert abs(found.change) < 0.05
    assert found.deviations < 3


def test_rare_categories_that_differ_by_chance_do_not_count_as_change():
    rng = np.random.default_rng(6)
    names = rng.integers(0, 400, (2, 1000)).astype(float)
    numbers = rng.normal(size=2000)
    found = reconstruction([Feature("a", names.ravel(), categorical=True), Feature("b", numbers)], 1000, 0)
    assert found is not None
    assert abs(found.change) < 0.1
    assert found.deviations < 3


def test_one_wild_value_does_not_decide():
    rng = np.random.default_rng(7)
    before, after = table(2000, rng), table(2000, rng)
    after[0, 0] = 1e15
    found = restored(before, after)
    assert found.deviations < 3
    assert abs(found.change) < 0.05


def test_a_small_table_is_held_against_chunks_of_its_size():
    rng = np.random.default_rng(8)
    found = restored(table(2000, rng), table(50, rng))
    assert (found.chunks, found.chunk_rows) == (40, 50)
    assert restored(table(2000, rng), table(500, rng)).chunks == CHUNKS


@pytest.mark.parametrize("columns", [[], [np.arange(200.0)], [np.arange(200.0), np.ones(200)]])
def test_fewer_than_two_columns_cannot_be_compressed(columns):
    assert (
        reconstruction(
            [Feature(str(i), c) for i, c in enumerate(columns)] or [Feature("a", np.ones(200))], 100, 0
        )
        is None
    )


def test_columns_that_say_the_same_lose_nothing():
    values = np.random.default_rng(9).normal(size=300)
    found = reconstruction([Feature("a", values), Feature("b", -values)], 150, 0)
    assert found is None or found.error < 1e-6


def test_false_alarms_of_the_band_stay_rare():
    """200 pairs without drift: outside 3 deviations and changed by 5 % in at most 6 %, and usually far fewer."""
    alarms = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        found = restored(np.exp(table(400, rng)), np.exp(table(300, rng)), seed)
        alarms += found.deviations >= 3 and abs(found.change) >= 0.05
    assert alarms <= 12
