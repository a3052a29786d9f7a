"""Compute a version's risk scorecard from its latest audit runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from audits.kinds import Verdict, audit_kinds
from audits.metrics import risk
from audits.models import AuditRun, DimensionScore, Measurement, Scorecard
from audits.services.schedules import window_length
from governance.actions import Action
from governance.services import ledger
from models_registry.kinds import RequiredAudit
from models_registry.models import ModelVersion


@dataclass(frozen=True, slots=True)
class _Cell:
    """A candidate for a dimension's score."""

    score: int
    reason: str
    run: AuditRun | None = None
    measurement: Measurement | None = None


@transaction.atomic
def scorecard_compute(*, version: ModelVersion) -> Scorecard:
    """Score every dimension by its worst evidence and store a snapshot; an unchanged result adds no new one.

    Missing, stale, errored or insufficient evidence raises the score. The formulas are in ``audits.metrics.risk``.
    """
    # Two runs of a version that end at once would each be scored without the other; the second waits here.
    ModelVersion.objects.select_for_update(no_key=True).get(pk=version.pk)
    now = timezone.now()
    cells = _cells(version, now)
    overall = risk.overall([cell.score for cell in cells.values()])
    latest = Scorecard.objects.filter(version=version).order_by("-computed_at", "-pk").first()
    if latest is not None and _same(latest, overall, cells):
        return latest
    card = Scorecard.objects.create(
        version=version, computed_at=now, overall=overall, band=risk.band(overall)
    )
    DimensionScore.objects.bulk_create(
        DimensionScore(
            scorecard=card,
            dimension=dimension,
            score=cell.score,
            band=risk.band(cell.score),
            reason=cell.reason[:300],
            run=cell.run,
            measurement=cell.measurement,
        )
        for dimension, cell in cells.items()
    )
    ledger.record(
        action=Action.SCORECARD_COMPUTED,
        subject=version.subject,
        actor=None,
        payload={"overall": overall, "dimensions": {d: c.score for d, c in cells.items()}},
    )
    return card


def _same(latest: Scorecard, overall: int, cells: dict[str, _Cell]) -> bool:
    stored = {d.dimension: (d.score, d.run_id, d.measurement_id) for d in latest.dimensions.all()}
    fresh = {
        name: (c.score, c.run.pk if c.run else None, c.measurement.pk if c.measurement else None)
        for name, c in cells.items()
    }
    return latest.overall == overall and stored == fresh


def _cells(version: ModelVersion, now: datetime) -> dict[str, _Cell]:
    """The worst evidence of each dimension. Plans of one's own can raise a score; only required ones are missed."""
    found = [
        (required.slug, _audit_cell(version, required, now))
        for required in version.model.plugin.required_audits
    ]
    found += _own_cells(version, now)
    worst: dict[str, _Cell] = {}
    for kind, cell in found:
        dimension = audit_kinds.get(kind).dimension
        if dimension not in worst or cell.score > worst[dimension].score:
            worst[dimension] = cell
    return worst


def _own_cells(version: ModelVersion, now: datetime) -> list[tuple[str, _Cell]]:
    """What the audits that people planned beside the required ones found last, where they have run."""
    cells = []
    for plan in version.plans.filter(required=False, active=True, archived_at__isnull=True):
        run = _latest(plan.runs.all())
        if run is not None:
            label = f"“{plan.name}” ({plan.plugin.label.lower()})"
            cells.append((plan.kind, _timely(_run_cell(run, label), run, plan.window, now)))
    return cells


def _audit_cell(version: ModelVersion, required: RequiredAudit, now: datetime) -> _Cell:
    label = audit_kinds.get(required.slug).label
    # A plan of somebody's own, perhaps a lenient one, never stands in for the required one.
    run = _latest(AuditRun.objects.filter(version=version, kind=required.slug, plan__required=True))
    if run is None:
        return _Cell(risk.MISSING, f"{label} is required and has not run yet.")
    return _timely(_run_cell(run, label), run, required.window, now)


def _latest(runs: QuerySet[AuditRun]) -> AuditRun | None:
    """The newest finished run."""
    finished = [AuditRun.Status.COMPLETED, AuditRun.Status.ERRORED]
    return runs.filter(status__in=finished).order_by("-finished_at", "-pk").first()


def _timely(cell: _Cell, run: AuditRun, window: str, now: datetime) -> _Cell:
    """The same, or worse where the evidence is older than its window."""
    late = (now - (run.finished_at or now)) / window_length(window) - 1.0
    score = risk.with_staleness(cell.score, late)
    if score == cell.score:
        return cell
    return _Cell(
        score, f"{cell.reason} The evidence is overdue since its window ended.", cell.run, cell.measurement
    )


def _run_cell(run: AuditRun, label: str) -> _Cell:
    if run.status == AuditRun.Status.ERRORED:
        return _Cell(risk.ERRORED, f"{label} could not be computed: {run.error}", run)
    measurements = list(run.measurements.all())
    if run.verdict == Verdict.INSUFFICIENT and not any(m.verdict == Verdict.PASS for m in measurements):
        return _Cell(risk.INSUFFICIENT_RUN, f"{label} had too little data for any verdict.", run)
    scored = list(_scored(measurements))
    if not scored:
        return _Cell(risk.INSUFFICIENT_RUN, f"{label} measured nothing against a limit.", run)
    score, measurement = max(scored, key=lambda pair: pair[0])
    return _Cell(score, _reason(label, measurement), run, measurement)


def _scored(measurements: Iterable[Measurement]) -> Iterable[tuple[int, Measurement]]:
    for measurement in measurements:
        score = risk.measurement_score(measurement.verdict, measurement.tolerance_used)
        if score is not None:
            yield score, measurement


def _reason(label: str, m: Measurement) -> str:
    where = f" for {m.slice}" if m.slice else ""
    return f"{label}: {m.name}{where} {_STANDING[Verdict(m.verdict)]}."


_STANDING = {
    Verdict.PASS: "comes nearest to its limit, and passes",
    Verdict.REVIEW: "is beyond its limit, but not clearly; it needs a look",
    Verdict.FAIL: "is the furthest beyond its limit",
    Verdict.INSUFFICIENT: "has too little data for a verdict",
    Verdict.ERRORED: "could not be computed",
}
