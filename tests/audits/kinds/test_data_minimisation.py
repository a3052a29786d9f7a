"""Data minimisation: personal inputs that a model would do as well without."""

import json

import numpy as np
import pytest

from audits.kinds import AuditInput, AuditInputError, AuditParameters, Verdict, worst_verdict
from audits.kinds import data_minimisation as module
from audits.kinds.data_minimisation import DataMinimisation
from audits.metrics.privacy.minimisation import Cost, Elimination, _Design
from audits.tables import MemoryTable

KIND = DataMinimisation()
ASK = {"y_true": "spend", "quasi_identifiers": ("age",), "sensitive": ("postcode",)}
COST, TOGETHER, COUNT = "skill-lost", "skill-lost-together", "removable-personal-inputs"


def audit(table, seed=0, **parameters):
    audit_input = AuditInput(
        current=MemoryTable(table, label="training"),
        parameters=AuditParameters(**{**ASK, **parameters}),
        seed=seed,
    )
    return KIND.run(audit_input)


def one(found, name, slice_=""):
    (measurement,) = [m for m in found if (m.name, m.slice) == (name, slice_)]
    return measurement


def state(found, slice_):
    return one(found, COST, slice_).detail["state"]


def customers(n=1500, seed=0):
    """Spending follows the age and the visits; the postcode and the weather say nothing."""
    rng = np.random.default_rng(seed)
    age, visits, weather, postcode = rng.standard_normal((4, n))
    spend = 2 * age + visits + 0.3 * rng.standard_normal(n)
    return {"spend": spend, "age": age, "visits": visits, "weather": weather, "postcode": postcode}


class Line:
    """Least squares, for numbers and for two classes: takes no time, and what it needs is known."""

    def fit(self, matrix, target):
        self.classes_ = np.unique(target)
        self.weights = np.linalg.lstsq(self._with_constant(matrix), target, rcond=None)[0]
        return self

    def predict(self, matrix):
        return self._with_constant(matrix) @ self.weights

    def predict_proba(self, matrix):
        share = np.clip(self.predict(matrix), 0.01, 0.99)
        return np.column_stack([1 - share, share])

    @staticmethod
    def _with_constant(matrix):
        return np.column_stack([matrix, np.ones(len(matrix))])


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(
        _Design, "fitted", lambda design, target, rows: Line().fit(design.matrix[rows], target[rows])
    )


@pytest.fixture
def found():
    return audit(customers())


def test_a_personal_input_that_says_nothing_is_reviewed_with_the_remedy(found):
    postcode = one(found, COST, "postcode")
    assert postcode.verdict is Verdict.REVIEW
    assert postcode.high <= 0.01 == postcode.threshold
    assert postcode.tolerance_used >= 1
    assert postcode.detail["removable"] is True
    assert "leave it out, or write down why it is needed (GDPR Art. 5(1)(c))" in postcode.detail["reason"]


def test_a_personal_input_that_is_needed_passes(found):
    age = one(found, COST, "age")
    assert (age.verdict, age.detail["state"], age.detail["removable"]) == (Verdict.PASS, "needed", False)
    assert age.low > 0.3
    assert 0 < age.tolerance_used < 0.05
    assert "reason" not in age.detail


def test_inputs_about_nobody_are_told_and_never_judged(found):
    weather = one(found, COST, "weather")
    assert (weather.verdict, weather.threshold, weather.tolerance_used) == (Verdict.PASS, None, None)
    assert weather.detail["role"] == "descriptive"
    assert weather.detail["removable"] is True
    assert state(found, "visits") == "needed"


def test_the_count_names_the_personal_inputs_and_is_a_matter_of_review(found):
    count = one(found, COUNT)
    assert (count.value, count.verdict, count.threshold) == (1.0, Verdict.REVIEW, None)
    assert count.detail["inputs"] == ["postcode"]
    together = one(found, TOGETHER)
    assert (together.verdict, together.detail["role"]) == (Verdict.PASS, "descriptive")
    assert sorted(together.detail["inputs"]) == ["postcode", "weather"]
    assert together.high <= 0.01


