"""The plans of a version: the list, pausing, the editor with its dry run, archiving."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from celery.schedules import crontab
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from audits.kinds import AuditInputError, AuditKind, AuditParameters, audit_kinds
from audits.models import AuditPlan, AuditRun
from audits.services.schedules import CRONTABS
from audits.web.plan_fields import settings_of
from audits.web.plan_form import PlanForm
from audits.web.plans import next_run
from governance.selectors.ledger import entries
from models_registry.models import ModelVersion
from tests.audits.watched import arrived, day, moved, point, watched_version
from tests.factories import AuditPlanFactory, AuditRunFactory, DatasetSnapshotFactory, VersionSnapshotFactory

LIST = "/models/watched/versions/1/plans/"
NEW = f"{LIST}new/?kind=data-drift"
COLUMNS = [{"name": name, "type": "double"} for name in ("price", "photos", "shop", "far")]
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def version(db: None) -> ModelVersion:
    version = watched_version()
    for role in ("current", "predictions"):
        VersionSnapshotFactory.create(
            version=version, role=role, snapshot=DatasetSnapshotFactory.create(columns=COLUMNS)
        )
    arrived(version, day(), columns=COLUMNS)
    return version


@pytest.fixture
def planner(client: Client, officer: User) -> Client:
    client.force_login(officer)
    return client


@pytest.fixture
def reader(client: Client, executive: User) -> Client:
    client.force_login(executive)
    return client


def own_plan(version: ModelVersion, name: str = "Prices", **fields: Any) -> AuditPlan:
    values = {
        "kind": "data-drift",
        "current_role": "current",
        "reference_role": "reference",
        "required": False,
    }
    return AuditPlanFactory.create(version=version, name=name, **{**values, **fields})


def filled(**changes: Any) -> dict[str, Any]:
    values = {
        "name": "Prices every week",
        "window": "week",
        "data_window": "week",
        "comparison": "reference",
        "action": "record",
    }
    return {**values, **changes}


def recorded(action: str, subject: str) -> list[Any]:
    return [entry.payload for entry in entries(action=action, subject=subject)]


# -- the list ---------------------------------------------------------------------------------------------------


def test_a_version_without_plans_says_so(reader, version):
    text = reader.get(LIST).text
    assert "Nothing is planned for this version." in text
    assert "A version gets the plans that its kind requires when it is registered." in text


def test_every_plan_is_listed_with_its_last_verdict_and_its_next_run(reader, version):
    plan = own_plan(version, data_window="30-days", comparison="previous", parameters={"columns": ["price"]})
    AuditRunFactory.create(plan=plan, verdict="pass", finished_at=datetime(2026, 9, 1, tzinfo=UTC))
    latest = AuditRunFactory.create(plan=plan, verdict="fail", finished_at=datetime(2026, 9, 8, tzinfo=UTC))
    AuditRunFactory.create(plan=plan, status="queued", verdict="", finished_at=None)
    own_plan(version, "Resting", active=False)
    own_plan(version, "Gone", active=False, archived_at=datetime(2026, 9, 1, tzinfo=UTC))
    answer = reader.get(LIST)
    assert "Two audits are planned, one of them paused." in answer.text
    by_name = {row.plan.name: row for row in answer.context["rows"]}
    assert set(by_name) == {"Prices", "Resting"}
    assert by_name["Prices"].run == latest
    assert by_name["Resting"].run is None
    assert by_name["Prices"].settings == "one column"
    for shown in (
        "Data drift",
        "The newest 30 days",
        "against the window before",
        f'href="/runs/{latest.pk}/"',
        "Paused",
    ):
        assert shown in answer.text


def test_who_may_not_plan_is_offered_nothing(reader, version):
    own_plan(version)
    text = reader.get(LIST).text
    for offer in ("Plan an audit", "Pause", "Archive", "Run now", "/audit-plans/"):
        assert offer not in text


def test_a_data_scientist_may_ask_for_a_run_and_nothing_else(client, data_scientist, version):
    own_plan(version)
    client.force_login(data_scientist)
    text = client.get(LIST).text
    assert "Run now" in text
    assert "Pause" not in text


def test_a_required_plan_can_be_paused_and_not_archived(planner, version):
    AuditPlanFactory.create(version=version)
    text = planner.get(LIST).text
    assert "Pause" in text
    assert "Archive" not in text


def test_thirty_plans_ask_the_database_as_often_as_one(reader, version):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert reader.get(LIST).status_code == 200
        return len(captured)

    AuditRunFactory.create(plan=own_plan(version))
    first = queries()
    for number in range(29):
        plan = own_plan(version, f"Plan {number}")
        for _ in range(2):
            AuditRunFactory.create(plan=plan)
    assert (first, queries()) == (6, 6)


@pytest.mark.parametrize(
    ("_case", "window", "now", "expected"),
    [
        ("before today's", "day", "2026-10-03T03:59", "2026-10-03T04:00"),
        ("at the moment itself", "day", "2026-10-03T04:00", "2026-10-04T04:00"),
        ("on Monday, before", "week", "2026-10-05T04:09", "2026-10-05T04:10"),
        ("on a Saturday", "week", "2026-10-03T12:00", "2026-10-05T04:10"),
        ("on the first, before", "month", "2026-10-01T04:00", "2026-10-01T04:20"),
        ("at the end of January", "month", "2027-01-31T12:00", "2027-02-01T04:20"),
        ("over new year", "month", "2026-12-02T00:00", "2027-01-01T04:20"),
    ],
)
def test_the_next_run_is_when_the_schedule_says(_case, window, now, expected):
    assert next_run(window, datetime.fromisoformat(f"{now}+00:00")) == datetime.fromisoformat(
        f"{expected}+00:00"
    )


@given(
    st.sampled_from(AuditPlan.Window.values),
    st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_the_next_run_is_the_one_that_celery_finds(window, now):
    now = now.replace(microsecond=0)
    schedule = crontab(**CRONTABS[AuditPlan.Window(window)], nowfun=lambda: now)
    found = next_run(window, now)
    assert found - now == schedule.remaining_estimate(now)
    assert found > now


# -- pausing ----------------------------------------------------------------------------------------------------


def test_a_plan_is_paused_and_resumed_and_both_are_on_record(planner, version):
    plan = own_plan(version)
    answer = planner.post(f"/audit-plans/{plan.pk}/active/", {"active": "no"}, follow=True)
    plan.refresh_from_db()
    assert not plan.active
    assert "“Prices” is paused until somebody resumes it." in answer.text
    assert answer.redirect_chain == [(f"{LIST}?plan={plan.pk}#plan-{plan.pk}", 302)]
    answer = planner.post(f"/audit-plans/{plan.pk}/active/", {"active": "yes"}, follow=True)
    plan.refresh_from_db()
    assert plan.active
    assert "“Prices” runs again." in answer.text
    assert recorded("audits.plan.changed", plan.subject) == [{"active": True}, {"active": False}]


def test_pausing_a_required_audit_says_what_it_costs(planner, version):
    plan = AuditPlanFactory.create(version=version)
    text = planner.post(f"/audit-plans/{plan.pk}/active/", {"active": "no"}, follow=True).text
    assert "It is required: its risk rises until it is resumed." in text


def test_pausing_twice_changes_and_says_nothing(planner, version):
    plan = own_plan(version, active=False)
    answer = planner.post(f"/audit-plans/{plan.pk}/active/", {"active": "no"}, follow=True)
    assert "is paused" not in answer.text
    assert recorded("audits.plan.changed", plan.subject) == []


def test_a_plan_is_paused_by_post_only(planner, version):
    plan = own_plan(version)
    assert planner.get(f"/audit-plans/{plan.pk}/active/").status_code == 405
    plan.refresh_from_db()
    assert plan.active


# -- planning ---------------------------------------------------------------------------------------------------


def test_every_kind_can_be_planned(planner, version):
    text = planner.get(f"{LIST}new/").text
    for kind in audit_kinds:
        assert f'href="?kind={kind.slug}"' in text
        assert planner.get(f"{LIST}new/?kind={kind.slug}").status_code == 200
    assert planner.get(f"{LIST}new/?kind=nonsense").text.count("?kind=") == len(list(audit_kinds))


def test_the_form_offers_the_columns_and_shows_the_defaults(planner, version):
    text = planner.get(NEW).text
    assert 'value="price"' in text
    assert 'value="photos"' in text
    for shown in (
        "Effect on numbers",
        "0.1 when left empty",
        "Share of moved columns",
        "0.5 when left empty",
    ):
        assert shown in text
    assert '<option value="week" selected>The newest 7 days</option>' in text
    assert '<option value="record" selected>' in text


def test_a_plan_is_made_as_it_was_filled_in(planner, version, officer):
    form = filled(
        **{
            "column:columns": ["price"],
            "method": "psi",
            "method_limit": "0.3",
            "limit:drift-share": "0.25",
            "limit:rows": "",
            "window": "day",
            "action": "suspend",
            "comparison": "previous",
        }
    )
    answer = planner.post(NEW, form, follow=True)
    plan = AuditPlan.objects.get()
    assert plan.parameters == {
        "columns": ["price"],
        "method": "psi",
        "thresholds": {"drift-share": 0.25, "psi": 0.3},
    }
    assert (plan.name, plan.kind, plan.window, plan.data_window) == (
        "Prices every week",
        "data-drift",
        "day",
        "week",
    )
    assert (plan.comparison, plan.action, plan.required) == ("previous", "suspend", False)
    assert "“Prices every week” is planned." in answer.text
    assert f'<tr id="plan-{plan.pk}" class="marked">' in answer.text
    assert [e.actor for e in entries(action="audits.plan.created", subject=plan.subject)] == [officer]


def test_nothing_chosen_stores_nothing_but_the_defaults(planner, version):
    planner.post(NEW, filled())
    assert AuditPlan.objects.get().parameters == {}


@pytest.mark.parametrize(
    ("_case", "changes", "field", "message"),
    [
        ("no name", {"name": " "}, "name", "This field is required."),
        ("no number", {"limit:rows": "many"}, "limit:rows", "Enter a number."),
        ("no such window", {"window": "year"}, "window", "Select a valid choice."),
        ("no such column", {"column:columns": ["size"]}, "column:columns", "Select a valid choice."),
        ("a limit of nothing", {"method_limit": "0.2"}, "method_limit", "Choose the method that this limit belongs to"),
        ("no window before", {"data_window": "snapshot", "comparison": "previous"}, "comparison", "choose a window of days"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_named_beside_its_field_and_what_was_typed_stays(
    planner, version, _case, changes, field, message
):
    answer = planner.post(NEW, {**filled(), **changes})
    assert answer.status_code == 422
    assert message in " ".join(answer.context["form"].errors[field])
    assert "Not saved yet." in answer.text
    if field != "name":
        assert 'value="Prices every week"' in answer.text
    assert AuditPlan.objects.count() == 0
    assert entries().count() == 0


def test_what_the_service_refuses_stands_on_top_and_nothing_is_made(planner, version):
    form = filled(**{"limit:tolerance": "5", "column:sensitive": ["price"], "data_window": "snapshot"})
    answer = planner.post(f"{LIST}new/?kind=group-disparity", form)
    assert answer.status_code == 422
    assert "must lie between 0 and 1" in " ".join(answer.context["form"].non_field_errors())
    assert AuditPlan.objects.count() == 0


def test_a_second_plan_of_the_same_name_is_refused_with_the_remedy(planner, version):
    planner.post(NEW, filled())
    answer = planner.post(NEW, filled())
    assert answer.status_code == 422
    assert "choose another name" in answer.text
    assert AuditPlan.objects.count() == 1


def test_a_version_without_a_monitored_dataset_is_offered_its_snapshot(planner, version):
    ModelVersion.objects.update(monitored_dataset=None)
    assert '<option value="snapshot" selected>' in planner.get(NEW).text
    answer = planner.post(NEW, filled())
    assert answer.status_code == 422
    assert "say first where its new inputs arrive" in " ".join(answer.context["form"].errors["data_window"])


def test_an_audit_of_predictions_is_offered_its_snapshot_though_inputs_arrive(planner, version):
    assert '<option value="snapshot" selected>' in planner.get(f"{LIST}new/?kind=performance").text


def test_limits_of_any_name_are_written_one_a_line(planner, version):
    address = f"{LIST}new/?kind=performance"
    form = filled(**{"column:y_true": "price", "column:y_pred": "photos", "data_window": "snapshot"})
    answer = planner.post(address, {**form, "limits": "wape"})
    assert "“wape” is not a limit" in answer.text
    planner.post(address, {**form, "limits": " wape = 0.3 \n\nmae=2"})
    assert AuditPlan.objects.get().parameters == {
        "y_true": "price",
        "y_pred": "photos",
        "thresholds": {"wape": 0.3, "mae": 2.0},
    }


# -- dry run ----------------------------------------------------------------------------------------------------


@pytest.fixture
def past(version: ModelVersion) -> ModelVersion:
    """Ten weeks of weekly windows, of which the newest and the third before it moved."""
    for weeks in range(10):
        (moved if weeks in (0, 3) else point)(version, "price", end=day(7 * weeks))
        point(version, "photos", end=day(7 * weeks), effect=0.08)
    return version


def test_a_dry_run_says_when_it_would_have_fired_and_stores_nothing(planner, past):
    answer = planner.post(NEW, filled(do="dry-run"))
    assert answer.status_code == 200
    assert (
        "It would have fired twice in the 10 weeks to 3 Oct 2026, of 10 runs: on 12 Sep 2026 and 3 Oct 2026."
        in answer.text
    )
    assert answer.text.count('class="c-look"') == 10
    assert answer.text.count('class="c-end s-breach"') == 2
    assert list(answer.context["dry_columns"]) == [("price", 2)]
    assert 'value="Prices every week"' in answer.text  # the form as it was
    assert AuditPlan.objects.count() == AuditRun.objects.count() == entries().count() == 0


def test_a_dry_run_follows_the_settings(planner, past):
    def words(**changes: Any) -> str:
        return planner.post(NEW, filled(do="dry-run", **changes)).context["dry_words"]

    calm = "It would not have fired in the 10 weeks to 3 Oct 2026: none of 10 runs."
    twice = (
        "It would have fired twice in the 10 weeks to 3 Oct 2026, of 10 runs: on 12 Sep 2026 and 3 Oct 2026."
    )
    assert words() == twice
    assert words(**{"column:columns": ["photos"]}) == calm
    assert words(**{"limit:wasserstein-clipped": "0.9"}) == calm
    # A limit below what was kept: of the windows that chance was not asked about, nothing can be said.
    assert words(**{"limit:wasserstein-clipped": "0.01"}) == twice.replace("of 10 runs", "of 2 runs")
    assert words(method="evidently:psi") == twice
    assert words(method="evidently:psi", method_limit="0.01").startswith("It would have fired 10 times")
    assert (
        words(window="month")
        == "It would have fired once in the 10 weeks to 3 Oct 2026, of 3 runs: on 3 Oct 2026."
    )
    assert words(data_window="snapshot").startswith("A dry run looks at windows of a day, 7 days or 30 days")
    assert words(data_window="day").startswith("There is no day window yet")


def test_a_script_gets_the_dry_run_in_place(planner, past):
    headers = {"HX-Request": "true", "HX-Target": "dry-run"}
    answer = planner.post(NEW, filled(do="dry-run"), headers=headers)
    assert answer.text.startswith('<section class="card" id="dry-run"')
    assert "<h1>" not in answer.text
    refused = planner.post(NEW, filled(do="dry-run", method_limit="1"), headers=headers)
    assert refused.status_code == 422
    assert refused.text.startswith('<section class="card" id="dry-run"')
    assert "Not tried yet." in refused.text


def test_before_anything_was_compared_a_dry_run_says_what_it_waits_for(planner, version):
    answer = planner.post(NEW, filled(do="dry-run"))
    assert answer.context["dry_words"] == "The first windows are being computed."
    assert 'class="timeline"' not in answer.text


def test_only_drift_can_be_tried(planner, version):
    text = planner.get(f"{LIST}new/?kind=data-quality").text
    assert "Only data drift can be tried on the past" in text
    assert 'value="dry-run"' not in text


# -- changing and archiving -------------------------------------------------------------------------------------


def test_the_form_shows_a_plan_as_it_is_and_keeps_what_it_does_not_show(planner, version):
    parameters = {
        "columns": ["price"],
        "method": "psi",
        "task": "kept",
        "thresholds": {"psi": 0.3, "rows": 50.0},
    }
    plan = own_plan(version, data_window="day", parameters=parameters)
    address = f"/audit-plans/{plan.pk}/"
    text = planner.get(address).text
    assert "Change “Prices”" in text
    assert re.findall(r'value="(\w+)" id="id_column:columns_\d" checked', text) == ["price"]
    assert '<option value="psi" selected>' in text
    assert re.findall(r'name="limit:rows" value="([\d.]+)"', text) == ["50.0"]
    form = filled(name="Prices", data_window="day")
    form |= {"column:columns": ["price"], "method": "psi", "method_limit": "0.3", "limit:rows": "60"}
    answer = planner.post(address, form, follow=True)
    plan.refresh_from_db()
    assert plan.parameters == {**parameters, "thresholds": {"psi": 0.3, "rows": 60.0}}
    assert "The plan is changed; its next run uses it." in answer.text
    (payload,) = recorded("audits.plan.changed", plan.subject)
    assert "parameters" in payload


def test_a_limit_that_is_emptied_is_the_default_again(planner, version):
    plan = own_plan(version, parameters={"method": "psi", "thresholds": {"psi": 0.3, "wasserstein": 0.2}})
    form = planner.get(f"/audit-plans/{plan.pk}/").context["form"]
    assert form["limits"].initial == "wasserstein = 0.2"
    assert form["method_limit"].initial == 0.3
    planner.post(f"/audit-plans/{plan.pk}/", filled(name="Prices", method="psi", limits="", method_limit=""))
    plan.refresh_from_db()
    assert plan.parameters == {"method": "psi"}


def test_saving_what_is_the_same_changes_nothing(planner, version):
    plan = own_plan(version, data_window="week", action="record")
    answer = planner.post(f"/audit-plans/{plan.pk}/", filled(name="Prices"), follow=True)
    assert "Nothing was different, so nothing changed." in answer.text
    assert recorded("audits.plan.changed", plan.subject) == []


def test_a_required_plan_has_no_name_to_change(planner, version):
    plan = AuditPlanFactory.create(
        version=version, kind="data-drift", current_role="current", reference_role="reference"
    )
    answer = planner.get(f"/audit-plans/{plan.pk}/")
    assert "name" not in answer.context["form"].fields
    planner.post(f"/audit-plans/{plan.pk}/", filled(name="ignored", window="day"))
    plan.refresh_from_db()
    assert (plan.name, plan.window, plan.data_window) == ("", "day", "week")


def test_archiving_asks_once_and_keeps_the_runs(planner, version):
    plan = own_plan(version)
    AuditRunFactory.create(plan=plan)
    text = planner.get(f"/audit-plans/{plan.pk}/archive/").text
    assert "Archive “Prices”?" in text
    assert "Its 1 run and what it found stay on record" in text
    plan.refresh_from_db()
    assert plan.archived_at is None
    answer = planner.post(f"/audit-plans/{plan.pk}/archive/", follow=True)
    plan.refresh_from_db()
    assert plan.archived_at is not None
    assert plan.runs.count() == 1
    assert "“Prices” is archived." in answer.text
    for address in ("", "archive/"):
        assert planner.get(f"/audit-plans/{plan.pk}/{address}").status_code == 404


def test_a_required_plan_is_not_archived(planner, version):
    plan = AuditPlanFactory.create(version=version)
    answer = planner.post(f"/audit-plans/{plan.pk}/archive/", follow=True)
    plan.refresh_from_db()
    assert plan.archived_at is None
    assert "it can be paused, not archived" in answer.text


def test_names_of_plans_are_text(planner, version):
    plan = own_plan(version, HOSTILE)
    for address in (LIST, f"/audit-plans/{plan.pk}/", f"/audit-plans/{plan.pk}/archive/"):
        text = planner.get(address).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text
        assert "style=" not in text


def test_a_forged_form_is_refused(officer, version):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(officer)
    plan = own_plan(version)
    for address in (
        NEW,
        f"/audit-plans/{plan.pk}/",
        f"/audit-plans/{plan.pk}/active/",
        f"/audit-plans/{plan.pk}/archive/",
    ):
        assert strict.post(address, filled(active="no")).status_code == 403
    plan.refresh_from_db()
    assert (plan.active, plan.archived_at, AuditPlan.objects.count()) == (True, None, 1)


# -- the table of fields ----------------------------------------------------------------------------------------


DESCRIBED = sorted(kind.slug for kind in audit_kinds if kind.settings is not None)


@pytest.mark.parametrize("slug", DESCRIBED)
def test_every_limit_on_offer_is_known_to_its_kind(slug):
    """The kind refuses a threshold it does not know, so that a field that lost its meaning would be found here."""
    kind, shown = audit_kinds.get(slug), audit_kinds.get(slug).settings
    roles = {
        "columns": ("c",),
        "sensitive": ("group",),
        "y_true": "a",
        "y_pred": "b",
        "quasi_identifiers": ("q",),
    }
    if shown.roles:
        roles["roles"] = NEEDED_ROLES.get(slug, {})
    if "purpose" in shown.texts:  # a kind that is asked about a purpose is asked whose rows they are
        roles |= {"purpose": "advice", "entity": "customer"}
    if "entity" in shown.columns:
        roles["entity"] = "customer"
    if "population" in shown.lines and slug != "mitigation":  # there, of lists only
        roles["population"] = {"group=a": 0.5, "group=b": 0.5}
    kind.check(AuditParameters(thresholds=dict(shown.limits), **roles))
    for method in shown.methods:
        kind.check(AuditParameters(method=method, **roles))


NEEDED_ROLES = {
    "forecast-disparity": {"quantile": "q90"},
    "exposure-disparity": {"user": "u", "item": "i", "rank": "r", "premium": "p"},
    "item-exposure": {"user": "u", "item": "i", "rank": "r"},
    "privacy-budget": {"noise": "n", "rate": "q", "steps": "t"},
    "contact-pressure": {"at": "t", "vulnerable": "v"},
    "dark-patterns": {
        "campaign": "a",
        "check": "b",
        "answer": "c",
        "evidence": "d",
        "reviewer": "e",
        "at": "f",
    },
    "retention": {"date": "d"},
    "uplift": {"treatment": "t"},
}

WITH_ROLES = sorted(kind.slug for kind in audit_kinds if kind.settings and kind.settings.roles)


@pytest.mark.parametrize("slug", WITH_ROLES)
def test_every_role_on_offer_is_known_to_its_kind_and_no_other(slug):
    kind, shown = audit_kinds.get(slug), audit_kinds.get(slug).settings
    given = {"sensitive": ("group",), "y_true": "a", "y_pred": "b"}
    given["population"] = {"group=a": 0.5, "group=b": 0.5} if "population" in shown.lines else {}
    with pytest.raises(AuditInputError) as refused:
        kind.check(AuditParameters(**given, roles={**NEEDED_ROLES.get(slug, {}), "of-tomorrow": "x"}))
    assert "unknown role 'of-tomorrow'" in str(refused.value)
    for role in shown.roles:
        assert role in str(refused.value)


def test_intersections_references_and_roles_are_written_one_a_line(planner, version):
    address = f"{LIST}new/?kind=segment-disparity"
    form = filled(
        **{
            "column:sensitive": ["shop"],
            "column:y_pred": "photos",
            "data_window": "snapshot",
            "lines:roles": "again = id\n\ndistance=farther",
            "lines:references": "price",
        }
    )
    answer = planner.post(address, form)
    assert "“price” is no entry; write a name, an equals sign and a name." in answer.text
    answer = planner.post(address, {**form, "lines:references": ""})
    assert answer.context["form"].errors == {
        "lines:roles": ["There is no column 'id'; known: price, photos, shop, far."]
    }
    form |= {"lines:roles": "distance = far", "lines:references": "shop = 5"}
    planner.post(address, {**form, "lines:intersections": "shop*price"})
    stored = AuditPlan.objects.get().parameters
    assert stored["roles"] == {"distance": "far"}
    assert stored["references"] == {"shop": "5"}
    assert stored["intersections"] == ["shop*price"]


def version_images(version: ModelVersion) -> None:
    """The rows of the predictions, as if they were images with declared labels."""
    rows = version.data.get(role="predictions").snapshot
    VersionSnapshotFactory.create(version=version, role="images", snapshot=rows)


def test_a_reference_population_is_written_one_a_line(planner, version):
    version_images(version)
    address = f"{LIST}new/?kind=representation"
    form = filled(**{"column:sensitive": ["price"], "data_window": "snapshot"})
    answer = planner.post(address, {**form, "lines:population": "low = 0.5"})
    assert "“low = 0.5” is no share" in answer.text
    planner.post(address, {**form, "lines:population": "price=low = 0.25\nprice=high=0.75"})
    assert AuditPlan.objects.get().parameters["population"] == {"price=low": 0.25, "price=high": 0.75}


class SilentKind(AuditKind):
    slug = "of-tomorrow"

    def run(self, audit_input):
        raise NotImplementedError


def test_a_kind_that_nobody_described_takes_limits_as_lines():
    form = PlanForm(kind=audit_kinds.get("data-drift"), columns=["price"])
    assert "limits" not in form.fields
    silent = settings_of(SilentKind())
    assert silent.free_limits
    assert silent.columns == ("columns", "y_true", "y_pred", "entity")
