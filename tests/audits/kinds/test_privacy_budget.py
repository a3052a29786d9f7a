"""Differential privacy accounting of a training log."""

import json
import math

import pytest

from audits.kinds import AuditInput, AuditInputError, AuditParameters, Verdict, worst_verdict
from audits.kinds.privacy_budget import PrivacyBudget
from audits.metrics.privacy.renyi import spent
from audits.tables import MemoryTable

KIND = PrivacyBudget()
ROLES = {"noise": "sigma", "rate": "q", "steps": "t"}
EPSILON, PHASE, DELTA = "epsilon", "phase-epsilon", "delta-times-rows"


def audit(sigma=4.0, q=0.01, t=10_000, thresholds=None, roles=None, **columns):
    log = {"sigma": sigma, "q": q, "t": t, **columns}
    log = {name: value if isinstance(value, list) else [value] for name, value in log.items()}
    parameters = AuditParameters(
        roles={**ROLES, **(roles or {})}, thresholds={"rows": 60_000, **(thresholds or {})}
    )
    found = KIND.run(AuditInput(current=MemoryTable(log, label="log"), parameters=parameters))
    return {(m.name, m.slice): m for m in found}


def epsilon(**values):
    return audit(**values)[EPSILON, ""]


def test_the_example_of_abadi_et_al_spends_1_04_by_todays_conversion():
    found = audit()
    total = found[EPSILON, ""]
    assert round(total.value, 4) == 1.0355
    assert (total.verdict, total.threshold, total.n) == (Verdict.PASS, 8.0, 1)
    assert total.tolerance_used == pytest.approx(1.03549 / 8, abs=1e-5)
    assert (total.low, total.high) == (None, None), "an upper bound has no sampling error"
    assert total.detail["delta"] == 1e-5
    assert set(found) == {(EPSILON, ""), (DELTA, "")}
    assert (found[DELTA, ""].value, found[DELTA, ""].verdict) == (pytest.approx(0.6), Verdict.PASS)


@pytest.mark.parametrize(
    ("limit", "verdict"),
    [(1.0354, "fail"), (1.0356, "review"), (1.1504, "review"), (1.1506, "pass"), (8, "pass")],
)
def test_above_the_limit_fails_and_within_a_tenth_below_is_reviewed(limit, verdict):
    found = epsilon(thresholds={"epsilon": limit})
    assert str(found.verdict) == verdict
    assert ("reason" in found.detail) == (verdict != "pass")


def test_one_phase_without_noise_spends_everything():
    found = audit(sigma=[1.0, 0.0], q=[0.01, 0.01], t=[100, 1])
    total = found[EPSILON, ""]
    assert (total.verdict, total.value, total.tolerance_used) == (Verdict.FAIL, None, 100.0)
    assert total.detail["reason"].startswith("phase 2 added no noise; without noise there is no limit")
    assert total.detail["infinite"] is True
    assert found[PHASE, "phase 2"].value is None
    assert found[PHASE, "phase 1"].value > 0
    json.dumps([m.to_json() for m in found.values()], allow_nan=False)


def test_a_phase_without_noise_that_never_ran_costs_nothing():
    assert epsilon(sigma=[4.0, 0.0], q=[0.01, 0.01], t=[10_000, 0]).value == epsilon().value


def test_rows_of_the_same_phase_are_put_together_whatever_their_order():
    split = audit(sigma=[4.0, 2.0] * 50, q=[0.01, 0.02] * 50, t=[100, 3] * 50)
    whole = audit(sigma=[2.0, 4.0], q=[0.02, 0.01], t=[150, 5000])
    assert split[EPSILON, ""].value == pytest.approx(whole[EPSILON, ""].value, rel=1e-12)
    assert split[EPSILON, ""].detail["phases"] == 2
    assert split[PHASE, "phase 1"].detail == {
        "role": "descriptive",
        "noise": 4.0,
        "rate": 0.01,
        "steps": 5000.0,
    }
    assert split[PHASE, "phase 1"].value == whole[PHASE, "phase 2"].value
    assert split[EPSILON, ""].value == spent({(4.0, 0.01): 5000, (2.0, 0.02): 150}, 1e-5).epsilon


def test_at_most_twenty_phases_are_shown_and_all_are_counted():
    found = audit(sigma=[1 + i / 10 for i in range(25)], q=[0.01] * 25, t=[10] * 25)
    assert len([key for key in found if key[0] == PHASE]) == 20
    assert found[EPSILON, ""].detail["phases"] == 25
    assert found[EPSILON, ""].detail["steps"] == 250