@pytest.mark.parametrize(("limit", "verdict", "used"), [(0, "fail", 2.0), (1, "pass", 1.0), (2, "pass", 0.5)])
def test_only_a_limit_of_the_plan_makes_it_a_failure(limit, verdict, used):
    count = one(audit(customers(), thresholds={"personal-removable": limit}), COUNT)
    assert (str(count.verdict), count.tolerance_used, count.threshold) == (verdict, used, limit)


def test_of_two_copies_the_personal_one_goes_and_the_other_is_not_called_removable():
    table = customers()
    table["generation"] = table["age"] + 1e-3 * np.random.default_rng(5).standard_normal(1500)
    found = audit(table, thresholds={"tolerance": 0.03})
    assert state(found, "age") == "removable"
    assert state(found, "generation") == "interchangeable"
    assert one(found, COST, "generation").detail["removable"] is False
    assert one(found, COST, "age").verdict is Verdict.REVIEW
    assert "generation" not in one(found, TOGETHER).detail["inputs"]


def test_two_personal_copies_are_not_both_to_go():
    table = customers()
    table["postcode"] = table["age"] + 1e-3 * np.random.default_rng(5).standard_normal(1500)
    found = audit(table, thresholds={"tolerance": 0.03})
    assert sorted((state(found, "age"), state(found, "postcode"))) == ["interchangeable", "removable"]
    assert one(found, COUNT).value == 1.0
    other = next(s for s in ("age", "postcode") if state(found, s) == "interchangeable")
    assert one(found, COST, other).verdict is Verdict.PASS
    assert "says what one of them says" in one(found, COST, other).detail["reason"]


def test_an_input_of_which_the_rows_tell_too_little_is_insufficient_never_a_pass():
    rng = np.random.default_rng(3)
    table = {name: values[:500] for name, values in customers(600).items()}
    table["spend"] = table["spend"] + 5 * rng.standard_normal(500)
    found = audit(table)
    postcode = one(found, COST, "postcode")
    assert (postcode.verdict, postcode.detail["state"]) == (Verdict.INSUFFICIENT, "unclear")
    assert "give more rows" in postcode.detail["reason"]
    assert one(found, COUNT).verdict is Verdict.INSUFFICIENT


def test_needed_means_more_than_the_tolerance_and_more_than_chance():
    nothing_gone = Elimination((), None, {})
    sure, chance = Cost(0.05, 0.01, 0.09, 0.01), Cost(0.05, -0.01, 0.11, 0.03)

    def states(**costs):
        return list(module._states(costs, nothing_gone, 0.01).values())

    assert states(a=sure) == ["needed"]
    assert states(a=chance) == ["unclear"]
    assert states(a=sure, b=chance, c=chance) == ["unclear"] * 3, "by Holm, .01 of three tests is .03"
    assert states(a=Cost(0.008, 0.004, 0.012, 1e-6)) == ["unclear"], "sure, and too small to matter"


def test_an_input_that_never_varies_can_go():
    found = audit({**customers(), "postcode": ["75001"] * 1500})
    postcode = one(found, COST, "postcode")
    assert (postcode.verdict, postcode.value) == (Verdict.REVIEW, 0.0)
    assert one(found, COUNT).detail["inputs"] == ["postcode"]


def test_classes_and_categories_are_taken_as_they_are():
    table = customers()
    table["spend"] = np.where(table["spend"] > 0, "much", "little").tolist()
    table["postcode"] = [f"{p:.0f}" for p in table["postcode"]]
    found = audit(table, columns=("age", "postcode"))
    assert one(found, COST, "age").detail["task"] == "classification"
    assert state(found, "age") == "needed"
    assert state(found, "postcode") in {"removable", "unclear"}


def test_predictions_and_identifiers_are_no_inputs():
    table = customers()
    found = audit({**table, "forecast": table["spend"], "who": range(1500)}, y_pred="forecast", entity="who")
    assert {m.slice for m in found if m.name == COST} == {"age", "postcode", "visits", "weather"}


def test_columns_narrow_the_inputs():
    found = audit(customers(), columns=("age",))  # personal inputs are added
    assert {m.slice for m in found if m.name == COST} == {"age", "postcode"}


