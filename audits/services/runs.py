"""The life of one audit run: scheduled or requested, claimed with a lease, completed once.

A worker that dies loses its lease within ``AUDIT_LEASE_SECONDS``; the sweeper queues the run again, and the late
answer of the first worker, should it still come, is refused because its token is gone.
"""

from __future__ import annotations

import logging
import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from audits.kinds import AuditInputError, Verdict
from audits.models import AuditPlan, AuditRun, RunPartition
from audits.services.queue import enqueue_run
from audits.services.schedules import window_start
from audits.services.scorecards import scorecard_compute
from audits.services.windows import PlanData, plan_data
from governance.actions import Action
from governance.errors import InvalidTransition
from governance.permissions import Permission, require
from governance.services import ledger

log = logging.getLogger(__name__)
Status = AuditRun.Status
MAX_ATTEMPTS = 5


def lease() -> timedelta:
    return timedelta(seconds=settings.AUDIT_LEASE_SECONDS)


@transaction.atomic
def run_schedule(*, plan: AuditPlan, moment: datetime) -> AuditRun | None:
    """Create and queue the run of the window that holds the moment.

    Returns
    -------
    AuditRun or None
        None when the run exists, when the plan is paused, and when its data window has nothing that is new.
    """
    if not plan.active:
        return None
    data = _new_data(plan)
    if data is None:
        return None
    run, created = AuditRun.objects.get_or_create(
        plan=plan,
        window_start=window_start(plan.window, moment),
        defaults=_run_values(plan, AuditRun.Trigger.SCHEDULED, data),
    )
    if not created:
        return None
    _take_up(run, data)
    return run


def _new_data(plan: AuditPlan) -> PlanData | None:
    """What a scheduled run would read; None when its data window is not there yet, or was examined already.

    Without a run the plan's evidence grows stale, which raises the risk: no data never look like a pass, and days
    without data do not fill the list of runs.
    """
    try:
        data = plan_data(plan)
    except AuditInputError as error:
        log.info("plan %s waits: %s", plan.pk, error)
        return None
    if plan.plugin.by_the_clock:
        return data
    latest = AuditRun.objects.filter(plan=plan).exclude(status=Status.ERRORED).order_by("-pk").first()
    if latest is not None and latest.parameters == plan.parameters and data.same_as(latest):
        return None
    return data


def _take_up(run: AuditRun, data: PlanData) -> None:
    RunPartition.objects.bulk_create(data.rows(run), batch_size=500)
    enqueue_run(run.pk)


@transaction.atomic
def run_request(*, actor: User, plan: AuditPlan) -> AuditRun:
    """Create and queue a run now, on somebody's wish.

    Raises
    ------
    InvalidTransition
        When a run of this plan is already queued or running, the plan is archived, or its data are not there yet.
    """
    actor = require(actor, Permission.AUDIT_REQUEST)
    if AuditPlan.objects.select_for_update().get(pk=plan.pk).archived_at is not None:
        raise InvalidTransition("This plan is archived; make a new one.")
    waiting = AuditRun.objects.filter(plan=plan, status__in=[Status.QUEUED, Status.RUNNING]).first()
    if waiting is not None:
        raise InvalidTransition(f"Run {waiting.pk} of this plan is {waiting.status}; wait for it.")
    try:
        data = plan_data(plan)
    except AuditInputError as error:
        raise InvalidTransition(f"This audit cannot run yet: {error}.") from error
    run = AuditRun.objects.create(
        plan=plan, window_start=timezone.now(), **_run_values(plan, AuditRun.Trigger.REQUESTED, data)
    )
    ledger.record(
        action=Action.RUN_REQUESTED, subject=run.subject, actor=actor, payload={"plan": plan.subject}
    )
    _take_up(run, data)
    return run


def _run_values(plan: AuditPlan, trigger: AuditRun.Trigger, data: PlanData) -> dict[str, object]:
    return {
        "version": plan.version,
        "kind": plan.kind,
        "trigger": trigger,
        "current_snapshot": data.current,
        "reference_snapshot": data.reference,
        "attributes_snapshot": data.attributes,
        "data_window": plan.data_window,
        "comparison": plan.comparison,
        "data_start": data.start,
        "data_end": data.end,
        "parameters": plan.parameters,
        "seed": settings.AUDIT_SEED,
        "queued_at": timezone.now(),
    }


