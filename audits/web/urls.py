from django.urls import path

from audits.web import (
    findings,
    measurements,
    mitigations,
    models,
    monitoring,
    plans,
    reports,
    runs,
    scorecard,
)

urlpatterns = [
    path("scorecard/", scorecard.scorecard, name="scorecard"),
    path("models/", models.model_list, name="models"),
    path("models/<slug:name>/", models.model_detail, name="model"),
    path("models/<slug:name>/versions/<int:number>/", models.version_detail, name="version"),
    path(
        "models/<slug:name>/versions/<int:number>/artifact", models.version_download, name="version-artifact"
    ),
    path(
        "models/<slug:name>/versions/<int:number>/monitoring/",
        monitoring.version_monitoring,
        name="version-monitoring",
    ),
    path(
        "models/<slug:name>/versions/<int:number>/monitoring/columns.csv",
        monitoring.movers_csv,
        name="version-movers-csv",
    ),
    path("models/<slug:name>/versions/<int:number>/plans/", plans.version_plans, name="version-plans"),
    path("models/<slug:name>/versions/<int:number>/plans/new/", plans.plan_new, name="plan-new"),
    path("audit-plans/<int:plan_id>/", plans.plan_edit, name="plan-edit"),
    path("audit-plans/<int:plan_id>/active/", plans.plan_active, name="plan-active"),
    path("audit-plans/<int:plan_id>/archive/", plans.plan_archive, name="plan-archive"),
    path("runs/", runs.run_list, name="runs"),
    path("runs/<int:run_id>/", runs.run_detail, name="run"),
    path("runs/<int:run_id>/measurements.csv", measurements.run_csv, name="run-csv"),
    path("runs/<int:run_id>/candidate.json", mitigations.run_candidate, name="run-candidate"),
    path(
        "runs/<int:run_id>/measurements/<int:measurement_id>/",
        measurements.measurement_detail,
        name="measurement",
    ),
    path("runs/<int:run_id>/evidently-report/", reports.run_report, name="run-report"),
    path("runs/<int:run_id>/evidently-report/view/", reports.run_report_view, name="run-report-view"),
    path(
        "runs/<int:run_id>/evidently-report/request/", reports.run_report_request, name="run-report-request"
    ),
    path("audit-plans/<int:plan_id>/run/", runs.plan_run, name="plan-run"),
    path("findings/", findings.finding_list, name="findings"),
    path("findings/<int:finding_id>/", findings.finding_detail, name="finding"),
]
