"""The plans of a version: list, pause and resume, plan and change with a dry run, archive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST
from django.views.decorators.vary import vary_on_headers

from audits.kinds import AuditKind, audit_kinds
from audits.models import AuditPlan, AuditRun
from audits.selectors.dry_runs import DryRun, dry_run
from audits.selectors.monitoring import MONITORED_WINDOWS
from audits.selectors.runs import plans
from audits.services.plan_checks import data_roles
from audits.services.plans import plan_change, plan_create, plan_remove, plan_set_active
from audits.services.schedules import CRONTABS, window_length, window_start
from audits.web.headline import counted
from audits.web.monitoring import watched_version
from audits.web.monitoring_words import dry_run_words
from audits.web.plan_form import PlanForm
from governance.errors import AlreadyExists, InvalidInput, InvalidTransition
from governance.permissions import Permission, granted, require
from governance.web.access import page
from models_registry.models import ModelVersion, VersionSnapshot

#: Weeks of past windows that a dry run looks at.
DRY_RUN_WEEKS = 13


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One line of the list. ``run`` is the plan's latest finished run."""

    plan: AuditPlan
    run: AuditRun | None
    next_run: datetime

    @property
    def settings(self) -> str:
        """Columns and method, where the plan names some."""
        columns = self.plan.parameters.get("columns") or []
        count = counted(len(columns), "column", capital=False) if columns else ""
        return ", ".join(filter(None, [count, self.plan.parameters.get("method", "")]))


