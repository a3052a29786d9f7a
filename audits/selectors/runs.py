"""Read audit plans, runs and their measurements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, QuerySet

from audits.models import AuditPlan, AuditRun, Measurement, RunPartition
from audits.selectors.windows import days_between


def plans() -> QuerySet[AuditPlan]:
    """Plans with their version and model, by model, newest version first, then by kind."""
    return AuditPlan.objects.select_related("version__model", "periodic_task").order_by(
        "version__model__name", "-version__number", "kind", "window"
    )


def runs() -> QuerySet[AuditRun]:
    """Runs, newest first, with version, model and snapshots, each with ``measurement_count``."""
    return (
        AuditRun.objects.select_related(
            "plan",
            "version__model",
            "current_snapshot__dataset",
            "reference_snapshot__dataset",
            "attributes_snapshot__dataset",
        )
        .annotate(measurement_count=Count("measurements"))
        .order_by("-pk")
    )


@dataclass(frozen=True, slots=True)
class RunSide:
    """What a run read on one side of its comparison: partitions, oldest first. The reference data are one of them."""

    partitions: tuple[RunPartition, ...]

    @property
    def start(self) -> date | None:
        """First day covered; None for data without days, such as the reference data."""
        return min(
            (p.snapshot.window_start for p in self.partitions if p.snapshot.window_start), default=None
        )

    @property
    def end(self) -> date | None:
        return max((p.snapshot.window_end for p in self.partitions if p.snapshot.window_end), default=None)

    @property
    def rows(self) -> int:
        return sum(partition.snapshot.rows for partition in self.partitions)

    @property
    def days(self) -> frozenset[date]:
        """Every day that some partition covers."""
        spans = ((p.snapshot.window_start, p.snapshot.window_end) for p in self.partitions)
        return frozenset(day for start, end in spans if start and end for day in days_between(start, end))


@dataclass(frozen=True, slots=True)
class RunData:
    """What a run over a data window read. ``missing_days`` lie between ``start`` and ``end``, in no partition."""

    start: date
    end: date
    current: RunSide
    reference: RunSide
    missing_days: tuple[date, ...]


def run_data(run: AuditRun) -> RunData | None:
    """The partitions of both sides, as they were when the run was queued; None without a data window. One query."""
    if run.data_start is None or run.data_end is None:
        return None
    read = list(run.partitions.select_related("snapshot__dataset"))
    current = RunSide(tuple(p for p in read if p.side == RunPartition.Side.CURRENT))
    reference = RunSide(tuple(p for p in read if p.side == RunPartition.Side.REFERENCE))
    covered = current.days
    missing = tuple(day for day in days_between(run.data_start, run.data_end) if day not in covered)
    return RunData(run.data_start, run.data_end, current, reference, missing)


def run_missing_days(run: AuditRun) -> list[date]:
    """Days of a run's data window of which no partition was there when it was queued; none without a data window."""
    data = run_data(run)
    return list(data.missing_days) if data else []


def measurements(run: AuditRun) -> QuerySet[Measurement]:
    """What one run measured, in the order of its audit kind."""
    return Measurement.objects.filter(run=run).order_by("pk")
