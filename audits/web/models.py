"""Pages on models and versions, with the evidence on them."""

from __future__ import annotations

from django.db.models import Q
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render

from audits.selectors.comparison import same_audit, version_comparisons
from audits.selectors.evidence import evidence, scorecard_of
from audits.selectors.findings import findings
from audits.selectors.scorecards import scorecards_latest
from audits.web.charts import version_charts
from audits.web.forms import ModelFilter
from audits.web.headline import counted
from audits.web.runs import parameter_words
from governance.permissions import Permission, granted
from governance.store import store_open
from governance.web.access import page
from governance.web.lists import named, page_of, sorted_by, valid_values
from models_registry.models import ModelVersion, RegisteredModel
from models_registry.selectors.scans import scan_of
from models_registry.selectors.versions import models_registered, versions, versions_latest


@page(Permission.MODEL_READ)
def model_list(request: HttpRequest) -> HttpResponse:
    """Every registered model with its newest version and that version's risk."""
    rows = models_registered()
    form = ModelFilter(request.GET)
    wanted = valid_values(form)
    if q := wanted.get("q"):
        rows = rows.filter(named("name", q) | Q(description__icontains=q))
    if kind := wanted.get("kind"):
        rows = rows.filter(kind=kind)
    allowed = {"name": "name", "kind": "kind", "versions": "version_count", "registered": "registered_at"}
    listed = page_of(request, sorted_by(request, rows, allowed, "name"))
    newest = {version.model_id: version for version in versions_latest()}
    cards = {card.version_id: card for card in scorecards_latest()}
    for model in listed:
        model.newest = newest.get(model.pk)
        model.card = cards.get(model.newest.pk) if model.newest else None
    can_register = granted(request.user, Permission.MODEL_REGISTER)
    context = {
        "page": listed,
        "form": form,
        "can_register": can_register,
        "total": counted(len(newest), "model"),
    }
    return render(request, "models/list.html", context)


@page(Permission.MODEL_READ)
def model_detail(request: HttpRequest, name: str) -> HttpResponse:
    """One model and its versions."""
    model = get_object_or_404(RegisteredModel.objects.select_related("owner"), name=name)
    cards = {card.version_id: card for card in scorecards_latest().filter(version__model=model)}
    listed = page_of(request, versions().filter(model=model))
    for version in listed:
        version.card = cards.get(version.pk)
    return render(request, "models/detail.html", {"model": model, "page": listed})


def _version(name: str, number: int) -> ModelVersion:
    return get_object_or_404(versions(), model__name=name, number=number)


@page(Permission.MODEL_READ)
def version_detail(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """A version's facts, evidence, charts with intervals, data and findings."""
    version = _version(name, number)
    collected = evidence(version)
    others = version_comparisons(version)
    unsettled = findings().filter(version=version).exclude(status="closed")
    context = {
        "version": version,
        "metrics": version.metrics.items(),
        "hyperparameters": [
            (name, parameter_words(value)) for name, value in version.hyperparameters.items()
        ],
        "card": scorecard_of(version),
        "scan": scan_of(version.artifact_digest),
        "evidence": collected,
        "evidence_rows": [
            (item, others.get(same_audit(item.run)) if item.run else None) for item in collected
        ],
        "charts": version_charts(collected),
        "data": version.data.select_related("snapshot__dataset"),
        "findings": unsettled[:8],
        "findings_count": unsettled.count(),
        "finished": sum(1 for item in collected if item.run),
        "can_request": granted(request.user, Permission.AUDIT_REQUEST),
    }
    return render(request, "models/version.html", context)


@page(Permission.MODEL_READ)
def version_download(request: HttpRequest, name: str, number: int) -> HttpResponseBase:
    """The artefact as it was registered, its digest checked on the way out."""
    version = _version(name, number)
    path = store_open(version.artifact_digest)
    filename = f"{name}-v{number}.{version.artifact_format}"
    return FileResponse(path.open("rb"), as_attachment=True, filename=filename)
