"""Pages on models and versions, and the artefact's download."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audits.models import AuditPlan
from audits.selectors.evidence import evidence
from governance.store import store_path
from tests.factories import (
    AuditPlanFactory,
    AuditRunFactory,
    DimensionScoreFactory,
    FindingFactory,
    MeasurementFactory,
    ModelVersionFactory,
    RegisteredModelFactory,
    ScorecardFactory,
    artifact_stored,
)
from tests.house import house_register

HOSTILE = "region=<script>south</script>"


@pytest.fixture
def reader(client: Client, executive) -> Client:
    client.force_login(executive)
    return client


def listed(client: Client, query: str = "") -> list[str]:
    answer = client.get(f"/models/{query}")
    assert answer.status_code == 200
    return [model.name for model in answer.context["page"]]


def queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def test_models_are_sorted_by_name_and_on_request_otherwise(reader):
    for name, kind in (("b", "forecasting"), ("a", "segmentation"), ("c", "counterfeit-detection")):
        RegisteredModelFactory.create(name=name, kind=kind)
    assert listed(reader) == ["a", "b", "c"]
    assert listed(reader, "?sort=-name") == ["c", "b", "a"]
    assert listed(reader, "?sort=kind") == ["c", "b", "a"]
    assert listed(reader, "?sort=registered") == ["b", "a", "c"]


def test_models_are_found_by_name_title_description_and_kind(reader):
    RegisteredModelFactory.create(name="demand-forecast", description="Weekly units")
    RegisteredModelFactory.create(
        name="client_segments", kind="segmentation", description="Groups of clients"
    )
    assert listed(reader, "?q=demand-fore") == ["demand-forecast"]
    assert listed(reader, "?q=Demand+forecast") == ["demand-forecast"]
    assert listed(reader, "?q=client+segments") == ["client_segments"]
    assert listed(reader, "?q=WEEKLY") == ["demand-forecast"]
    assert listed(reader, "?kind=segmentation") == ["client_segments"]
    assert listed(reader, "?kind=segmentation&q=demand") == []
    assert listed(reader, "?q=%25") == []  # a wildcard of SQL is a plain character


@pytest.mark.parametrize(
    "query",
    [
        "?kind=nonsense",
        "?sort=nonsense",
        "?sort=owner__password",
        "?page=999",
        "?page=",
        "?q=%00",
        f"?q={'x' * 5000}",
    ],
)
def test_what_the_address_says_and_nobody_knows_is_ignored(reader, query):
    RegisteredModelFactory.create(name="only")
    assert listed(reader, query) == ["only"]


def test_a_search_without_result_says_what_to_do(reader):
    text = reader.get("/models/?q=nothing").text
    assert "<h1>No models registered.</h1>" in text
    assert "No model fits" in text


def test_what_was_typed_comes_back_escaped(reader):
    assert 'value="&quot;&gt;&lt;script&gt;"' in reader.get("/models/?q=%22%3E%3Cscript%3E").text


def test_thirty_models_ask_the_database_as_often_as_one(reader):
    ScorecardFactory.create()
    first = queries(reader, "/models/")
    for _ in range(29):
        ScorecardFactory.create()
    assert (first, queries(reader, "/models/")) == (8, 8)


def test_thirty_versions_ask_the_database_as_often_as_one(reader):
    model = RegisteredModelFactory.create(name="many")
    ScorecardFactory.create(version__model=model)
    first = queries(reader, "/models/many/")
    for _ in range(29):
        ScorecardFactory.create(version__model=model)
    assert (first, queries(reader, "/models/many/")) == (8, 8)


def test_a_model_shows_its_versions_newest_first_with_their_risk(reader):
    model = RegisteredModelFactory.create(name="two")
    ScorecardFactory.create(version=ModelVersionFactory.create(model=model), overall=41)
    ModelVersionFactory.create(model=model)
    answer = reader.get("/models/two/")
    assert [(v.number, v.card.overall if v.card else None) for v in answer.context["page"]] == [
        (2, None),
        (1, 41),
    ]
    assert "not scored" in answer.text


@pytest.mark.parametrize(
    "address",
    [
        "/models/nobody/",
        "/models/nobody/versions/1/",
        "/models/some/versions/2/",
        "/models/some/versions/99999999999999999999/",
        "/models/some/versions/2/artifact",
        "/models/%00/",
        "/models/some%2F..%2F/",
    ],
)
def test_a_model_or_version_that_does_not_exist_is_not_found(reader, address):
    ModelVersionFactory.create(model__name="some")
    assert reader.get(address).status_code == 404


def test_a_version_before_its_first_run_says_so(reader):
    version = ModelVersionFactory.create(model__name="new")
    AuditRunFactory.create(plan__version=version, status="queued", verdict="", finished_at=None)
    text = reader.get("/models/new/versions/1/").text
    assert "0 of 1 planned audits have run; no finding is unsettled." in text
    assert "Not run yet. A run is queued." in text


def test_metrics_and_hyperparameters_may_have_any_name(reader):
    """``{{ metrics.items }}`` of a template would read the entry that is called so."""
    ModelVersionFactory.create(
        model__name="odd", metrics={"items": 0.5}, hyperparameters={"items": 12966, "<b>": "<script>x"}
    )
    text = reader.get("/models/odd/versions/1/").text
    assert "<dt>Items</dt><dd>0.500</dd>" in text
    assert "<dt>items</dt><dd>12966</dd>" in text
    assert "<dt>&lt;b&gt;</dt><dd>&lt;script&gt;x</dd>" in text


def test_group_names_are_text_on_the_versions_page(reader):
    version = ModelVersionFactory.create(model__name="hostile")
    ratio = {"ratio": 0.5, "ratio_low": 0.4, "ratio_high": 0.6, "reference": 0.4, "tolerance": [0.8, 1.25]}
    for kind in ("group-disparity", "data-drift"):
        FindingFactory.create(
            measurement__run__plan__version=version,
            measurement__run__plan__kind=kind,
            measurement__slice=HOSTILE,
            measurement__detail=ratio if kind == "group-disparity" else {},
        )
    text = reader.get("/models/hostile/versions/1/").text
    assert text.count("&lt;script&gt;south") >= 6  # evidence, findings, charts and their spoken sentences
    assert "<script>south" not in text
    assert "style=" not in text


def test_a_years_runs_cost_the_versions_page_nothing(reader):
    version = ModelVersionFactory.create(model__name="old")
    plan = AuditPlanFactory.create(version=version)
    MeasurementFactory.create(run=AuditRunFactory.create(plan=plan))
    first = queries(reader, "/models/old/versions/1/")
    for _ in range(20):
        MeasurementFactory.create(run=AuditRunFactory.create(plan=plan))
    assert (first, queries(reader, "/models/old/versions/1/")) == (13, 13)


def test_the_evidence_of_an_audit_is_its_latest_finished_run_and_the_one_that_waits(db):
    plan = AuditPlanFactory.create()
    latest, *_ = (AuditRunFactory.create(plan=plan, finished_at=days_ago(n)) for n in range(3))
    waiting = AuditRunFactory.create(plan=plan, status="queued", verdict="", finished_at=None)
    AuditRunFactory.create(plan__kind=plan.kind)  # of another version
    (shown,) = evidence(plan.version)
    assert (shown.run, shown.waiting) == (latest, waiting)
    assert {run.pk for run in shown.plan.runs.all()} == {latest.pk, waiting.pk}  # no other was read


def days_ago(number: int) -> datetime:
    return timezone.now() - timedelta(days=number)


def test_the_download_is_the_artefact_byte_for_byte(reader):
    content = bytes(range(256)) * 9
    ModelVersionFactory.create(model__name="real", artifact_digest=artifact_stored(content))
    answer = reader.get("/models/real/versions/1/artifact")
    assert b"".join(answer.streaming_content) == content
    assert answer["Content-Disposition"] == 'attachment; filename="real-v1.skops"'
    assert answer["Content-Length"] == str(len(content))


@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_a_damaged_artefact_answers_an_error_and_neither_bytes_nor_paths(reader, damage):
    digest = artifact_stored(f"secret weights, {damage}".encode())
    path = store_path(digest)
    path.unlink()
    if damage == "changed":
        path.write_bytes(b"secret weights, replaced")
    ModelVersionFactory.create(model__name="bad", artifact_digest=digest)
    reader.raise_request_exception = False
    answer = reader.get("/models/bad/versions/1/artifact")
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.text
    for leak in ("secret weights", str(settings.EVIDENCE_DIR), digest, "Traceback"):
        assert leak not in answer.text


def test_a_real_version_shows_its_evidence_and_charts(
    client, data_scientist, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        house_register(data_scientist)
    client.force_login(data_scientist)
    text = client.get("/models/fake-finder/versions/1/").text
    planned = AuditPlan.objects.count()
    assert f"{planned} of {planned} planned audits have run" in text
    assert "Drift by column" in text
    assert "Selection rate by group" in text
    assert "All rows are made up for a test." in text
    assert "style=" not in text


def test_lists_of_hyperparameters_read_as_words(reader):
    ModelVersionFactory.create(
        model__name="listed", hyperparameters={"features": ["a", "b"], "loss": "poisson"}
    )
    text = reader.get("/models/listed/versions/1/").text
    assert "<dt>features</dt><dd>a, b</dd>" in text
    assert "<dt>loss</dt><dd>poisson</dd>" in text


def test_of_two_plans_of_a_kind_the_required_one_is_drawn_and_both_are_named(reader):
    required = AuditPlanFactory.create(kind="data-drift")
    own = AuditPlanFactory.create(
        version=required.version, kind="data-drift", window="day", required=False, name="Daily inputs"
    )
    runs = [
        AuditRunFactory.create(plan=plan, verdict=verdict)
        for plan, verdict in ((required, "pass"), (own, "fail"))
    ]
    for run, column in zip(runs, ("price", "stock"), strict=True):
        MeasurementFactory.create(run=run, name="jensenshannon", slice=column)
    text = reader.get(f"/models/{own.version.model.name}/versions/1/").text
    drawn = text[
        text.index('id="drift-title"') : text.index('id="risk-title"') if "risk-title" in text else None
    ]
    assert f'<a href="/runs/{runs[0].pk}/">run {runs[0].pk}</a>' in drawn
    assert '<th scope="row">price</th>' in drawn
    assert '<th scope="row">stock</th>' not in drawn
    assert "<b>Daily inputs</b>" in text
    assert "<b>Data drift</b>" in text


def test_the_reason_of_a_score_names_its_measurement_in_words(reader):
    measurement = MeasurementFactory.create(name="jensenshannon", slice="income_band=<35K")
    card = ScorecardFactory.create(version=measurement.run.version)
    DimensionScoreFactory.create(
        scorecard=card, run=measurement.run, measurement=measurement,
        reason="Data drift: jensenshannon for income_band=<35K is the furthest beyond its limit.",
    )  # fmt: skip
    version = measurement.run.version
    text = reader.get(f"/models/{version.model.name}/versions/{version.number}/").text
    assert (
        "Data drift: Jensen–Shannon distance for income band: &lt;35K is the furthest beyond its limit."
        in text
    )
