"""Membership inference: losses, verdicts, bad input."""

import json

import numpy as np
import pytest

from audits.kinds import AuditInput, AuditInputError, AuditParameters, Verdict, worst_verdict
from audits.kinds.membership_inference import MembershipInference
from audits.tables import MemoryTable, TableError


def _run(members, others, seed=0, **parameters):
    return {m.name: m for m in _all(members, others, seed, **parameters)}


def _all(members, others, seed=0, **parameters):
    audit_input = AuditInput(
        current=MemoryTable(others, label="current"),
        reference=None if members is None else MemoryTable(members, label="members"),
        parameters=AuditParameters(**parameters),
        seed=seed,
    )
    return MembershipInference().run(audit_input)


def _loss(scale, n=2000, seed=0):
    return {"loss": np.random.default_rng(seed).exponential(scale, n)}


AUC, TPR = "attack-auc", "true-positive-rate-at-1pct-fpr"
LOSS = {"columns": ("loss",)}
PAIR = {"y_true": "y", "y_pred": "f"}


def test_rows_scored_alike_pass_near_guessing():
    found = _run(_loss(1.0), _loss(1.0, seed=1), **LOSS)
    assert {m.verdict for m in found.values()} == {Verdict.PASS}
    assert found[AUC].low < 0.5 < found[AUC].high
    assert found[TPR].value == pytest.approx(0.01, abs=0.01)
    assert (found[AUC].threshold, found[TPR].threshold) == (0.6, 0.05)


def test_overfitted_model_fails_both_ways():
    found = _run(_loss(0.1), _loss(1.0, seed=1), **LOSS)
    assert {found[name].verdict for name in (AUC, TPR)} == {Verdict.FAIL}
    assert found[AUC].value == pytest.approx(1 / 1.1, abs=0.02)  # two exponentials: 1 / (1 + .1)
    assert found[AUC].tolerance_used == pytest.approx((found[AUC].value - 0.5) / 0.1)


def test_estimate_beyond_the_limit_with_a_wide_interval_is_reviewed():
    found = _run(_loss(0.6, n=100), _loss(1.0, n=100, seed=2), thresholds={AUC: 0.56}, **LOSS)[AUC]
    assert found.low < 0.56 < found.value
    assert found.verdict is Verdict.REVIEW


def test_members_with_higher_loss_are_reported_as_they_are():
    found = _run(_loss(1.0), _loss(0.1, seed=1), **LOSS)[AUC]
    assert found.value < 0.1
    assert (found.verdict, found.tolerance_used) == (Verdict.PASS, 0)


def _scored(confidence, n=500, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n)
    return {"y": truth, "f": np.where(truth == 1, confidence, 1 - confidence) * rng.uniform(0.98, 1, n)}


@pytest.mark.parametrize(
    ("_case", "members", "others", "loss"),
    [
        ("probabilities", _scored(0.95), _scored(0.6, seed=1), "log-loss"),
        (
            "forecast",
            {"y": np.arange(200), "f": np.arange(200) + 0.1},
            {"y": np.arange(200), "f": np.zeros(200)},
            None,
        ),
        (
            "labels",
            {"y": ["a", "b"] * 90, "f": ["a", "b"] * 90},
            {"y": ["a", "b"] * 90, "f": ["b", "a"] * 90},
            "zero-one",
        ),
    ],
)
def test_loss_follows_from_the_columns_and_memorised_rows_are_found(_case, members, others, loss):
    found = _run(members, others, **PAIR)
    assert found[AUC].detail["loss"] == (loss or "absolute-error")
    assert found[AUC].value > 0.99
    assert found[AUC].verdict is Verdict.FAIL


def test_label_that_is_never_the_truth_counts_as_wrong():
    members, others = {"y": ["a"] * 100, "f": ["a"] * 100}, {"y": ["a"] * 100, "f": ["a"] * 50 + ["z"] * 50}
    assert _run(members, others, **PAIR)[AUC].value == 0.75


@pytest.mark.parametrize("sides", [(99, 2000), (2000, 99)])
def test_fewer_than_100_rows_on_a_side_are_insufficient(sides):
    found = _run(_loss(0.01, n=sides[0]), _loss(1.0, n=sides[1], seed=1), **LOSS)
    assert {m.verdict for m in found.values()} == {Verdict.INSUFFICIENT}
    assert "at least 100 of each are needed" in found[AUC].detail["reason"]