def test_of_many_inputs_the_personal_ones_are_tried_first(monkeypatch):
    monkeypatch.setattr(module, "MOST_REFITTED", 3)
    found = audit(customers())
    assert {m.slice for m in found if m.name == COST} == {"age", "postcode", "weather"}
    assert one(found, TOGETHER).detail["untested"] == 1
    monkeypatch.setattr(module, "MOST_REFITTED", 1)
    found = audit(customers())
    age = one(found, COST, "age")
    assert (age.verdict, age.value) == (Verdict.INSUFFICIENT, None)
    assert "only 1 inputs are left out in turn" in age.detail["reason"]


@pytest.mark.parametrize(
    ("_case", "change", "reason"),
    [
        ("few rows", lambda t: {n: v[:499] for n, v in t.items()}, "499 rows with 'spend'; at least 500"),
        ("one value", lambda t: {**t, "spend": [1.5] * 1500}, "has one frequent value only"),
        (
            "noise",
            lambda t: {**t, "spend": np.random.default_rng(9).standard_normal(1500)},
            "not surely better than guessing",
        ),
    ],
)
def test_rows_that_no_model_learns_from_are_insufficient(_case, change, reason):
    found = audit(change(customers()))
    assert worst_verdict(found) is Verdict.INSUFFICIENT
    assert {m.slice for m in found} == {"age", "postcode"}
    assert all(reason in m.detail["reason"] for m in found)


def test_a_personal_input_that_is_not_there_is_an_error_of_its_own():
    found = audit(customers(), sensitive=("income",))
    assert one(found, COST, "income").verdict is Verdict.ERRORED
    assert one(found, COST, "income").detail["reason"] == "column 'income' is not in training"
    assert state(found, "age") == "needed"
    found = audit(customers(), sensitive=("income",), columns=("age", "income"))
    assert "column 'income' is not in training" in one(found, COST, "income").detail["reason"]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"y_true": None}, "needs y_true"),
        ({"quasi_identifiers": (), "sensitive": ()}, "say which inputs are about persons"),
        ({"columns": ("age", "postcode", "spend")}, "'spend' is named as an input and as y_true"),
        ({"y_pred": "age"}, "'age' is named as an input and as y_true, y_pred or entity"),
        ({"entity": "postcode"}, "'postcode' is named as an input and as"),
        ({"task": "ranking"}, "unknown task 'ranking'; known: auto, classification, regression"),
        ({"method": "x"}, "unknown method 'x'"),
        ({"roles": {"x": "y"}}, "unknown role 'x'"),
        (
            {"thresholds": {"tolerence": 0.1}},
            "unknown threshold 'tolerence'; known: tolerance, personal-removable",
        ),
        ({"thresholds": {"tolerance": 0}}, "'tolerance' must lie between 0 and 1"),
        ({"thresholds": {"personal-removable": -1}}, "'personal-removable' must not be negative"),
    ],
)
def test_wrong_parameters_are_refused_before_any_data(parameters, message):
    with pytest.raises(AuditInputError, match=message):
        KIND.check(AuditParameters(**{**ASK, **parameters}))


@pytest.mark.parametrize("name", ["y_true", "entity"])
def test_a_column_that_every_refit_needs_is_refused_by_name(name):
    with pytest.raises(AuditInputError, match="column 'nowhere' is not in training"):
        audit(customers(), **{name: "nowhere"})


def test_words_determinism_and_no_value_of_a_person(found):
    assert {m.name for m in found} == set(KIND.words)
    table = {**customers(), "postcode": [f"person{i}@example.com" for i in range(1500)]}
    first, again = audit(table, 3), audit(table, 3)
    text = json.dumps([m.to_json() for m in first], allow_nan=False)
    assert text == json.dumps([m.to_json() for m in again], allow_nan=False)
    assert "example.com" not in text


def test_needed_inputs_are_hardly_ever_called_removable_nor_useless_ones_needed():
    wrong = missed = 0
    for seed in range(40):
        found = audit(customers(800, 50 + seed), columns=("age", "postcode", "visits"))
        wrong += state(found, "age") != "needed" or state(found, "postcode") == "needed"
        missed += state(found, "postcode") != "removable"
    assert wrong == 0
    assert missed <= 2


def test_real_trees_say_the_same(monkeypatch):
    monkeypatch.undo()
    found = audit(customers(1000), columns=("age", "postcode"), thresholds={"tolerance": 0.05})
    assert (state(found, "age"), state(found, "postcode")) == ("needed", "removable")
