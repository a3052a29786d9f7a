"""Which snapshots a run of a plan reads: those in the version's roles, or the partitions of a data window."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from audits.kinds import AuditInputError
from audits.models import AuditPlan, AuditRun, RunPartition
from audits.selectors.windows import DataWindow, compared_with, data_window
from audits.services.attributes import plan_attributes
from governance.canonical import canonical_json, sha256_hex
from governance.models import DatasetSnapshot

Side = RunPartition.Side


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanData:
    """``current`` and ``reference`` name the data in lists; ``partitions`` are all that a data window merges."""

    current: DatasetSnapshot
    reference: DatasetSnapshot | None
    attributes: DatasetSnapshot | None = None
    start: date | None = None
    end: date | None = None
    partitions: tuple[tuple[str, DatasetSnapshot], ...] = ()

    def rows(self, run: AuditRun) -> list[RunPartition]:
        """What ties the run to its partitions, not yet saved."""
        return [RunPartition(run=run, snapshot=snapshot, side=side) for side, snapshot in self.partitions]

    def same_as(self, run: AuditRun) -> bool:
        """Whether a run read exactly these partitions, and these attributes beside them."""
        known = {(side, snapshot.pk) for side, snapshot in self.partitions}
        attributes = self.attributes.pk if self.attributes else None
        return (
            bool(known)
            and run.attributes_snapshot_id == attributes
            and known == set(run.partitions.values_list("side", "snapshot"))
        )


def plan_data(plan: AuditPlan) -> PlanData:
    """Find what a run of a plan would read now.

    Raises
    ------
    AuditInputError
        When the plan's data window, or what it is compared with, is not there yet; the message says what it waits for.
    """
    roles = {d.role: d.snapshot for d in plan.version.data.select_related("snapshot__dataset")}
    reference = roles[plan.reference_role] if plan.reference_role else None
    if plan.data_window == AuditPlan.DataWindow.SNAPSHOT:
        data = PlanData(current=roles[plan.current_role], reference=reference)
    else:
        window = data_window(plan.version, plan.data_window)
        data = _windowed(window, _compared(plan, window, reference))
    return replace(data, attributes=plan_attributes(plan, data.current))


def _compared(
    plan: AuditPlan, window: DataWindow, reference: DatasetSnapshot | None
) -> list[DatasetSnapshot]:
    if plan.comparison == AuditPlan.Comparison.REFERENCE:
        return [reference] if reference else []
    return compared_with(plan.version, window, plan.comparison)


def _windowed(window: DataWindow, compared: list[DatasetSnapshot]) -> PlanData:
    return PlanData(
        current=window.snapshots[-1],
        reference=compared[-1] if compared else None,
        start=window.start,
        end=window.end,
        partitions=(
            *((Side.CURRENT.value, snapshot) for snapshot in window.snapshots),
            *((Side.REFERENCE.value, snapshot) for snapshot in compared),
        ),
    )


def plan_waits_for(plan: AuditPlan) -> str:
    """Why a plan cannot run yet, in words; empty when it can."""
    try:
        plan_data(plan)
    except AuditInputError as error:
        return str(error)
    return ""


def run_data_digest(run: AuditRun) -> str:
    """SHA-256 over the digests of all partitions that a run read, by side; empty for a run without a data window."""
    sides: dict[str, list[str]] = {}
    for side, digest in run.partitions.values_list("side", "snapshot__digest").order_by(
        "side", "snapshot__digest"
    ):
        sides.setdefault(side, []).append(digest)
    return sha256_hex(canonical_json(sides)) if sides else ""
