"""Evidently's own report on a run: asked for by a person, made in a worker, kept as a file beside the run.

It illustrates a run on a bounded sample. No verdict is ever read from it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from audits.kinds import AuditParameters
from audits.metrics.groups.sampled_rows import Sample, sample_rows
from audits.models import AuditRun, EvidenceFile, RunPartition
from audits.selectors.profiles import FEWEST_ROWS
from audits.selectors.reports import REPORTED_KIND, report_offered
from audits.services.evidently_html import ReportFault, drift_report_html
from audits.services.execution import KIND_FAULTS
from audits.services.partitioned import PartitionedTable, SnapshotTable
from audits.services.queue import enqueue_report
from audits.services.report_samples import REPORT_ROWS, ReportSample, report_sample
from audits.tables import Table, TableError, columns_to_examine
from governance.actions import Action
from governance.errors import CorruptEvidence, InvalidInput
from governance.models import DatasetSnapshot
from governance.permissions import Permission, require
from governance.services import ledger
from governance.store import store_write

log = logging.getLogger(__name__)

Status = EvidenceFile.Status
Side = RunPartition.Side
#: The first try and as many as the task makes when the store is away.
MAX_ATTEMPTS = 6


@transaction.atomic
def report_request(*, actor: User, run: AuditRun) -> EvidenceFile:
    """Have Evidently's report on a run made; the one that is there or on its way is returned as it is.

    Raises
    ------
    InvalidInput
        When the run does not compare two tables.
    """
    actor = require(actor, Permission.AUDIT_REQUEST)
    if not report_offered(run):
        raise InvalidInput(
            "run", f"Evidently's report compares two tables; ask for it on a {REPORTED_KIND} run."
        )
    now = timezone.now()
    report, created = EvidenceFile.objects.exclude(status=Status.FAILED).get_or_create(
        run=run,
        kind=EvidenceFile.Kind.EVIDENTLY_HTML,
        defaults={"requested_by": actor, "created_at": now, "queued_at": now},
    )
    if created:
        _record(Action.REPORT_REQUESTED, report, actor)
        enqueue_report(report.pk)
    return report


def report_make(*, report_id: int) -> bool:
    """Make the file of a report that waits for it. Safe to call twice; False when there was nothing to do.

    Raises
    ------
    OSError
        When the evidence store cannot be reached: worth another try.
    """
    waiting = EvidenceFile.objects.filter(pk=report_id, status=Status.QUEUED, attempts__lt=MAX_ATTEMPTS)
    if not waiting.update(attempts=F("attempts") + 1):
        return False
    report = EvidenceFile.objects.select_related(
        "run__version__model", "run__current_snapshot__dataset", "run__reference_snapshot__dataset"
    ).get(pk=report_id)
    try:
        page, rows = _page(report.run)
        digest, size = store_write(lambda path: _write(path, page))
    except (ReportFault, TableError, CorruptEvidence) as error:
        return _report_fail(report, str(error))
    except SoftTimeLimitExceeded:
        return _report_fail(report, "it took longer than the time limit of a task")
    except KIND_FAULTS as error:
        log.exception("report %s could not be made", report.pk)
        return _report_fail(
            report, f"Evidently could not make it ({type(error).__name__}); an operator finds it in the log"
        )
    return _report_complete(report, digest=digest, byte_size=size, sample_rows=rows)


def _write(path: Path, page: str) -> None:
    path.write_text(page, encoding="utf-8")


def _page(run: AuditRun) -> tuple[str, int]:
    """The report as HTML, and how many rows it shows."""
    snapshots = {side: _snapshots(run, side) for side in (Side.REFERENCE, Side.CURRENT)}
    reference, current = (_table(side, rows) for side, rows in snapshots.items())
    asked = AuditParameters.from_json(run.parameters).columns
    names = columns_to_examine(asked, current, reference)
    sides = [
        sample_rows(table, names, (run.seed, place), REPORT_ROWS)
        for place, table in enumerate((reference, current))
    ]
    keys = {snapshot.dataset.subject_key for rows in snapshots.values() for snapshot in rows}
    sample = report_sample(sides[0], sides[1], names, identifying=keys)
    page = drift_report_html(
        sample.columns, title=f"Evidently's report on run {run.pk}", notice=_notice(run, sides, sample)
    )
    return page, sum(side.rows for side in sides)


def _snapshots(run: AuditRun, side: str) -> list[DatasetSnapshot]:
    """What a run read on one side: the partitions of its data window, otherwise one snapshot."""
    partitions = run.partitions.filter(side=side).select_related("snapshot__dataset")
    one = run.reference_snapshot if side == Side.REFERENCE else run.current_snapshot
    return [partition.snapshot for partition in partitions] or ([one] if one else [])


def _table(side: str, snapshots: Sequence[DatasetSnapshot]) -> Table:
    tables = [SnapshotTable(snapshot) for snapshot in snapshots]
    return tables[0] if len(tables) == 1 else PartitionedTable(f"the {side} data", tables)


def _notice(run: AuditRun, sides: Sequence[Sample], sample: ReportSample) -> str:
    reference, current = sides
    parts = [
        f"Evidently's own report on run {run.pk} ({run.version.title}), on a sample: {reference.rows:,} of "
        f"{reference.table_rows:,} reference rows and {current.rows:,} of {current.table_rows:,} current rows. "
        "The run's verdict does not come from this file; Evidently's words below are about the sample. "
        f"(rare) stands for categories of fewer than {FEWEST_ROWS} sampled rows."
    ]
    if sample.left_out:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in sample.left_out.items())
        parts.append(f"Left out: {reasons}.")
    return " ".join(parts)


@transaction.atomic
def _report_complete(report: EvidenceFile, **changes: object) -> bool:
    """Keep the file, unless another worker was first."""
    done = _finish(report, Status.READY, **changes)
    if done:
        report.refresh_from_db()
        _record(Action.REPORT_COMPLETED, report, None, digest=report.digest, rows=report.sample_rows)
    return done


@transaction.atomic
def _report_fail(report: EvidenceFile, error: str) -> bool:
    failed = _finish(report, Status.FAILED, error=error)
    if failed:
        _record(Action.REPORT_FAILED, report, None)
    return failed


def _finish(report: EvidenceFile, status: str, **changes: object) -> bool:
    waiting = EvidenceFile.objects.filter(pk=report.pk, status=Status.QUEUED)
    return bool(waiting.update(status=status, finished_at=timezone.now(), **changes))


def _record(action: Action, report: EvidenceFile, actor: User | None, **payload: str | int) -> None:
    ledger.record(
        action=action,
        subject=report.subject,
        actor=actor,
        payload={"run": report.run.subject, "kind": report.kind, **payload},
    )


def reports_sweep() -> list[int]:
    """Queue again the reports that wait longer than a task may take; give up on what was tried too often.

    Returns the ids that were queued again. A message that arrives twice does no harm: one result is kept.
    """
    now = timezone.now()
    late = Q(queued_at__lt=now - timedelta(seconds=settings.CELERY_TASK_TIME_LIMIT))
    overdue = EvidenceFile.objects.filter(late, status=Status.QUEUED)
    for report in overdue.filter(attempts__gte=MAX_ATTEMPTS).select_related("run"):
        _report_fail(
            report, f"given up after {MAX_ATTEMPTS} attempts: its worker died, or the store was away"
        )
    with transaction.atomic():
        ids = list(overdue.filter(attempts__lt=MAX_ATTEMPTS).order_by("pk").values_list("pk", flat=True))
        EvidenceFile.objects.filter(pk__in=ids).update(queued_at=now)
        for report_id in ids:
            enqueue_report(report_id)
    return ids
