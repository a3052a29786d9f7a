"""Sensitive attributes: kept in a dataset of their own, and joined for an audit that names them, in the worker alone."""

from __future__ import annotations

from dataclasses import replace

from audits.kinds import AuditInput, AuditInputError, AuditParameters
from audits.models import AuditPlan, AuditRun
from audits.services.partitioned import SnapshotTable
from audits.tables import JoinedTable, Table
from governance.models import DatasetSnapshot
from models_registry.models import VersionSnapshot


def plan_attributes(plan: AuditPlan, current: DatasetSnapshot) -> DatasetSnapshot | None:
    """The attributes that a run of the plan joins to its current rows; None when it names none that these lack."""
    role = VersionSnapshot.Role.ATTRIBUTES
    data = plan.version.data.filter(role=role).select_related("snapshot__dataset").first()
    if data is None:
        return None
    wanted = _wanted(plan.checked_parameters, _names(current), _names(data.snapshot))
    return data.snapshot if wanted else None


def run_attributes_attached(run: AuditRun, audit_input: AuditInput) -> AuditInput:
    """The same input with the attributes that its parameters name beside the rows of each table that lacks them.

    Raises
    ------
    AuditInputError
        When the rows have no column to join by.
    CorruptEvidence
        When the stored attributes are no longer those that were registered.
    """
    snapshot = run.attributes_snapshot
    if snapshot is None:
        return audit_input
    attributes = SnapshotTable(snapshot)
    key = audit_input.parameters.attributes_key or snapshot.dataset.subject_key
    current = _joined(audit_input.current, attributes, key, audit_input.parameters)
    reference = audit_input.reference
    if reference is not None and key in reference.names:
        reference = _joined(reference, attributes, key, audit_input.parameters)
    return replace(audit_input, current=current, reference=reference)


def _joined(table: Table, attributes: SnapshotTable, key: str, parameters: AuditParameters) -> Table:
    if key not in table.names:
        raise AuditInputError(
            f"sensitive attributes are joined by {key!r}, which {table.label} lacks; give it that column, or name "
            "another in attributes_key"
        )
    wanted = _wanted(parameters, table.names, attributes.names)
    return JoinedTable(table, attributes, key, sorted(wanted)) if wanted else table


def _wanted(
    parameters: AuditParameters, at_hand: tuple[str, ...], attributes: tuple[str, ...]
) -> frozenset[str]:
    return (parameters.named_columns - set(at_hand)) & set(attributes)


def _names(snapshot: DatasetSnapshot) -> tuple[str, ...]:
    return tuple(column["name"] for column in snapshot.columns)
