from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django_celery_beat.models import PeriodicTask

from audits.kinds import AuditInputError, AuditParameters, audit_kinds
from audits.models import AuditPlan, AuditRun, Scorecard
from audits.services.plans import plan_set_active, plans_complete, plans_ensure
from audits.tasks import refresh_scorecards_task
from governance.actions import Action
from governance.errors import InvalidInput, NotPermitted
from governance.selectors.ledger import entries
from models_registry.models import ModelVersion, VersionSnapshot
from tests.audits.conftest import House

pytestmark = pytest.mark.django_db


def test_a_registered_version_gets_the_plans_that_its_kind_requires(version: ModelVersion) -> None:
    rows = AuditPlan.objects.filter(version=version).order_by("kind")
    assert list(
        rows.values_list("kind", "window", "current_role", "reference_role", "required", "active")
    ) == [
        ("probe-bias", "month", "predictions", "", True, True),
        ("probe-drift", "week", "current", "reference", True, True),
    ]


def test_each_plan_has_its_schedule_its_first_run_and_its_ledger_entry(version: ModelVersion) -> None:
    for plan in AuditPlan.objects.filter(version=version):
        assert plan.periodic_task is not None
        assert json.loads(plan.periodic_task.args) == [plan.pk]
        assert plan.runs.get().status == AuditRun.Status.QUEUED
        entry = entries(action=Action.PLAN_CREATED, subject=plan.subject).get()
        assert entry.payload == {"version": version.subject, "kind": plan.kind, "window": plan.window}
    assert entries(action=Action.PLAN_CREATED).count() == 2


def test_parameters_are_kept_with_the_plan_and_copied_into_the_run(house: House) -> None:
    given = {"columns": ["units"], "thresholds": {"limit": 2}, "method": None}
    version = house.version(audit_parameters={"probe-drift": given})
    expected = {"columns": ["units"], "thresholds": {"limit": 2.0}}
    assert house.plan(version, "probe-drift").parameters == expected
    assert house.run(version, "probe-drift").parameters == expected
    assert house.plan(version, "probe-bias").parameters == {}


def test_planning_again_adds_nothing(version: ModelVersion) -> None:
    lines = entries().count()
    assert len(plans_ensure(version)) == 2
    assert (AuditPlan.objects.count(), AuditRun.objects.count(), entries().count()) == (2, 2, lines)


def test_planning_again_adds_what_is_missing(house: House, version: ModelVersion) -> None:
    plan = house.plan(version, "probe-bias")
    plan.runs.all().delete()
    plan.delete()
    plans_ensure(version)
    assert house.plan(version, "probe-bias").runs.count() == 1


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"nonsense": {}}, "There is no audit kind 'nonsense'; known: anonymity, "),
        ({"probe-drift": {"colums": []}}, "probe-drift: unknown parameter 'colums'"),
        ({"probe-drift": {"columns": "units"}}, "probe-drift: parameter 'columns' must be a list"),
        ({"probe-drift": {"thresholds": {"limit": float("nan")}}}, "finite numbers"),
        ({"probe-drift": ["units"]}, "probe-drift: parameters must be a mapping"),
        ({"anonymity": {"colums": []}}, "anonymity: unknown parameter 'colums'"),
    ],
    ids=[
        "unknown kind",
        "unknown parameter",
        "wrong type",
        "not finite",
        "a list",
        "kind that is not required",
    ],
)
def test_unusable_parameters_undo_the_registration_as_a_whole(
    parameters: dict[str, Any], message: str, house: House
) -> None:
    model, snapshots = house.model(), house.snapshots()
    tasks, lines = PeriodicTask.objects.count(), entries().count()
    with pytest.raises(InvalidInput, match=message) as caught:
        house.version(model=model, snapshots=snapshots, audit_parameters=parameters)
    assert caught.value.field == "audit_parameters"
    assert (ModelVersion.objects.count(), VersionSnapshot.objects.count()) == (0, 0)
    assert (AuditPlan.objects.count(), AuditRun.objects.count(), Scorecard.objects.count()) == (0, 0, 0)
    assert (PeriodicTask.objects.count(), entries().count()) == (tasks, lines)


def test_database_refuses_a_second_plan_for_the_same_kind_and_window(
    house: House, version: ModelVersion
) -> None:
    plan = house.plan(version, "probe-drift")
    plan.pk = None
    plan.periodic_task = None
    with pytest.raises(IntegrityError), transaction.atomic():
        plan.save(force_insert=True)
    assert AuditPlan.objects.count() == 2


def test_database_refuses_an_unknown_window(version: ModelVersion) -> None:
    with pytest.raises(IntegrityError, match="audit_plan_window_valid"), transaction.atomic():
        AuditPlan.objects.filter(version=version).update(window="year")


def test_a_paused_plan_stops_its_schedule_and_resumes_it(
    house: House, version: ModelVersion, officer: User
) -> None:
    plan = house.plan(version, "probe-drift")
    assert plan_set_active(actor=officer, plan=plan, active=False)
    plan.refresh_from_db()
    assert plan.periodic_task is not None
    assert (plan.active, plan.periodic_task.enabled) == (False, False)
    assert plan_set_active(actor=officer, plan=plan, active=True)
    plan.refresh_from_db()
    assert plan.periodic_task is not None
    assert (plan.active, plan.periodic_task.enabled) == (True, True)
    changes = entries(action=Action.PLAN_CHANGED, subject=plan.subject)
    assert [(e.payload, e.actor) for e in changes] == [
        ({"active": True}, officer),
        ({"active": False}, officer),
    ]


def test_pausing_what_is_paused_changes_nothing(house: House, version: ModelVersion, officer: User) -> None:
    plan = house.plan(version, "probe-drift")
    plan_set_active(actor=officer, plan=plan, active=False)
    assert not plan_set_active(actor=officer, plan=plan, active=False)
    assert entries(action=Action.PLAN_CHANGED).count() == 1


def test_who_may_not_plan_pauses_nothing(house: House, version: ModelVersion, data_scientist: User) -> None:
    plan = house.plan(version, "probe-drift")
    with pytest.raises(NotPermitted):
        plan_set_active(actor=data_scientist, plan=plan, active=False)
    plan.refresh_from_db()
    assert plan.periodic_task is not None
    assert (plan.active, plan.periodic_task.enabled) == (True, True)
    assert entries(action=Action.PLAN_CHANGED).count() == 0


def without_plan(house: House, version: ModelVersion, kind: str) -> None:
    plan = house.plan(version, kind)
    plan.runs.all().delete()
    plan.delete()


def test_what_is_required_since_is_planned_within_the_hour(house: House, version: ModelVersion) -> None:
    without_plan(house, version, "probe-bias")
    refresh_scorecards_task()
    again = house.plan(version, "probe-bias")
    assert (again.current_role, again.required) == ("predictions", True)
    assert again.runs.get().status == AuditRun.Status.QUEUED
    assert plans_complete(version) == []


def test_what_the_version_has_no_data_for_stays_missing(house: House, version: ModelVersion) -> None:
    without_plan(house, version, "probe-bias")
    VersionSnapshot.objects.filter(version=version, role="predictions").delete()
    lines = entries().count()
    assert plans_complete(version) == []
    assert entries().count() == lines


def test_what_needs_parameters_that_it_was_not_given_stays_missing(
    house: House, version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_plan(house, version, "probe-bias")

    def refuse(parameters: AuditParameters) -> None:
        raise AuditInputError("name the groups")

    monkeypatch.setattr(audit_kinds.get("probe-bias"), "check", refuse)
    assert plans_complete(version) == []
    assert not version.plans.filter(kind="probe-bias").exists()
