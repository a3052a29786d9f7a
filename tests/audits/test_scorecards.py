from __future__ import annotations

import time
from datetime import timedelta
from threading import Event, Thread

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from audits.kinds import Measurement, Verdict
from audits.models import AuditPlan, AuditRun, DimensionScore, Scorecard
from audits.services.execution import run_execute
from audits.services.plans import plan_create
from audits.services.runs import run_request
from audits.services.scorecards import scorecard_compute
from governance.actions import Action
from governance.selectors.ledger import entries
from models_registry.models import ModelVersion
from tests.audits.conftest import House, measured

pytestmark = pytest.mark.django_db


def examine(house: House, version: ModelVersion, kind: str, *measurements: Measurement) -> AuditRun:
    probe = house.drift if kind == "probe-drift" else house.bias
    probe.answer = list(measurements)
    run = house.run(version, kind)
    if run.finished:
        run = run_request(actor=house.actor, plan=run.plan)
    run_execute(run_id=run.pk)
    run.refresh_from_db()
    return run


def cells(card: Scorecard) -> dict[str, int]:
    return dict(card.dimensions.values_list("dimension", "score"))


def drift_cell(version: ModelVersion) -> DimensionScore:
    return scorecard_compute(version=version).dimensions.get(dimension="drift")


def age(run: AuditRun, days: float) -> None:
    AuditRun.objects.filter(pk=run.pk).update(finished_at=timezone.now() - timedelta(days=days))


def test_a_version_is_scored_from_its_first_moment_and_what_never_ran_is_the_highest_unknown(
    house: House, version: ModelVersion
) -> None:
    card = house.card(version)
    assert cells(card) == {"drift": 70, "bias": 70}
    assert (card.overall, card.band) == (70, "high")
    cell = card.dimensions.get(dimension="drift")
    assert cell.reason == "Drift probe is required and has not run yet."
    assert (cell.run, cell.measurement) == (None, None)


def test_a_cell_leads_to_the_run_and_measurement_that_decided_it(house: House, version: ModelVersion) -> None:
    run = examine(
        house, version, "probe-drift",
        measured(used=0.2, slice="a"), measured(Verdict.FAIL, 2.0, slice="b"), measured(Verdict.REVIEW, 3.0, slice="c"),
    )  # fmt: skip
    cell = house.card(version).dimensions.get(dimension="drift")
    assert (cell.score, cell.band, cell.run) == (80, "high", run)
    assert cell.measurement == run.measurements.get(slice="b")
    assert cell.reason == "Drift probe: rate for b is the furthest beyond its limit."