def test_rows_without_a_loss_are_dropped_and_counted():
    members = _loss(1.0)
    members["loss"][:5] = np.nan
    found = _run(members, _loss(1.0, seed=1), **LOSS)
    assert (found[AUC].detail["dropped_rows"], found[AUC].detail["members"]) == (5, 1995)


@pytest.mark.parametrize(
    ("_case", "members", "others", "parameters", "message"),
    [
        ("one table", None, _loss(1.0), LOSS, "give a reference"),
        ("no columns", _loss(1.0), _loss(1.0), {}, "needs y_true and y_pred"),
        ("two columns", _loss(1.0), _loss(1.0), {"columns": ("loss", "y")}, "one column of losses"),
        ("missing", _loss(1.0), _loss(1.0), {"columns": ("nope",)}, "column 'nope' is not in members"),
        ("text", {"loss": ["a"] * 200}, _loss(1.0), LOSS, "'loss' of members holds text"),
        (
            "infinite",
            _loss(1.0),
            {"loss": [np.inf] * 200},
            LOSS,
            "'loss' of current holds 200 infinite values",
        ),
        ("empty", _loss(1.0), {"loss": [np.nan] * 200}, LOSS, "'loss' of current has no values"),
        ("method", _scored(0.9), _scored(0.9), {**PAIR, "method": "x"}, "unknown method 'x'"),
        ("limit below guessing", _loss(1.0), _loss(1.0), {**LOSS, "thresholds": {AUC: 0.4}}, "between 0.5"),
        (
            "unknown limit",
            _loss(1.0),
            _loss(1.0),
            {**LOSS, "thresholds": {"auc": 0.6}},
            "unknown threshold 'auc'",
        ),
        (
            "spelling",
            {"y": ["a"] * 9, "f": ["A"] * 9},
            {"y": ["a"] * 9, "f": ["A"] * 9},
            PAIR,
            "use one spelling",
        ),
        (
            "log-loss of a forecast",
            {"y": np.arange(200), "f": np.arange(200)},
            {"y": np.arange(200), "f": np.arange(200)},
            {**PAIR, "method": "log-loss"},
            "log-loss needs 0/1 in column 'y'",
        ),
    ],
)
def test_bad_input_is_refused_by_name(_case, members, others, parameters, message):
    with pytest.raises((AuditInputError, TableError), match=message):
        _run(members, others, **parameters)


def test_constant_losses_tell_an_attacker_nothing():
    found = _run({"loss": np.ones(200)}, {"loss": np.ones(200)}, **LOSS)
    assert worst_verdict(found.values()) is Verdict.PASS
    assert (found[AUC].value, found[TPR].value) == (0.5, 0)


# -- the strict rate


STRICT, ADVANTAGE, PLAIN, GROUP = (
    "true-positive-rate-at-0.1pct-fpr",
    "membership-advantage",
    "plain-attack-auc",
    "group-attack-auc",
)


def test_the_strict_rate_is_judged_from_5000_non_members_on():
    few, enough = _run(_loss(1.0), _loss(1.0, 4999, 1), **LOSS), _run(_loss(1.0), _loss(1.0, 5000, 1), **LOSS)
    assert STRICT not in few
    assert (enough[STRICT].verdict, enough[STRICT].threshold) == (Verdict.PASS, 0.005)
    assert enough[STRICT].value == pytest.approx(0.001, abs=0.002)
    leaking = _run(_loss(0.05, 5000), _loss(1.0, 5000, 1), **LOSS)[STRICT]
    assert leaking.verdict is Verdict.FAIL
    assert leaking.value == pytest.approx(1 - 0.999**20, abs=0.012)  # exponentials of rates 20 and 1
    assert "differential privacy" in leaking.detail["reason"]


def test_a_strict_limit_that_was_asked_for_is_never_silently_left_out():
    found = _run(_loss(1.0), _loss(1.0, 4999, 1), thresholds={STRICT: 0.01}, **LOSS)[STRICT]
    assert (found.verdict, found.value) == (Verdict.INSUFFICIENT, None)
    assert found.detail["reason"] == "4999 non-members; at least 5000 are needed for a rate at 0.1 %"


