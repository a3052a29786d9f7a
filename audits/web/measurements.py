"""One measurement in full, and all of a run's as a file."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from audits.models import Measurement
from audits.selectors.display import displayed
from audits.selectors.runs import measurements, runs
from audits.verdicts.disparity.disparities import DEFAULTS
from audits.web.charts import forests, scale_of
from governance.permissions import Permission
from governance.web.access import page

#: What starts a formula, full-width forms among them (OWASP, CSV injection).
FORMULA_STARTS = frozenset("=+-@\t\r\n＝＋－＠")
COLUMNS = ("name", "slice", "n", "value", "low", "high", "threshold", "verdict", "tolerance_used")
#: What stands beside a number in its detail, as columns of their own; the whole detail follows as JSON.
BESIDE = (
    "reference",
    "reference_n",
    "reference_group",
    "difference",
    "difference_low",
    "difference_high",
    "ratio",
    "ratio_low",
    "ratio_high",
    "test",
    "p",
    "p_adjusted",
    "reason",
)


@page(Permission.AUDIT_READ)
def measurement_detail(request: HttpRequest, run_id: int, measurement_id: int) -> HttpResponse:
    """One number: how its verdict was reached, and all that was recorded with it."""
    run = get_object_or_404(runs(), pk=run_id)
    measurement = displayed(get_object_or_404(measurements(run), pk=measurement_id))
    limits = run.parameters.get("thresholds", {})
    context = {
        "run": run,
        "words": run.plugin.words,
        "m": measurement,
        "scale": scale_of(measurement) if "tolerance" in measurement.detail else "",
        "chart": next(iter(forests(run, [measurement])), None),
        "alpha": limits.get("alpha", DEFAULTS["alpha"]) if isinstance(limits, Mapping) else DEFAULTS["alpha"],
        "recorded": [(name, _recorded(value)) for name, value in measurement.detail.items()],
    }
    return render(request, "runs/measurement.html", context)


def _recorded(value: object) -> object:
    """A number or a text as it is; what has parts, as JSON."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


@page(Permission.AUDIT_READ)
def run_csv(request: HttpRequest, run_id: int) -> HttpResponse:
    """A run's measurements as CSV."""
    run = get_object_or_404(runs(), pk=run_id)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="selvedge-run-{run.pk}.csv"'
    writer = csv.writer(response)
    writer.writerow([*COLUMNS, *BESIDE, "detail"])
    for measurement in map(displayed, measurements(run)):
        writer.writerow([_cell(value) for value in _csv_row(measurement)])
    return response


def _csv_row(measurement: Measurement) -> list[object]:
    detail = measurement.detail
    row = {column: getattr(measurement, column) for column in COLUMNS}
    if detail.get("suppressed"):
        row["n"] = f"fewer than {detail['fewer_than']}"
    beside = [detail.get(name) for name in BESIDE]
    return [*row.values(), *beside, json.dumps(detail, ensure_ascii=False, sort_keys=True) if detail else ""]


def _cell(value: object) -> object:
    """A text that a spreadsheet would take for a formula gets a leading apostrophe."""
    return f"'{value}" if isinstance(value, str) and value[:1] in FORMULA_STARTS else value
