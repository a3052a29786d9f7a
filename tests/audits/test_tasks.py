"""Celery's entry points: thin, safe to deliver twice, and known by name to whoever sends them."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.utils import timezone

from audits import tasks
from audits.models import AuditRun
from audits.services import runs
from audits.services.runs import Status
from governance.tasks import seal_ledger_task
from models_registry.models import ModelVersion
from tests.audits.conftest import House

ROOT = Path(__file__).parents[2]


@pytest.mark.django_db
def test_the_run_task_computes_the_run_once(house: House, drift_run: AuditRun) -> None:
    assert tasks.run_task(drift_run.pk)
    assert not tasks.run_task(drift_run.pk)
    drift_run.refresh_from_db()
    assert (drift_run.status, len(house.drift.seen)) == (Status.COMPLETED, 1)


def test_only_a_store_out_of_reach_is_retried() -> None:
    task: Any = tasks.run_task
    assert task.autoretry_for == (OSError,)
    assert task.max_retries == runs.MAX_ATTEMPTS


@pytest.mark.django_db
def test_the_plan_task_queues_the_window_once(house: House, drift_run: AuditRun) -> None:
    AuditRun.objects.filter(pk=drift_run.pk).update(window_start=drift_run.window_start - timedelta(days=7))
    queued = tasks.run_plan_task(drift_run.plan_id)
    assert queued == AuditRun.objects.get(plan=drift_run.plan, window_start=drift_run.window_start).pk
    assert tasks.run_plan_task(drift_run.plan_id) is None


@pytest.mark.django_db
def test_the_sweep_task_returns_what_it_queued_again(drift_run: AuditRun) -> None:
    assert tasks.sweep_task() == []
    AuditRun.objects.filter(pk=drift_run.pk).update(queued_at=timezone.now() - timedelta(hours=1))
    assert tasks.sweep_task() == [drift_run.pk]


@pytest.mark.django_db
def test_the_refresh_task_scores_the_newest_version_of_each_model(
    house: House, version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = house.version(model=version.model)
    other = house.version(model=house.model("other"))
    scored: list[ModelVersion] = []
    monkeypatch.setattr(tasks, "scorecard_compute", lambda *, version: scored.append(version))
    assert tasks.refresh_scorecards_task() == 2
    assert scored == [other, newer]


@pytest.mark.django_db
def test_the_seal_task_seals_what_is_new(version: ModelVersion) -> None:
    assert seal_ledger_task() > 0
    assert seal_ledger_task() == 0


def test_a_process_that_only_serves_pages_knows_the_task_it_sends() -> None:
    """Workers import every task module; a web process imports what its apps import."""
    code = "import django; django.setup(); from celery import current_app; print('audits.run' in current_app.tasks)"
    environment = {"DJANGO_SETTINGS_MODULE": "config.settings.test", "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "True"


def test_every_task_has_the_name_that_schedules_use() -> None:
    known = {name for name in current_app.tasks if not name.startswith("celery.")}
    assert known == {
        "audits.run",
        "audits.run_plan",
        "audits.sweep",
        "audits.refresh_scorecards",
        "audits.catch_up",
        "audits.monitor",
        "audits.monitor_all",
        "audits.profile",
        "audits.report",
        "governance.seal_ledger",
        "models_registry.scan_artifact",
    }