@page(Permission.AUDIT_READ)
def version_plans(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """Every plan of a version that is not archived, with its last verdict and its next run."""
    version = watched_version(name, number)
    rows = _rows(version)
    context = {
        "version": version,
        "headline": _headline([row.plan for row in rows]),
        "rows": rows,
        "can_plan": granted(request.user, Permission.AUDIT_PLAN),
        "can_request": granted(request.user, Permission.AUDIT_REQUEST),
    }
    return render(request, "plans/list.html", context)


def _rows(version: ModelVersion) -> list[PlanRow]:
    """Two queries, whatever the number of plans and of their runs."""
    finished = AuditRun.objects.filter(plan=OuterRef("pk"), finished_at__isnull=False)
    latest = Subquery(finished.order_by("-finished_at", "-pk").values("pk")[:1])
    found = list(plans().filter(version=version, archived_at__isnull=True).annotate(latest_run=latest))
    runs = AuditRun.objects.in_bulk([plan.latest_run for plan in found if plan.latest_run])
    now = timezone.now()
    return [PlanRow(plan, runs.get(plan.latest_run), next_run(plan.window, now)) for plan in found]


def _headline(found: Sequence[AuditPlan]) -> str:
    paused = sum(not plan.active for plan in found)
    if not found:
        return "Nothing is planned for this version."
    text = f"{counted(len(found), 'audit')} {'is' if len(found) == 1 else 'are'} planned"
    if not paused:
        return f"{text}."
    return f"{text}, {counted(paused, '', capital=False).split()[0]} of them paused."


def next_run(window: str, now: datetime) -> datetime:
    """When the scheduler starts a plan of this cadence next, from the same table as its schedule."""
    clock = CRONTABS[AuditPlan.Window(window)]
    start = window_start(window, now)
    for begin in (start, window_start(window, start + window_length(window) + timedelta(hours=12))):
        due = begin.replace(hour=int(clock["hour"]), minute=int(clock["minute"]))
        if due > now:
            return due
    raise ValueError(f"no run of a {window} lies after {now}")  # pragma: no cover


# One address answers the dry run's part or a whole page: the back button must not show the part as the page.
@vary_on_headers("HX-Request")
@page(Permission.AUDIT_PLAN)
def plan_new(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """Choose a kind, then plan an audit of it."""
    version = watched_version(name, number)
    kind = _kind(request.GET.get("kind", ""))
    if kind is None:
        kinds = sorted(audit_kinds, key=lambda known: (known.dimension, known.label))
        return render(request, "plans/kinds.html", {"version": version, "kinds": kinds})
    form = PlanForm(
        request.POST or None,
        kind=kind,
        columns=_columns(version, kind),
        watched=_watched(version, kind),
        start=_start(version, request.GET.get("from", "")),
    )
    if request.method != "POST" or not _saves(request, form):
        return _form_page(request, version, form, plan=None)
    actor = require(request.user, Permission.AUDIT_PLAN)
    try:
        plan = plan_create(
            actor=actor, version=version, kind=kind.slug, parameters=form.parameters(), **form.settings()
        )
    except (InvalidInput, AlreadyExists) as error:
        form.add_service_error(getattr(error, "field", ""), str(error))
        return _form_page(request, version, form, plan=None)
    messages.success(request, f"“{plan.name}” is planned. It runs by itself from now on.")
    return redirect(_list_address(version, plan))


@vary_on_headers("HX-Request")
@page(Permission.AUDIT_PLAN)
def plan_edit(request: HttpRequest, plan_id: int) -> HttpResponse:
    """Change a plan; its kind and its version stay."""
    plan = _plan(plan_id)
    version = watched_version(plan.version.model.name, plan.version.number)
    form = PlanForm(request.POST or None, kind=plan.plugin, columns=_columns(version, plan.plugin), plan=plan)
    if request.method != "POST" or not _saves(request, form):
        return _form_page(request, version, form, plan=plan)
    actor = require(request.user, Permission.AUDIT_PLAN)
    try:
        changed = plan_change(actor=actor, plan=plan, parameters=form.parameters(), **form.settings())
    except (InvalidInput, AlreadyExists) as error:
        form.add_service_error(getattr(error, "field", ""), str(error))
        return _form_page(request, version, form, plan=plan)
    said = (
        "The plan is changed; its next run uses it."
        if changed
        else "Nothing was different, so nothing changed."
    )
    messages.success(request, said)
    return redirect(_list_address(version, plan))


def _saves(request: HttpRequest, form: PlanForm) -> bool:
    """Whether the form is valid and meant to be saved, rather than tried."""
    return form.is_valid() and request.POST.get("do") != "dry-run"


def _form_page(
    request: HttpRequest, version: ModelVersion, form: PlanForm, plan: AuditPlan | None
) -> HttpResponse:
    heading = (
        f"Change “{plan.name or plan.plugin.label}”" if plan else f"Plan an audit: {form.kind.label.lower()}"
    )
    tried = request.method == "POST" and request.POST.get("do") == "dry-run" and form.is_valid()
    context = {
        "version": version,
        "form": form,
        "plan": plan,
        "heading": heading,
        "can_dry_run": form.kind.slug == "data-drift",
        **(_dry_run_context(version, form) if tried else {}),
    }
    status = 422 if form.errors else 200
    if request.headers.get("HX-Target") == "dry-run":
        return render(request, "plans/dry_run.html", context, status=status)
    return render(request, "plans/form.html", context, status=status)


def _dry_run_context(version: ModelVersion, form: PlanForm) -> dict[str, Any]:
    """What the plan as it stands in the form would have found in the past windows; nothing is stored."""
    data_window = form.cleaned_data["data_window"]
    if data_window not in MONITORED_WINDOWS:
        return {
            "dry_words": "A dry run looks at windows of a day, 7 days or 30 days; choose one of them above."
        }
    parameters = form.parameters()
    try:
        found: DryRun = dry_run(
            version,
            data_window=data_window,
            comparison=form.cleaned_data["comparison"],
            cadence=form.cleaned_data["window"],
            columns=parameters.get("columns", ()),
            method=parameters.get("method"),
            thresholds=parameters.get("thresholds", {}),
            days=7 * DRY_RUN_WEEKS,
        )
    except InvalidInput as error:
        form.add_service_error(error.field, str(error))
        return {}
    return {
        "dry": found,
        "dry_words": dry_run_words(found),
        "dry_days": [window.end for window in found.windows],
        "dry_fired": {window.end for window in found.fired},
        "dry_columns": Counter(column for window in found.fired for column in window.columns).most_common(),
        "dry_skipped": sorted({column for window in found.windows for column in window.skipped}),
    }


@require_POST
@page(Permission.AUDIT_PLAN)
def plan_active(request: HttpRequest, plan_id: int) -> HttpResponse:
    """Pause or resume a plan; the same button undoes it."""
    plan = _plan(plan_id)
    active = request.POST.get("active") == "yes"
    name = plan.name or plan.plugin.label
    if plan_set_active(actor=require(request.user, Permission.AUDIT_PLAN), plan=plan, active=active):
        if active:
            messages.success(request, f"“{name}” runs again.")
        elif plan.required:
            messages.success(
                request, f"“{name}” is paused. It is required: its risk rises until it is resumed."
            )
        else:
            messages.success(request, f"“{name}” is paused until somebody resumes it.")
    return redirect(_list_address(plan.version, plan))


@page(Permission.AUDIT_PLAN)
def plan_archive(request: HttpRequest, plan_id: int) -> HttpResponse:
    """Ask once, then take a plan of one's own out of use; its runs stay."""
    plan = _plan(plan_id)
    if request.method == "POST":
        try:
            plan_remove(actor=require(request.user, Permission.AUDIT_PLAN), plan=plan)
        except (InvalidInput, InvalidTransition) as error:
            messages.warning(request, str(error))
        else:
            messages.success(
                request, f"“{plan.name}” is archived. Its runs and their findings stay on record."
            )
        return redirect(_list_address(plan.version))
    context = {"plan": plan, "version": plan.version, "runs": plan.runs.count()}
    return render(request, "plans/archive.html", context)


def _plan(plan_id: int) -> AuditPlan:
    return get_object_or_404(plans().filter(archived_at__isnull=True), pk=plan_id)


def _kind(slug: str) -> AuditKind | None:
    return next((kind for kind in audit_kinds if kind.slug == slug), None)


def _start(version: ModelVersion, run: str) -> dict[str, Any]:
    """The parameters of the run that ``?from=`` names, if it is one of this version: a study of what it found."""
    if not (run.isascii() and run.isdecimal() and len(run) < 19):
        return {}
    found = AuditRun.objects.filter(pk=int(run), version=version).values_list("parameters", flat=True).first()
    return dict(found or {})


def _columns(version: ModelVersion, kind: AuditKind) -> list[str]:
    """Columns of the data that a kind reads: of the snapshots in its roles, of the newest partition, and attributes."""
    roles = [*data_roles(version, kind), VersionSnapshot.Role.ATTRIBUTES]
    snapshots = [d.snapshot for d in version.data.filter(role__in=roles).select_related("snapshot")]
    if version.monitored_dataset is not None:
        arrived = version.monitored_dataset.snapshots.filter(window_end__isnull=False)
        snapshots += arrived.order_by("-window_end", "-registered_at", "-pk")[:1]
    return list(dict.fromkeys(column["name"] for snapshot in snapshots for column in snapshot.columns))


def _watched(version: ModelVersion, kind: AuditKind) -> bool:
    """Whether what the kind reads are inputs, and new ones arrive."""
    current, _ = data_roles(version, kind)
    return version.monitored_dataset is not None and current == VersionSnapshot.Role.CURRENT


def _list_address(version: ModelVersion, plan: AuditPlan | None = None) -> str:
    address = reverse("version-plans", args=[version.model.name, version.number])
    return f"{address}?plan={plan.pk}#plan-{plan.pk}" if plan else address
