"""Plan the audits of a version."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from audits.kinds import AuditInputError, AuditParameters, audit_kinds
from audits.models import AuditPlan
from audits.services.plan_checks import (
    check_data,
    checked_choice,
    checked_kind,
    checked_parameters,
    data_roles,
)
from audits.services.runs import run_schedule
from audits.services.schedules import plan_reschedule, plan_schedule, window_length
from audits.services.scorecards import scorecard_compute
from governance.actions import Action as LedgerAction
from governance.canonical import canonical_json
from governance.errors import AlreadyExists, InvalidInput, InvalidTransition
from governance.permissions import Permission, require
from governance.services import ledger
from models_registry.kinds import RequiredAudit
from models_registry.models import ModelVersion

log = logging.getLogger(__name__)
DataWindow = AuditPlan.DataWindow
Comparison = AuditPlan.Comparison
Action = AuditPlan.Action


@transaction.atomic
def plans_ensure(version: ModelVersion) -> list[AuditPlan]:
    """Give a version the plans that its kind requires, each with its schedule and its first run.

    Called when a version is registered; calling it again adds only what is missing.

    Raises
    ------
    InvalidInput
        When the version's audit parameters cannot be used; registration is then undone as a whole.
    """
    _check_parameters(version)
    plans = [_plan_ensure(version, required) for required in version.model.plugin.required_audits]
    scorecard_compute(
        version=version
    )  # nothing has run yet: the version stands at high risk from its first moment
    return plans


def plans_complete(version: ModelVersion) -> list[AuditPlan]:
    """Plan what a version's kind requires since it was registered, where its data and its audit parameters allow it.

    What cannot be planned stays missing evidence, which the scorecard counts as risk.
    """
    planned = set(version.plans.filter(required=True).values_list("kind", flat=True))
    roles = set(version.data.values_list("role", flat=True))
    wanted = [
        required
        for required in version.model.plugin.required_audits
        if required.slug not in planned
        and {required.current, required.reference or required.current} <= roles
    ]
    return [plan for required in wanted if (plan := _planned_later(version, required)) is not None]


def _planned_later(version: ModelVersion, required: RequiredAudit) -> AuditPlan | None:
    try:
        audit_kinds.get(required.slug).check(_parameters(version, required.slug))
        with transaction.atomic():
            return _plan_ensure(version, required)
    except (AuditInputError, InvalidInput) as error:
        log.info("version %s has no %s plan yet: %s", version.pk, required.slug, error)
        return None


def _check_parameters(version: ModelVersion) -> None:
    known = {kind.slug for kind in audit_kinds}
    for slug in version.audit_parameters:
        if slug not in known:
            raise InvalidInput(
                "audit_parameters", f"There is no audit kind {slug!r}; known: {', '.join(sorted(known))}."
            )
        _parameters(version, slug)


def _parameters(version: ModelVersion, slug: str) -> AuditParameters:
    values = version.audit_parameters.get(slug, {})
    if not isinstance(values, Mapping):
        raise InvalidInput("audit_parameters", f"{slug}: parameters must be a mapping of names to values.")
    try:
        return AuditParameters.from_json(values)
    except AuditInputError as error:
        raise InvalidInput("audit_parameters", f"{slug}: {error}") from error


def _plan_ensure(version: ModelVersion, required: RequiredAudit) -> AuditPlan:
    parameters = _parameters(version, required.slug)
    plan, created = AuditPlan.objects.get_or_create(
        version=version,
        kind=required.slug,
        required=True,
        defaults={
            "window": required.window,
            "current_role": required.current,
            "reference_role": required.reference,
            "parameters": parameters.to_json(),
            "created_at": timezone.now(),
        },
    )
    if created:
        _start(plan)
        ledger.record(
            action=LedgerAction.PLAN_CREATED,
            subject=plan.subject,
            actor=None,
            payload={"version": version.subject, "kind": plan.kind, "window": plan.window},
        )
        run_schedule(plan=plan, moment=plan.created_at)
    return plan


def _start(plan: AuditPlan) -> None:
    plan.periodic_task = plan_schedule(plan)
    plan.save(update_fields=["periodic_task"])


@transaction.atomic
def plan_create(
    *,
    actor: User,
    version: ModelVersion,
    kind: str,
    name: str,
    window: str = AuditPlan.Window.WEEK,
    data_window: str = DataWindow.SNAPSHOT,
    comparison: str = Comparison.REFERENCE,
    action: str = Action.RECORD,
    parameters: Mapping[str, Any] | None = None,
) -> AuditPlan:
    """Plan an audit beside those that the version's kind requires; it runs at once, or as soon as its data are there.

    Parameters
    ----------
    window : str
        How often it runs: ``day``, ``week`` or ``month``.
    data_window, comparison : str
        Which data it reads, and what it holds them against; see ``AuditPlan``.
    action : str
        ``record``, or ``suspend``: a failed run takes an approved version out of service.

    Raises
    ------
    InvalidInput
        Names the field: unknown kind, word, parameter, method, threshold or column, no data to read.
    AlreadyExists
        When the version has a plan of this kind, cadence, data and name.
    """
    actor = require(actor, Permission.AUDIT_PLAN)
    plugin = checked_kind(kind)
    current_role, reference_role = data_roles(version, plugin)
    plan = AuditPlan(
        version=version,
        kind=plugin.slug,
        name=_checked_name(name),
        window=checked_choice("window", window, AuditPlan.Window),
        data_window=checked_choice("data_window", data_window, DataWindow),
        comparison=checked_choice("comparison", comparison, Comparison),
        action=checked_choice("action", action, Action),
        current_role=current_role,
        reference_role=reference_role,
        parameters=checked_parameters(plugin, parameters or {}).to_json(),
        required=False,
        created_at=timezone.now(),
    )
    check_data(plan)
    _save(plan)
    _start(plan)
    ledger.record(
        action=LedgerAction.PLAN_CREATED,
        subject=plan.subject,
        actor=actor,
        payload={
            "version": version.subject,
            "kind": plan.kind,
            "window": plan.window,
            "data_window": plan.data_window,
            "comparison": plan.comparison,
            "action": plan.action,
            "parameters": canonical_json(plan.parameters).decode(),
        },
    )
    run_schedule(plan=plan, moment=plan.created_at)
    return plan


def _checked_name(name: str) -> str:
    name = name.strip()
    limit = AuditPlan._meta.get_field("name").max_length or 0
    if not name:
        raise InvalidInput("name", "Give the plan a name, so that people can tell it from others.")
    if len(name) > limit or "\0" in name:
        raise InvalidInput("name", f"Use at most {limit} characters, without control characters.")
    return name


def _save(plan: AuditPlan) -> None:
    try:
        with transaction.atomic():
            plan.save()
    except IntegrityError as error:
        raise AlreadyExists(
            f"This version has a plan {plan.name!r} of the same audit, cadence and data already; choose another name."
        ) from error


@transaction.atomic
def plan_change(
    *,
    actor: User,
    plan: AuditPlan,
    name: str | None = None,
    window: str | None = None,
    data_window: str | None = None,
    comparison: str | None = None,
    action: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    active: bool | None = None,
) -> bool:
    """Change what is given; the next run uses it, earlier runs keep what they were computed with.

    A required plan has no name, and never runs more rarely than its kind asks; what it reads, its method, its limits
    and what a failure does are for whoever may plan, and every change stands in the ledger with what was before.
    ``active`` pauses or resumes it, see ``plan_set_active``.

    Returns
    -------
    bool
        False when nothing was different.

    Raises
    ------
    InvalidInput, AlreadyExists
        As ``plan_create``; and for a required plan that would run more rarely.
    InvalidTransition
        When the plan is archived.
    """
    actor = require(actor, Permission.AUDIT_PLAN)
    plan = AuditPlan.objects.select_for_update(of=("self",)).select_related("version__model").get(pk=plan.pk)
    if plan.archived_at is not None:
        raise InvalidTransition("This plan is archived; make a new one.")
    before = _settings(plan)
    if name is not None:
        plan.name = _own_name(plan, name)
    if window is not None:
        plan.window = _often_enough(plan, checked_choice("window", window, AuditPlan.Window))
    if data_window is not None:
        plan.data_window = checked_choice("data_window", data_window, DataWindow)
    if comparison is not None:
        plan.comparison = checked_choice("comparison", comparison, Comparison)
    if action is not None:
        plan.action = checked_choice("action", action, Action)
    if parameters is not None:
        plan.parameters = checked_parameters(plan.plugin, parameters).to_json()
    changed = _change(plan, before, actor)
    paused = active is not None and plan_set_active(actor=actor, plan=plan, active=active)
    return changed or paused


def _own_name(plan: AuditPlan, name: str) -> str:
    if plan.required:
        raise InvalidInput("name", "A required plan is called after its audit; it cannot be renamed.")
    return _checked_name(name)


def _often_enough(plan: AuditPlan, window: AuditPlan.Window) -> AuditPlan.Window:
    required = next((r for r in plan.version.model.plugin.required_audits if r.slug == plan.kind), None)
    if plan.required and required and window_length(window) > window_length(required.window):
        raise InvalidInput(
            "window", f"This audit is required every {required.window}; it may run more often only."
        )
    return window


def _settings(plan: AuditPlan) -> dict[str, str]:
    names = ("name", "window", "data_window", "comparison", "action")
    return {
        **{name: str(getattr(plan, name)) for name in names},
        "parameters": canonical_json(plan.parameters).decode(),
    }


def _change(plan: AuditPlan, before: Mapping[str, str], actor: User) -> bool:
    after = _settings(plan)
    changed = {
        name: {"from": before[name], "to": after[name]} for name in after if after[name] != before[name]
    }
    if not changed:
        return False
    if changed.keys() & {"data_window", "comparison", "parameters"}:
        check_data(plan)
    _save(plan)
    if "window" in changed:
        plan_reschedule(plan)
    # A name may be any text, so the ledger, which can never be corrected, only says that it changed.
    payload: dict[str, Any] = {**changed, **({"name": True} if "name" in changed else {})}
    ledger.record(action=LedgerAction.PLAN_CHANGED, subject=plan.subject, actor=actor, payload=payload)
    return True


@transaction.atomic
def plan_remove(*, actor: User, plan: AuditPlan) -> bool:
    """Archive a plan: it no longer runs nor shows, and its runs stay on record. False when it was archived already.

    Raises
    ------
    InvalidTransition
        When the version's kind requires the plan: it can only be paused, which raises the risk.
    """
    actor = require(actor, Permission.AUDIT_PLAN)
    if plan.required:
        raise InvalidTransition("The model's kind requires this audit; it can be paused, not archived.")
    archived = AuditPlan.objects.filter(pk=plan.pk, archived_at__isnull=True).update(
        archived_at=timezone.now(), active=False
    )
    if not archived:
        return False
    if plan.periodic_task is not None:
        plan.periodic_task.delete()
    ledger.record(
        action=LedgerAction.PLAN_ARCHIVED,
        subject=plan.subject,
        actor=actor,
        payload={"version": plan.version.subject, "kind": plan.kind},
    )
    return True


@transaction.atomic
def plan_set_active(*, actor: User, plan: AuditPlan, active: bool) -> bool:
    """Pause or resume a plan and its schedule. Returns False when it already was so, or is archived.

    A required audit that is paused grows stale, and its risk rises.
    """
    actor = require(actor, Permission.AUDIT_PLAN)
    changed = AuditPlan.objects.filter(pk=plan.pk, active=not active, archived_at__isnull=True).update(
        active=active
    )
    if not changed:
        return False
    if plan.periodic_task is not None:
        plan.periodic_task.enabled = active
        plan.periodic_task.save()  # save, not update: beat watches the model's change signal
    ledger.record(
        action=LedgerAction.PLAN_CHANGED, subject=plan.subject, actor=actor, payload={"active": active}
    )
    return True
