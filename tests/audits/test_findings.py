from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audits.kinds import Verdict
from audits.models import AuditPlan, AuditRun, Finding, Measurement
from audits.services.execution import run_execute
from audits.services.findings import finding_answer, findings_update
from audits.services.runs import run_request
from governance.actions import Action
from governance.errors import InvalidInput, InvalidTransition, NotPermitted
from governance.selectors.ledger import entries
from models_registry.models import ModelVersion
from tests.audits.conftest import House, measured
from tests.factories import AuditPlanFactory, AuditRunFactory, FindingFactory, MeasurementFactory

pytestmark = pytest.mark.django_db

ANSWER = "Store mix moved with the summer sale; the model is retrained in June."


def examine(house: House, version: ModelVersion, **verdicts: Verdict) -> AuditRun:
    """One more drift run, with a measurement for each slice; the first takes the run that registration queued."""
    house.drift.answer = [measured(verdict, 2.0, slice=name) for name, verdict in verdicts.items()]
    run = house.run(version, "probe-drift")
    if run.finished:
        run = run_request(actor=house.actor, plan=run.plan)
    run_execute(run_id=run.pk)
    run.refresh_from_db()
    return run


def test_each_failing_measurement_opens_one_finding(house: House, version: ModelVersion) -> None:
    run = examine(house, version, a=Verdict.FAIL, b=Verdict.REVIEW, c=Verdict.PASS, d=Verdict.ERRORED)
    finding = Finding.objects.get()
    assert (finding.version, finding.kind, finding.name, finding.slice) == (
        version,
        "probe-drift",
        "rate",
        "a",
    )
    assert finding.status == Finding.Status.OPEN
    assert finding.measurement == finding.first_measurement == run.measurements.get(slice="a")
    entry = entries(action=Action.FINDING_OPENED).get()
    assert (entry.subject, entry.actor) == (finding.subject, None)
    assert entry.payload == {"version": version.subject, "run": run.subject, "measurement": "rate"}


def test_a_measurement_that_fails_again_touches_the_same_finding(house: House, version: ModelVersion) -> None:
    first = examine(house, version, a=Verdict.FAIL)
    opened = Finding.objects.get()
    second = examine(house, version, a=Verdict.FAIL)
    again = Finding.objects.get()
    assert again.pk == opened.pk
    assert again.first_measurement == first.measurements.get()
    assert again.measurement == second.measurements.get()
    assert again.opened_at == opened.opened_at
    assert again.last_seen_at > opened.last_seen_at
    assert entries(action=Action.FINDING_OPENED).count() == 1


def test_a_measurement_that_passes_again_closes_its_finding_only(house: House, version: ModelVersion) -> None:
    examine(house, version, a=Verdict.FAIL, b=Verdict.FAIL)
    run = examine(house, version, a=Verdict.PASS, b=Verdict.FAIL)
    closed, still = Finding.objects.order_by("slice")
    assert (closed.status, still.status) == ("closed", "open")
    assert closed.closed_at is not None
    entry = entries(action=Action.FINDING_CLOSED).get()
    assert (entry.subject, entry.payload) == (closed.subject, {"run": run.subject})


@pytest.mark.parametrize("verdict", [Verdict.REVIEW, Verdict.INSUFFICIENT, Verdict.ERRORED])
def test_less_than_a_pass_closes_nothing(verdict: Verdict, house: House, version: ModelVersion) -> None:
    examine(house, version, a=Verdict.FAIL)
    examine(house, version, a=verdict)
    assert Finding.objects.get().status == Finding.Status.OPEN


def test_a_slice_that_is_no_longer_measured_stays_open(house: House, version: ModelVersion) -> None:
    examine(house, version, a=Verdict.FAIL)
    examine(house, version, b=Verdict.PASS)
    assert Finding.objects.get().status == Finding.Status.OPEN


def test_an_errored_run_closes_nothing(house: House, version: ModelVersion) -> None:
    run = examine(house, version, a=Verdict.FAIL)
    house.drift.answer = ValueError("broken")
    run_execute(run_id=run_request(actor=house.actor, plan=run.plan).pk)
    assert Finding.objects.get().status == Finding.Status.OPEN


def test_a_breach_that_comes_back_is_a_new_finding(house: House, version: ModelVersion) -> None:
    for verdict in (Verdict.FAIL, Verdict.PASS, Verdict.FAIL):
        examine(house, version, a=verdict)
    assert list(Finding.objects.order_by("pk").values_list("status", flat=True)) == ["closed", "open"]


def test_another_version_has_findings_of_its_own(house: House, version: ModelVersion) -> None:
    examine(house, version, a=Verdict.FAIL)
    other = house.version()
    examine(house, other, a=Verdict.PASS)
    assert Finding.objects.get().status == Finding.Status.OPEN


