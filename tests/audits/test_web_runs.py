"""Pages on audit runs: list, one run in each state, its CSV, and asking for another."""

from __future__ import annotations

import csv
import re
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audits.models import AuditRun, Measurement, RunPartition
from governance.models import DatasetSnapshot
from governance.selectors.ledger import entries
from tests.audits.watched import arrived, day, watched_version
from tests.factories import AuditPlanFactory, AuditRunFactory, DatasetSnapshotFactory, MeasurementFactory

HOSTILE = 'group=<script>alert("x")</script>'


@pytest.fixture
def officer_client(client: Client, officer: User) -> Client:
    client.force_login(officer)
    return client


def unfinished(status: str, **fields) -> AuditRun:
    return AuditRunFactory.create(status=status, verdict="", finished_at=None, result_digest="", **fields)


def listed(client: Client, query: str = "") -> list[int]:
    answer = client.get(f"/runs/{query}")
    assert answer.status_code == 200
    return [run.pk for run in answer.context["page"]]


def test_runs_are_listed_newest_first_and_sorted_on_request(officer_client):
    first = AuditRunFactory.create(plan__version__model__name="b-model")
    second = AuditRunFactory.create(plan__version__model__name="a-model")
    assert listed(officer_client) == [second.pk, first.pk]
    assert listed(officer_client, "?sort=run") == [first.pk, second.pk]
    assert listed(officer_client, "?sort=model") == [second.pk, first.pk]
    assert listed(officer_client, "?sort=-model") == [first.pk, second.pk]


def test_runs_are_filtered_by_model_audit_status_and_verdict(officer_client):
    failed = AuditRunFactory.create(plan__version__model__name="demand-forecast", verdict="fail")
    errored = AuditRunFactory.create(plan__kind="data-drift", status="errored", verdict="errored")
    assert listed(officer_client, "?q=FORECAST") == [failed.pk]
    assert listed(officer_client, "?q=Demand+forecast") == [failed.pk]
    assert listed(officer_client, "?kind=data-drift") == [errored.pk]
    assert listed(officer_client, "?status=errored") == [errored.pk]
    assert listed(officer_client, "?verdict=fail") == [failed.pk]
    assert listed(officer_client, "?verdict=fail&kind=data-drift") == []


@pytest.mark.parametrize(
    "query",
    [
        "?kind=nonsense",
        "?status=nonsense&verdict=nonsense",
        "?sort=nonsense",
        "?sort=--run",
        "?sort=plan__version__registered_by__password",
        "?sort=",
        "?page=999",
        "?page=-1",
        "?page=x%00",
        "?q=%00",
        "?q=" + "x" * 5000,
    ],
)
def test_what_the_address_says_and_nobody_knows_is_ignored(officer_client, query):
    run = AuditRunFactory.create()
    assert listed(officer_client, query) == [run.pk]


def test_an_unknown_value_leaves_the_other_filters_in_force(officer_client):
    wanted = AuditRunFactory.create(plan__version__model__name="wanted")
    AuditRunFactory.create(plan__version__model__name="other")
    assert listed(officer_client, "?kind=nonsense&q=wanted") == [wanted.pk]


def test_the_list_asks_the_database_as_often_for_thirty_runs_as_for_one(officer_client):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            listed(officer_client)
        return len(captured)

    AuditRunFactory.create()
    assert queries() == 5  # session, person, roles, count, rows
    AuditRunFactory.create_batch(29)
    assert queries() == 5


def test_pages_keep_the_filter_and_do_not_overlap(officer_client):
    runs = AuditRunFactory.create_batch(30, plan=AuditPlanFactory.create())
    second = officer_client.get("/runs/?status=completed&page=2")
    assert b'href="?status=completed&amp;page=1"' in second.content
    seen = listed(officer_client) + [run.pk for run in second.context["page"]]
    assert sorted(seen) == [run.pk for run in runs]


@pytest.mark.parametrize(
    ("status", "extra"),
    [
        ("queued", {}),
        (
            "running",
            {
                "claim_token": "0f0e0d0c-0b0a-4000-8000-000000000001",
                "lease_expires_at": timezone.now(),
                "started_at": timezone.now(),
            },
        ),
    ],
)
def test_a_run_that_waits_says_so_and_cannot_be_asked_for_again(officer_client, status, extra):
    run = unfinished(status, **extra)
    answer = officer_client.get(f"/runs/{run.pk}/")
    assert f"<h1>This run is {status}.</h1>" in answer.text
    assert "Nothing has been measured yet." in answer.text
    assert "Run again" not in answer.text
    assert "Export CSV" not in answer.text


