"""Evidently's report on a run: asked for by people, made in a worker, harmless to open, never a verdict."""

from __future__ import annotations

import base64
import hashlib
import logging
import re
import warnings
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from celery import current_app
from celery.exceptions import SoftTimeLimitExceeded
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from audits.metrics.groups.sampled_rows import sample_rows
from audits.models import AuditRun, EvidenceFile, RunPartition
from audits.services import reports
from audits.services.evidently_html import ReportFault, drift_report_html
from audits.services.queue import REPORT_TASK
from audits.services.report_samples import (
    MOST_COLUMNS,
    RARE,
    ReportColumn,
    categories_shown,
    report_sample,
)
from audits.services.reports import MAX_ATTEMPTS, report_make, report_request, reports_sweep
from audits.tables import MemoryTable
from governance.actions import Action
from governance.errors import InvalidInput, NotPermitted
from governance.models import DatasetSnapshot
from governance.selectors.ledger import entries
from governance.store import file_digest, store_path
from tests.factories import (
    AuditPlanFactory,
    AuditRunFactory,
    DatasetFactory,
    VersionSnapshotFactory,
    snapshot_stored,
)

HOSTILE = "</script><script>alert('x')</script><img src=x onerror=alert(1)>"
ROWS = 400


@pytest.fixture(scope="module")
def evidently() -> None:
    """Import it once, its own warnings aside."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import evidently.presets  # noqa: F401


def columns(rng: np.random.Generator, shift: float, rows: int = ROWS) -> dict[str, Any]:
    country = rng.choice(["FR", "IT", HOSTILE], rows).tolist()
    country[:2] = ["Liechtenstein", "Monaco"]
    price = rng.normal(shift, 1.0, rows)
    price[:2] = [np.nan, np.inf]
    return {
        "customer": [f"customer-{shift}-{n}" for n in range(rows)],
        "price": price,
        f"note {HOSTILE}": rng.integers(0, 9, rows),
        "country": country,
        "returned": rng.random(rows) < 0.3,
        "day": np.arange(rows).astype("datetime64[D]"),
        "mixed": rng.normal(size=rows) if shift else ["x"] * rows,
        "e-mail": [f"person{n}@example.org" for n in range(rows)],
    }


def drift_run(**changes: Any) -> AuditRun:
    """A drift run whose data can be read; people are known by ``customer``."""
    rng = np.random.default_rng(3)
    dataset = DatasetFactory.create(
        contains_personal_data=True, lawful_basis="contract", subject_key="customer"
    )
    plan = AuditPlanFactory.create(kind="data-drift", current_role="current", reference_role="")
    snapshots = {
        role: snapshot_stored(columns(rng, shift), dataset=dataset)
        for role, shift in (("current", 1.0), ("reference", 0.0))
    }
    plan.version.data.all().delete()
    for role, snapshot in snapshots.items():
        VersionSnapshotFactory.create(version=plan.version, role=role, snapshot=snapshot)
    return AuditRunFactory.create(
        plan=plan,
        current_snapshot=snapshots["current"],
        reference_snapshot=snapshots["reference"],
        **changes,
    )


@pytest.fixture
def run(db: None) -> AuditRun:
    return drift_run()


@pytest.fixture
def report(run: AuditRun, officer: User) -> EvidenceFile:
    """Asked for, not made yet."""
    return report_request(actor=officer, run=run)


def made(report: EvidenceFile) -> str:
    assert report_make(report_id=report.pk)
    report.refresh_from_db()
    return store_path(report.digest).read_text()


# -- asking for it ------------------------------------------------------------------------------------------------


def test_asking_makes_one_record_one_ledger_entry_and_one_message(
    run: AuditRun,
    officer: User,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    sent: list[int] = []
    monkeypatch.setattr(current_app.tasks[REPORT_TASK], "delay", sent.append)
    with django_capture_on_commit_callbacks(execute=True):
        first = report_request(actor=officer, run=run)
        assert sent == []
        assert report_request(actor=officer, run=run) == first
    assert sent == [first.pk]
    assert (first.status, first.digest, first.requested_by) == ("queued", "", officer)
    entry = entries(action=Action.REPORT_REQUESTED).get()
    assert (entry.subject, entry.actor) == (f"evidence-file:{first.pk}", officer)
    assert entry.payload == {"run": run.subject, "kind": "evidently-html"}


def test_who_may_only_read_cannot_ask_for_it(run: AuditRun, executive: User) -> None:
    with pytest.raises(NotPermitted):
        report_request(actor=executive, run=run)
    assert not EvidenceFile.objects.exists()
    assert not entries(action=Action.REPORT_REQUESTED).exists()


@pytest.mark.parametrize("changes", [{"plan__kind": "performance"}, {"plan__kind": "data-drift"}])
def test_a_run_that_compares_nothing_has_none(db: None, officer: User, changes: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="compares two tables"):
        report_request(actor=officer, run=AuditRunFactory.create(**changes))
    assert not EvidenceFile.objects.exists()


def test_one_that_failed_can_be_asked_for_again(report: EvidenceFile, officer: User) -> None:
    EvidenceFile.objects.update(status="failed", error="no luck", finished_at=timezone.now())
    again = report_request(actor=officer, run=report.run)
    assert again.pk != report.pk
    assert again.status == "queued"


def test_the_database_refuses_a_second_one_and_one_that_is_ready_without_a_file(report: EvidenceFile) -> None:
    fields = {"run": report.run, "requested_by": report.requested_by, "created_at": timezone.now()}
    with pytest.raises(IntegrityError), transaction.atomic():
        EvidenceFile.objects.create(**fields, queued_at=timezone.now())
    with pytest.raises(IntegrityError), transaction.atomic():
        EvidenceFile.objects.filter(pk=report.pk).update(status="ready", finished_at=timezone.now())
    with pytest.raises(IntegrityError), transaction.atomic():
        EvidenceFile.objects.filter(pk=report.pk).update(status="failed", finished_at=timezone.now())


# -- making it ----------------------------------------------------------------------------------------------------


@pytest.mark.peer
@pytest.mark.usefixtures("evidently")
def test_the_report_shows_a_sample_and_nothing_that_identifies(report: EvidenceFile) -> None:
    page = made(report)
    assert (report.status, report.error, report.sample_rows) == ("ready", "", 2 * ROWS)
    assert file_digest(store_path(report.digest)) == report.digest
    assert report.byte_size == len(page.encode())
    entry = entries(action=Action.REPORT_COMPLETED).get()
    assert (entry.subject, entry.actor) == (report.subject, None)
    assert entry.payload == {
        "run": report.run.subject, "kind": "evidently-html", "digest": report.digest, "rows": 2 * ROWS,
    }  # fmt: skip
    assert '"column_name": "price"' in page
    assert RARE in page
    for withheld in ("customer-0.0-7", "customer-1.0-7", "person7@example.org", "Liechtenstein", "Monaco"):
        assert withheld not in page


@pytest.mark.peer
@pytest.mark.usefixtures("evidently")
def test_the_report_says_what_it_is_and_what_it_leaves_out(report: EvidenceFile) -> None:
    page = made(report)
    notice = re.search(r'<p role="note".*?</p>', page, re.DOTALL)
    assert notice
    for part in (
        "400 of 400 reference rows and 400 of 400 current rows",
        "verdict does not come from this file",
        "customer: it identifies people",
        "day: Evidently&#x27;s report has no chart for datetime columns",
        "mixed: it is categorical in the reference and numeric in the current data",
        "e-mail: none of its values is shared by 10 rows",
    ):
        assert part in notice[0]
    assert f"<title>Evidently&#x27;s report on run {report.run_id}</title>" in page


@pytest.mark.peer
@pytest.mark.usefixtures("evidently")
def test_names_and_categories_reach_no_script_as_markup(report: EvidenceFile) -> None:
    page = made(report)
    assert HOSTILE not in page
    assert "alert('x')" in page  # it is shown, as text
    assert page.count("<script>alert") == 0
    assert page.count("<img src=x") == 0


@pytest.mark.peer
@pytest.mark.usefixtures("evidently")
def test_the_page_runs_its_own_scripts_and_loads_nothing(report: EvidenceFile) -> None:
    page = made(report)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    directives = dict(part.strip().split(" ", 1) for part in policy[1].split(";"))
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts]
    assert len(scripts) == 4
    assert directives == {
        "default-src": "'none'",
        "script-src": " ".join(f"'sha256-{digest}'" for digest in digests),
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "font-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert page.index("Content-Security-Policy") < page.index("<script>")
    markup = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert re.findall(r"(?:src|href|url\()\s*=?\s*[\"']?(?:https?:)?//", markup) == []
    assert "cdn.plot.ly" not in page


@pytest.mark.peer
@pytest.mark.usefixtures("evidently")
def test_a_message_that_comes_twice_makes_it_once(report: EvidenceFile) -> None:
    made(report)
    assert not report_make(report_id=report.pk)
    assert entries(action=Action.REPORT_COMPLETED).count() == 1


def quick(monkeypatch: pytest.MonkeyPatch, answer: Any = "<html>") -> None:
    def page(*_arguments: Any, **_options: Any) -> str:
        if isinstance(answer, BaseException):
            raise answer
        return str(answer() if callable(answer) else answer)

    monkeypatch.setattr(reports, "drift_report_html", page)


def test_the_worker_that_finishes_second_changes_nothing(
    report: EvidenceFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken() -> str:
        quick(monkeypatch, "<p>first</p>")
        assert report_make(report_id=report.pk)
        return "<p>second</p>"

    quick(monkeypatch, overtaken)
    assert not report_make(report_id=report.pk)
    report.refresh_from_db()
    assert store_path(report.digest).read_text() == "<p>first</p>"
    assert entries(action=Action.REPORT_COMPLETED).count() == 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (ReportFault("no column can be shown"), "no column can be shown"),
        (SoftTimeLimitExceeded(), "longer than the time limit"),
        (ZeroDivisionError("secret value 7"), "Evidently could not make it (ZeroDivisionError)"),
    ],
)
def test_what_cannot_be_made_says_why_and_is_not_tried_for_ever(
    report: EvidenceFile, monkeypatch: pytest.MonkeyPatch, fault: Exception, words: str
) -> None:
    quick(monkeypatch, fault)
    assert report_make(report_id=report.pk)
    assert not report_make(report_id=report.pk)
    report.refresh_from_db()
    assert (report.status, report.digest) == ("failed", "")
    assert words in report.error
    assert "secret" not in report.error
    entry = entries(action=Action.REPORT_FAILED).get()
    assert entry.payload == {"run": report.run.subject, "kind": "evidently-html"}


def test_rows_that_lost_their_digest_are_not_shown(report: EvidenceFile) -> None:
    path = store_path(report.run.current_snapshot.digest)
    path.chmod(0o640)
    path.write_bytes(b"other rows")
    assert report_make(report_id=report.pk)
    report.refresh_from_db()
    assert report.status == "failed"
    assert "no longer has its digest" in report.error


def test_a_store_that_is_away_is_tried_again(report: EvidenceFile, monkeypatch: pytest.MonkeyPatch) -> None:
    quick(monkeypatch, OSError("away"))
    with pytest.raises(OSError, match="away"):
        report_make(report_id=report.pk)
    report.refresh_from_db()
    assert (report.status, report.attempts) == ("queued", 1)
    task: Any = current_app.tasks[REPORT_TASK]
    assert (task.autoretry_for, task.max_retries) == ((OSError,), MAX_ATTEMPTS - 1)


def test_one_that_waits_too_long_is_sent_again_and_given_up_in_the_end(
    report: EvidenceFile,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    sent: list[int] = []
    monkeypatch.setattr(current_app.tasks[REPORT_TASK], "delay", sent.append)

    def swept() -> list[int]:
        with django_capture_on_commit_callbacks(execute=True):
            return reports_sweep()

    assert swept() == []
    EvidenceFile.objects.update(queued_at=timezone.now() - timedelta(hours=1))
    assert swept() == [report.pk]
    assert swept() == []
    EvidenceFile.objects.update(queued_at=timezone.now() - timedelta(hours=1), attempts=MAX_ATTEMPTS)
    assert swept() == []
    assert sent == [report.pk]
    report.refresh_from_db()
    assert report.status == "failed"
    assert "given up after 6 attempts" in report.error
    assert not report_make(report_id=report.pk)


@pytest.mark.peer
@pytest.mark.usefixtures("evidently")
def test_a_run_over_partitions_shows_rows_of_all_of_them(officer: User) -> None:
    run = drift_run(parameters={"columns": ["price"]})
    rng = np.random.default_rng(9)
    more: DatasetSnapshot = snapshot_stored(columns(rng, 2.0, rows=100), dataset=run.current_snapshot.dataset)
    for snapshot in (run.current_snapshot, more):
        RunPartition.objects.create(run=run, snapshot=snapshot, side="current")
    report = report_request(actor=officer, run=run)
    page = made(report)
    assert report.sample_rows == 2 * ROWS + 100
    assert "500 of 500 current rows" in page
    assert "country" not in page


# -- what may be shown --------------------------------------------------------------------------------------------


def sampled(**named: Any) -> Any:
    table = MemoryTable(named)
    return sample_rows(table, table.names, (0, 0))


def test_a_category_is_named_only_when_no_side_has_one_to_nine_rows_of_it() -> None:
    reference = ["a"] * 10 + ["b"] * 9 + ["c"] * 50 + ["d"] * 12 + [None] * 3
    current = ["a"] * 10 + ["b"] * 99 + ["d"] * 1 + ["e"] * 10
    assert categories_shown(reference, current) == {"a", "c", "e"}
    shown = report_sample(sampled(x=reference), sampled(x=current), ["x"]).columns[0]
    assert list(shown.reference) == ["a"] * 10 + [RARE] * 9 + ["c"] * 50 + [RARE] * 12 + [None] * 3
    assert list(shown.current) == ["a"] * 10 + [RARE] * 99 + [RARE] * 1 + ["e"] * 10


def test_numbers_need_ten_values_on_each_side_and_infinities_are_none() -> None:
    few, enough = [1.0] * 9 + [np.inf, np.nan], [1.0] * 10 + [-np.inf]
    left_out = report_sample(sampled(x=few), sampled(x=enough), ["x"]).left_out
    assert left_out == {"x": "one side has fewer than 10 values"}
    shown = report_sample(sampled(x=enough), sampled(x=enough), ["x"]).columns[0]
    np.testing.assert_array_equal(shown.reference, [1.0] * 10 + [np.nan])


def test_columns_that_are_missing_on_a_side_or_one_too_many_are_left_out() -> None:
    side = {f"c{n}": [1.0] * 10 for n in range(MOST_COLUMNS + 1)}
    names = [*side, "absent"]
    read = sample_rows(MemoryTable(side), names, (0, 0))
    sample = report_sample(read, read, names)
    assert [column.name for column in sample.columns] == names[:MOST_COLUMNS]
    assert sample.left_out[names[MOST_COLUMNS]] == "the report has 100 columns already"
    assert "'absent' is not in" in sample.left_out["absent"]


def test_without_a_column_there_is_no_report() -> None:
    with pytest.raises(ReportFault, match="no column can be shown"):
        drift_report_html([], title="t", notice="n")


@pytest.mark.peer
@pytest.mark.usefixtures("evidently")
def test_columns_whose_names_differ_in_markup_only_stay_two() -> None:
    numbers = np.arange(20.0)
    pair = [ReportColumn(name, True, numbers, numbers) for name in ("a<b", "a‹b")]
    page = drift_report_html(pair, title="t", notice="n")
    assert page.count('"column_name": "a\\u2039b"') == 1
    assert page.count('"column_name": "a\\u2039b (2)"') == 1


# -- pages and API ------------------------------------------------------------------------------------------------


def ready(report: EvidenceFile, monkeypatch: pytest.MonkeyPatch) -> EvidenceFile:
    quick(monkeypatch, "<p>charts</p>")
    made(report)
    return report


def test_the_runs_page_offers_asking_then_waiting_then_the_file(
    client: Client, officer: User, run: AuditRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(officer)
    address = f"/runs/{run.pk}/"
    assert "Make the report" in client.get(address).text
    answer = client.post(f"{address}evidently-report/request/", follow=True)
    assert answer.redirect_chain == [(address, 302)]
    assert "A worker is making it." in answer.text
    assert "Make the report" not in answer.text
    ready(EvidenceFile.objects.get(), monkeypatch)
    text = client.get(address).text
    assert f'href="{address}evidently-report/"' in text
    assert f'href="{address}evidently-report/view/"' in text
    assert "The verdict of this run does not come from it." in text


def test_the_page_of_a_failed_report_says_why_and_offers_another_try(
    client: Client, officer: User, report: EvidenceFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick(monkeypatch, ReportFault("no <column> can be shown"))
    report_make(report_id=report.pk)
    client.force_login(officer)
    text = client.get(f"/runs/{report.run_id}/").text
    assert "no &lt;column&gt; can be shown" in text
    assert "Try again" in text


def test_who_may_not_ask_is_told_who_can_and_other_audits_have_no_report(
    client: Client, executive: User, run: AuditRun
) -> None:
    client.force_login(executive)
    text = client.get(f"/runs/{run.pk}/").text
    assert "A data scientist or a compliance officer can." in text
    assert "Make the report" not in text
    assert "Evidently's report" not in client.get(f"/runs/{AuditRunFactory.create().pk}/").text


def test_the_page_of_another_audit_answers_a_made_up_request_with_why_not(
    client: Client, officer: User
) -> None:
    run = AuditRunFactory.create()
    client.force_login(officer)
    answer = client.post(f"/runs/{run.pk}/evidently-report/request/", follow=True)
    assert answer.redirect_chain == [(f"/runs/{run.pk}/", 302)]
    assert "report compares two tables" in answer.text
    assert not EvidenceFile.objects.exists()


@pytest.mark.parametrize(("address", "disposition"), [("", "attachment"), ("view/", "inline")])
def test_the_file_comes_in_a_sandbox(
    client: Client, executive: User, report: EvidenceFile, monkeypatch: pytest.MonkeyPatch,
    address: str, disposition: str,
) -> None:  # fmt: skip
    ready(report, monkeypatch)
    client.force_login(executive)
    answer: Any = client.get(f"/runs/{report.run_id}/evidently-report/{address}")
    assert answer.status_code == 200
    assert b"".join(answer.streaming_content) == b"<p>charts</p>"
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert answer["Content-Disposition"].startswith(disposition)
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    policy = {part.split()[0]: part.split()[1:] for part in answer["Content-Security-Policy"].split(";")}
    assert policy["sandbox"] == ["allow-scripts"]
    assert policy["default-src"] == policy["connect-src"] == policy["frame-ancestors"] == ["'none'"]


def test_there_is_no_file_before_it_is_ready(client: Client, officer: User, report: EvidenceFile) -> None:
    client.force_login(officer)
    for address in ("", "view/"):
        assert client.get(f"/runs/{report.run_id}/evidently-report/{address}").status_code == 404


def test_a_file_that_changed_is_not_handed_out(
    officer: User, report: EvidenceFile, monkeypatch: pytest.MonkeyPatch, api_as: Any
) -> None:
    ready(report, monkeypatch)
    path = store_path(report.digest)
    path.chmod(0o640)
    path.write_bytes(b"<script>evil()</script>")
    answer = api_as(officer).get(f"/api/v1/audit-runs/{report.run_id}/evidently-report/file/")
    assert (answer.status_code, answer.json()["code"]) == (500, "corrupt-evidence")


def test_the_api_asks_tells_the_state_and_hands_out_the_file(
    run: AuditRun, officer: User, monkeypatch: pytest.MonkeyPatch, api_as: Any
) -> None:
    client = api_as(officer)
    address = f"/api/v1/audit-runs/{run.pk}/evidently-report/"
    assert client.get(address).status_code == 404
    asked = client.post(address)
    assert (asked.status_code, asked.json()["status"]) == (202, "queued")
    assert client.post(address).json()["id"] == asked.json()["id"]
    assert client.get(f"{address}file/").status_code == 404
    report = ready(EvidenceFile.objects.get(), monkeypatch)
    state = client.get(address).json()
    assert (state["status"], state["digest"], state["sample_rows"]) == ("ready", report.digest, 2 * ROWS)
    answer = client.get(f"{address}file/")
    assert b"".join(answer.streaming_content) == b"<p>charts</p>"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["Content-Security-Policy"].startswith("sandbox allow-scripts;")


def test_the_api_refuses_a_report_on_a_run_that_compares_nothing(officer: User, api_as: Any) -> None:
    run = AuditRunFactory.create()
    answer = api_as(officer).post(f"/api/v1/audit-runs/{run.pk}/evidently-report/")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input")
    assert not EvidenceFile.objects.exists()


def test_a_fault_of_evidentlys_own_is_in_the_log_for_an_operator(
    report: EvidenceFile, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    quick(monkeypatch, KeyError("x"))
    with caplog.at_level(logging.ERROR):
        report_make(report_id=report.pk)
    assert caplog.messages == [f"report {report.pk} could not be made"]