def test_another_audit_kind_closes_nothing(house: House, version: ModelVersion) -> None:
    examine(house, version, a=Verdict.FAIL)
    house.bias.answer = [measured(Verdict.PASS, slice="a")]
    run_execute(run_id=house.run(version, "probe-bias").pk)
    assert Finding.objects.get().status == Finding.Status.OPEN


def test_an_answer_is_kept_with_its_author(house: House, version: ModelVersion, officer: User) -> None:
    examine(house, version, a=Verdict.FAIL)
    finding = Finding.objects.get()
    finding_answer(actor=officer, finding=finding, answer=f"  {ANSWER}\n")
    finding.refresh_from_db()
    assert (finding.status, finding.answer, finding.answered_by) == ("answered", ANSWER, officer)
    assert finding.answered_at is not None
    entry = entries(action=Action.FINDING_ANSWERED).get()
    assert (entry.subject, entry.actor, entry.payload) == (finding.subject, officer, {})


def test_an_answered_finding_stays_while_it_fails_and_closes_when_it_passes(
    house: House, version: ModelVersion, officer: User
) -> None:
    examine(house, version, a=Verdict.FAIL)
    finding_answer(actor=officer, finding=Finding.objects.get(), answer=ANSWER)
    examine(house, version, a=Verdict.FAIL)
    assert Finding.objects.get().status == Finding.Status.ANSWERED
    examine(house, version, a=Verdict.PASS)
    finding = Finding.objects.get()
    assert (finding.status, finding.answer) == ("closed", ANSWER)


def test_an_answer_nobody_can_follow_is_refused(house: House, version: ModelVersion, officer: User) -> None:
    examine(house, version, a=Verdict.FAIL)
    finding = Finding.objects.get()
    with pytest.raises(InvalidInput, match="at least 20 characters") as caught:
        finding_answer(actor=officer, finding=finding, answer=" " * 30 + "ok")
    assert caught.value.field == "answer"
    finding.refresh_from_db()
    assert (finding.status, finding.answer) == ("open", "")
    assert entries(action=Action.FINDING_ANSWERED).count() == 0


def test_who_answers_second_is_told_so(house: House, version: ModelVersion, officer: User) -> None:
    examine(house, version, a=Verdict.FAIL)
    finding = Finding.objects.get()
    finding_answer(actor=officer, finding=finding, answer=ANSWER)
    with pytest.raises(InvalidTransition, match="no longer open"):
        finding_answer(actor=officer, finding=finding, answer="A second and different answer.")
    finding.refresh_from_db()
    assert finding.answer == ANSWER
    assert entries(action=Action.FINDING_ANSWERED).count() == 1


@pytest.mark.parametrize("role", ["data_scientist", "executive", "customer"])
def test_only_an_officer_answers(
    role: str, house: House, version: ModelVersion, request: pytest.FixtureRequest
) -> None:
    examine(house, version, a=Verdict.FAIL)
    finding = Finding.objects.get()
    with pytest.raises(NotPermitted):
        finding_answer(actor=request.getfixturevalue(role), finding=finding, answer=ANSWER)
    finding.refresh_from_db()
    assert finding.status == "open"


def test_database_refuses_an_answered_finding_without_answer(house: House, version: ModelVersion) -> None:
    examine(house, version, a=Verdict.FAIL)
    with pytest.raises(IntegrityError, match="finding_answered_has_answer"), transaction.atomic():
        Finding.objects.update(status="answered")


def test_database_refuses_two_open_findings_for_one_measurement(house: House, version: ModelVersion) -> None:
    examine(house, version, a=Verdict.FAIL)
    finding = Finding.objects.get()
    finding.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        finding.save(force_insert=True)
    assert Finding.objects.count() == 1


# -- two plans of one kind on one version: the required weekly one, and a daily one of somebody's own


@pytest.fixture
def weekly() -> AuditPlan:
    return AuditPlanFactory.create(kind="data-drift", window="week", current_role="current")


@pytest.fixture
def daily(weekly: AuditPlan) -> AuditPlan:
    return AuditPlanFactory.create(
        version=weekly.version, kind="data-drift", window="day", current_role="current", required=False, name="Daily"
    )  # fmt: skip


def ran(plan: AuditPlan, verdict: Verdict, slice_name: str = "price") -> Measurement:
    """One finished run of a plan with one measurement, its findings brought up to date."""
    run = AuditRunFactory.create(plan=plan, verdict=verdict)
    used = 2.0 if verdict == Verdict.FAIL else 0.5
    measurement = MeasurementFactory.create(
        run=run, name="effect", slice=slice_name, verdict=verdict, tolerance_used=used
    )
    findings_update(run=run, measurements=[measurement])
    return measurement


