"""What a plan may say, checked before it is stored: an audit that cannot run should not be planned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from django.db.models import TextChoices

from audits.kinds import AuditInputError, AuditKind, AuditParameters, audit_kinds
from audits.models import AuditPlan
from governance.errors import InvalidInput
from governance.models import DatasetSnapshot
from models_registry.models import ModelVersion, VersionSnapshot

Choice = TypeVar("Choice", bound=TextChoices)
DataWindow = AuditPlan.DataWindow
Role = VersionSnapshot.Role
#: Parameters that name a column, or several.
COLUMN_PARAMETERS = (
    "columns", "sensitive", "strata", "y_true", "y_pred", "baseline", "entity", "labels_id", "quasi_identifiers",
    "sensitive_value", "roles",
)  # fmt: skip


def checked_kind(slug: str) -> AuditKind:
    try:
        return audit_kinds.get(slug)
    except LookupError as error:
        raise InvalidInput("kind", str(error)) from error


def checked_choice(field: str, value: str, choices: type[Choice]) -> Choice:
    """The value as a member of a closed vocabulary. Raises ``InvalidInput`` that lists the vocabulary."""
    try:
        return choices(value)
    except ValueError as error:
        raise InvalidInput(field, f"{value!r} is not one of: {', '.join(choices.values)}.") from error


def checked_parameters(kind: AuditKind, values: Mapping[str, Any]) -> AuditParameters:
    """The parameters as the kind will read them. Raises ``InvalidInput`` that names what it cannot use."""
    try:
        parameters = AuditParameters.from_json(values)
        kind.check(parameters)
    except AuditInputError as error:
        raise InvalidInput("parameters", f"{str(error)[:1].upper()}{str(error)[1:]}.") from error
    return parameters


def data_roles(version: ModelVersion, kind: AuditKind) -> tuple[str, str]:
    """The roles of the current and the reference data that a kind reads.

    As the version's model kind requires, else as the audit kind says; the reference only where the version has it.
    """
    required = next((r for r in version.model.plugin.required_audits if r.slug == kind.slug), None)
    current, reference = (required.current, required.reference) if required else kind.reads
    roles = set(version.data.values_list("role", flat=True))
    return current, reference if reference in roles else ""


def check_data(plan: AuditPlan) -> None:
    """Refuse a plan, saved or not, that could not find its data or a column that it names.

    Raises
    ------
    InvalidInput
        Names the field and the remedy. Data that have yet to arrive are no reason: the plan waits for them.
    """
    roles = {d.role: d.snapshot for d in plan.version.data.select_related("snapshot")}
    if plan.data_window == DataWindow.SNAPSHOT:
        _check_snapshot(plan, roles)
    elif plan.version.monitored_dataset_id is None:
        raise InvalidInput(
            "data_window", "This version has no monitored dataset; say first where its new inputs arrive."
        )
    if plan.plugin.needs_reference and not plan.reference_role and _against_reference(plan):
        raise InvalidInput(
            "comparison", f"{plan.plugin.label} compares two tables, and this version has no reference data."
        )
    current = _newest_partition(plan.version) if plan.data_window != DataWindow.SNAPSHOT else None
    _check_columns(
        plan,
        [
            current or roles.get(plan.current_role),
            roles.get(plan.reference_role),
            roles.get(Role.LABELS),
            roles.get(Role.ATTRIBUTES),
        ],
    )


def _against_reference(plan: AuditPlan) -> bool:
    return plan.comparison == AuditPlan.Comparison.REFERENCE


def _check_snapshot(plan: AuditPlan, roles: Mapping[str, DatasetSnapshot]) -> None:
    if not _against_reference(plan):
        raise InvalidInput(
            "comparison", "A snapshot as registered has no window before it; choose a data window of days."
        )
    if plan.current_role not in roles:
        raise InvalidInput(
            "kind", f"{plan.plugin.label} reads {plan.current_role!r} data; this version has none."
        )


def _newest_partition(version: ModelVersion) -> DatasetSnapshot | None:
    partitions = DatasetSnapshot.objects.filter(
        dataset=version.monitored_dataset_id, window_start__isnull=False
    )
    return partitions.order_by("-window_end", "-registered_at", "-pk").first()


def _check_columns(plan: AuditPlan, snapshots: Sequence[DatasetSnapshot | None]) -> None:
    known = list(dict.fromkeys(c["name"] for s in snapshots if s is not None for c in s.columns))
    if not known:
        return
    for parameter in COLUMN_PARAMETERS:
        named = plan.parameters.get(parameter) or []
        named = list(named.values()) if isinstance(named, Mapping) else named
        for column in [named] if isinstance(named, str) else named:
            if column not in known:
                raise InvalidInput(
                    parameter, f"There is no column {column!r}; known: {', '.join(known[:30])}."
                )
