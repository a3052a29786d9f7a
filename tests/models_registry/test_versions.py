from __future__ import annotations

import hashlib
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from audits.models import AuditPlan
from governance.actions import Action
from governance.errors import InvalidInput, NotPermitted
from governance.hooks import Hook
from governance.models import DatasetSnapshot
from governance.selectors.ledger import entries
from models_registry.models import ModelVersion, RegisteredModel, VersionSnapshot
from models_registry.selectors.versions import models_registered, versions, versions_latest
from models_registry.services import versions as service
from models_registry.services.artifacts import artifact_store
from models_registry.services.versions import (
    model_register,
    version_data_replace,
    version_register,
    version_suspend,
)
from tests.factories import (
    DatasetSnapshotFactory,
    ModelVersionFactory,
    RegisteredModelFactory,
    artifact_stored,
)

pytestmark = pytest.mark.django_db

ROLES = ("current", "reference", "predictions", "members", "non-members")


@pytest.fixture
def model(data_scientist: User) -> RegisteredModel:
    return model_register(actor=data_scientist, name="demand", kind="forecasting", description="Weekly units")


@pytest.fixture
def snapshots() -> dict[str, DatasetSnapshot]:
    return {role: DatasetSnapshotFactory.create() for role in ROLES}


def register(
    actor: User, model: RegisteredModel, snapshots: dict[str, DatasetSnapshot], **changes: Any
) -> ModelVersion:
    values = {
        "artifact_digest": artifact_stored(),
        "artifact_format": "skops",
        "metrics": {"wape": 0.2},
        "snapshots": snapshots,
        "audit_parameters": {},
        **changes,
    }
    return version_register(actor=actor, model=model, **values)


def counts() -> tuple[int, int, int, int]:
    return (
        ModelVersion.objects.count(),
        VersionSnapshot.objects.count(),
        AuditPlan.objects.count(),
        entries().count(),
    )


def test_a_model_is_registered_with_owner_and_ledger_entry(
    model: RegisteredModel, data_scientist: User
) -> None:
    assert (model.owner, model.kind, model.description) == (data_scientist, "forecasting", "Weekly units")
    entry = entries().get()
    assert (entry.action, entry.subject, entry.actor) == (
        Action.MODEL_REGISTERED,
        "model:demand",
        data_scientist,
    )
    assert entry.payload == {"name": "demand", "kind": "forecasting"}


def test_a_model_registered_again_is_returned_unchanged(model: RegisteredModel, data_scientist: User) -> None:
    again = model_register(actor=data_scientist, name="demand", kind="forecasting", description="Other words")
    assert (again.pk, again.description) == (model.pk, "Weekly units")
    assert entries().count() == 1


def test_a_name_taken_by_another_kind_is_refused(model: RegisteredModel, data_scientist: User) -> None:
    with pytest.raises(InvalidInput, match="demand is registered as forecasting") as caught:
        model_register(actor=data_scientist, name="demand", kind="segmentation")
    assert caught.value.field == "kind"
    model.refresh_from_db()
    assert model.kind == "forecasting"


def test_an_unknown_kind_is_refused_and_the_known_ones_are_named(data_scientist: User) -> None:
    with pytest.raises(InvalidInput, match="known: counterfeit-detection, digital-twin, forecasting"):
        model_register(actor=data_scientist, name="demand", kind="oracle")
    assert RegisteredModel.objects.count() == 0


@pytest.mark.parametrize("name", ["", "two words", "a/b", "x" * 101, "né"])
def test_a_name_that_is_no_address_is_refused(name: str, data_scientist: User) -> None:
    with pytest.raises(InvalidInput) as caught:
        model_register(actor=data_scientist, name=name, kind="forecasting")
    assert caught.value.field == "name"
    assert (RegisteredModel.objects.count(), entries().count()) == (0, 0)