def test_an_errored_run_gives_its_reason_escaped(officer_client):
    run = AuditRunFactory.create(
        status="errored", verdict="errored", error="column <b>'price'</b> is missing"
    )
    answer = officer_client.get(f"/runs/{run.pk}/")
    assert "<h1>This audit could not be computed.</h1>" in answer.text
    assert "Column &lt;b&gt;&#x27;price&#x27;&lt;/b&gt; is missing." in answer.text
    assert "Nothing was measured." in answer.text
    assert "Run again" in answer.text


def test_a_completed_run_that_measured_nothing_is_not_within_its_limits(officer_client):
    answer = officer_client.get(f"/runs/{AuditRunFactory.create().pk}/")
    assert "<h1>Nothing was held against a limit.</h1>" in answer.text
    assert "Nothing was measured." in answer.text


def test_a_measurement_that_could_not_be_computed_is_not_hidden_by_those_that_pass(officer_client):
    run = AuditRunFactory.create(verdict="errored")
    MeasurementFactory.create(run=run)
    MeasurementFactory.create(run=run, value=None, tolerance_used=None, verdict="errored")
    answer = officer_client.get(f"/runs/{run.pk}/")
    assert "<h1>1 of 2 measurements could not be computed.</h1>" in answer.text


def test_a_link_to_a_measurement_opens_the_page_that_holds_it(officer_client):
    run = AuditRunFactory.create()
    last = MeasurementFactory.create_batch(61, run=run)[-1]
    row = f'<tr id="m{last.pk}" class="marked">'
    assert row in officer_client.get(f"/runs/{run.pk}/?measurement={last.pk}").text
    assert row in officer_client.get(f"/runs/{run.pk}/?measurement={last.pk}&page=2").text
    assert row not in officer_client.get(f"/runs/{run.pk}/?measurement={last.pk}&page=1").text


@pytest.mark.parametrize("pointed", ["", "0", "x", "%00", "9" * 40])
def test_a_link_to_no_measurement_of_the_run_opens_its_first_page(officer_client, pointed):
    measurement = MeasurementFactory.create()
    answer = officer_client.get(f"/runs/{measurement.run_id}/?measurement={pointed}")
    assert answer.context["page"].number == 1
    assert "marked" not in answer.text


def windowed(current: list[int], reference: list[int], **fields) -> AuditRun:
    """A run over the week to ``day()``; partitions by how many days before that they lie."""
    version = watched_version()
    plan = AuditPlanFactory.create(
        version=version, kind="data-drift", current_role="current", reference_role="reference"
    )
    fields = {
        "data_window": "week",
        "comparison": "previous",
        "data_start": day(6),
        "data_end": day(),
        **fields,
    }
    run = AuditRunFactory.create(plan=plan, **fields)
    for side, numbers in (("current", current), ("reference", reference)):
        for number in numbers:
            snapshot = arrived(version, day(number), rows=10 + number)
            RunPartition.objects.create(run=run, snapshot=snapshot, side=side)
            if side == "current":
                run.current_snapshot = snapshot  # the newest, as a run records it
    run.save()
    return run


def test_a_run_over_a_window_says_which_days_it_read_and_which_were_missing(officer_client):
    run = windowed([6, 5, 4, 2, 1, 0], [13, 12, 11, 10, 9, 8, 7])
    text = officer_client.get(f"/runs/{run.pk}/").text
    assert '<a href="/datasets/watched-feed/">watched-feed</a> 27 Sep 2026 to 3 Oct 2026' in text
    assert "<dt>Compared with</dt><dd>The week before, 20 Sep 2026 to 26 Sep 2026</dd>" in text
    assert (
        "The newest 7 days, 27 Sep 2026 to 3 Oct 2026: 78 rows in 6 partitions, "
        "against the week before: 140 rows in 7 partitions." in text
    )
    assert (
        "1 day without data: 30 Sep 2026. Nothing had been registered for it when the run was queued." in text
    )
    assert "Current data: 6 snapshots</summary>" in text
    assert "Compared with: 7 snapshots</summary>" in text


def test_every_partition_of_both_sides_leads_to_its_snapshot_oldest_first(officer_client):
    run = windowed([1, 0], [8, 7])
    text = officer_client.get(f"/runs/{run.pk}/").text
    digests = [
        digest
        for (digest,) in run.partitions.order_by("snapshot__window_start").values_list("snapshot__digest")
    ]
    links = re.findall(r'<a href="/datasets/watched-feed/snapshots/(\w+)/"><code', text)
    assert links == digests[2:] + digests[:2], "the current side first"
    assert '<th scope="row">2 Oct 2026</th><td class="num">11</td>' in text


