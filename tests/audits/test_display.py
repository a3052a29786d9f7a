"""Groups that are too small to be shown: on pages, in the file, and to programs."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from audits.models import AuditRun, Measurement
from audits.selectors.display import displayed, hidden
from tests.factories import AuditRunFactory, FindingFactory, MeasurementFactory

#: Digits that occur nowhere else on the pages.
SECRET = 0.7351
BESIDE = {"reference": 0.7352, "ratio": 0.7353, "ratio_low": 0.7354, "p": 0.7355, "tolerance": [0.8, 1.25]}


def small(n: int = 9, **fields: object) -> Measurement:
    detail = {**BESIDE, "reason": f"{n} rows"}
    given = {
        "name": "selection-rate",
        "slice": "age=65+",
        "value": SECRET,
        "threshold": 0.25,
        "verdict": "pass",
    }
    return Measurement(n=n, **{**given, "detail": detail, **fields})


def stored(**fields: object) -> AuditRun:
    run = AuditRunFactory.create(plan__kind="group-disparity", verdict="fail")
    given = small(**fields)  # type: ignore[arg-type]
    MeasurementFactory.create(
        run=run,
        name=given.name,
        slice=given.slice,
        n=given.n,
        value=given.value,
        verdict="fail",
        detail=given.detail,
    )
    return run


@pytest.mark.parametrize(
    ("fields", "is_hidden"),
    [
        ({"n": 9}, True),
        ({"n": 10}, False),
        ({"n": 0}, True),
        ({"n": 500, "detail": {"reference_n": 9}}, True),
        ({"n": 500, "detail": {"reference_n": 10}}, False),
        ({"n": 500, "detail": {"units": 9}}, True),
        ({"n": 9, "slice": ""}, False),
        ({"n": 9, "slice": "price"}, False),
        ({"n": 0, "verdict": "errored"}, False),
        ({"n": 0, "slice": "", "detail": {"suppressed": True, "fewer_than": 10}}, True),
    ],
)
def test_who_is_hidden(fields, is_hidden):
    assert hidden(small(**fields)) is is_hidden


def test_the_minimum_is_a_setting(settings):
    settings.DISPLAY_MINIMUM = 3
    assert not hidden(small(3))
    assert hidden(small(2))


def test_a_hidden_group_keeps_its_name_and_verdict_and_nothing_that_counts():
    found = small(verdict="fail", low=0.1, high=0.9, tolerance_used=3.0)
    shown = displayed(found)
    assert (shown.name, shown.slice, shown.verdict, shown.threshold) == (
        "selection-rate",
        "age=65+",
        "fail",
        0.25,
    )
    assert (shown.n, shown.value, shown.low, shown.high, shown.tolerance_used) == (0, None, None, None, None)
    assert set(shown.detail) == {"suppressed", "fewer_than", "reason"}
    assert "9" not in shown.detail["reason"]
    assert found.value == SECRET, "the stored one is as it was"


def test_a_group_that_is_large_enough_is_itself():
    found = small(10)
    assert displayed(found) is found


@pytest.fixture
def officer_client(client: Client, officer: User) -> Client:
    client.force_login(officer)
    return client


def told(text: str) -> list[str]:
    """Which of the secret's digits are told."""
    return [digits for digits in ("0.735", "73.5", "9 rows") if digits in text]


@pytest.mark.django_db
def test_pages_and_the_file_tell_nothing_of_a_small_group(officer_client):
    run = stored()
    measurement = run.measurements.get()
    for address in (f"/runs/{run.pk}/", f"/runs/{run.pk}/measurements/{measurement.pk}/"):
        text = officer_client.get(address).text.partition("<main")[2]
        assert told(text) == [], address
        assert "ewer than 10" in text
    body = officer_client.get(f"/runs/{run.pk}/measurements.csv").text
    _, row = list(csv.reader(StringIO(body, newline="")))
    assert row[:5] == ["selection-rate", "age=65+", "fewer than 10", "", ""]
    assert told(body) == []


@pytest.mark.django_db
def test_a_version_beside_another_tells_nothing_of_a_small_group(officer_client):
    before = stored()
    now = AuditRunFactory.create(
        plan__kind="group-disparity", plan__version__model=before.version.model, plan__version__number=2
    )
    MeasurementFactory.create(run=now, name="selection-rate", slice="age=65+", n=500, value=0.5)
    text = officer_client.get(f"/runs/{now.pk}/?with=1").text
    assert "Beside version 1" in text
    assert told(text) == []


@pytest.mark.django_db
def test_findings_tell_nothing_of_a_small_group(officer_client):
    finding = FindingFactory.create()
    Measurement.objects.filter(pk=finding.measurement_id).update(
        slice="age=65+", n=9, value=SECRET, detail=BESIDE
    )
    for address in (
        "/findings/",
        f"/findings/{finding.pk}/",
        f"/models/{finding.version.model.name}/versions/1/",
    ):
        text = officer_client.get(address).text.partition("<main")[2]
        assert told(text) == [], address


@pytest.mark.django_db
def test_programs_are_told_nothing_of_a_small_group(officer):
    client = APIClient()
    client.force_login(officer)
    run = stored()
    (row,) = client.get(f"/api/v1/audit-runs/{run.pk}/measurements/").json()["results"]
    assert (row["n"], row["value"], row["low"], row["detail"]["suppressed"]) == (0, None, None, True)
    assert told(str(row["detail"])) == []
