"""Pages on findings: list, one finding, and answering it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audits.models import Finding
from governance.permissions import Role
from governance.selectors.ledger import entries
from tests.factories import AuditPlanFactory, FindingFactory, UserFactory

ANSWER = "The season changed; planning reviews the range on Monday."


@pytest.fixture
def officer_client(client: Client, officer) -> Client:
    client.force_login(officer)
    return client


def listed(client: Client, query: str = "") -> list[int]:
    answer = client.get(f"/findings/{query}")
    assert answer.status_code == 200
    return [finding.pk for finding in answer.context["page"]]


def answered(**fields) -> Finding:
    return FindingFactory.create(
        status="answered",
        answer=ANSWER,
        answered_by=UserFactory.create(first_name="Ann", last_name="Other", role=Role.COMPLIANCE_OFFICER),
        answered_at=timezone.now(),
        **fields,
    )


def test_the_furthest_beyond_its_limit_comes_first(officer_client):
    near = FindingFactory.create(measurement__tolerance_used=1.2)
    far = FindingFactory.create(measurement__tolerance_used=7.0)
    assert listed(officer_client) == [far.pk, near.pk]
    assert listed(officer_client, "?sort=beyond") == [near.pk, far.pk]


def test_findings_are_sorted_on_request(officer_client):
    model = "measurement__run__plan__version__model__name"
    old = FindingFactory.create(**{model: "b"}, last_seen_at=timezone.now() - timedelta(days=2))
    new = FindingFactory.create(**{model: "a"})
    assert listed(officer_client, "?sort=seen") == [old.pk, new.pk]
    assert listed(officer_client, "?sort=-seen") == [new.pk, old.pk]
    assert listed(officer_client, "?sort=model") == [new.pk, old.pk]


def test_closed_findings_show_on_request_only(officer_client):
    waiting, settled, closed = FindingFactory.create(), answered(), FindingFactory.create(status="closed")
    assert sorted(listed(officer_client)) == [waiting.pk, settled.pk]
    assert listed(officer_client, "?status=open") == [waiting.pk]
    assert listed(officer_client, "?status=answered") == [settled.pk]
    assert listed(officer_client, "?status=closed") == [closed.pk]
    assert sorted(listed(officer_client, "?status=all")) == [waiting.pk, settled.pk, closed.pk]


def test_findings_are_filtered_by_model_and_audit(officer_client):
    drift = FindingFactory.create(
        measurement__run__plan__kind="data-drift",
        measurement__run__plan__version__model__name="demand-forecast",
    )
    FindingFactory.create()
    assert listed(officer_client, "?kind=data-drift") == [drift.pk]
    assert listed(officer_client, "?q=Demand+forecast") == [drift.pk]
    assert listed(officer_client, "?q=demand-forecast&kind=performance") == []


@pytest.mark.parametrize(
    "query",
    [
        "?status=nonsense",
        "?kind=nonsense",
        "?sort=nonsense",
        "?page=999",
        "?page=x",
        "?q=%00",
        f"?q={'x' * 5000}",
    ],
)
def test_what_the_address_says_and_nobody_knows_is_ignored(officer_client, query):
    waiting = FindingFactory.create()
    FindingFactory.create(status="closed")
    assert listed(officer_client, query) == [waiting.pk]


def test_the_headline_counts_what_nobody_answered(officer_client):
    assert "<h1>No finding waits for an answer.</h1>" in officer_client.get("/findings/").text
    FindingFactory.create_batch(2)
    answered()
    assert "<h1>Two findings wait for an answer.</h1>" in officer_client.get("/findings/?status=closed").text


def test_thirty_findings_ask_the_database_as_often_as_one(officer_client):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            listed(officer_client)
        return len(captured)

    first = FindingFactory.create()
    before = queries()
    FindingFactory.create_batch(29, measurement__run=first.measurement.run)
    assert (before, queries()) == (6, 6)  # session, person, roles, headline, count, rows


def test_a_short_answer_is_refused_and_kept_in_the_form(officer_client):
    finding = FindingFactory.create()
    answer = officer_client.post(f"/findings/{finding.pk}/", {"answer": "Too <short>"})
    assert answer.status_code == 422
    assert "Write at least 20 characters, so that an auditor can follow you." in answer.text
    assert "Too &lt;short&gt;</textarea>" in answer.text
    finding.refresh_from_db()
    assert (finding.status, finding.answer, entries().count()) == ("open", "", 0)


@pytest.mark.parametrize("text", ["", " " * 40, "x" * 4001, "a long enough answer with a NUL \0 byte in it"])
def test_an_answer_that_cannot_be_kept_is_refused(officer_client, text):
    finding = FindingFactory.create()
    assert officer_client.post(f"/findings/{finding.pk}/", {"answer": text}).status_code == 422
    assert Finding.objects.get().status == "open"


def test_an_answer_is_recorded_under_the_persons_name(officer_client, officer):
    finding = FindingFactory.create()
    answer = officer_client.post(f"/findings/{finding.pk}/", {"answer": f"  {ANSWER}\n<b>"}, follow=True)
    assert answer.redirect_chain == [(f"/findings/{finding.pk}/", 302)]
    assert "Your answer is on record." in answer.text
    assert "Monday.<br>&lt;b&gt;" in answer.text
    assert "<textarea" not in answer.text
    finding.refresh_from_db()
    assert (finding.status, finding.answered_by) == ("answered", officer)
    assert [e.actor for e in entries(subject=finding.subject, action="audits.finding.answered")] == [officer]


def test_a_second_answer_is_refused_and_the_first_stays(officer_client):
    finding = answered()
    answer = officer_client.post(
        f"/findings/{finding.pk}/", {"answer": "Another answer, which came a little late."}, follow=True
    )
    assert "This finding is no longer open" in answer.text
    assert "Ann Other" in answer.text
    finding.refresh_from_db()
    assert (finding.answer, finding.answered_by.last_name) == (ANSWER, "Other")
    assert entries(subject=finding.subject).count() == 0


@pytest.mark.parametrize("role", [Role.EXECUTIVE, Role.DATA_SCIENTIST])
def test_others_read_but_do_not_answer(client, role, person_of_role):
    finding = FindingFactory.create()
    client.force_login(person_of_role[role])
    page = client.get(f"/findings/{finding.pk}/")
    assert "Nobody has answered yet. A compliance officer can." in page.text
    assert "<textarea" not in page.text
    assert client.post(f"/findings/{finding.pk}/", {"answer": ANSWER}).status_code == 403
    assert Finding.objects.get().status == "open"


def test_a_finding_closed_by_a_run_says_so(officer_client):
    finding = FindingFactory.create(status="closed", closed_at=timezone.now())
    text = officer_client.get(f"/findings/{finding.pk}/").text
    assert "It was closed by a passing run before anybody answered." in text
    assert "Closed by a passing run" in text


def test_group_names_are_text_in_the_list_and_on_the_finding(officer_client):
    finding = FindingFactory.create(measurement__slice="region=<script>south</script>")
    for address in ("/findings/", f"/findings/{finding.pk}/"):
        text = officer_client.get(address).text
        assert "region: &lt;script&gt;south" in text
        assert "<script>south" not in text


@pytest.mark.parametrize("number", [0, 10**12, 10**25])
def test_a_finding_that_does_not_exist_is_not_found(officer_client, number):
    assert officer_client.get(f"/findings/{number}/").status_code == 404


def test_two_plans_of_one_kind_are_listed_with_their_names(officer_client):
    required = AuditPlanFactory.create(kind="data-drift")
    own = AuditPlanFactory.create(
        version=required.version, kind="data-drift", window="day", required=False, name="Daily <inputs>"
    )
    found = [
        FindingFactory.create(
            measurement__run__plan=plan, measurement__name="effect", measurement__slice="price",
            measurement__tolerance_used=used,
        )
        for plan, used in ((required, 3.0), (own, 2.0))
    ]  # fmt: skip
    assert listed(officer_client) == [finding.pk for finding in found]
    text = officer_client.get("/findings/").text
    assert 'Data drift<span class="sub">required</span>' in text
    assert 'Data drift<span class="sub">Daily &lt;inputs&gt;</span>' in text
    model, number = own.version.model.name, own.version.number
    address = f"/models/{model}/versions/{number}/plans/?plan={own.pk}#plan-{own.pk}"
    assert (
        f'<a href="{address}">Daily &lt;inputs&gt;</a></dd>'
        in officer_client.get(f"/findings/{found[1].pk}/").text
    )
    assert "Data drift</a>, required</dd>" in officer_client.get(f"/findings/{found[0].pk}/").text
    told = officer_client.get("/api/v1/findings/").json()["results"]
    assert {(f["id"], f["plan"], f["plan_name"]) for f in told} == {
        (found[0].pk, required.pk, ""),
        (found[1].pk, own.pk, "Daily <inputs>"),
    }
    version = officer_client.get(f"/models/{model}/versions/{number}/").text
    assert f"{own.version.title}, Daily &lt;inputs&gt;: " in version


def test_a_finding_of_an_archived_plan_names_it_without_a_link(officer_client):
    plan = AuditPlanFactory.create(required=False, name="Gone", active=False, archived_at=timezone.now())
    finding = FindingFactory.create(measurement__run__plan=plan)
    assert "<dd>Gone, archived</dd>" in officer_client.get(f"/findings/{finding.pk}/").text


@pytest.mark.parametrize(
    "detail",
    [
        {"ratio": 0.5},
        {"ratio": 0.5, "reference": 0.4},
        {"ratio": 0.5, "tolerance": [0.8, 1.25]},
        {"reference": 0.4},
    ],
    ids=str,
)
def test_a_ratio_without_a_reference_or_a_tolerance_leaves_every_page_whole(client, officer, detail):
    """Ratios of a whole attribute, or that are bounded on one side only, have not all of them."""
    client.force_login(officer)
    finding = FindingFactory.create(
        measurement__detail=detail, measurement__verdict="fail", measurement__run__verdict="fail"
    )
    version, run = finding.version, finding.measurement.run_id
    for address in (
        f"/models/{version.model.name}/versions/{version.number}/",
        "/findings/",
        f"/findings/{finding.pk}/",
        f"/runs/{run}/",
        f"/runs/{run}/measurements/{finding.measurement_id}/",
        "/scorecard/",
    ):
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert "tolerated  to" not in answer.text
