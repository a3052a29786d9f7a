"""Attribute inference: what a model's output gives away beyond what an attacker knows already."""

import json
from collections import Counter

import numpy as np
import pytest

from audits.kinds import AuditInput, AuditInputError, AuditParameters, Verdict, worst_verdict
from audits.kinds.attribute_inference import AttributeInference
from audits.tables import MemoryTable

KIND = AttributeInference()
ASK = {"sensitive": ("religion",), "y_pred": "score", "quasi_identifiers": ("area",)}
AUC, ACCURACY, GROUP = "auc-gain", "balanced-accuracy-gain", "group-auc-gain"


def audit(table, seed=0, **parameters):
    audit_input = AuditInput(
        current=MemoryTable(table, label="current"),
        parameters=AuditParameters(**{**ASK, **parameters}),
        seed=seed,
    )
    return KIND.run(audit_input)


def one(found, name, slice_="religion"):
    (measurement,) = [m for m in found if (m.name, m.slice) == (name, slice_)]
    return measurement


def people(n=600, leak=0.0, seed=0, groups=("a", "b")):
    """The area tells something of the religion; the score tells ``leak`` of it beyond the area."""
    rng = np.random.default_rng(seed)
    area = rng.standard_normal(n)
    place = np.digitize(area + rng.standard_normal(n), np.linspace(-1, 1, len(groups) + 1)[1:-1])
    return {
        "religion": [groups[k] for k in place],
        "area": area,
        "score": leak * place + area + rng.standard_normal(n),
    }


def test_a_score_that_says_no_more_than_the_area_passes():
    found = audit(people())
    assert {m.verdict for m in found} == {Verdict.PASS}
    gain = one(found, AUC)
    assert gain.low < 0.03 < 0.05 == gain.threshold
    assert gain.detail["without_model"] > 0.7, "what the attacker knew before does not count"
    assert gain.n == 600
    assert gain.detail["known_columns"] == gain.detail["output_columns"] == 1


def test_a_score_that_gives_the_attribute_away_fails_and_says_what_to_do():
    found = audit(people(leak=6.0))
    for name in (AUC, ACCURACY):
        gain = one(found, name)
        assert gain.verdict is Verdict.FAIL
        assert gain.low > 0.05
        assert gain.tolerance_used == pytest.approx(gain.value / 0.05)
        assert gain.value == pytest.approx(gain.detail["with_model"] - gain.detail["without_model"])
        assert "coarser outputs" in gain.detail["reason"]


def test_a_gain_beyond_the_limit_that_may_be_chance_is_reviewed():
    gain = one(audit(people(300, leak=1.2, seed=2)), AUC)
    assert gain.low < 0.05 < gain.value
    assert gain.verdict is Verdict.REVIEW
    assert "chance cannot be ruled out" in gain.detail["reason"]


def test_labels_and_several_outputs_are_attacked_together():
    table = people(leak=0.0, seed=3)
    code = {"a": 0, "b": 1}
    rng = np.random.default_rng(0)
    mask = rng.integers(0, 2, 600)
    religion = np.array([code[r] for r in table["religion"]])
    table |= {"label": [f"l{x}" for x in religion ^ mask], "other": mask.astype(float)}
    alone = one(audit({**table}, y_pred="label"), AUC)
    both = one(audit({**table}, y_pred="label", columns=("other",)), AUC)
    assert alone.verdict is Verdict.PASS, "half of a secret says nothing"
    assert both.verdict is Verdict.FAIL
    assert both.detail["output_columns"] == 2


def test_a_vector_of_the_model_is_an_output_too():
    table = people(leak=0.0, seed=4)
    sign = np.where(np.array(table["religion"]) == "a", -3.0, 3.0)
    table["vector"] = list(np.random.default_rng(0).standard_normal((600, 4)) + sign[:, None])
    assert one(audit(table, y_pred="vector"), AUC).verdict is Verdict.FAIL


def test_without_known_columns_guessing_is_the_baseline():
    gain = one(audit(people(), quasi_identifiers=()), ACCURACY)
    assert gain.detail["without_model"] == 0.5
    assert gain.value > 0.05, "the score follows the area, which tells the religion"


def test_an_output_that_never_changes_gives_nothing_away():
    found = audit({**people(), "score": [0.5] * 600})
    assert (one(found, AUC).value, one(found, AUC).verdict) == (0.0, Verdict.PASS)


def test_groups_under_30_are_insufficient_and_leave_the_others_intact():
    table = people(groups=("a", "b"), leak=6.0)
    table["religion"] = ["c"] * 29 + table["religion"][29:]
    found = audit(table)
    few = one(found, GROUP, "religion=c")
    assert (few.verdict, few.n) == (Verdict.INSUFFICIENT, 29)
    assert (
        few.detail["reason"] == "29 rows; at least 30 are needed, so these rows were left out of the attack"
    )
    assert one(found, AUC).detail["dropped_rows"] == 29
    assert one(found, AUC).verdict is Verdict.FAIL
    table["religion"] = ["c"] * 30 + table["religion"][30:]
    assert one(audit(table), GROUP, "religion=c").verdict is Verdict.PASS


def test_one_group_of_size_is_insufficient_never_a_pass():
    table = {**people(), "religion": ["a"] * 580 + ["b"] * 20}
    found = audit(table)
    assert {m.verdict for m in found} == {Verdict.INSUFFICIENT}
    assert "fewer than two groups of 'religion' have 30 rows" in one(found, AUC).detail["reason"]
    assert one(found, AUC).value is None