def test_a_version_binds_artefact_and_data_by_their_digests(
    data_scientist: User, model: RegisteredModel, snapshots: dict[str, DatasetSnapshot]
) -> None:
    def write(path: Path) -> None:
        path.write_bytes(b"weights")

    digest = artifact_store(actor=data_scientist, write=write)
    version = register(
        data_scientist,
        model,
        snapshots,
        artifact_digest=digest,
        hyperparameters={"depth": 3},
        description="First",
    )
    assert digest == hashlib.sha256(b"weights").hexdigest()
    assert (version.number, version.status, version.artifact_bytes) == (1, "draft", 7)
    assert (version.metrics, version.hyperparameters) == ({"wape": 0.2}, {"depth": 3})
    assert {bound.role: bound.snapshot for bound in version.data.all()} == snapshots
    entry = entries(action=Action.VERSION_REGISTERED).get()
    assert (entry.subject, entry.actor) == (version.subject, data_scientist)
    assert entry.payload == {
        "model": "demand",
        "number": 1,
        "artifact_digest": digest,
        "snapshots": {role: snapshot.digest for role, snapshot in snapshots.items()},
    }


def test_versions_are_numbered_within_their_model(
    data_scientist: User, model: RegisteredModel, snapshots: dict[str, DatasetSnapshot]
) -> None:
    other = model_register(actor=data_scientist, name="other", kind="forecasting")
    numbers = [register(data_scientist, m, snapshots).number for m in (model, model, other, model)]
    assert numbers == [1, 2, 1, 3]


def test_a_registered_version_has_the_plans_of_its_kind(
    data_scientist: User, model: RegisteredModel, snapshots: dict[str, DatasetSnapshot]
) -> None:
    version = register(data_scientist, model, snapshots)
    assert sorted(version.plans.values_list("kind", flat=True)) == [
        "data-drift",
        "data-quality",
        "forecast-disparity",
        "membership-inference",
        "multivariate-drift",
        "performance",
        "schema",
    ]


@pytest.mark.parametrize(
    ("_case", "changes", "field", "message"),
    [
        ("no such artefact", {"artifact_digest": "0" * 64}, "artifact_digest", "upload it first"),
        ("a path", {"artifact_digest": "../../../../etc/passwd"}, "artifact_digest", "upload it first"),
        ("not a number", {"metrics": {"wape": float("nan")}}, "metrics", "'wape' must be a finite number"),
        ("infinite", {"metrics": {"wape": float("inf")}}, "metrics", "'wape' must be a finite number"),
        ("text", {"metrics": {"wape": "0.2"}}, "metrics", "'wape' must be a finite number"),
        ("a truth value", {"metrics": {"wape": True}}, "metrics", "'wape' must be a finite number"),
        (
            "nested not a number",
            {"hyperparameters": {"a": [float("nan")]}},
            "hyperparameters",
            "finite numbers",
        ),
        ("an object", {"hyperparameters": {"a": object()}}, "hyperparameters", "finite numbers"),
        (
            "an unknown audit",
            {"audit_parameters": {"horoscope": {}}},
            "audit_parameters",
            "no audit kind 'horoscope'",
        ),
    ],
)
def test_unusable_input_is_refused_and_changes_nothing(
    _case: str,
    changes: dict[str, Any],
    field: str,
    message: str,
    data_scientist: User,
    model: RegisteredModel,
    snapshots: dict[str, DatasetSnapshot],
) -> None:
    before = counts()
    with pytest.raises(InvalidInput, match=message) as caught:
        register(data_scientist, model, snapshots, **changes)
    assert caught.value.field == field
    assert counts() == before


@pytest.mark.parametrize("missing", ROLES)
def test_a_role_that_an_audit_reads_must_be_there(
    missing: str, data_scientist: User, model: RegisteredModel, snapshots: dict[str, DatasetSnapshot]
) -> None:
    before = counts()
    del snapshots[missing]
    with pytest.raises(InvalidInput, match=f"reads a '{missing}' snapshot") as caught:
        register(data_scientist, model, snapshots)
    assert caught.value.field == "snapshots"
    assert counts() == before


def test_an_unknown_role_is_refused_and_the_known_ones_are_named(
    data_scientist: User, model: RegisteredModel, snapshots: dict[str, DatasetSnapshot]
) -> None:
    snapshots["holdout"] = DatasetSnapshotFactory.create()
    with pytest.raises(InvalidInput, match="Role 'holdout' is not known; use one of: training, reference, "):
        register(data_scientist, model, snapshots)