def run_claim(*, run_id: int) -> uuid.UUID | None:
    """Claim a run that is queued, or whose worker died; None when someone else holds it or it is finished."""
    now, token = timezone.now(), uuid.uuid4()
    free = Q(status=Status.QUEUED) | Q(status=Status.RUNNING, lease_expires_at__lt=now)
    claimed = AuditRun.objects.filter(free, pk=run_id, attempts__lt=MAX_ATTEMPTS).update(
        status=Status.RUNNING,
        claim_token=token,
        lease_expires_at=now + lease(),
        attempts=F("attempts") + 1,
        started_at=now,
    )
    return token if claimed else None


def run_renew(*, run_id: int, token: uuid.UUID) -> bool:
    """Extend the lease of a run that is still ours."""
    held = AuditRun.objects.filter(pk=run_id, claim_token=token)
    return bool(held.update(lease_expires_at=timezone.now() + lease()))


def run_release(*, run_id: int, token: uuid.UUID) -> bool:
    """Put a claimed run back in the queue, for a fault worth retrying."""
    return run_finish(run_id=run_id, token=token, status=Status.QUEUED, queued_at=timezone.now())


def run_finish(*, run_id: int, token: uuid.UUID, **changes: object) -> bool:
    """Leave the claim with these changes; False, changing nothing, when the lease went to somebody else."""
    return bool(
        AuditRun.objects.filter(pk=run_id, claim_token=token, status=Status.RUNNING).update(
            claim_token=None, lease_expires_at=None, **changes
        )
    )


@transaction.atomic
def run_fail(*, run: AuditRun, token: uuid.UUID, error: str) -> bool:
    """Record that the audit could not be computed. An errored run is neither a pass nor a finding."""
    finished = run_finish(
        run_id=run.pk,
        token=token,
        status=Status.ERRORED,
        verdict=Verdict.ERRORED,
        error=error,
        finished_at=timezone.now(),
    )
    if finished:
        _record_errored(run)
    return finished


def _record_errored(run: AuditRun) -> None:
    ledger.record(
        action=Action.RUN_ERRORED,
        subject=run.subject,
        actor=None,
        payload={"version": f"model-version:{run.version_id}", "kind": run.kind},
    )


@transaction.atomic
def runs_sweep() -> list[int]:
    """Queue again what waits longer than a lease or lost its worker; give up on what killed its worker too often.

    Returns the ids that were queued again. A message that arrives twice does no harm: only one claim succeeds.
    """
    now = timezone.now()
    lost = Q(status=Status.RUNNING, lease_expires_at__lt=now)
    exhausted = AuditRun.objects.filter(lost | Q(status=Status.QUEUED), attempts__gte=MAX_ATTEMPTS)
    for run in exhausted.select_related("version__model"):
        _give_up(run)
    waiting = Q(status=Status.QUEUED, queued_at__lt=now - lease())
    due = AuditRun.objects.filter(waiting | lost, attempts__lt=MAX_ATTEMPTS)
    ids = list(due.order_by("pk").values_list("pk", flat=True))
    # A lost run is queued from here on, so that the next sweep does not send it once more.
    due.filter(pk__in=ids).update(
        status=Status.QUEUED, claim_token=None, lease_expires_at=None, queued_at=now
    )
    for run_id in ids:
        enqueue_run(run_id)
    return ids


def _give_up(run: AuditRun) -> None:
    stopped = AuditRun.objects.filter(pk=run.pk, status=run.status, claim_token=run.claim_token).update(
        status=Status.ERRORED,
        verdict=Verdict.ERRORED,
        error=f"given up after {MAX_ATTEMPTS} attempts: its worker died or its data could not be reached",
        claim_token=None,
        lease_expires_at=None,
        finished_at=timezone.now(),
    )
    if stopped:
        _record_errored(run)
        scorecard_compute(version=run.version)
