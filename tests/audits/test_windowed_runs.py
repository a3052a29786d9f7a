"""Runs over data windows: what they read is recorded, days that were examined are not examined again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from audits.kinds import Verdict, audit_kinds
from audits.models import AuditPlan, AuditRun, RunPartition
from audits.selectors.runs import run_missing_days
from audits.services import execution
from audits.services.runs import run_request, run_schedule
from audits.services.windows import plan_waits_for, run_data_digest
from governance.actions import Action
from governance.canonical import canonical_json, sha256_hex
from governance.errors import InvalidTransition
from governance.selectors.ledger import entries
from governance.store import store_path
from models_registry.models import ModelVersion
from models_registry.services.versions import version_monitor
from tests.audits.conftest import House, measured
from tests.audits.monitored import arrived, day, rows
from tests.factories import DatasetFactory, VersionSnapshotFactory, snapshot_stored

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 7, 6, 4, 10, tzinfo=UTC)


@pytest.fixture
def watched(house: House, version: ModelVersion) -> ModelVersion:
    version_monitor(actor=house.actor, version=version, dataset=DatasetFactory.create())
    return version


@pytest.fixture
def plan(house: House, watched: ModelVersion) -> AuditPlan:
    """The required drift plan, over a week; its first run, on the snapshot, is gone."""
    plan = house.plan(watched, "probe-drift")
    plan.runs.all().delete()
    AuditPlan.objects.filter(pk=plan.pk).update(data_window="week")
    return AuditPlan.objects.select_related("version__monitored_dataset").get(pk=plan.pk)


def arrive(version: ModelVersion, *numbers: int) -> list[str]:
    return [arrived(version.monitored_dataset, day(n), rows(n, 20)).digest for n in numbers]


def schedule(plan: AuditPlan, weeks: int = 0) -> AuditRun | None:
    return run_schedule(plan=plan, moment=MONDAY + timedelta(weeks=weeks))


def sides(run: AuditRun) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for partition in run.partitions.select_related("snapshot"):
        found.setdefault(partition.side, []).append(partition.snapshot.digest)
    return found


def test_a_run_records_the_partitions_of_both_sides(plan: AuditPlan) -> None:
    digests = arrive(plan.version, *range(9))
    run = schedule(plan)
    assert run is not None
    run.refresh_from_db()
    reference = plan.version.data.get(role="reference").snapshot
    assert (run.data_window, run.comparison, run.data_start, run.data_end) == (
        "week",
        "reference",
        day(2),
        day(8),
    )
    assert (run.current_snapshot.digest, run.reference_snapshot) == (digests[8], reference)
    assert sides(run) == {"current": digests[2:], "reference": [reference.digest]}
    assert run_missing_days(run) == []


def test_the_week_before_can_be_the_reference(plan: AuditPlan) -> None:
    AuditPlan.objects.filter(pk=plan.pk).update(comparison="previous")
    plan.refresh_from_db()
    digests = arrive(plan.version, *range(14))
    run = schedule(plan)
    assert run is not None
    assert sides(run) == {"current": digests[7:], "reference": digests[:7]}
    assert run.reference_snapshot is not None
    assert run.reference_snapshot.digest == digests[6]


def test_missing_days_of_a_run_are_named(plan: AuditPlan) -> None:
    arrive(plan.version, 0, 1, 3, 6)
    run = schedule(plan)
    assert run is not None
    assert run_missing_days(run) == [day(2), day(4), day(5)]


def test_a_run_of_the_snapshot_has_no_partitions(drift_run: AuditRun) -> None:
    assert (drift_run.data_window, drift_run.data_start, drift_run.partitions.count()) == (
        "snapshot",
        None,
        0,
    )
    assert (run_missing_days(drift_run), run_data_digest(drift_run)) == ([], "")


def test_the_kind_gets_all_rows_of_the_window(house: House, plan: AuditPlan) -> None:
    arrive(plan.version, *range(7))
    run = schedule(plan)
    assert run is not None
    house.drift.answer = [measured()]
    assert execution.run_execute(run_id=run.pk)
    given = house.drift.seen[0]
    expected = [value for n in range(7) for value in rows(n, 20)["units"].tolist()]
    assert given.current.column("units").floats().tolist() == expected
    assert given.current.label == f"{plan.version.monitored_dataset} from 2026-06-01 to 2026-06-07"
    assert given.need_reference().column("units").floats().tolist() == [1, 2, 2]


def test_a_real_drift_run_over_a_week_uses_the_stored_profiles(house: House, watched: ModelVersion) -> None:
    """The window of 7 x 100 rows against 1,500 rows: units have moved by a standard deviation, stores have not."""
    watched.data.filter(role="reference").update(snapshot=snapshot_stored(rows(99, 1500)))
    plan = AuditPlan.objects.create(
        version=watched, kind="data-drift", name="weekly inputs", required=False, data_window="week",
        current_role="current", reference_role="reference", created_at=timezone.now(),
    )  # fmt: skip
    for n in range(7):
        arrived(watched.monitored_dataset, day(n), rows(n, 100, shift=1.0))
    run = run_schedule(plan=plan, moment=MONDAY)
    assert run is not None
    assert execution.run_execute(run_id=run.pk)
    run.refresh_from_db()
    verdicts = {m.slice or m.name: (m.verdict, m.n) for m in run.measurements.all()}
    assert verdicts == {"units": ("fail", 700), "store": ("pass", 700), "drift-share": ("fail", 2)}


def test_the_ledger_binds_the_result_to_every_partition(house: House, plan: AuditPlan) -> None:
    digests = arrive(plan.version, *range(7))
    run = schedule(plan)
    assert run is not None
    house.drift.answer = [measured()]
    execution.run_execute(run_id=run.pk)
    reference = plan.version.data.get(role="reference").snapshot.digest
    expected = sha256_hex(canonical_json({"current": sorted(digests), "reference": [reference]}))
    assert entries(action=Action.RUN_COMPLETED).get().payload["data"] == expected


def test_a_changed_partition_errs_the_run_and_passes_nothing(house: House, plan: AuditPlan) -> None:
    digests = arrive(plan.version, *range(7))
    run = schedule(plan)
    assert run is not None
    path = store_path(digests[3])
    path.chmod(0o600)
    path.write_bytes(b"something else")
    execution.run_execute(run_id=run.pk)
    run.refresh_from_db()
    assert (run.status, run.verdict, house.drift.seen) == ("errored", "errored", [])
    assert "no longer has its digest" in run.error


# -- nothing there, nothing new


def test_without_data_there_is_no_run_and_the_reason_is_told(plan: AuditPlan, officer: User) -> None:
    assert schedule(plan) is None
    assert "is there; register a snapshot with its first and last day" in plan_waits_for(plan)
    with pytest.raises(InvalidTransition, match="This audit cannot run yet: no partition of"):
        run_request(actor=officer, plan=plan)
    assert (AuditRun.objects.filter(plan=plan).count(), entries(action=Action.RUN_REQUESTED).count()) == (
        0,
        0,
    )
    arrive(plan.version, 0)
    assert plan_waits_for(plan) == ""
    assert schedule(plan) is not None


def test_a_plan_since_approval_waits_for_the_approval(plan: AuditPlan) -> None:
    plan.data_window = "since-approval"
    arrive(plan.version, 0)
    assert "not approved yet" in plan_waits_for(plan)
    assert schedule(plan) is None


def test_days_that_were_examined_are_not_examined_again_by_schedule(plan: AuditPlan, officer: User) -> None:
    arrive(plan.version, *range(7))
    first = schedule(plan)
    assert first is not None
    assert schedule(plan, weeks=1) is None
    arrive(plan.version, 7)
    second = schedule(plan, weeks=1)
    assert second is not None
    assert second.data_end == day(7)
    AuditRun.objects.filter(plan=plan).update(status="completed", verdict="pass")
    assert run_request(actor=officer, plan=plan).data_end == day(7), "somebody's wish is always granted"


def test_the_same_days_are_examined_again_after_an_error_a_rewrite_or_a_change_of_the_plan(
    plan: AuditPlan,
) -> None:
    arrive(plan.version, *range(7))
    first = schedule(plan)
    assert first is not None
    AuditRun.objects.filter(pk=first.pk).update(status="errored", verdict="errored")
    assert schedule(plan, weeks=1) is not None
    assert schedule(plan, weeks=2) is None
    arrived(plan.version.monitored_dataset, day(3), rows(77, 20))
    assert schedule(plan, weeks=2) is not None
    assert schedule(plan, weeks=3) is None
    plan.parameters = {"columns": ["units"]}
    assert schedule(plan, weeks=3) is not None


def test_what_goes_by_the_clock_is_examined_again(
    house: House, plan: AuditPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive(plan.version, *range(7))
    monkeypatch.setattr(type(house.drift), "by_the_clock", True)
    assert [schedule(plan, weeks=n) is not None for n in range(3)] == [True] * 3
    by_the_clock = {kind.slug for kind in audit_kinds if kind.by_the_clock}
    assert by_the_clock == {"arrival", "consent-coverage", "dark-patterns", "retention", "probe-drift"}


def test_two_runs_in_one_cadence_are_one(plan: AuditPlan) -> None:
    arrive(plan.version, *range(7))
    assert schedule(plan) is not None
    arrive(plan.version, 7)
    assert schedule(plan) is None
    assert RunPartition.objects.filter(run__plan=plan, side="current").count() == 7


def test_a_snapshot_plan_runs_in_every_window_as_before(house: House, version: ModelVersion) -> None:
    plan = house.plan(version, "probe-drift")
    assert [schedule(plan, weeks=n) is not None for n in range(3)] == [True] * 3


# -- what a failure does


@pytest.mark.parametrize(("action", "status"), [("suspend", "suspended"), ("record", "approved")])
def test_a_failure_suspends_only_where_the_plan_says_so(
    action: str, status: str, house: House, drift_run: AuditRun
) -> None:
    ModelVersion.objects.filter(pk=drift_run.version_id).update(status="approved")
    AuditPlan.objects.filter(pk=drift_run.plan_id).update(action=action)
    house.drift.answer = [measured(Verdict.FAIL, used=2.0)]
    execution.run_execute(run_id=drift_run.pk)
    assert ModelVersion.objects.get(pk=drift_run.version_id).status == status
    assert entries(action=Action.VERSION_SUSPENDED).count() == (action == "suspend")
    assert drift_run.version.findings.count() == 1


def test_a_window_on_a_version_without_reference_gives_the_kind_none(
    house: House, watched: ModelVersion
) -> None:
    plan = house.plan(watched, "probe-bias")
    plan.data_window = "day"
    plan.runs.all().delete()
    VersionSnapshotFactory.create(version=watched, role="training")
    arrive(watched, 0)
    run = schedule(plan)
    assert run is not None
    assert (run.reference_snapshot, set(sides(run))) == (None, {"current"})
    house.bias.answer = [measured()]
    execution.run_execute(run_id=run.pk)
    assert house.bias.seen[0].reference is None
