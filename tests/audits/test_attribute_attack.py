"""The attack on a sensitive attribute, with and without a model's outputs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from audits.metrics.privacy import attribute_attack as attack
from audits.metrics.privacy.attribute_attack import (
    FOLDS,
    Gain,
    attack_folds,
    attribute_attack,
)
from audits.metrics.scores.encoding import Feature


def _feature(values, name="f"):
    return Feature(name, np.asarray(values, dtype=np.float64))


def _people(n=400, classes=3, seed=0, leak=1.0):
    rng = np.random.default_rng(seed)
    target = rng.integers(0, classes, n)
    return target, _feature(rng.standard_normal(n), "x"), _feature(leak * target + rng.standard_normal(n))


@pytest.fixture
def scores(monkeypatch):
    """Probabilities as if an attacker had made them, so that formulas can be checked without fitting."""
    given_scores = {}

    def made(features, target, folds, seed):
        return given_scores[len(features)]

    monkeypatch.setattr(attack, "_out_of_fold", made)
    return given_scores


@given(st.integers(0, 10_000), st.integers(2, 5), st.booleans())
@settings(max_examples=25, deadline=None)
def test_gains_equal_scikit_learns_scores_of_each_fold(seed, classes, ties):
    rng = np.random.default_rng(seed)
    target = rng.permutation(np.arange(60 * classes) % classes)
    folds = attack_folds(target, np.arange(len(target)), seed)
    made = [rng.dirichlet(np.ones(classes), len(target)) for _ in range(2)]
    if ties:
        made = [np.round(p, 1) for p in made]
    units = np.arange(len(target))
    everything = list(range(classes))
    found = attack._auc_gain(made[0], made[1], target, folds, everything, units, 0.0)
    plain = [
        np.mean(
            [
                roc_auc_score(target[folds == f] == k, p[folds == f, k])
                for f in range(FOLDS)
                for k in everything
            ]
        )
        for p in made
    ]
    assert found.with_model == pytest.approx(plain[0], abs=1e-9)
    assert found.without_model == pytest.approx(plain[1], abs=1e-9)
    assert found.value == pytest.approx(plain[0] - plain[1], abs=1e-9)
    guessed = [rng.integers(0, classes, len(target)) for _ in range(2)]
    hits = [g == target for g in guessed]
    balanced = attack._accuracy_gain(hits[0], hits[1], target, units, 0.0)
    expected = [balanced_accuracy_score(target, g) for g in guessed]
    assert balanced.value == pytest.approx(expected[0] - expected[1], abs=1e-9)


def test_errors_equal_a_plain_bootstrap_of_people():
    rng = np.random.default_rng(1)
    people, visits = 300, 3
    unit = np.repeat(np.arange(people), visits)
    target = np.repeat(rng.integers(0, 2, people), visits)
    mood = np.repeat(rng.standard_normal(people), visits)
    one = [target * 0.8 + mood + rng.standard_normal(len(unit)) for _ in range(2)]
    scores = [np.column_stack([-s, s]) for s in one]
    folds = np.zeros(len(unit), dtype=np.int64)  # a single fold: the AUC of all rows
    auc = attack._auc_gain(scores[0], scores[1], target, folds, [0, 1], unit, 0.0)
    hits = [(s > 0.4) == target for s in one]
    accuracy = attack._accuracy_gain(hits[0], hits[1], target, unit, 0.0)
    draws = []
    for _ in range(300):
        rows = (rng.integers(0, people, people)[:, None] * visits + np.arange(visits)).ravel()
        aucs = [roc_auc_score(target[rows], s[rows]) for s in one]
        shares = [balanced_accuracy_score(target[rows], (s > 0.4)[rows]) for s in one]
        draws.append((aucs[0] - aucs[1], shares[0] - shares[1]))
    inflated = np.std(draws, axis=0) * np.sqrt(1 + 5 / 4)
    assert auc.error == pytest.approx(inflated[0], rel=0.15)
    assert accuracy.error == pytest.approx(inflated[1], rel=0.15)


def test_people_are_never_split_between_folds_and_classes_are_spread():
    rng = np.random.default_rng(2)
    unit = np.repeat(np.arange(200), 3)
    target = np.repeat(rng.permutation(np.arange(200) % 4), 3)
    folds = attack_folds(target, unit, 0)
    assert all(len(np.unique(folds[unit == u])) == 1 for u in range(200))
    for value in range(4):
        assert np.bincount(folds[target == value], minlength=FOLDS).tolist() == [30] * FOLDS
    assert not np.array_equal(folds, attack_folds(target, unit, 1))


def test_folds_of_many_small_classes_are_of_one_size():
    target = np.repeat(np.arange(10), 7)
    counts = np.bincount(attack_folds(target, np.arange(70), 0), minlength=FOLDS)
    assert counts.tolist() == [14] * FOLDS


def test_the_guess_is_the_class_that_gained_most_on_its_share():
    target = np.array([0] * 8 + [1] * 2)
    folds = np.array([0, 1, 2, 3, 4, 0, 1, 2, 3, 4])
    scores = np.tile([0.7, 0.3], (10, 1))  # 70 % of class 0 is less than its share of 80 %
    assert attack._guesses(scores, target, folds)[folds < 3].tolist() == [1, 1, 1, 1, 1, 1]
    assert attack._guesses(np.tile([0.9, 0.1], (10, 1)), target, folds).tolist() == [0] * 10


def test_nothing_known_means_a_coin():
    target, _, output = _people(classes=3, leak=5.0)
    found = attribute_attack([], [output], target, None, 0)
    assert found.auc.without_model == pytest.approx(0.5, abs=1e-12)
    assert found.balanced_accuracy.without_model == pytest.approx(1 / 3)
    assert found.balanced_accuracy.with_model > 0.9


def test_an_output_that_repeats_what_is_known_adds_nothing():
    target, known, _ = _people(leak=1.0)
    clue = _feature(target + 0.5 * known.values, "known")
    found = attribute_attack([clue], [_feature(clue.values * 2, "out")], target, None, 0)
    assert abs(found.auc.value) < 0.02
    assert found.auc.without_model > 0.8


def test_known_columns_of_categories_and_gaps_are_taken_as_they_are():
    rng = np.random.default_rng(3)
    target = rng.integers(0, 2, 500)
    codes = np.where(rng.random(500) < 0.2, np.nan, target * 300 + rng.integers(0, 300, 500))
    found = attribute_attack(
        [Feature("postcode", codes, categorical=True)], [_feature(rng.standard_normal(500))], target, None, 0
    )
    assert np.isfinite(found.auc.value)


@given(st.floats(-0.5, 0.9), st.floats(0.001, 0.3), st.floats(0.01, 0.5))
def test_p_is_below_2_5_percent_exactly_when_the_interval_is_above(value, error, limit):
    gain = Gain(value, error, 0.5 + value / 2, 0.5)
    low = gain.interval[0]
    if abs(low - limit) > 1e-9:
        assert (gain.p_above(limit) < 0.025) == (low > limit)


def test_the_error_is_never_below_what_one_row_moves(scores):
    target = np.arange(100) % 2
    scores[0] = np.full((100, 2), 0.5)
    scores[1] = np.column_stack([target == 0, target == 1]).astype(np.float64)
    found = attribute_attack([], [_feature(target)], target, None, 0)
    assert (found.auc.value, found.auc.error) == pytest.approx((0.5, 1 / 100), abs=1e-12)
    assert (found.balanced_accuracy.value, found.by_class[0].value) == pytest.approx((0.5, 0.5))


def test_the_same_seed_gives_the_same_attack():
    target, known, output = _people()
    first, again, other = (attribute_attack([known], [output], target, None, s) for s in (0, 0, 1))
    assert first == again
    assert first.auc.value != other.auc.value
