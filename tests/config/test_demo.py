"""The demo command, with one tiny model in place of the four and a worker in this process."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from datetime import date
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from sklearn.linear_model import LogisticRegression

from audits.models import AuditPlan, AuditRun
from audits.services import monitoring
from audits.services.execution import run_execute
from config.demo import people, stages
from config.demo.contract import Arrivals, DatasetCard, PlanDraft, ReferenceModel, SnapshotDraft
from config.demo.input_audits import weekly_plans
from config.management.commands import demo
from config.processes import BEAT, WORKER
from governance.errors import InvalidInput
from governance.models import Dataset
from governance.permissions import Role, roles_of
from governance.store import store_open
from models_registry.models import ModelVersion
from models_registry.scanning.skops_types import TRUSTED
from tests.house import _listings, _tables

REQUIRED = [
    "calibration",
    "counterfeit-disparity",
    "data-drift",
    "data-quality",
    "group-disparity",
    "membership-inference",
    "multivariate-drift",
    "performance",
    "schema",
]
PLANS = [
    ("arrival", "Weekly deliveries arrive"),
    ("calibration", "Calibration once more"),
    ("data-drift", "The newest week against the reference"),
]
RUNS = len(REQUIRED) + len(PLANS)
WEEKS = tuple((date(2026, 10, first), date(2026, 10, first + 6)) for first in (5, 12))
#: The reference has 600 rows in seven days, as each week has.
REFERENCE = {"reference": (date(2026, 9, 1), date(2026, 9, 7))}
SCORED = {"y_true": "fake", "y_pred": "score"}
MEASUREMENT = {"name", "slice", "n", "value", "low", "high", "threshold", "verdict"}
trained: list[int] = []


def build(seed: int) -> ReferenceModel:
    """What a module of ``config.demo`` offers, in small."""
    trained.append(seed)
    tables = _tables(np.random.default_rng(seed))
    scored = tables["training"].to_pandas()
    card, feed = (
        DatasetCard(name=name, description="Listings", source="made up for tests", owner="brand protection")
        for name in ("tiny-listings", "tiny-feed")
    )
    rng = np.random.default_rng(seed + 2)
    return ReferenceModel(
        name="tiny-finder",
        kind="counterfeit-detection",
        description="Flags listings for review.",
        estimator=LogisticRegression().fit(scored[["price", "photos"]].to_numpy(), scored["country"] == "FR"),
        metrics={"roc_auc": 0.9123},
        snapshots=tuple(
            SnapshotDraft(role=role, dataset=card, table=table, window=REFERENCE.get(role))
            for role, table in tables.items()
        ),
        arrivals=Arrivals(dataset=feed, tables=tuple((window, _listings(rng, 0.0)) for window in WEEKS)),
        plans=(
            *weekly_plans(["price", "country"]),
            PlanDraft(kind="calibration", name="Calibration once more", parameters=SCORED),
        ),
        audit_parameters={
            "performance": SCORED,
            "calibration": SCORED,
            "counterfeit-disparity": {"y_true": "fake", "y_pred": "flagged", "sensitive": ["region"]},
            "group-disparity": {"y_true": "fake", "y_pred": "flagged", "sensitive": ["region"]},
            "membership-inference": SCORED,
        },
    )


class InProcess:
    """Stands in for the worker: runs what is queued, then and there."""

    stopped: str | None = None

    def __init__(self, commands: dict[str, Any]) -> None:
        assert commands == {"worker": WORKER, "beat": BEAT}

    def __enter__(self) -> InProcess:
        for run in AuditRun.objects.filter(status="queued"):
            run_execute(run_id=run.pk)
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def first_stopped(self) -> str | None:
        return self.stopped


class Dead(InProcess):
    """A worker that ended before it did anything."""

    stopped: str | None = "worker"

    def __enter__(self) -> Dead:
        return self


class Idle(Dead):
    stopped = None


@pytest.fixture
def run_demo(
    db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[str, dict[str, Any]]]:
    """``run_demo()``: what the command printed, and what it wrote."""
    trained.clear()
    monkeypatch.setattr(stages, "BUILDERS", {"tiny-finder": __name__})
    monkeypatch.setattr(people, "SIGN_INS", tmp_path / "sign-ins.json")
    monkeypatch.setattr(demo, "Processes", InProcess)

    def run() -> tuple[str, dict[str, Any]]:
        printed, target = StringIO(), tmp_path / "found.json"
        call_command("demo", "--no-serve", "--json", str(target), stdout=printed)
        return printed.getvalue(), json.loads(target.read_text(encoding="utf-8"))

    return run


def test_the_json_holds_what_the_contract_names(run_demo):
    _, found = run_demo()
    assert found.keys() == {"models", "ledger", "seconds"}
    (model,) = found["models"]
    assert model.keys() == {"name", "kind", "version", "metrics", "audits", "plans", "risk"}
    assert (model["name"], model["kind"], model["version"]) == ("tiny-finder", "counterfeit-detection", 1)
    assert model["metrics"] == {"roc_auc": 0.9123}
    audits = {audit["kind"]: audit for audit in model["audits"]}
    assert len(audits) == len(model["audits"])
    assert sorted(audits) == REQUIRED
    for audit in (*audits.values(), *model["plans"]):
        assert audit.keys() - {"name"} == {"kind", "verdict", "measurements"}
        assert audit["measurements"]
        for measurement in audit["measurements"]:
            assert measurement.keys() >= MEASUREMENT
    assert audits["data-drift"]["verdict"] == "fail"  # its price moved by two standard deviations
    assert audits["group-disparity"]["verdict"] == "fail"  # flags fall mostly on one region
    assert {"reference", "ratio", "p", "p_adjusted"} <= audits["group-disparity"]["measurements"][0].keys()
    risk = model["risk"]
    assert risk.keys() == {"overall", "band", "dimensions"}
    assert sorted(risk["dimensions"]) == ["bias", "drift", "performance", "privacy", "quality"]
    assert (type(risk["overall"]), risk["band"]) == (int, "high")
    assert found["ledger"].keys() == {"entries", "verified"}
    assert found["ledger"]["verified"] is True
    assert isinstance(found["ledger"]["entries"], int)
    assert isinstance(found["seconds"], float)


def test_the_officers_plans_stand_beside_the_required_audits_and_never_for_them(run_demo):
    _, found = run_demo()
    (model,) = found["models"]
    assert sorted((plan["kind"], plan["name"]) for plan in model["plans"]) == PLANS
    by_name = {plan["name"]: plan for plan in model["plans"]}
    required = {audit["kind"]: audit for audit in model["audits"]}
    # The registered current rows have moved, the weeks that arrived have not.
    newest = by_name["The newest week against the reference"]
    assert (newest["verdict"], required["data-drift"]["verdict"]) == ("pass", "fail")
    assert {m["slice"] for m in newest["measurements"]} == {"price", "country", ""}
    arrived = {m["name"]: m for m in by_name["Weekly deliveries arrive"]["measurements"]}
    assert (arrived["volume-ratio"]["value"], arrived["volume-ratio"]["days"]) == (1.0, 7)
    assert arrived["age-days"]["newest"] == "2026-10-18"
    for plan in AuditPlan.objects.filter(required=False):
        assert (plan.action, plan.window) == ("record", "week")


def test_each_version_asks_once_for_the_monitoring_of_all_that_arrived(run_demo, monkeypatch):
    asked: list[int] = []
    monkeypatch.setattr(monitoring, "enqueue_monitoring", asked.append)
    run_demo()
    version = ModelVersion.objects.get()
    assert asked == [version.pk]
    assert version.monitored_dataset.snapshots.count() == len(WEEKS)
    assert version.drift_points.filter(data_window="week").exists()


def test_a_publication_that_breaks_off_leaves_nothing_and_is_made_again(run_demo, monkeypatch):
    def refused(**_values):
        raise InvalidInput("name", "no")

    with monkeypatch.context() as broken:
        broken.setattr(stages, "plan_create", refused)
        with pytest.raises(InvalidInput):
            run_demo()
    assert (ModelVersion.objects.count(), Dataset.objects.count(), AuditRun.objects.count()) == (0, 0, 0)
    _, found = run_demo()
    assert len(found["models"][0]["plans"]) == len(PLANS)


def test_the_second_time_changes_nothing(run_demo):
    def rows() -> dict[str, int]:
        return {model._meta.label: model._default_manager.count() for model in apps.get_models()}

    _, first = run_demo()
    before = rows()
    printed, second = run_demo()
    assert rows() == before
    assert before["governance.LedgerEntry"] == first["ledger"]["entries"] > 0
    assert {**second, "seconds": 0} == {**first, "seconds": 0}
    assert trained == [stages.SEED]
    assert "[1/1] tiny-finder: registered already" in printed
    assert f"Audits: all {RUNS} runs are finished already" in printed


def test_progress_a_closing_table_and_four_sign_ins_are_printed(run_demo):
    printed, found = run_demo()
    lines = printed.splitlines()
    assert lines[0] == "[1/1] tiny-finder: training on real data ..."
    assert lines[1].startswith("[1/1] tiny-finder: registered tiny-finder v1, roc_auc 0.912 (")
    assert lines[2:4] == [
        "Audits: starting a worker and the scheduler ...",
        f"Audits: {RUNS} of {RUNS} runs finished",
    ]
    overall = found["models"][0]["risk"]["overall"]
    assert f"tiny-finder v1 (Counterfeit detection): roc_auc 0.912, risk {overall} (high)" in lines
    assert any(line.startswith("    data-drift             fail") for line in lines)
    assert "    schema                 pass" in lines
    assert "    arrival                pass          “Weekly deliveries arrive”" in lines
    assert any(
        line.startswith(f"Ledger: {found['ledger']['entries']} entries, verified. Took ") for line in lines
    )
    start = lines.index("Sign in at http://127.0.0.1:8000/ as")
    assert [line.split()[-2] for line in lines[start + 1 : start + 5]] == ["noor", "ines", "claire", "tomas"]


def test_four_people_can_sign_in_each_with_one_role_and_a_password_of_this_machine(run_demo):
    printed, _ = run_demo()
    passwords = json.loads(people.SIGN_INS.read_text(encoding="utf-8"))
    assert stat.S_IMODE(people.SIGN_INS.stat().st_mode) == 0o600
    assert len(set(passwords.values())) == 4
    roles = {user.username: roles_of(user) for user in User.objects.all()}
    assert roles == {
        "noor": {Role.DATA_SCIENTIST},
        "ines": {Role.COMPLIANCE_OFFICER},
        "claire": {Role.EXECUTIVE},
        "tomas": {Role.CUSTOMER},
    }
    for username, password in passwords.items():
        assert password in printed
        assert len(password) >= 12
        assert Client().login(username=username, password=password)
        assert not User.objects.get(username=username).is_staff


def test_a_password_that_was_changed_is_what_the_file_says_again(run_demo):
    run_demo()
    noor = User.objects.get(username="noor")
    noor.set_password("something else entirely")
    noor.save()
    run_demo()
    passwords = json.loads(people.SIGN_INS.read_text(encoding="utf-8"))
    assert Client().login(username="noor", password=passwords["noor"])


def test_the_artefact_can_be_loaded_with_trusted_types_only(run_demo):
    from skops import io

    run_demo()
    path = store_open(ModelVersion.objects.get().artifact_digest)
    assert io.get_untrusted_types(file=path) == []
    assert isinstance(io.load(path, trusted=[]), LogisticRegression)


def test_a_worker_that_stops_ends_the_demo_and_names_its_log(run_demo, monkeypatch):
    monkeypatch.setattr(demo, "Processes", Dead)
    with pytest.raises(CommandError) as error:
        run_demo()
    assert str(error.value) == "The worker process stopped by itself; var/log/worker.log says why."


def test_audits_that_do_not_end_stop_the_demo_and_name_the_log(run_demo, monkeypatch):
    monkeypatch.setattr(demo, "Processes", Idle)
    monkeypatch.setattr(stages, "RUN_TIMEOUT_SECONDS", -1)
    with pytest.raises(CommandError) as error:
        run_demo()
    assert str(error.value) == f"{RUNS} audit runs are not finished; see var/log/worker.log"


def test_an_interrupted_demo_goes_on_where_it_stopped(run_demo, monkeypatch):
    monkeypatch.setattr(demo, "Processes", Dead)
    with pytest.raises(CommandError):
        run_demo()
    monkeypatch.setattr(demo, "Processes", InProcess)
    _, found = run_demo()
    assert len(found["models"][0]["audits"]) == len(REQUIRED)
    assert trained == [stages.SEED]


def test_without_no_serve_it_serves_at_the_end(run_demo, monkeypatch):
    served: list[tuple[str, str]] = []
    monkeypatch.setattr(demo, "call_command", lambda name, address: served.append((name, address)))
    run_demo()
    assert served == []
    call_command("demo", "--address", "127.0.0.1:8123", stdout=StringIO())
    assert served == [("serve", "127.0.0.1:8123")]


def test_each_reference_model_has_its_builder():
    from importlib.util import find_spec

    assert list(stages.BUILDERS) == [
        "demand-forecast",
        "client-segments",
        "clienteling-recommendation",
        "counterfeit-detection",
    ]
    assert all(find_spec(module) for module in stages.BUILDERS.values())


def test_a_demo_that_is_stopped_says_how_to_go_on(run_demo, monkeypatch):
    def interrupted(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(stages, "model_train", interrupted)
    with pytest.raises(CommandError, match="goes on from here"):
        run_demo()
    assert ModelVersion.objects.count() == 0


def test_the_demo_s_artefacts_hold_trusted_types_alone():
    """Else the scan would quarantine what the demo registers."""
    for module in stages.BUILDERS.values():
        assert set(import_module(module).TRUSTED_TYPES) <= TRUSTED, module