@pytest.mark.parametrize(
    ("drift_used", "bias_used", "score"), [(1.0, 0.2, 29), (0.2, 1.0, 29), (0.4, 0.4, 12)]
)
def test_a_dimension_with_two_audits_scores_as_the_worse(
    drift_used: float,
    bias_used: float,
    score: int,
    house: House,
    version: ModelVersion,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(house.bias, "dimension", "drift", raising=False)
    examine(house, version, "probe-drift", measured(used=drift_used))
    examine(house, version, "probe-bias", measured(used=bias_used))
    assert cells(house.card(version)) == {"drift": score}


def test_the_worst_dimension_is_not_averaged_away(house: House, version: ModelVersion) -> None:
    examine(house, version, "probe-drift", measured(Verdict.FAIL, 1.0))
    examine(house, version, "probe-bias", measured(used=0.0))
    card = scorecard_compute(version=version)
    assert cells(card) == {"drift": 60, "bias": 0}
    assert (card.overall, card.band) == (60, "high")  # blended alone: 52


def test_an_unchanged_result_adds_no_snapshot(house: House, version: ModelVersion) -> None:
    examine(house, version, "probe-drift", measured())
    card = house.card(version)
    lines = entries().count()
    assert scorecard_compute(version=version) == card == house.card(version)
    assert entries().count() == lines


def test_a_new_run_with_the_same_score_is_a_new_snapshot(house: House, version: ModelVersion) -> None:
    examine(house, version, "probe-drift", measured())
    second = examine(house, version, "probe-drift", measured())
    card = house.card(version)
    assert Scorecard.objects.filter(version=version).count() == 3  # registered, and two runs
    assert card.dimensions.get(dimension="drift").run == second


def test_the_ledger_says_what_was_computed(version: ModelVersion) -> None:
    entry = entries(action=Action.SCORECARD_COMPUTED).get()
    assert (entry.subject, entry.actor) == (version.subject, None)
    assert entry.payload == {"overall": 70, "dimensions": {"drift": 70, "bias": 70}}


@pytest.mark.parametrize(("days", "score"), [(6.9, 14), (13.9, 14), (14.1, 29)])
def test_weekly_evidence_grows_stale_after_two_weeks(
    days: float, score: int, house: House, version: ModelVersion
) -> None:
    run = examine(house, version, "probe-drift", measured(used=0.5))
    age(run, days)
    cell = drift_cell(version)
    assert (cell.score, cell.run) == (score, run)
    assert ("overdue" in cell.reason) == (score == 29)


@pytest.mark.parametrize(("days", "score"), [(61.9, 14), (62.1, 29)])
def test_monthly_evidence_grows_stale_after_two_months(
    days: float, score: int, house: House, version: ModelVersion
) -> None:
    age(examine(house, version, "probe-bias", measured(used=0.5)), days)
    assert scorecard_compute(version=version).dimensions.get(dimension="bias").score == score


def test_an_errored_run_hides_no_risk_behind_the_good_one_before(house: House, version: ModelVersion) -> None:
    run = examine(house, version, "probe-drift", measured(used=0.0))
    house.drift.answer = ValueError("broken")
    again = run_request(actor=house.actor, plan=run.plan)
    run_execute(run_id=again.pk)
    cell = drift_cell(version)
    assert (cell.score, cell.run, cell.measurement) == (65, again, None)
    assert cell.reason.startswith("Drift probe could not be computed: ")


def test_a_run_without_any_verdict_is_elevated(house: House, version: ModelVersion) -> None:
    examine(house, version, "probe-drift", measured(Verdict.INSUFFICIENT, None))
    cell = drift_cell(version)
    assert (cell.score, cell.band) == (55, "elevated")
    assert cell.reason == "Drift probe had too little data for any verdict."


def test_one_slice_with_too_little_data_is_moderate(house: House, version: ModelVersion) -> None:
    examine(
        house,
        version,
        "probe-drift",
        measured(used=0.0, slice="a"),
        measured(Verdict.INSUFFICIENT, None, slice="b"),
    )
    assert drift_cell(version).score == 40


def test_a_run_that_measured_nothing_against_a_limit_settles_nothing(
    house: House, version: ModelVersion
) -> None:
    examine(house, version, "probe-drift", measured(Verdict.PASS, None))
    cell = drift_cell(version)
    assert (cell.score, cell.reason) == (55, "Drift probe measured nothing against a limit.")


def test_a_failure_without_a_tolerance_is_not_overlooked(house: House, version: ModelVersion) -> None:
    examine(
        house, version, "probe-drift", measured(used=0.1, slice="a"), measured(Verdict.FAIL, None, slice="b")
    )
    assert drift_cell(version).score == 60


def test_a_queued_run_leaves_the_last_evidence_in_place(house: House, version: ModelVersion) -> None:
    run = examine(house, version, "probe-drift", measured(used=0.5))
    run_request(actor=house.actor, plan=run.plan)
    assert drift_cell(version).run == run


@pytest.mark.django_db(transaction=True)
def test_two_runs_that_end_at_once_are_both_on_the_scorecard(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    monkeypatch.setattr("audits.services.runs.enqueue_run", lambda run_id: None)
    version = house.version()
    first_computed = Event()

    def first() -> None:
        with transaction.atomic():
            run_execute(run_id=house.run(version, "probe-drift").pk)
            first_computed.set()
            time.sleep(0.5)  # time for the other to compute as well, were it not made to wait
        connection.close()

    def second() -> None:
        assert first_computed.wait(timeout=60)
        run_execute(run_id=house.run(version, "probe-bias").pk)
        connection.close()

    threads = [Thread(target=first), Thread(target=second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cells(house.card(version)) == {"drift": 14, "bias": 14}


def test_versions_are_scored_apart(house: House, version: ModelVersion) -> None:
    examine(house, version, "probe-drift", measured(used=0.5))
    assert cells(scorecard_compute(version=house.version())) == {"drift": 70, "bias": 70}


def own_plan(house: House, version: ModelVersion, officer: User, *measurements: Measurement) -> AuditPlan:
    """A plan beside the required ones, whose first run has ended with these measurements."""
    house.drift.answer = list(measurements)
    plan = plan_create(
        actor=officer, version=version, kind="probe-drift", name="Mine", window="week", data_window="snapshot"
    )
    run_execute(run_id=plan.runs.get().pk)
    return plan


def test_an_audit_that_people_planned_can_raise_a_score(
    house: House, version: ModelVersion, officer: User
) -> None:
    examine(house, version, "probe-drift", measured(used=0.2))
    own_plan(house, version, officer, measured(Verdict.FAIL, 2.0))
    cell = drift_cell(version)
    assert (cell.score, cell.band) == (80, "high")
    assert cell.reason == "“Mine” (drift probe): rate is the furthest beyond its limit."


def test_and_never_lowers_one(house: House, version: ModelVersion, officer: User) -> None:
    examine(house, version, "probe-drift", measured(Verdict.FAIL, 2.0))
    own_plan(house, version, officer, measured(used=0.0))
    assert drift_cell(version).score == 80


def test_nor_stands_in_for_the_required_one(house: House, version: ModelVersion, officer: User) -> None:
    own_plan(house, version, officer, measured(used=0.0))
    assert drift_cell(version).reason == "Drift probe is required and has not run yet."


@pytest.mark.parametrize("rests", ["paused", "archived", "not run"])
def test_a_plan_of_one_s_own_that_rests_or_has_not_run_says_nothing(
    rests: str, house: House, version: ModelVersion, officer: User
) -> None:
    examine(house, version, "probe-drift", measured(used=0.2))
    plan = own_plan(house, version, officer, measured(Verdict.FAIL, 2.0))
    if rests == "not run":
        AuditRun.objects.filter(plan=plan).update(status="queued", verdict="", finished_at=None)
    elif rests == "paused":
        AuditPlan.objects.filter(pk=plan.pk).update(active=False)
    else:
        AuditPlan.objects.filter(pk=plan.pk).update(active=False, archived_at=timezone.now())
    assert drift_cell(version).score == 6