def test_the_reference_data_of_a_window_are_named_without_days(officer_client):
    run = windowed([0], [], data_window="day", comparison="reference", data_start=day())
    reference = run.version.data.get(role="reference").snapshot
    RunPartition.objects.create(run=run, snapshot=reference, side="reference")
    text = officer_client.get(f"/runs/{run.pk}/").text
    assert "The newest day, 3 Oct 2026: 10 rows in 1 partition, against the reference: 100 rows." in text
    assert "<dt>Compared with</dt><dd>The reference</dd>" in text
    assert '<th scope="row">not stated</th><td class="num">100</td>' in text
    assert "without data" not in text


@pytest.mark.parametrize(
    ("window", "comparison", "words"),
    [
        ("30-days", "previous", "The 30 days before"),
        ("week", "last-year", "The same week a year before"),
        ("since-approval", "previous", "As many days before"),
        ("since-approval", "last-year", "The same days a year before"),
    ],
)
def test_a_comparison_is_said_in_words(officer_client, window, comparison, words):
    run = windowed([0], [9], data_window=window, comparison=comparison)
    assert (
        f"<dt>Compared with</dt><dd>{words}, 24 Sep 2026</dd>" in officer_client.get(f"/runs/{run.pk}/").text
    )


def test_a_window_of_an_audit_of_one_table_is_held_against_nothing(officer_client):
    text = officer_client.get(f"/runs/{windowed([0], []).pk}/").text
    assert "10 rows in 1 partition." in text
    assert "Compared with" not in text


def test_a_run_of_the_snapshot_names_it_and_lists_no_partitions(officer_client):
    run = AuditRunFactory.create()
    text = officer_client.get(f"/runs/{run.pk}/").text
    snapshot = run.current_snapshot
    assert f'<a href="/datasets/{snapshot.dataset.name}/snapshots/{snapshot.digest}/">' in text
    assert "What it read" not in text
    assert "Compared with" not in text


def test_a_run_is_shown_with_as_many_queries_for_sixty_partitions_as_for_two(officer_client):
    def queries(run: AuditRun) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert officer_client.get(f"/runs/{run.pk}/").status_code == 200
        return len(captured)

    run = windowed([0], [30])
    few = queries(run)
    for number in range(1, 30):
        for side, days in (("current", number), ("reference", 30 + number)):
            RunPartition.objects.create(run=run, snapshot=arrived(run.version, day(days)), side=side)
    assert (few, queries(run)) == (7, 7)  # session, person, roles, run, measurements, partitions, versions
    assert run.partitions.count() == 60


def test_parameters_read_as_words(officer_client):
    parameters = {"sensitive": ["a", "region"], "y_true": "fake", "thresholds": {"items": 0.5, "psi": 0.1}}
    answer = officer_client.get(f"/runs/{AuditRunFactory.create(parameters=parameters).pk}/")
    assert "<dt>sensitive</dt><dd>a, region</dd>" in answer.text
    assert "<dt>y_true</dt><dd>fake</dd>" in answer.text
    assert "<dt>thresholds</dt><dd>items 0.5, psi 0.1</dd>" in answer.text


def test_a_groups_name_is_text_wherever_a_run_shows_it(officer_client):
    ratio = {"ratio": 0.0, "ratio_low": None, "ratio_high": 0.9, "reference": 0.4, "tolerance": [0.8, 1.25]}
    run = AuditRunFactory.create(plan__kind="group-disparity", verdict="fail")
    MeasurementFactory.create(
        run=run,
        name="selection-rate",
        slice=HOSTILE,
        verdict="fail",
        detail={**ratio, "reason": "<i>few</i>"},
    )
    drift = AuditRunFactory.create(plan__kind="data-drift")
    MeasurementFactory.create(run=drift, name="psi", slice=HOSTILE)
    for shown in (run, drift):
        text = officer_client.get(f"/runs/{shown.pk}/").text
        assert "alert(" in text
        assert "<script>alert" not in text
        assert "<i>few" not in text
        assert "style=" not in text


@pytest.mark.parametrize("number", [0, 10**12, 10**25])
@pytest.mark.parametrize("address", ["/runs/{}/", "/runs/{}/measurements.csv"])
def test_a_run_that_does_not_exist_is_not_found(officer_client, address, number):
    assert officer_client.get(address.format(number)).status_code == 404


