"""A second process on the scratch installation: registers versions and tells what stands in its database.

It reads one JSON command a line and answers with one JSON line, so that a test pays for starting Django once.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from django.contrib.auth.models import User
from django.core.management import call_command
from django_celery_beat.models import IntervalSchedule

from audits.models import AuditPlan, AuditRun, Finding, Scorecard
from audits.profiles import table_profile
from audits.services.profiles import profile_stored
from audits.services.reports import report_request
from audits.tables import ParquetTable
from governance.actions import Action
from governance.permissions import Role
from governance.selectors.ledger import entries
from governance.services import ledger
from governance.services.datasets import dataset_register, snapshot_register
from governance.services.roles import role_grant
from governance.store import store_open
from models_registry.models import ModelVersion, VersionSnapshot
from models_registry.services.artifacts import artifact_store
from models_registry.services.versions import model_register, version_register

SCORED = {"y_true": "genuine", "y_pred": "score"}
PARAMETERS: dict[str, dict[str, Any]] = {
    "data-drift": {"columns": ["price"]},
    "data-quality": {"columns": ["price"]},
    "performance": SCORED,
    "calibration": SCORED,
    "counterfeit-disparity": {**SCORED, "sensitive": ["seller"]},
    "group-disparity": {**SCORED, "sensitive": ["seller"]},
    "membership-inference": SCORED,
}


def migrate() -> str:
    call_command("migrate", verbosity=0)
    actor, _ = User.objects.get_or_create(username="dana")
    role_grant(user=actor, role=Role.DATA_SCIENTIST)
    return "migrated"


def prices(rng: np.random.Generator, rows: int, mean: float) -> pa.Table:
    return pa.table({"price": rng.normal(mean, 1.0, rows)})


def listings(rng: np.random.Generator, rows: int) -> pa.Table:
    genuine = rng.integers(0, 2, rows)
    score = 1 / (1 + np.exp(-(rng.normal(0.0, 1.0, rows) + 1.5 * (2 * genuine - 1))))
    seller = np.where(rng.random(rows) < 0.5, "private", "trade")
    return pa.table({"genuine": genuine, "score": score, "seller": seller})


def weights(path: Path) -> None:
    path.write_bytes(b"weights")


def register(name: str, rows: int) -> int:
    """A counterfeit detector whose input prices moved by one standard deviation, with so many rows everywhere."""
    actor = User.objects.get(username="dana")
    rng = np.random.default_rng(7)
    tables = {
        "reference": prices(rng, rows, 0.0),
        "current": prices(rng, rows, 1.0),
        "predictions": listings(rng, rows),
        "members": listings(rng, rows),
        "non-members": listings(rng, rows),
    }
    snapshots = {}
    for role, table in tables.items():
        dataset = dataset_register(
            actor=actor, name=f"{name}-{role}", description=role, source="made for a test", owner="tests"
        )
        snapshots[role] = snapshot_register(actor=actor, dataset=dataset, table=table)
    version = version_register(
        actor=actor,
        model=model_register(actor=actor, name=name, kind="counterfeit-detection"),
        artifact_digest=artifact_store(actor=actor, write=weights),
        artifact_format="skops",
        metrics={"roc_auc": 0.9},
        snapshots=snapshots,
        audit_parameters=PARAMETERS,
    )
    return version.pk


def state(version: int) -> list[dict[str, Any]]:
    """The runs of a version, oldest first."""
    rows = AuditRun.objects.filter(version=version).order_by("pk")
    return [dict(row) for row in rows.values("id", "kind", "status", "attempts", "error")]


def evidence(version: int) -> dict[str, Any]:
    """What the finished runs of a version left behind."""
    runs = AuditRun.objects.filter(version=version)
    subjects = {run.subject for run in runs}
    completed = entries(action=Action.RUN_COMPLETED).filter(subject__in=subjects)
    card = Scorecard.objects.filter(version=version).latest("pk")
    ledger.seal()
    report = ledger.verify()
    return {
        "completions": Counter(completed.values_list("subject", flat=True)),
        "measurements": {run.kind: run.measurements.count() for run in runs},
        "findings": sorted(
            Finding.objects.filter(version=version).values_list("kind", "slice", "status"), key=str
        ),
        "dimensions": {
            d.dimension: d.run.kind if d.run else None for d in card.dimensions.select_related("run")
        },
        "status": ModelVersion.objects.get(pk=version).status,
        "ledger": {"verified": report.verified, "problem": report.problem, "sealed": report.sealed},
    }


def profiles(version: int) -> list[dict[str, Any]]:
    """The stored profile of each of a version's snapshots, and the profile of its rows computed in this process."""
    found = []
    for data in VersionSnapshot.objects.filter(version=version).select_related("snapshot__dataset"):
        stored = profile_stored(data.snapshot)
        here = table_profile(ParquetTable(store_open(data.snapshot.digest)))
        found.append({"role": data.role, "stored": stored.digest() if stored else "", "here": here.digest()})
    return found


def report(version: int) -> dict[str, Any]:
    """Ask for Evidently's report on a version's drift run, and tell how far it is."""
    run = AuditRun.objects.get(version=version, kind="data-drift")
    asked = report_request(actor=User.objects.get(username="dana"), run=run)
    shown = bool(asked.digest) and b"Data Drift" in store_open(asked.digest).read_bytes()
    return {"status": asked.status, "attempts": asked.attempts, "shown": shown}


def hurry(version: int, kind: str) -> int:
    """Move a plan's only run to the window before, and let beat fire the plan every second. Returns the plan."""
    plan = AuditPlan.objects.get(version=version, kind=kind)
    run = plan.runs.get()
    AuditRun.objects.filter(pk=run.pk).update(window_start=run.window_start - timedelta(days=7))
    interval, _ = IntervalSchedule.objects.get_or_create(every=1, period=IntervalSchedule.SECONDS)
    task = plan.periodic_task
    assert task is not None
    task.crontab, task.interval = None, interval
    task.save()
    return plan.pk


COMMANDS = {f.__name__: f for f in (migrate, register, state, evidence, profiles, report, hurry)}


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        answer = COMMANDS[request.pop("do")](**request)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