def test_the_advantage_is_told_and_never_judged():
    found = _run(_loss(0.01), _loss(1.0, seed=1), **LOSS)[ADVANTAGE]
    assert (found.verdict, found.threshold, found.tolerance_used) == (Verdict.PASS, None, None)
    assert found.detail["role"] == "descriptive"
    assert found.value > 0.9


# -- shadow models


def _with_shadow(memory, n=2000, seed=0, models=1):
    """Rows differ much in difficulty; a member's loss is lower by ``memory`` than shadow models find it."""
    rng = np.random.default_rng(seed)
    difficulty = rng.exponential(1.0, n) + 1
    columns = {f"s{i + 1}": difficulty + rng.normal(0, 0.05, n) for i in range(models)}
    return {"loss": difficulty - memory + rng.normal(0, 0.05, n), **columns}


@pytest.mark.parametrize(
    ("_case", "models", "roles", "attack"),
    [
        ("one", 1, {"shadow": "s1"}, "calibrated"),
        ("one by number", 1, {"shadow_1": "s1"}, "calibrated"),
        ("four", 4, {f"shadow_{i}": f"s{i}" for i in (1, 2, 3, 4)}, "likelihood-ratio"),
    ],
)
def test_shadow_models_find_members_that_the_plain_attack_misses(_case, models, roles, attack):
    sides = _with_shadow(0.2, models=models), _with_shadow(0.0, seed=1, models=models)
    found = _run(*sides, roles=roles, **LOSS)
    assert found[PLAIN].value < 0.6
    assert found[AUC].value > 0.95
    assert (found[AUC].verdict, found[PLAIN].verdict) == (Verdict.FAIL, Verdict.PASS)
    assert (found[AUC].detail["attack"], found[AUC].detail["shadow_models"]) == (attack, models)
    assert _run(*sides, **LOSS)[AUC].value == found[PLAIN].value
    assert PLAIN not in _run(*sides, **LOSS)


def test_shadow_models_accuse_nobody_where_nothing_is_remembered():
    accused = 0
    for seed in range(40):
        sides = _with_shadow(0.0, 300, 2 * seed), _with_shadow(0.0, 300, 2 * seed + 1)
        found = _all(*sides, roles={"shadow": "s1"}, **LOSS)
        accused += worst_verdict(found) is not Verdict.PASS
    assert accused <= 2


def test_a_shadow_prediction_becomes_a_loss_by_the_same_truth():
    def side(memory, seed):
        rng = np.random.default_rng(seed)
        hard = rng.normal(0, 1, 800)
        return {"y": np.zeros(800), "f": np.abs(hard) - memory * 0.5 * np.abs(hard), "s": hard}

    found = _run(side(1, 0), side(0, 1), roles={"shadow": "s"}, method="absolute-error", **PAIR)
    assert found[AUC].value == 1.0
    assert found[AUC].detail["loss"] == "absolute-error"


def test_rows_without_a_shadow_loss_are_dropped():
    members, others = _with_shadow(0.2), _with_shadow(0.0, seed=1)
    members["s1"][:7] = np.nan
    found = _run(members, others, roles={"shadow": "s1"}, **LOSS)
    assert (found[AUC].detail["dropped_rows"], found[AUC].detail["members"]) == (7, 1993)


@pytest.mark.parametrize(
    ("roles", "message"),
    [
        ({"shade": "s1"}, "unknown role 'shade'; known: shadow"),
        ({"shadow_0": "s1"}, "unknown role 'shadow_0'"),
        ({"shadow": "s1", "shadow_1": "s2"}, "name one role 'shadow', or several"),
        ({"shadow_1": "s1", "shadow_2": "s1"}, "two shadow roles name the same column"),
        ({"shadow": "loss"}, "names a column of the audited model"),
    ],
)
def test_wrong_shadow_roles_are_refused_before_any_data(roles, message):
    with pytest.raises(AuditInputError, match=message):
        MembershipInference().check(AuditParameters(roles=roles, **LOSS))


def test_ten_shadow_models_are_read_in_the_order_of_their_numbers():
    parameters = AuditParameters(roles={"shadow_10": "j", "shadow_9": "i"}, **LOSS)
    MembershipInference().check(parameters)
    with pytest.raises(TableError, match="column 'i' is not in members"):
        _run(_loss(1.0), _loss(1.0), roles={"shadow_10": "j", "shadow_9": "i"}, **LOSS)


