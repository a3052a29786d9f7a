"""Pages on audit runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from audits.models import AuditPlan, AuditRun, Measurement
from audits.selectors.comparison import comparable_versions, compared_with
from audits.selectors.display import displayed
from audits.selectors.evidence import worst_measurement
from audits.selectors.reports import report_of, report_offered
from audits.selectors.runs import measurements, run_data, runs
from audits.services.runs import run_request
from audits.web.charts import DRAWN, SHOWN, Chart, drift_chart, forests, worst_first
from audits.web.forms import RunFilter
from audits.web.headline import run_headline
from audits.web.mitigations import can_mitigate, drawn_curves
from audits.web.monitoring_words import comparison_words, missing_words
from audits.web.run_tables import (
    MANY,
    PER_PAGE,
    PER_PAGE_COMPARED,
    MeasurementFilter,
    compares_groups,
    filtered,
    ordered,
    table_page,
)
from governance.errors import InvalidTransition
from governance.permissions import Permission, granted, require
from governance.web.access import page
from governance.web.lists import named, page_of, sorted_by, valid_values

#: Measurements of two versions that are laid side by side at once.
PAIRS = 12


@page(Permission.AUDIT_READ)
def run_list(request: HttpRequest) -> HttpResponse:
    """Every run, newest first."""
    rows = runs()
    form = RunFilter(request.GET)
    wanted = valid_values(form)
    if wanted.get("q"):
        rows = rows.filter(named("version__model__name", wanted["q"]))
    for field in ("kind", "status", "verdict"):
        if wanted.get(field):
            rows = rows.filter(**{field: wanted[field]})
    allowed = {"run": "pk", "model": "version__model__name", "audit": "kind", "finished": "finished_at"}
    listed = page_of(request, sorted_by(request, rows, allowed, "-run"))
    return render(request, "runs/list.html", {"page": listed, "form": form})


@page(Permission.AUDIT_READ)
def run_detail(request: HttpRequest, run_id: int) -> HttpResponse:
    """One run: what was computed, on which data, and how to compute it again."""
    run = get_object_or_404(runs(), pk=run_id)
    rows = [displayed(row) for row in measurements(run)]
    data = run_data(run)
    context = {
        "run": run,
        "words": run.plugin.words,
        "data": data,
        "against": comparison_words(run.data_window, run.comparison),
        "missing": missing_words(data.missing_days) if data else "",
        "simulated": _simulated(run),
        "headline": run_headline(run, rows),
        "opening": _opening(run, rows),
        "parameters": [(name, parameter_words(value)) for name, value in run.parameters.items()],
        "drift": drift_chart(run, rows) if run.kind == "data-drift" else None,
        "report_offered": report_offered(run),
        "report": report_of(run) if report_offered(run) else None,
        "can_request": granted(request.user, Permission.AUDIT_REQUEST),
        "curves": drawn_curves(run, rows),
        "can_mitigate": can_mitigate(request, run, rows),
        **_table(request, run, rows),
        **_comparison(request, run, rows),
    }
    return render(request, "runs/detail.html", context)


def _simulated(run: AuditRun) -> list[str]:
    """What of the data that the run read is simulated, each said once."""
    snapshots = (run.current_snapshot, run.reference_snapshot, run.attributes_snapshot)
    texts = (snapshot.dataset.simulated for snapshot in snapshots if snapshot is not None)
    return [text for text in dict.fromkeys(texts) if text]


def _opening(run: AuditRun, rows: Sequence[Measurement]) -> Measurement | None:
    """The number that the page opens with: the worst of those with a limit, else the first that has a value."""
    if not run.finished:
        return None
    limited = [row for row in rows if row.tolerance_used is not None]
    return worst_measurement(limited) or next((row for row in rows if row.value is not None), None)


def _table(request: HttpRequest, run: AuditRun, rows: list[Measurement]) -> dict[str, Any]:
    """The table of measurements and the forests above it; of one metric, both show the same groups."""
    words, compared = run.plugin.words, compares_groups(rows)
    form = MeasurementFilter(request.GET, rows, lambda name: words[name].label if name in words else name)
    per_page = PER_PAGE_COMPARED if compared else PER_PAGE
    listed = table_page(request, ordered(request, filtered(form, rows), compared), per_page)
    one = bool(valid_values(form).get("metric"))
    drawn = listed.object_list if one else filtered(form, rows)
    charts = sorted(forests(run, drawn, len(rows) if one else SHOWN), key=_chart_order)
    loud = [chart for chart in charts if not chart.quiet] or charts[:1]
    shown = loud[:DRAWN]
    return {
        "page": listed,
        "compared": compared,
        "filter": form if len(rows) >= MANY and form.fields else None,
        "forests": shown,
        "folded": [chart for chart in charts if chart not in shown],
    }


def _chart_order(chart: Chart) -> tuple[int, float]:
    worst = min((worst_first(row.measurement) for row in chart.rows), default=(0, 0.0, 0))
    return worst[0], worst[1]


def _comparison(request: HttpRequest, run: AuditRun, rows: Sequence[Measurement]) -> dict[str, Any]:
    """The same audit of the version that ``?with=`` names, and which versions can be named."""
    if run.status != AuditRun.Status.COMPLETED:
        return {}
    offered = comparable_versions(run)
    wanted = request.GET.get("with", "")
    number = int(wanted) if wanted.isascii() and wanted.isdecimal() and len(wanted) < 10 else None
    found = compared_with(run, rows, offered[number]) if number in offered else None
    pairs = found.pairs if found else ()
    shown = pairs if request.GET.get("all") == "yes" else pairs[:PAIRS]
    return {
        "versions": list(offered),
        "comparison": found,
        "unknown_version": wanted if wanted and not found else "",
        "shown_pairs": shown,
        "pairs_left": len(pairs) - len(shown),
    }


def parameter_words(value: object) -> str:
    """A parameter as a person reads it: lists with commas, thresholds with their names."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {limit}" for name, limit in sorted(value.items()))
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


@require_POST
@page(Permission.AUDIT_REQUEST)
def plan_run(request: HttpRequest, plan_id: int) -> HttpResponse:
    """Ask for a run now."""
    plan = get_object_or_404(AuditPlan.objects.select_related("version__model"), pk=plan_id)
    try:
        run = run_request(actor=require(request.user, Permission.AUDIT_REQUEST), plan=plan)
    except InvalidTransition as error:
        messages.warning(request, str(error))
        return redirect("version", plan.version.model.name, plan.version.number)
    messages.success(request, "The run is queued. This page shows its result when a worker has computed it.")
    return redirect("run", run.pk)
