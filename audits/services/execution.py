"""Compute one run and act on its result."""

from __future__ import annotations

import logging
import math
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import DataError, IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from audits.kinds import AuditInput, AuditInputError, AuditParameters, Verdict, worst_verdict
from audits.kinds import Measurement as Measured
from audits.models import AuditPlan, AuditRun, Measurement, RunPartition
from audits.services.attributes import run_attributes_attached
from audits.services.findings import findings_update
from audits.services.labels import version_labels_attached
from audits.services.partitioned import PartitionedTable, SnapshotTable
from audits.services.runs import Status, run_claim, run_fail, run_finish, run_release, run_renew
from audits.services.scorecards import scorecard_compute
from audits.services.suppression import small_groups_suppressed
from audits.services.timing import run_timing
from audits.services.windows import run_data_digest
from audits.tables import Table, TableError
from governance.actions import Action
from governance.canonical import canonical_json, sha256_hex
from governance.errors import CorruptEvidence
from governance.models import Dataset, DatasetSnapshot
from governance.services import ledger
from models_registry.models import ModelVersion
from models_registry.services.versions import version_suspend

log = logging.getLogger(__name__)
Side = RunPartition.Side

#: What a fault of an audit kind itself looks like, in its computation or when its result is stored.
KIND_FAULTS = (
    ValueError,
    ArithmeticError,
    LookupError,
    TypeError,
    AttributeError,
    RuntimeError,
    MemoryError,
    DataError,
    IntegrityError,
)


def run_execute(*, run_id: int) -> bool:
    """Claim, compute and complete one run. Safe to call twice for the same run; False when there was nothing to do.

    Raises
    ------
    OSError
        When the evidence store cannot be reached: the run is back in the queue and worth retrying.
    """
    token = run_claim(run_id=run_id)
    if token is None:
        return False
    run = AuditRun.objects.select_related(
        "version__model",
        "plan",
        "current_snapshot__dataset",
        "reference_snapshot__dataset",
        "attributes_snapshot__dataset",
    ).get(pk=run_id)
    try:
        with _lease_kept(run_id, token):
            measurements = run.plugin.run(_audit_input(run))
        if not measurements:
            return _fail(run, token, "the audit measured nothing")
        shown = small_groups_suppressed(measurements, AuditParameters.from_json(run.parameters))
        return run_complete(run=run, token=token, measurements=shown)
    except OSError:
        run_release(run_id=run_id, token=token)
        raise
    except SoftTimeLimitExceeded:
        return _fail(run, token, "it took longer than the time limit of a run")
    except (AuditInputError, TableError, CorruptEvidence) as error:
        return _fail(run, token, str(error))
    except KIND_FAULTS as error:
        # The run must still end, and as errored, not as retried for ever.
        log.exception("audit run %s failed in its kind", run_id)
        return _fail(
            run,
            token,
            f"the audit could not be computed ({type(error).__name__}); an operator finds it in the log",
        )


@transaction.atomic
def _fail(run: AuditRun, token: uuid.UUID, error: str) -> bool:
    failed = run_fail(run=run, token=token, error=error)
    if failed:
        scorecard_compute(version=run.version)
    return failed


def _audit_input(run: AuditRun) -> AuditInput:
    given = AuditInput(
        current=_table(run, Side.CURRENT, run.current_snapshot),
        reference=_table(run, Side.REFERENCE, run.reference_snapshot) if run.reference_snapshot else None,
        parameters=AuditParameters.from_json(run.parameters),
        seed=run.seed,
        timing=run_timing(run),
        promises=_promises(run.current_snapshot.dataset),
    )
    return run_attributes_attached(run, version_labels_attached(run.version, given))


def _promises(dataset: Dataset) -> dict[str, float]:
    return {"days": float(dataset.retention_days)} if dataset.retention_days else {}


def _table(run: AuditRun, side: str, snapshot: DatasetSnapshot) -> Table:
    """One side of a run: its snapshot, or all the partitions of its data window. Evidence is checked before use."""
    found = [p.snapshot for p in run.partitions.filter(side=side).select_related("snapshot__dataset")]
    tables = [SnapshotTable(s) for s in found or [snapshot]]
    table = tables[0] if len(tables) == 1 else PartitionedTable(_window_label(run, side, tables), tables)
    table.verify()
    return table


def _window_label(run: AuditRun, side: str, tables: Sequence[SnapshotTable]) -> str:
    if side == Side.CURRENT:
        return f"{run.current_snapshot.dataset.name} from {run.data_start} to {run.data_end}"
    first, last = tables[0].snapshot, tables[-1].snapshot
    return f"{first.dataset.name} from {first.window_start} to {last.window_end}"


@contextmanager
def _lease_kept(run_id: int, token: uuid.UUID) -> Iterator[None]:
    """Renew the lease from a thread while the computation holds the worker."""
    done = threading.Event()

    def renew() -> None:
        try:
            while not done.wait(settings.AUDIT_LEASE_SECONDS / 3):
                try:
                    run_renew(run_id=run_id, token=token)
                except OperationalError as error:  # one renewal may fail: the lease is three renewals long
                    log.warning("the lease of run %s was not renewed: %s", run_id, error)
        finally:
            connection.close()

    thread = threading.Thread(target=renew, name=f"lease of run {run_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@transaction.atomic
def run_complete(*, run: AuditRun, token: uuid.UUID, measurements: list[Measured]) -> bool:
    """Store the result: measurements, findings, scorecard, ledger; suspend a failed version where the plan says so.

    Returns False, changing nothing, when the lease was lost to another worker meanwhile.
    """
    verdict = worst_verdict(measurements)
    digest = _result_digest(measurements)
    finished = run_finish(
        run_id=run.pk,
        token=token,
        status=Status.COMPLETED,
        verdict=verdict,
        result_digest=digest,
        finished_at=timezone.now(),
    )
    if not finished:
        return False
    # One result of a version at a time: its findings and its scorecard are read, judged and written.
    ModelVersion.objects.select_for_update(no_key=True).get(pk=run.version_id)
    stored = Measurement.objects.bulk_create([_row(run, m) for m in measurements], batch_size=500)
    findings_update(run=run, measurements=stored)
    ledger.record(
        action=Action.RUN_COMPLETED,
        subject=run.subject,
        actor=None,
        payload={
            "version": run.version.subject,
            "kind": run.kind,
            "verdict": verdict.value,
            "data": run_data_digest(run) or run.current_snapshot.digest,
            **({"attributes": run.attributes_snapshot.digest} if run.attributes_snapshot else {}),
            "result": digest,
        },
    )
    scorecard_compute(version=run.version)
    if verdict is Verdict.FAIL and run.plan.action == AuditPlan.Action.SUSPEND:
        version_suspend(version=run.version, actor=None, reason=f"{run.kind} failed in run {run.pk}")
    return True


def _result_digest(measurements: list[Measured]) -> str:
    return sha256_hex(canonical_json([_plain(m.to_json()) for m in measurements]))


def _row(run: AuditRun, m: Measured) -> Measurement:
    return Measurement(
        run=run,
        name=m.name,
        slice=m.slice,
        n=m.n,
        value=_finite(m.value),
        low=_finite(m.low),
        high=_finite(m.high),
        threshold=_finite(m.threshold),
        tolerance_used=_finite(m.tolerance_used),
        verdict=m.verdict,
        detail=_plain(dict(m.detail)),
    )


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _plain(value: Any) -> Any:
    """JSON that every database keeps: numbers that are not finite become null."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float):
        return _finite(value)
    return value
