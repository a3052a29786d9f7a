"""Thin Celery entry points: load by id, call a service, decide on retries."""

from celery import shared_task
from django.utils import timezone

from audits.models import AuditPlan
from audits.services.execution import run_execute
from audits.services.monitoring import monitoring_update, plans_run_due, versions_monitored
from audits.services.plans import plans_complete
from audits.services.profiles import profiles_enqueue_missing, snapshot_profile_ensure
from audits.services.queue import enqueue_monitoring
from audits.services.reports import report_make, reports_sweep
from audits.services.runs import run_schedule, runs_sweep
from audits.services.scorecards import scorecard_compute
from models_registry.models import ModelVersion
from models_registry.selectors.versions import versions_latest
from models_registry.services.scans import artifact_scans_enqueue_missing


@shared_task(
    name="audits.run", autoretry_for=(OSError,), retry_backoff=True, retry_jitter=True, max_retries=5
)
def run_task(run_id: int) -> bool:
    """Compute one run; a store that cannot be reached is tried again with growing pauses."""
    return run_execute(run_id=run_id)


@shared_task(name="audits.run_plan")
def run_plan_task(plan_id: int) -> int | None:
    """Queue the run of the current window of one plan; beat calls it on the plan's schedule."""
    run = run_schedule(
        plan=AuditPlan.objects.select_related("version").get(pk=plan_id), moment=timezone.now()
    )
    return run.pk if run else None


@shared_task(name="audits.sweep")
def sweep_task() -> list[int]:
    """Queue again the runs that wait too long or lost their worker."""
    return runs_sweep()


@shared_task(name="audits.refresh_scorecards")
def refresh_scorecards_task() -> int:
    """Recompute the scorecards, so that evidence that grew stale shows, and plan what is required since."""
    versions = versions_latest()
    for version in versions:
        plans_complete(version)
        scorecard_compute(version=version)
    return len(versions)


@shared_task(
    name="audits.profile", autoretry_for=(OSError,), retry_backoff=True, retry_jitter=True, max_retries=5
)
def profile_task(snapshot_id: int) -> bool:
    """Profile one snapshot; a store or a cluster that cannot be reached is tried again with growing pauses."""
    return snapshot_profile_ensure(snapshot_id=snapshot_id)


@shared_task(
    name="audits.report", autoretry_for=(OSError,), retry_backoff=True, retry_jitter=True, max_retries=5
)
def report_task(report_id: int) -> bool:
    """Make one report on a run."""
    return report_make(report_id=report_id)


@shared_task(name="audits.catch_up")
def catch_up_task() -> dict[str, list[int]]:
    """Queue again the profiles, reports and scans that no worker finished."""
    artifact_scans_enqueue_missing()
    return {"profiles": profiles_enqueue_missing(), "reports": reports_sweep()}


@shared_task(
    name="audits.monitor", autoretry_for=(OSError,), retry_backoff=True, retry_jitter=True, max_retries=5
)
def monitor_task(version_id: int) -> int:
    """Compare a version's new data windows, and queue the audits that waited for them."""
    version = ModelVersion.objects.select_related("monitored_dataset").get(pk=version_id)
    written = monitoring_update(version)
    plans_run_due(version)
    return written


@shared_task(name="audits.monitor_all")
def monitor_all_task() -> list[int]:
    """Queue the monitoring of every version that is monitored, for what a lost message or a full hour left undone."""
    ids = [version.pk for version in versions_monitored()]
    for version_id in ids:
        enqueue_monitoring(version_id)
    return ids