def test_many_rows_of_few_people_are_insufficient():
    table = people()
    table["person"] = ["one" if r == "a" else f"p{i}" for i, r in enumerate(table["religion"])]
    found = audit(table, entity="person")
    assert one(found, GROUP, "religion=a").detail["reason"].startswith("1 independent units; at least 5 are")
    assert worst_verdict(found) is Verdict.INSUFFICIENT


def test_repeating_every_person_does_not_sharpen_the_interval():
    table = people(200, leak=1.5)
    person = [f"p{i}" for i in range(200)]
    once = one(audit({**table, "person": person}, entity="person"), ACCURACY)
    ten = {name: list(values) * 10 for name, values in {**table, "person": person}.items()}
    many = one(audit(ten, entity="person"), ACCURACY)
    assert many.n == 2000
    assert many.high - many.low == pytest.approx(once.high - once.low, rel=0.35)
    forgotten = one(audit(ten), AUC)
    assert forgotten.detail["with_model"] > 0.99, "without the entity, copies of a person leak between folds"


def test_rows_without_the_attribute_are_left_out_and_counted():
    table = people(leak=6.0)
    table["religion"][:50] = [None] * 50
    gain = one(audit(table), AUC)
    assert (gain.n, gain.detail["dropped_rows"]) == (550, 50)


def test_a_long_table_is_sampled_and_says_so():
    table = people(21_000, leak=6.0)
    gain = one(audit(table), AUC)
    assert (gain.detail["rows"], gain.detail["table_rows"], gain.n) == (20_000, 21_000, 20_000)


def test_one_attribute_is_not_known_when_it_is_the_one_attacked():
    table = people()
    table["caste"] = table["religion"]
    found = audit(table, sensitive=("religion", "caste"), quasi_identifiers=("area", "religion"))
    assert one(found, AUC, "caste").detail["without_model"] > 0.99
    assert one(found, AUC).detail["without_model"] < 0.9
    assert one(found, AUC).detail["known_columns"] == 1


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (None, "column 'bad' is not in current"),
        ([None] * 600, "column 'bad' has no values"),
        (list(range(600)), "column 'bad' has more than 20 values; put them into bands"),
        ([[1.0, 2.0]] * 600, "column 'bad' holds vectors"),
    ],
)
def test_an_attribute_that_cannot_be_attacked_leaves_the_rest_intact(values, reason):
    table = {**people(), **({} if values is None else {"bad": values})}
    found = audit(table, sensitive=("bad", "religion"))
    (wrong,) = [m for m in found if m.verdict is Verdict.ERRORED]
    assert wrong.slice == "bad"
    assert reason in wrong.detail["reason"]
    assert one(found, AUC).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"sensitive": ()}, "needs sensitive"),
        ({"y_pred": None}, "needs y_pred, or columns"),
        ({"y_pred": "religion"}, "'religion' is both an output of the model and sensitive"),
        ({"columns": ("area",)}, "'area' is both an output of the model and known to the attacker"),
        ({"method": "logistic"}, "unknown method 'logistic'"),
        ({"roles": {"shadow": "x"}}, "unknown role 'shadow'"),
        ({"thresholds": {"gain": 0.1}}, "unknown threshold 'gain'; known: auc-gain, balanced-accuracy-gain"),
        ({"thresholds": {AUC: 0.0}}, "'auc-gain' must lie between 0 and 1"),
        ({"thresholds": {AUC: 1.0}}, "'auc-gain' must lie between 0 and 1"),
    ],
)
def test_wrong_parameters_are_refused_before_any_data(parameters, message):
    with pytest.raises(AuditInputError, match=message):
        KIND.check(AuditParameters(**{**ASK, **parameters}))
    with pytest.raises(AuditInputError, match=message):
        audit(people(), **parameters)


@pytest.mark.parametrize("name", ["y_pred", "entity", "quasi_identifiers"])
def test_a_column_that_every_attack_needs_is_refused_by_name(name):
    value = ("nowhere",) if name == "quasi_identifiers" else "nowhere"
    with pytest.raises(AuditInputError, match="column 'nowhere' is not in current"):
        audit(people(), **{name: value})


def test_a_table_without_rows_is_refused():
    with pytest.raises(AuditInputError, match="current has no rows"):
        audit({"religion": [], "area": [], "score": []})


def test_models_that_give_nothing_away_are_not_accused_and_those_that_do_are():
    verdicts = Counter()
    for seed in range(12):
        fair, leaky = audit(people(300, 0.0, seed)), audit(people(300, 4.0, 100 + seed))
        verdicts["fair", str(worst_verdict(fair))] += 1
        verdicts["leaky", str(worst_verdict(leaky))] += 1
    assert verdicts["fair", "fail"] == 0
    assert verdicts["fair", "pass"] >= 10
    assert verdicts["leaky", "fail"] >= 11


def test_every_measurement_has_its_words_and_the_answer_repeats_itself():
    table = {**people(leak=2.0), "id": [f"customer-{i}@example.com" for i in range(600)]}
    first, again = (audit(table, 7, sensitive=("religion", "id")) for _ in range(2))
    assert {m.name for m in first} == set(KIND.words)
    assert [m.to_json() for m in first] == [m.to_json() for m in again]
    text = json.dumps([m.to_json() for m in first], allow_nan=False)
    assert "example.com" not in text