# -- groups


def _grouped(scales, n=400, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "loss": np.concatenate([rng.exponential(scale, n) for scale in scales.values()]),
        "area": [group for group in scales for _ in range(n)],
    }


def _areas(found):
    return {m.slice: m for m in found if m.name == GROUP}


def test_the_group_that_is_exposed_is_named_and_no_other():
    members, others = _grouped({"north": 0.1, "south": 1.0}), _grouped({"north": 1.0, "south": 1.0}, seed=1)
    found = _areas(_all(members, others, sensitive=("area",), **LOSS))
    assert {name: m.verdict for name, m in found.items()} == {
        "area=north": Verdict.FAIL,
        "area=south": Verdict.PASS,
    }
    assert found["area=north"].value == pytest.approx(1 / 1.1, abs=0.03)
    assert found["area=north"].detail["p_adjusted"] >= found["area=north"].detail["p"]
    assert found["area=north"].detail["reference"] == _run(members, others, **LOSS)[AUC].value


def test_a_group_of_29_is_insufficient_and_rows_without_a_group_are_undeclared():
    members, others = _grouped({"a": 1.0, "b": 1.0}), _grouped({"a": 1.0, "b": 1.0}, seed=1)
    for side, few in ((members, 29), (others, 30)):
        side["area"] = ["a"] * 400 + ["b"] * few + [None] * (400 - few)
    found = _areas(_all(members, others, sensitive=("area",), **LOSS))
    assert found["area=b"].verdict is Verdict.INSUFFICIENT
    assert found["area=b"].detail["reason"] == "29 members and 30 non-members; at least 30 of each are needed"
    assert found["area=undeclared"].detail["members"] == 371
    members["area"] = ["a"] * 400 + ["b"] * 30 + [None] * 370
    assert (
        _areas(_all(members, others, sensitive=("area",), **LOSS))["area=b"].verdict
        is not Verdict.INSUFFICIENT
    )


def test_rows_of_a_group_without_a_loss_do_not_take_part():
    members, others = _grouped({"a": 1.0, "b": 1.0}), _grouped({"a": 1.0, "b": 1.0}, seed=1)
    members["loss"][:10] = np.nan
    found = _areas(_all(members, others, sensitive=("area",), **LOSS))["area=a"]
    assert (found.detail["members"], found.n) == (390, 790)
    assert found.value == pytest.approx(0.5, abs=0.06)


def test_a_group_column_that_cannot_be_read_leaves_the_rest_intact():
    members, others = _grouped({"a": 1.0, "b": 1.0}), _grouped({"a": 1.0, "b": 1.0}, seed=1)
    others = {**others, "id": [str(i) for i in range(800)]}
    found = _all({**members, "id": others["id"]}, others, sensitive=("nowhere", "id", "area"), **LOSS)
    errors = {m.slice: m.detail["reason"] for m in found if m.verdict is Verdict.ERRORED}
    assert "column 'nowhere' is not in members" in errors["nowhere"]
    assert "column 'id' of members has more than 100 values" in errors["id"]
    assert set(_areas(found)) == {"area=a", "area=b", "nowhere", "id"}


def test_of_twenty_alike_groups_hardly_any_is_accused():
    """Losses alike, limit just above guessing, so that single intervals would often lie above it."""
    failed = 0
    for seed in range(25):
        scales = {f"g{i:02}": 1.0 for i in range(20)}
        sides = _grouped(scales, 40, 2 * seed), _grouped(scales, 40, 2 * seed + 1)
        found = _areas(_all(*sides, sensitive=("area",), thresholds={AUC: 0.501}, **LOSS))
        failed += any(m.verdict is Verdict.FAIL for m in found.values())
    assert failed <= 3


def test_every_measurement_has_its_words_and_the_answer_repeats_itself():
    members, others = _with_shadow(0.2, 5000), _with_shadow(0.0, 5000, 1)
    members["g"] = others["g"] = ["a", "b"] * 2500
    run = lambda: _all(members, others, 3, roles={"shadow": "s1"}, sensitive=("g",), **LOSS)  # noqa: E731
    assert {m.name for m in run()} == set(MembershipInference.words)
    assert [m.to_json() for m in run()] == [m.to_json() for m in run()]
    json.dumps([m.to_json() for m in run()], allow_nan=False)
