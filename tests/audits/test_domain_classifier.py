"""The domain classifier: what it tells apart, what it must not, and its error."""

import os
import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, norm
from sklearn.metrics import roc_auc_score

from audits.metrics.drift import domain_classifier
from audits.metrics.drift.domain_classifier import FOLDS, discriminate, null_variance
from audits.metrics.scores.encoding import Feature

NAN = np.nan


def discriminated(reference, current, seed=0):
    """Features from arrays (rows, columns)."""
    pooled = np.concatenate([reference, current])
    features = [Feature(f"x{i}", pooled[:, i]) for i in range(pooled.shape[1])]
    return discriminate(features, np.arange(len(pooled)) >= len(reference), seed)


@pytest.fixture(scope="module")
def normal():
    return np.random.default_rng(0).normal(size=(2, 800, 3))


def test_equal_distributions_are_not_told_apart(normal):
    found = discriminated(*normal)
    assert found.low < 0.5 < found.high
    assert found.p > 0.05
    assert found.importance == {}


def test_a_shift_is_told_apart_as_well_as_it_can_be(normal):
    before, after = normal
    found = discriminated(before, after + np.array([1.0, 0, 0]))
    # The best possible classifier reaches Phi(1 / sqrt 2) = .760.
    assert found.low < 0.760 < found.high + 0.02
    assert 0.70 < found.auc < 0.78
    assert found.p < 1e-10
    assert next(iter(found.importance)) == "x0"
    assert found.importance["x0"] == pytest.approx(found.auc - 0.5, abs=0.05)
    assert abs(found.importance["x1"]) < 0.03


def test_a_lost_correlation_is_seen_where_no_column_moved():
    rng = np.random.default_rng(1)
    before = rng.normal(size=(1500, 3))
    before[:, 1] = 0.9 * before[:, 0] + np.sqrt(1 - 0.81) * before[:, 1]
    found = discriminated(before, rng.normal(size=(1500, 3)))
    assert found.low > 0.65
    assert set(list(found.importance)[:2]) == {"x0", "x1"}


def test_equal_frequencies_of_other_categories_are_told_apart():
    codes = np.repeat([0.0, 1.0], 300)
    found = discriminate([Feature("a", codes, categorical=True), Feature("b", np.zeros(600))], codes == 1, 0)
    assert found.auc == 1.0
    assert found.low > 0.98
    assert found.importance["a"] == pytest.approx(0.5, abs=0.05)
    assert found.importance["b"] == 0


def test_missing_values_tell_tables_apart():
    rng = np.random.default_rng(2)
    before, after = rng.normal(size=(2, 400, 1))
    after[rng.random(400) < 0.5] = NAN
    assert discriminated(before, after).low > 0.65


def test_many_categories_are_not_taken_for_numbers():
    """Of 200 categories a random half is commoner in the current table: their order says nothing, their identity does."""
    rng = np.random.default_rng(0)
    chance = rng.permutation(np.repeat([0.2, 0.8], 100))
    codes = rng.integers(0, 200, 3000)
    current = rng.random(3000) < chance[codes]
    as_categories, as_numbers = (
        discriminate([Feature("a", codes.astype(float), categorical)], current, 0)
        for categorical in (True, False)
    )
    assert as_categories.auc > as_numbers.auc + 0.03


def test_a_columns_features_are_permuted_together():
    """Two noisy looks at one thing: with one of them permuted, the other still tells."""
    rng = np.random.default_rng(3)
    current = np.arange(2000) >= 1000
    hidden = rng.normal(size=2000) + 2 * current
    looks = [hidden + rng.normal(0, 0.5, size=2000) for _ in range(2)]
    together = discriminate([Feature("v", look) for look in looks], current, 0)
    apart = discriminate([Feature(f"v{i}", look) for i, look in enumerate(looks)], current, 0)
    assert together.auc == apart.auc
    assert together.importance["v"] == pytest.approx(together.auc - 0.5, abs=0.03)
    assert sum(apart.importance.values()) < 0.8 * together.importance["v"]