def states(plan: AuditPlan) -> list[str]:
    return list(Finding.objects.filter(plan=plan).order_by("pk").values_list("status", flat=True))


def test_two_plans_that_see_the_same_breach_have_a_finding_each(weekly: AuditPlan, daily: AuditPlan) -> None:
    first, second = ran(weekly, Verdict.FAIL), ran(daily, Verdict.FAIL)
    assert (states(weekly), states(daily)) == (["open"], ["open"])
    assert Finding.objects.get(plan=weekly).measurement == first, "the other plan has not taken it over"
    assert Finding.objects.get(plan=daily).measurement == second
    assert entries(action=Action.FINDING_OPENED).count() == 2


def test_a_pass_closes_the_findings_of_its_own_plan_only(weekly: AuditPlan, daily: AuditPlan) -> None:
    """The lenient plan failed last, so that the finding would be its own if both shared one."""
    ran(weekly, Verdict.FAIL)
    ran(daily, Verdict.FAIL)
    passed = ran(daily, Verdict.PASS)
    assert (states(weekly), states(daily)) == (["open"], ["closed"])
    closed = entries(action=Action.FINDING_CLOSED).get()
    assert (closed.subject, closed.payload) == (
        Finding.objects.get(plan=daily).subject,
        {"run": passed.run.subject},
    )
    ran(weekly, Verdict.PASS)
    assert (states(weekly), states(daily)) == (["closed"], ["closed"])


def test_a_failure_of_another_plan_reopens_nothing(weekly: AuditPlan, daily: AuditPlan) -> None:
    ran(weekly, Verdict.FAIL)
    ran(weekly, Verdict.PASS)
    ran(daily, Verdict.FAIL)
    assert (states(weekly), states(daily)) == (["closed"], ["open"])


def test_an_answer_settles_the_finding_of_one_plan(
    weekly: AuditPlan, daily: AuditPlan, officer: User
) -> None:
    ran(weekly, Verdict.FAIL)
    ran(daily, Verdict.FAIL)
    finding_answer(actor=officer, finding=Finding.objects.get(plan=weekly), answer=ANSWER)
    ran(daily, Verdict.FAIL)
    assert (states(weekly), states(daily)) == (["answered"], ["open"])


@given(st.lists(st.tuples(st.sampled_from(["weekly", "daily"]), st.sampled_from(list(Verdict))), max_size=8))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_a_plan_has_found_never_depends_on_the_other(
    weekly: AuditPlan, daily: AuditPlan, runs: list[tuple[str, Verdict]]
) -> None:
    """Interleaved runs leave each plan with the findings that its own runs alone would leave."""
    with transaction.atomic():
        for name, verdict in runs:
            ran({"weekly": weekly, "daily": daily}[name], verdict)
        for name, plan in (("weekly", weekly), ("daily", daily)):
            assert states(plan) == told_apart([verdict for which, verdict in runs if which == name])
        transaction.set_rollback(True)


def told_apart(verdicts: list[Verdict]) -> list[str]:
    """Of one plan: a failure opens a finding unless one is open, a pass closes it, all else leaves it."""
    found: list[str] = []
    for verdict in verdicts:
        is_open = found[-1:] == ["open"]
        if verdict == Verdict.FAIL and not is_open:
            found.append("open")
        elif verdict == Verdict.PASS and is_open:
            found[-1] = "closed"
    return found


def test_database_refuses_two_unsettled_findings_of_one_plan_and_allows_one_of_each(
    weekly: AuditPlan, daily: AuditPlan
) -> None:
    ran(weekly, Verdict.FAIL)
    finding = Finding.objects.get()
    finding.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        finding.save(force_insert=True)
    finding.plan = daily
    finding.save(force_insert=True)
    assert (states(weekly), states(daily)) == (["open"], ["open"])


@pytest.mark.django_db(transaction=True)
def test_findings_from_before_plans_had_their_own_get_the_plan_that_saw_them_last() -> None:
    before, after = [("audits", "0006_finding_plan")], [("audits", "0008_finding_once_per_plan")]
    finding = FindingFactory.create()
    other = FindingFactory.create()
    executor = MigrationExecutor(connection)
    executor.migrate(before)
    executor.loader.project_state(before).apps.get_model("audits", "Finding").objects.update(plan=None)
    executor = MigrationExecutor(connection)
    executor.migrate(after)
    MigrationExecutor(connection).migrate(
        executor.loader.graph.leaf_nodes()
    )  # the other tests need all of it
    plans = dict(Finding.objects.values_list("pk", "plan"))
    assert plans == {f.pk: f.measurement.run.plan_id for f in (finding, other)}
