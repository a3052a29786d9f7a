"""How well groups are told from all inputs: closed forms, refusals to learn from noise, and the same seed twice."""

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import norm
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from threadpoolctl import threadpool_limits

from audits.metrics.disparity.predictability import FOLDS, _folds, _Validation, input_features, predictability
from audits.metrics.scores.encoding import Feature
from audits.tables import MemoryTable


def separated(n, shift, seed=0):
    """Two groups whose first input differs by so many standard deviations; the other one is noise."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 2, n)
    return [Feature("told", rng.normal(size=n) + shift * group), Feature("noise", rng.normal(size=n))], group


def test_the_area_is_that_of_two_normal_distributions():
    """AUC of two normals a distance d apart is Phi(d / sqrt 2): .76 at d = 1, which trees reach but for what they overfit."""
    features, group = separated(4000, 1.0)
    found = predictability(features, group, 2, seed=1)
    assert found.auc == pytest.approx(norm.cdf(1 / np.sqrt(2)), abs=0.03)
    assert found.auc_low < found.auc < found.auc_high
    assert found.auc_high - found.auc_low < 0.06
    assert next(iter(found.importance)) == "told"
    assert found.importance["told"] > 0.2 > 0.03 > abs(found.importance["noise"])


def test_noise_tells_nothing():
    features, group = separated(1500, 0.0, seed=3)
    found = predictability(features, group, 2, seed=1)
    assert found.auc_low < 0.5 < found.auc_high
    assert found.balanced_accuracy == pytest.approx(0.5, abs=0.06)


def test_an_input_that_holds_the_group_tells_it_without_error():
    group = np.arange(300) % 3
    found = predictability([Feature("code", group.astype(float), categorical=True)], group, 3, seed=0)
    assert (found.auc, found.balanced_accuracy, found.accuracy_high) == (1.0, 1.0, 1.0)
    assert 0.9 < found.auc_low < found.auc_high == 1.0


def test_inputs_that_do_not_vary_tell_nothing():
    found = predictability(
        [Feature("same", np.ones(200)), Feature("none", np.full(200, np.nan))], np.arange(200) % 2, 2, 0
    )
    assert (found.auc, found.balanced_accuracy) == (0.5, 0.5)
    assert set(found.importance.values()) == {0.0}


@pytest.mark.parametrize("groups", [2, 3])
def test_scores_agree_with_scikit_learns_on_each_fold(groups):
    rng = np.random.default_rng(5)
    group = rng.choice(groups, 600, p=np.arange(1, groups + 1) / sum(range(1, groups + 1)))
    features = [
        Feature("a", rng.normal(size=600) + 0.8 * group),
        Feature("b", rng.integers(0, 4, 600) + 0.0, True),
    ]
    with threadpool_limits(limits=1, user_api="openmp"):
        validation = _Validation.of(features, group, groups, 7)
        found = validation.found()
    areas, truth, chosen = [], [], []
    for _, rows, scores in validation.fitted:
        truth += group[rows].tolist()
        chosen += scores.argmax(axis=1).tolist()
        areas.append(
            roc_auc_score(group[rows], scores[:, 1])
            if groups == 2
            else roc_auc_score(group[rows], scores, multi_class="ovr", average="macro")
        )
    assert found.auc == pytest.approx(np.mean(areas))
    assert found.balanced_accuracy == pytest.approx(balanced_accuracy_score(truth, chosen))


def test_no_row_is_scored_by_a_model_that_was_fitted_on_it():
    """Groups at random, told apart by a number of each row's own: only a leak could tell them."""
    group = np.random.default_rng(0).integers(0, 2, 1000)
    found = predictability([Feature("row", np.arange(1000.0))], group, 2, seed=0)
    assert found.auc == pytest.approx(0.5, abs=0.08)
    folds = _folds(group, 2, 0)
    for k in range(2):
        sizes = np.bincount(folds[group == k], minlength=FOLDS)
        assert sizes.max() - sizes.min() <= 1


def test_the_same_seed_gives_the_same_answer():
    features, group = separated(300, 0.7)
    assert predictability(features, group, 2, seed=4) == predictability(features, group, 2, seed=4)
    assert predictability(features, group, 2, seed=4) != predictability(features, group, 2, seed=5)


def test_columns_of_every_type_become_inputs():
    table = MemoryTable(
        {
            "number": [1.0, None, 3.0, 1e300],
            "text": ["a", "b", None, "a"],
            "yes": [True, False, None, True],
            "vector": pa.array([[1.0, 2.0], None, [0.0, 1.0], [3.0, 4.0]]),
        }
    )
    found = input_features([table.column(name) for name in table.names], [0, 1])
    assert [(f.name, f.categorical, len(f.values)) for f in found] == [
        ("number", False, 4),
        ("text", True, 4),
        ("yes", True, 4),
        ("vector", False, 4),
        ("vector", False, 4),
    ]