@pytest.mark.parametrize(
    ("delta", "rows", "verdict"),
    [(1e-5, 99_999, "pass"), (1e-5, 100_000, "fail"), (1e-5, 1e6, "fail"), (1e-7, 1e6, "pass")],
)
def test_delta_must_be_below_one_over_the_rows(delta, rows, verdict):
    found = audit(thresholds={"delta": delta, "rows": rows})[DELTA, ""]
    assert str(found.verdict) == verdict
    assert found.value == pytest.approx(delta * rows)


def test_unknown_rows_are_insufficient_never_a_pass():
    parameters = AuditParameters(roles=ROLES)
    log = MemoryTable({"sigma": [4.0], "q": [0.01], "t": [10_000]})
    found = KIND.run(AuditInput(current=log, parameters=parameters))
    assert worst_verdict(found) is Verdict.INSUFFICIENT
    assert "give threshold 'rows'" in found[-1].detail["reason"]


def test_rows_may_stand_in_the_log():
    parameters = AuditParameters(roles={**ROLES, "rows": "n"})
    log = {"sigma": [4.0, 4.0], "q": [0.01, 0.01], "t": [10, 10], "n": [50_000, 120_000]}
    found = KIND.run(AuditInput(current=MemoryTable(log), parameters=parameters))[-1]
    assert (found.n, found.verdict) == (120_000, Verdict.FAIL)
    parameters = AuditParameters(roles={**ROLES, "rows": "nowhere"})
    wrong = KIND.run(AuditInput(current=MemoryTable(log), parameters=parameters))
    assert [str(m.verdict) for m in wrong] == ["pass", "errored"]
    assert "column 'nowhere' is not in" in wrong[-1].detail["reason"]


@pytest.mark.parametrize(
    ("log", "message"),
    [
        ({"sigma": -1.0}, "column 'sigma' has -1 in row 1; noise must be 0 or more"),
        ({"sigma": [1.0, None], "q": [0.1, 0.1], "t": [1, 1]}, "column 'sigma' has no value in row 2"),
        ({"sigma": math.inf}, "column 'sigma' of log holds 1 infinite values"),
        ({"sigma": "much"}, "column 'sigma' of log holds text"),
        ({"q": 1.01}, "column 'q' has 1.01 in row 1; rate must be from 0 to 1"),
        ({"q": -0.1}, "rate must be from 0 to 1"),
        ({"t": 1.5}, "column 't' has 1.5 in row 1; steps must be a whole number"),
        ({"t": -1}, "steps must be a whole number"),
        ({"sigma": [], "q": [], "t": []}, "log has no rows"),
        (
            {"sigma": [1 + i / 1000 for i in range(501)], "q": [0.1] * 501, "t": [1] * 501},
            "log has 501 different pairs of noise and rate",
        ),
        ({"roles": {"noise": "nowhere"}}, "column 'nowhere' is not in log"),
    ],
)
def test_a_log_that_cannot_be_added_up_is_refused_by_column_and_row(log, message):
    with pytest.raises(AuditInputError, match=message):
        audit(**log)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"roles": {"noise": "a", "rate": "b"}}, "name the column of role 'steps'"),
        ({"roles": {**ROLES, "sigma": "x"}}, "unknown role 'sigma'; known: noise, rate, steps, rows"),
        ({"thresholds": {"eps": 1}}, "unknown threshold 'eps'; known: epsilon, delta, rows"),
        ({"thresholds": {"epsilon": 0}}, "'epsilon' must be above 0"),
        ({"thresholds": {"delta": 0}}, "'delta' must lie between 0 and 1"),
        ({"thresholds": {"delta": 1}}, "'delta' must lie between 0 and 1"),
        ({"thresholds": {"rows": 0}}, "'rows' is the number of persons"),
        ({"method": "pld"}, "unknown method 'pld'"),
    ],
)
def test_wrong_parameters_are_refused_before_any_data(parameters, message):
    with pytest.raises(AuditInputError, match=message):
        KIND.check(AuditParameters(**{"roles": ROLES, **parameters}))


def test_every_measurement_has_its_words():
    found = audit(sigma=[1.0, 2.0], q=[0.01, 0.01], t=[1, 1])
    assert {name for name, _ in found} == set(KIND.words)