def test_the_csv_holds_every_measurement_byte_for_byte(officer_client):
    run = AuditRunFactory.create()
    MeasurementFactory.create(run=run, name="wape", slice="region=Île, north", n=12, value=-0.5, low=None)
    MeasurementFactory.create(run=run, name="rmse", slice="", value=None, low=None, high=None, threshold=None)
    answer = officer_client.get(f"/runs/{run.pk}/measurements.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == f'attachment; filename="selvedge-run-{run.pk}.csv"'
    assert (
        answer.content
        == (
            "name,slice,n,value,low,high,threshold,verdict,tolerance_used,reference,reference_n,reference_group,"
            "difference,difference_low,difference_high,ratio,ratio_low,ratio_high,test,p,p_adjusted,reason,detail\r\n"
            'wape,"region=Île, north",12,-0.5,,0.22,0.25,pass,0.8,,,,,,,,,,,,,,\r\n'
            "rmse,,120,,,,,pass,0.8,,,,,,,,,,,,,,\r\n"
        ).encode()
    )


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_no_text_in_the_csv_starts_a_formula(officer_client, start):
    run = AuditRunFactory.create()
    MeasurementFactory.create(run=run, slice=f"{start}HYPERLINK()", value=-1.0)
    text = officer_client.get(f"/runs/{run.pk}/measurements.csv").text
    _, row = list(csv.reader(StringIO(text, newline="")))
    assert row[1] == f"'{start}HYPERLINK()"
    assert row[3] == "-1.0"


def test_a_run_is_queued_on_request_and_the_request_is_on_record(officer_client, officer):
    plan = AuditPlanFactory.create()
    answer = officer_client.post(f"/audit-plans/{plan.pk}/run/", follow=True)
    run = AuditRun.objects.get(plan=plan)
    assert answer.redirect_chain == [(f"/runs/{run.pk}/", 302)]
    assert "The run is queued." in answer.text
    assert (run.status, run.trigger) == ("queued", "requested")
    assert [e.actor for e in entries(subject=run.subject, action="audits.run.requested")] == [officer]


def test_while_a_run_waits_no_second_one_is_made(officer_client):
    plan = AuditPlanFactory.create()
    officer_client.post(f"/audit-plans/{plan.pk}/run/")
    answer = officer_client.post(f"/audit-plans/{plan.pk}/run/", follow=True)
    run = AuditRun.objects.get(plan=plan)
    model = plan.version.model.name
    assert answer.redirect_chain == [(f"/models/{model}/versions/{plan.version.number}/", 302)]
    assert f"Run {run.pk} of this plan is queued; wait for it." in answer.text


def test_a_role_without_the_permission_is_refused_and_nothing_is_made(client, executive):
    plan = AuditPlanFactory.create()
    client.force_login(executive)
    assert client.post(f"/audit-plans/{plan.pk}/run/").status_code == 403
    assert AuditRun.objects.count() == 0
    assert entries().count() == 0


def test_an_executive_is_not_offered_another_run(client, executive):
    client.force_login(executive)
    assert "Run again" not in client.get(f"/runs/{AuditRunFactory.create().pk}/").text


def test_a_run_is_asked_for_by_post_only(officer_client):
    plan = AuditPlanFactory.create()
    assert officer_client.get(f"/audit-plans/{plan.pk}/run/").status_code == 405
    assert officer_client.post("/audit-plans/0/run/").status_code == 404


def test_a_forged_form_is_refused(officer):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(officer)
    plan = AuditPlanFactory.create()
    assert strict.post(f"/audit-plans/{plan.pk}/run/").status_code == 403
    assert AuditRun.objects.count() == 0
    assert Measurement.objects.count() == 0


def test_the_list_names_plans_of_ones_own(officer_client):
    required = AuditPlanFactory.create(kind="data-drift")
    own = AuditPlanFactory.create(
        version=required.version, kind="data-drift", required=False, name="Ours <1>"
    )
    AuditRunFactory.create(plan=required)
    AuditRunFactory.create(plan=own)
    text = officer_client.get("/runs/").text
    assert text.count(">Data drift<") == 3, "in the filter and in two rows"
    assert text.count('Data drift<span class="sub">Ours &lt;1&gt;</span>') == 1


def test_what_is_simulated_of_any_data_that_were_read_is_said_once(officer_client):
    def snapshot(text: str) -> DatasetSnapshot:
        return DatasetSnapshotFactory.create(dataset__simulated=text)

    consents, ages = snapshot("Consents are simulated."), snapshot("Ages are simulated.")
    run = AuditRunFactory.create(reference_snapshot=consents, attributes_snapshot=ages)
    page = officer_client.get(f"/runs/{run.pk}/").text
    assert page.count("Consents are simulated.") == page.count("Ages are simulated.") == 1
    same = AuditRunFactory.create(current_snapshot=consents, reference_snapshot=consents)
    assert officer_client.get(f"/runs/{same.pk}/").text.count("Consents are simulated.") == 1