def test_a_hook_that_fails_undoes_the_registration(
    data_scientist: User,
    model: RegisteredModel,
    snapshots: dict[str, DatasetSnapshot],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hook: Hook[ModelVersion] = Hook()

    def refuse(_: ModelVersion) -> None:
        raise InvalidInput("version", "no")

    hook.connect(refuse)
    monkeypatch.setattr(service, "version_registered", hook)
    before = counts()
    with pytest.raises(InvalidInput, match="no"):
        register(data_scientist, model, snapshots)
    assert counts() == before


def test_a_hook_calls_its_receivers_once_and_in_order() -> None:
    hook: Hook[ModelVersion] = Hook()
    called: list[tuple[str, ModelVersion]] = []

    def first(version: ModelVersion) -> None:
        called.append(("first", version))

    def second(version: ModelVersion) -> None:
        called.append(("second", version))

    for receiver in (first, second, first):
        hook.connect(receiver)
    version = ModelVersion(number=1)
    hook.send(version)
    assert called == [("first", version), ("second", version)]


@pytest.mark.parametrize("role", ["officer", "executive", "customer"])
def test_only_a_data_scientist_registers(
    role: str, model: RegisteredModel, snapshots: dict[str, DatasetSnapshot], request: pytest.FixtureRequest
) -> None:
    actor, before = request.getfixturevalue(role), counts()
    with pytest.raises(NotPermitted):
        model_register(actor=actor, name="another", kind="forecasting")
    with pytest.raises(NotPermitted):
        register(actor, model, snapshots)
    with pytest.raises(NotPermitted):
        artifact_store(actor=actor, write=lambda path: pytest.fail("written"))
    assert counts() == before
    assert RegisteredModel.objects.count() == 1


def newer(snapshot: DatasetSnapshot, *names: str) -> DatasetSnapshot:
    """Another snapshot of the same dataset, with these columns."""
    return DatasetSnapshotFactory.create(
        dataset=snapshot.dataset, columns=[{"name": name, "type": "int64"} for name in names]
    )


def test_a_version_is_given_newer_rows_and_the_ledger_names_both(
    data_scientist: User, model: RegisteredModel, snapshots: dict[str, DatasetSnapshot]
) -> None:
    version = register(data_scientist, model, snapshots)
    run = version.audit_runs.get(kind="performance")
    fresh = newer(snapshots["predictions"], "units", "store")
    assert version_data_replace(actor=data_scientist, version=version, role="predictions", snapshot=fresh)
    assert {d.role: d.snapshot for d in version.data.all()} == {**snapshots, "predictions": fresh}
    run.refresh_from_db()
    assert run.current_snapshot == snapshots["predictions"]
    entry = entries(action=Action.VERSION_REFRESHED).get()
    assert (entry.subject, entry.actor) == (version.subject, data_scientist)
    assert entry.payload == {
        "role": "predictions",
        "from": snapshots["predictions"].digest,
        "to": fresh.digest,
    }


def test_giving_a_version_the_rows_it_has_changes_nothing(
    data_scientist: User, model: RegisteredModel, snapshots: dict[str, DatasetSnapshot]
) -> None:
    version = register(data_scientist, model, snapshots)
    assert not version_data_replace(
        actor=data_scientist, version=version, role="current", snapshot=snapshots["current"]
    )
    assert entries(action=Action.VERSION_REFRESHED).count() == 0


@pytest.mark.parametrize("role", ["training", "reference", "members", "non-members", "holdout"])
def test_what_a_version_learned_from_is_never_replaced(
    role: str, data_scientist: User, model: RegisteredModel, snapshots: dict[str, DatasetSnapshot]
) -> None:
    version = register(data_scientist, model, snapshots)
    with pytest.raises(
        InvalidInput, match="cannot be replaced; those of attributes, catalogue, consent, contacts, current"
    ) as caught:
        version_data_replace(
            actor=data_scientist, version=version, role=role, snapshot=newer(snapshots["reference"], "units")
        )
    assert caught.value.field == "role"
    assert {d.role: d.snapshot for d in version.data.all()} == snapshots


def test_rows_that_lack_a_column_are_refused(
    data_scientist: User, model: RegisteredModel, snapshots: dict[str, DatasetSnapshot]
) -> None:
    version = register(data_scientist, model, snapshots)
    with pytest.raises(InvalidInput, match="lack the column 'units'") as caught:
        version_data_replace(
            actor=data_scientist,
            version=version,
            role="current",
            snapshot=newer(snapshots["current"], "store"),
        )
    assert caught.value.field == "snapshot"
    assert {d.role: d.snapshot for d in version.data.all()} == snapshots


def test_a_role_that_a_version_does_not_have_is_not_added(data_scientist: User) -> None:
    version = ModelVersionFactory.create()
    with pytest.raises(InvalidInput, match="has no 'current' snapshot"):
        version_data_replace(
            actor=data_scientist, version=version, role="current", snapshot=DatasetSnapshotFactory.create()
        )
    assert version.data.count() == 0


def test_only_a_data_scientist_gives_a_version_newer_rows(
    officer: User, data_scientist: User, model: RegisteredModel, snapshots: dict[str, DatasetSnapshot]
) -> None:
    version = register(data_scientist, model, snapshots)
    with pytest.raises(NotPermitted):
        version_data_replace(
            actor=officer, version=version, role="current", snapshot=newer(snapshots["current"], "units")
        )
    assert {d.role: d.snapshot for d in version.data.all()} == snapshots


def test_an_approved_version_is_suspended_by_an_officer(officer: User) -> None:
    version = ModelVersionFactory.create(status=ModelVersion.Status.APPROVED)
    assert version_suspend(version=version, actor=officer, reason="complaints")
    version.refresh_from_db()
    assert version.status == ModelVersion.Status.SUSPENDED
    entry = entries().get()
    assert (entry.action, entry.subject, entry.actor) == (Action.VERSION_SUSPENDED, version.subject, officer)
    assert entry.payload == {"reason": "complaints"}


@pytest.mark.parametrize("status", [ModelVersion.Status.DRAFT, ModelVersion.Status.SUSPENDED])
def test_suspending_what_is_not_in_service_changes_nothing(status: str, officer: User) -> None:
    version = ModelVersionFactory.create(status=status)
    assert not version_suspend(version=version, actor=officer, reason="again")
    version.refresh_from_db()
    assert (version.status, entries().count()) == (status, 0)


def test_only_an_officer_suspends(data_scientist: User) -> None:
    version = ModelVersionFactory.create(status=ModelVersion.Status.APPROVED)
    with pytest.raises(NotPermitted):
        version_suspend(version=version, actor=data_scientist, reason="mine")
    version.refresh_from_db()
    assert (version.status, entries().count()) == (ModelVersion.Status.APPROVED, 0)


def test_the_headline_metric_is_the_one_of_the_kind() -> None:
    version = ModelVersionFactory.create(metrics={"wape": 0.21, "mae": 3.0})
    assert version.headline_metric == ("wape", 0.21)
    assert ModelVersionFactory.create(metrics={}).headline_metric == ("wape", None)


def test_models_are_listed_by_name_with_their_versions_counted() -> None:
    second, first = RegisteredModelFactory.create(name="b"), RegisteredModelFactory.create(name="a")
    for _ in range(3):
        ModelVersionFactory.create(model=second)
    listed = models_registered().values("name", "version_count", "latest_number")  # type: ignore[misc]
    assert [tuple(row.values()) for row in listed] == [(first.name, 0, None), (second.name, 3, 3)]


def test_the_newest_version_of_each_model_is_found(django_assert_num_queries: Any) -> None:
    old = ModelVersionFactory.create(model=RegisteredModelFactory.create(name="b"))
    new = ModelVersionFactory.create(model=old.model)
    other = ModelVersionFactory.create(model=RegisteredModelFactory.create(name="a"))
    with django_assert_num_queries(1):
        assert versions_latest() == [other, new]
    assert list(versions()) == [other, new, old]


@pytest.mark.django_db(transaction=True)
def test_two_registrations_at_once_get_two_numbers(
    data_scientist: User,
    model: RegisteredModel,
    snapshots: dict[str, DatasetSnapshot],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("an in-memory SQLite database has one writer only")
    monkeypatch.setattr(service, "version_registered", Hook())
    barrier, numbers = Barrier(2), []

    def register_one() -> None:
        try:
            with transaction.atomic():
                barrier.wait(timeout=60)
                numbers.append(register(data_scientist, model, snapshots).number)
        finally:
            connection.close()

    threads = [Thread(target=register_one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == [1, 2]
    assert entries(action=Action.VERSION_REGISTERED).count() == 2
