"""What a model loses without some of its inputs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import log_loss

from audits.metrics.privacy.minimisation import (
    FOLDS,
    REPEATS,
    Refits,
    corrected_t,
    removable_together,
    removal_cost,
    skill,
)
from audits.metrics.privacy.model_rows import Wanted, model_rows
from audits.metrics.scores.encoding import Feature
from audits.tables import MemoryTable, TableError


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=20).filter(lambda v: np.ptp(v) > 1e-6))
def test_the_corrected_t_test_is_students_with_a_wider_error(values):
    found = corrected_t(np.array(values))
    n = len(values)
    error = stats.sem(values) * np.sqrt(1 + n / 4)  # sqrt(s^2/n) -> sqrt(s^2 (1/n + 1/4))
    assert found.value == pytest.approx(np.mean(values), abs=1e-12)
    low, high = stats.t.interval(0.95, n - 1, np.mean(values), error)
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.p == pytest.approx(stats.t.sf(np.mean(values) / error, n - 1), abs=1e-9)


def test_nadeau_and_bengios_factor_by_hand():
    # Ten differences 0 and 1 in turn: mean .5, s^2 = 10/36, variance of the mean (1/10 + 1/4) 10/36 = 3.5/36.
    found = corrected_t(np.array([0.0, 1.0] * 5))
    half = 2.262157 * np.sqrt(3.5 / 36)
    assert (found.low, found.high) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-5)


def test_differences_without_spread_are_certain():
    assert corrected_t(np.full(10, 0.2)) == corrected_t(np.full(10, 0.2))
    assert (corrected_t(np.full(10, 0.25)).low, corrected_t(np.full(10, 0.25)).p) == (0.25, 0.0)
    assert corrected_t(np.zeros(10)).p == 1.0


class Table(Refits):
    """Refits whose losses are written down: what each input is worth, and copies that are worth something together."""

    def __init__(self, worth, copies=(), noise=0.0):
        object.__setattr__(self, "worth", worth)
        self.copies, self.noise = copies, noise

    def losses(self, without=()):
        lost = sum(self.worth.get(name, 0.0) for name in without)
        lost += sum(value for names, value in self.copies if set(names) <= set(without))
        spread = np.linspace(-1, 1, FOLDS * REPEATS) * self.noise * len(list(without))
        return 1.0 + lost + spread

    def constant(self):
        return np.full(FOLDS * REPEATS, 3.0)


def test_the_cost_is_a_share_of_what_the_model_gains_over_guessing():
    refits = Table({"a": 1.0, "b": 0.5, "c": -0.1})
    assert skill(refits).value == 2.0
    assert [removal_cost(refits, [name]).value for name in "abc"] == pytest.approx([0.5, 0.25, -0.05])
    assert removal_cost(refits, ["a", "b"]).value == 0.75


def test_a_model_that_only_guesses_has_no_cost():
    refits = Table({})
    refits.constant = lambda: np.full(10, 1.0)
    with pytest.raises(ValueError, match="no better than guessing"):
        removal_cost(refits, ["a"])


def test_of_two_copies_the_first_goes_and_the_other_stays():
    refits = Table({"u": 0.001}, copies=[(("a", "b"), 1.0)])
    found = removable_together(refits, ["a", "b", "u"], 0.01)
    assert found.removed == ("a", "u")
    assert found.tried["b"].value == 0.5
    assert found.cost.value == pytest.approx(0.0005)
    assert removable_together(refits, ["b", "a"], 0.01).removed == ("b",)


def test_small_losses_add_up_and_the_sum_stays_within_the_tolerance():
    refits = Table(dict.fromkeys("abcd", 0.012))  # .6 % of the skill each
    assert removable_together(refits, "abcd", 0.01).removed == ("a",)
    assert removable_together(refits, "abcd", 0.0181).removed == ("a", "b", "c")
    assert removable_together(refits, "abcd", 0.001).cost is None


def test_what_may_cost_more_than_the_tolerance_stays():
    assert removable_together(Table({}, noise=0.1), "a", 0.01).removed == ()


# -- real refits


def _feature(values, name):
    return Feature(name, np.asarray(values, dtype=np.float64))


def _refits(n=300, classes=0, seed=0, units=None):
    rng = np.random.default_rng(seed)
    a, b, u = rng.standard_normal((3, n))
    truth = a + 0.5 * b + 0.5 * rng.standard_normal(n)
    target = (truth > 0).astype(float) if classes else truth
    return Refits([_feature(a, "a"), _feature(b, "b"), _feature(u, "u")], target, classes, units, seed)


@pytest.mark.parametrize("classes", [0, 2])
def test_what_matters_costs_and_what_does_not_does_not(classes):
    refits = _refits(classes=classes)
    assert removal_cost(refits, ["a"]).low > 0.3
    assert removal_cost(refits, ["b"]).low > 0.02
    assert removal_cost(refits, ["u"]).value < 0.03
    assert removal_cost(refits, ["a", "b", "u"]).value == pytest.approx(1.0), "nothing left is a guess"
    assert refits.least_important(["a", "b", "u"]) == ["u", "b", "a"]


def test_guessing_loses_the_variance_or_the_entropy():
    numbers, classes = _refits(), _refits(classes=2)
    assert numbers.constant().mean() == pytest.approx(numbers.target.var(), rel=0.02)
    share = classes.target.mean()
    assert classes.constant().mean() == pytest.approx(
        -(share * np.log(share) + (1 - share) * np.log(1 - share)), rel=0.01
    )


def test_losses_are_scikit_learns():
    refits = _refits(n=60, classes=3)
    rng = np.random.default_rng(0)
    probabilities, truth = rng.dirichlet(np.ones(3), 60), np.arange(60.0) % 3
    assert refits._loss(probabilities, truth) == pytest.approx(log_loss(truth, probabilities))


def test_the_rows_of_a_unit_are_never_on_both_sides():
    """Each customer has 6 rows with one target and a number of their own: known from other rows, useless for new people."""
    rng = np.random.default_rng(1)
    customer = np.repeat(np.arange(100), 6)
    target = np.repeat(rng.standard_normal(100), 6)
    code = _feature(np.repeat(rng.permutation(100), 6), "number")
    split = Refits([code], target, 0, customer, 0)
    leaked = Refits([code], target, 0, None, 0)
    assert skill(leaked).value > 0.2
    assert skill(split).value < 0


def test_a_class_that_a_fold_lacks_is_no_crash():
    target = np.array([0.0] * 200 + [1.0] * 195 + [2.0] * 5)
    units = np.array([*range(395), *[395] * 5])
    refits = Refits([_feature(target, "a")], target, 3, units, 0)
    assert np.isfinite(refits.losses()).all()
    assert np.isfinite(refits.constant()).all()


# -- rows of a model


def _rows(columns, seed=0, **wanted):
    return model_rows(MemoryTable(columns, label="training"), Wanted(**{"y_true": "y", **wanted}), seed)


@pytest.mark.parametrize(
    ("_case", "y", "task", "classes"),
    [
        ("numbers", [0.5, 1.0, 2.0] * 40, "", 0),
        ("zero and one", [0, 1] * 60, "", 2),
        ("truth values", [True, False] * 60, "", 2),
        ("text", ["a", "b", "c"] * 40, "", 3),
        ("whole numbers as classes", [3, 4, 5] * 40, "classification", 3),
        ("zero and one as numbers", [0, 1] * 60, "regression", 0),
    ],
)
def test_the_task_follows_from_the_values_or_is_said(_case, y, task, classes):
    rows = _rows({"y": y, "x": range(120)}, task=task)
    assert (rows.classes, rows.task) == (classes, "classification" if classes else "regression")


def test_rows_without_target_or_of_a_rare_class_are_left_out():
    rows = _rows({"y": ["a"] * 50 + ["b"] * 40 + ["c"] * 29 + [None], "x": range(120)})
    assert (rows.classes, rows.dropped, len(rows.target), len(rows.features[0].values)) == (2, 30, 90, 90)


def test_inputs_are_all_other_columns_and_constant_ones_are_told_apart():
    rows = _rows(
        {"y": range(9), "a": range(9), "same": [1] * 9, "who": range(9), "score": range(9)},
        entity="who",
        ignored=("score",),
    )
    assert (rows.inputs, rows.constant) == (("a",), ("same",))
    assert rows.units.tolist() == list(range(9))


def test_a_sample_says_so():
    rows = _rows({"y": np.arange(20_001.0), "x": np.arange(20_001.0)})
    assert (rows.rows, rows.table_rows, len(rows.target)) == (20_000, 20_001, 20_000)


@pytest.mark.parametrize(
    ("y", "task", "message"),
    [
        ([None] * 9, "", "column 'y' has no values"),
        (["a"] * 9, "regression", "column 'y' holds text; use the task classification"),
        (list(range(21)), "classification", "column 'y' has more than 20 classes"),
        ([[1.0, 2.0]] * 9, "", "column 'y' holds embedding values"),
        ([], "", "training has no rows"),
    ],
)
def test_a_target_that_cannot_be_used_is_refused_by_name(y, task, message):
    with pytest.raises(TableError, match=message):
        _rows({"y": y, "x": list(range(len(y)))}, task=task)
