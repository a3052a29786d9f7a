"""The risk scorecard: heat map, opened cells, and what it costs."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from audits.models import AuditRun
from tests.factories import (
    DimensionScoreFactory,
    FindingFactory,
    MeasurementFactory,
    ModelVersionFactory,
    ScorecardFactory,
)
from tests.house import house_register

HTMX = {"HX-Request": "true"}


@pytest.fixture
def reader(client: Client, executive) -> Client:
    client.force_login(executive)
    return client


@pytest.fixture
def cell():
    """An opened-up cell: bias of the model called fake-finder, decided by one measurement."""
    version = ModelVersionFactory.create(model__name="fake-finder", model__kind="counterfeit-detection")
    measurement = MeasurementFactory.create(
        run__plan__version=version, run__plan__kind="group-disparity", slice="region=<script>south</script>"
    )
    return DimensionScoreFactory.create(
        scorecard=ScorecardFactory.create(version=version, overall=90, band="high"),
        dimension="bias",
        score=90,
        band="high",
        reason="Bias: selection-rate for region=<script>south</script> is beyond its limit.",
        run=measurement.run,
        measurement=measurement,
    )


def test_without_models_the_page_says_how_to_get_some(reader):
    answer = reader.get("/scorecard/")
    assert "<h1>No model is registered yet.</h1>" in answer.text
    assert "make demo" in answer.text


def test_the_page_opens_with_its_finding_and_names_the_cell(reader, cell):
    text = reader.get("/scorecard/").text
    assert "<h1>One model is at high risk.</h1>" in text
    assert "Bias is where it shows most: one of one. The mean residual risk is 90 of 100." in text
    assert "No finding waits for an answer." in text
    assert 'aria-label="Fake finder, Bias: 90, high risk"' in text
    assert "Choose a cell" in text


def test_a_model_that_was_never_scored_stands_first_and_counts_as_high_risk(reader, cell):
    ModelVersionFactory.create(model__name="unscored")
    answer = reader.get("/scorecard/")
    assert [row.version.model.name for row in answer.context["rows"]] == ["unscored", "fake-finder"]
    assert answer.context["headline"] == "All two models are at high risk."
    assert answer.context["mean"] == 90


def test_a_number_opens_what_it_is_made_of(reader, cell):
    answer = reader.get("/scorecard/?model=fake-finder&dimension=bias")
    link = f"/runs/{cell.run_id}/?measurement={cell.measurement_id}#m{cell.measurement_id}"
    assert f'href="{link}"' in answer.text
    assert "<!doctype html>" in answer.text
    assert 'aria-current="true"' in answer.text


def test_a_script_gets_the_panel_only_and_caches_keep_the_two_apart(reader, cell):
    address = "/scorecard/?model=fake-finder&dimension=bias"
    panel, page = reader.get(address, headers=HTMX), reader.get(address)
    assert panel.text.lstrip().startswith('<section class="card drill"')
    assert "<html" not in panel.text
    assert panel.templates[0].name == "scorecard/drill.html"
    for answer in (panel, page):
        assert "HX-Request" in answer["Vary"]


def test_a_script_that_opens_no_cell_gets_the_whole_page(reader, cell):
    assert "<!doctype html>" in reader.get("/scorecard/", headers=HTMX).text


@pytest.mark.parametrize(
    "query",
    [
        "model=nobody&dimension=bias",
        "model=fake-finder&dimension=nonsense",
        "model=fake-finder",
        "model=fake-finder&dimension=drift",  # this card has no such cell
        "model=&dimension=",
        "model=%00&dimension=bias",
        "model=fake-finder%0A&dimension=bias",
        "model=" + "x" * 5000 + "&dimension=bias",
        "model=<script>&dimension=bias",
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_cell_that_is_not_there_is_not_found(reader, cell, query, headers):
    assert reader.get(f"/scorecard/?{query}", headers=headers).status_code == 404


def test_group_names_are_text_on_the_scorecard_and_in_the_panel(reader, cell):
    FindingFactory.create(measurement=cell.measurement)
    for headers in ({}, HTMX):
        text = reader.get("/scorecard/?model=fake-finder&dimension=bias", headers=headers).text
        assert "&lt;script&gt;south" in text
        assert "<script>south" not in text
        assert "style=" not in text


def test_the_worst_findings_come_first_and_all_are_counted(reader, cell):
    for used in (1.5, 9.0, 3.0, 1.1, 1.2, 1.3, 1.4):
        FindingFactory.create(measurement__tolerance_used=used, measurement__run=cell.run)
    FindingFactory.create(measurement__run=cell.run, status="closed")
    answer = reader.get("/scorecard/")
    assert [f.measurement.tolerance_used for f in answer.context["findings"]] == [
        9.0,
        3.0,
        1.5,
        1.4,
        1.3,
        1.2,
    ]
    assert "7 findings wait for an answer." in answer.text


def test_one_finding_waits_in_the_singular(reader, cell):
    FindingFactory.create(measurement=cell.measurement)
    assert "1 finding waits for an answer." in reader.get("/scorecard/").text


def test_thirty_models_ask_the_database_as_often_as_one(reader, cell):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert reader.get("/scorecard/").status_code == 200
        return len(captured)

    FindingFactory.create(measurement=cell.measurement)
    first = queries()
    for _ in range(29):
        version = ModelVersionFactory.create()
        DimensionScoreFactory.create(scorecard=ScorecardFactory.create(version=version))
    FindingFactory.create_batch(6, measurement__run=cell.run)
    assert (first, queries()) == (9, 9)


def test_every_number_of_a_real_version_leads_to_its_measurement(
    client, data_scientist, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        house_register(data_scientist)
    client.force_login(data_scientist)
    row = client.get("/scorecard/").context["rows"][0]
    cells = {cell.dimension: cell for cell in row.cells if cell}
    assert sorted(cells) == ["bias", "drift", "performance", "privacy", "quality"]
    for dimension, cell in cells.items():
        panel = client.get(f"/scorecard/?model=fake-finder&dimension={dimension}", headers=HTMX)
        assert f"/runs/{cell.run_id}/?measurement={cell.measurement_id}" in panel.text
        run = client.get(f"/runs/{cell.run_id}/?measurement={cell.measurement_id}")
        assert f'<tr id="m{cell.measurement_id}" class="marked">' in run.text
        assert AuditRun.objects.get(pk=cell.run_id).current_snapshot.digest in run.text
    assert (cells["drift"].band, cells["bias"].band) == ("high", "high")