def test_the_same_seed_gives_the_same_answer_and_sorted_rows_no_advantage(normal):
    before, after = normal
    assert discriminated(before, after, 5) == discriminated(before, after, 5)
    assert discriminated(before, after, 5) != discriminated(before, after, 6)
    ordered = (side[np.argsort(side[:, 0])] for side in normal)
    assert discriminated(*ordered).low < 0.5


def test_the_auc_is_the_mean_over_folds_of_rows_not_trained_on(normal, monkeypatch):
    seen = []

    class Model:
        def predict_proba(self, values):
            seen.append(values)
            return np.column_stack([-values[:, 0], values[:, 0]])

    monkeypatch.setattr(domain_classifier, "_fitted", lambda *_: Model())
    before, after = normal
    found = discriminated(before, after + 0.3)
    tested = seen[:FOLDS]
    rows = np.concatenate(tested)
    assert sorted(rows[:, 0]) == sorted(np.concatenate([before, after + 0.3])[:, 0])
    truth = [np.isin(fold[:, 0], after[:, 0] + 0.3) for fold in tested]
    areas = [roc_auc_score(t, fold[:, 0]) for t, fold in zip(truth, tested, strict=True)]
    assert found.auc == pytest.approx(np.mean(areas), rel=1e-12)
    assert {int(t.sum()) for t in truth} == {160}


@pytest.mark.parametrize("scores", [np.arange(40.0), np.repeat(np.arange(8.0), 5), np.zeros(40)])
def test_null_variance_equals_that_of_the_rank_sum_test(scores):
    """SciPy's asymptotic p gives the standard error back; a constant score has none."""
    rng = np.random.default_rng(4)
    truth = rng.permutation(40) < 15
    variance = null_variance(truth, scores)
    if scores.any():
        auc = roc_auc_score(truth, scores)
        p = mannwhitneyu(scores[truth], scores[~truth], use_continuity=False, method="asymptotic").pvalue
        assert 2 * norm.sf(abs(auc - 0.5) / np.sqrt(variance)) == pytest.approx(p, rel=1e-9)
    else:
        assert variance == pytest.approx(0, abs=1e-15)


def test_a_constant_score_is_no_evidence():
    found = discriminate([Feature("a", np.zeros(200))], np.arange(200) >= 100, 0)
    assert (found.auc, found.p, found.importance) == (0.5, 1.0, {})
    assert (found.low, found.high) == (0.5, 0.5)


@pytest.mark.parametrize(("rows", "repeats"), [(150, 60)])
def test_equal_tables_are_rarely_called_different(rows, repeats, monkeypatch):
    """60 draws without drift: p <= .05 in at most 5 % and the slack of 60 draws; none is beyond .65 with its interval."""
    monkeypatch.setattr(domain_classifier, "_importance", lambda *_: {})
    found = [
        discriminated(*np.random.default_rng(seed).normal(size=(2, rows, 3)), seed) for seed in range(repeats)
    ]
    assert sum(d.p <= 0.05 for d in found) <= 3 + 2.33 * np.sqrt(repeats * 0.05 * 0.95)
    assert sum(d.low >= 0.65 for d in found) == 0
    assert sum(d.low <= 0.5 <= d.high for d in found) >= 0.95 * repeats - 2.33 * np.sqrt(
        repeats * 0.05 * 0.95
    )


ALONE = """
import numpy as np
from threadpoolctl import threadpool_info
from audits.metrics.drift import domain_classifier
from audits.metrics.scores.encoding import Feature

fitted = domain_classifier._fitted
seen = set()

def watched(*given):
    seen.update(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "openmp")
    return fitted(*given)

domain_classifier._fitted = watched
values = np.random.default_rng(0).normal(size=200)
domain_classifier.discriminate([Feature("a", values)], np.arange(200) < 100, 0)
print(sorted(seen))
"""


def test_the_first_comparison_of_a_process_uses_one_thread_too():
    """Only threads of libraries that are loaded can be limited, and a worker has not loaded scikit-learn before."""
    found = subprocess.run(
        [sys.executable, "-c", ALONE],
        env={**os.environ, "OMP_NUM_THREADS": "3"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == "[1]"
