"""What could be done about a disparity: the curves of a study, its candidates as files, and when one is worth offering."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404

from audits.kinds import Verdict, audit_kinds
from audits.metrics.mitigation.trade_off import Curve, Point, settings_of, trade_off
from audits.models import AuditRun, Measurement
from audits.selectors.runs import measurements, runs
from audits.web.charts import scale_of
from governance.permissions import Permission, granted
from governance.web.access import page

#: Slug of the kind that studies them.
MITIGATION = "mitigation"


@dataclass(frozen=True, slots=True)
class DrawnCurve:
    """A curve with its candidates by their number in the chart.

    ``told`` are today's model, the best, and those made for this measure; ``broken``: today's model breaks the tolerance.
    """

    curve: Curve
    told: tuple[tuple[int, Point], ...]
    other: tuple[tuple[int, Point], ...]
    broken: bool


def drawn_curves(run: AuditRun, rows: Sequence[Measurement]) -> list[DrawnCurve]:
    """Utility against disparity, by measure: those first that today's model breaks. None for a run of another kind."""
    if run.kind != MITIGATION:
        return []
    return sorted((_drawn(curve) for curve in trade_off(rows)), key=lambda drawn: not drawn.broken)


def _drawn(curve: Curve) -> DrawnCurve:
    numbered = tuple(enumerate(curve.points, 1))
    told = tuple(pair for pair in numbered if pair[1].today or pair[1].pareto or pair[1].targeted)
    broken = any(point.today and point.verdict in (Verdict.FAIL, Verdict.REVIEW) for point in curve.points)
    return DrawnCurve(curve, told, tuple(pair for pair in numbered if pair not in told), broken)


def can_mitigate(request: HttpRequest, run: AuditRun, rows: Sequence[Measurement]) -> bool:
    """Whether a study of mitigations is worth offering: a disparity fails, and the reader may plan audits."""
    known = any(kind.slug == MITIGATION for kind in audit_kinds)
    fails = any(row.verdict == Verdict.FAIL and scale_of(row) for row in rows)
    return known and fails and run.kind != MITIGATION and granted(request.user, Permission.AUDIT_PLAN)


@page(Permission.AUDIT_READ)
def run_candidate(request: HttpRequest, run_id: int) -> HttpResponse:
    """The settings of the candidate that ``?name=`` names, as a JSON file."""
    run = get_object_or_404(runs(), pk=run_id, kind=MITIGATION)
    name = request.GET.get("name", "")
    found = settings_of(measurements(run), name)
    if not found:
        raise Http404
    response = JsonResponse({"run": run.pk, "candidate": name, **found}, json_dumps_params={"indent": 2})
    response["Content-Disposition"] = f'attachment; filename="selvedge-run-{run.pk}-candidate.json"'
    return response
