"""Register models and versions; change a version's status."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from governance.actions import Action
from governance.canonical import canonical_json
from governance.errors import InvalidInput
from governance.models import Dataset, DatasetSnapshot
from governance.permissions import Permission, require
from governance.services import ledger
from governance.store import store_has, store_path
from models_registry.hooks import version_monitored, version_registered
from models_registry.kinds import model_kinds
from models_registry.models import ModelVersion, RegisteredModel, VersionSnapshot
from models_registry.services.scans import artifact_scan_request

Role = VersionSnapshot.Role
#: Roles whose snapshot a version may exchange for a newer one.
REPLACEABLE = frozenset(
    role.value
    for role in (
        Role.CURRENT,
        Role.PREDICTIONS,
        Role.ATTRIBUTES,
        Role.CONSENT,
        Role.CONTACTS,
        Role.CATALOGUE,
        Role.LISTS,
    )
)
#: Roles that show what a model takes as input.
INPUTS = (Role.TRAINING.value, Role.REFERENCE.value, Role.CURRENT.value)


@transaction.atomic
def model_register(*, actor: User, name: str, kind: str, description: str = "") -> RegisteredModel:
    """Register a model by name; an existing one of the same kind is returned unchanged.

    Raises
    ------
    InvalidInput
        When the name cannot stand in an address, the kind is not known, or the name belongs to another kind.
    """
    actor = require(actor, Permission.MODEL_REGISTER)
    _check_name(name)
    try:
        model_kinds.get(kind)
    except LookupError as error:
        raise InvalidInput("kind", str(error)) from error
    model, created = RegisteredModel.objects.get_or_create(
        name=name,
        defaults={"kind": kind, "description": description, "owner": actor, "registered_at": timezone.now()},
    )
    if model.kind != kind:
        raise InvalidInput("kind", f"{name} is registered as {model.kind}; choose another name or that kind.")
    if created:
        ledger.record(
            action=Action.MODEL_REGISTERED,
            subject=model.subject,
            actor=actor,
            payload={"name": name, "kind": kind},
        )
    return model


@transaction.atomic
def version_register(
    *,
    actor: User,
    model: RegisteredModel,
    artifact_digest: str,
    artifact_format: str,
    metrics: Mapping[str, float],
    snapshots: Mapping[str, DatasetSnapshot],
    audit_parameters: Mapping[str, Mapping[str, Any]],
    hyperparameters: Mapping[str, Any] | None = None,
    description: str = "",
    monitored_dataset: Dataset | None = None,
) -> ModelVersion:
    """Register the next version of a model, with its data, and plan the audits that its kind requires.

    Parameters
    ----------
    artifact_digest : str
        SHA-256 of a file that is in the store already.
    metrics : mapping of str to float
        As measured by who registers; finite numbers.
    snapshots : mapping of role to snapshot
        At least every role that the kind's required audits read.
    audit_parameters : mapping of audit kind to parameters
        What each audit must know about the columns; checked when the audits are planned.
    monitored_dataset : Dataset, optional
        Where the version's new inputs will arrive, as snapshots with a window.

    Raises
    ------
    InvalidInput
        Names the field: artefact not stored, a number not finite, a role unknown or missing.
    """
    actor = require(actor, Permission.MODEL_REGISTER)
    if not store_has(artifact_digest):
        raise InvalidInput("artifact_digest", "No stored artefact has this digest; upload it first.")
    _check_metrics(metrics)
    _check_json("hyperparameters", hyperparameters or {})
    _check_json("audit_parameters", audit_parameters)
    _check_roles(model, snapshots)
    check_attributes(snapshots)
    _check_monitored(monitored_dataset)
    # The model's row is locked, so that two registrations at once get two numbers.
    RegisteredModel.objects.select_for_update().get(pk=model.pk)
    last = ModelVersion.objects.filter(model=model).aggregate(last=Max("number"))["last"] or 0
    version = ModelVersion.objects.create(
        model=model,
        number=last + 1,
        description=description,
        artifact_digest=artifact_digest,
        artifact_format=artifact_format,
        artifact_bytes=store_path(artifact_digest).stat().st_size,
        metrics=dict(metrics),
        hyperparameters=dict(hyperparameters or {}),
        audit_parameters=dict(audit_parameters),
        monitored_dataset=monitored_dataset,
        registered_by=actor,
        registered_at=timezone.now(),
    )
    VersionSnapshot.objects.bulk_create(
        VersionSnapshot(version=version, role=role, snapshot=snapshot) for role, snapshot in snapshots.items()
    )
    ledger.record(
        action=Action.VERSION_REGISTERED,
        subject=version.subject,
        actor=actor,
        payload={
            "model": model.name,
            "number": version.number,
            "artifact_digest": artifact_digest,
            "snapshots": {role: snapshot.digest for role, snapshot in snapshots.items()},
        },
    )
    artifact_scan_request(artifact_digest)
    version_registered.send(version)
    if monitored_dataset is not None:
        _record_monitored(version, actor)
    return version


def _check_name(name: str) -> None:
    try:
        RegisteredModel._meta.get_field("name").clean(name, None)
    except ValidationError as error:
        raise InvalidInput("name", " ".join(error.messages)) from error


def _check_metrics(metrics: Mapping[str, float]) -> None:
    for name, value in metrics.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise InvalidInput("metrics", f"Metric {name!r} must be a finite number.")


def _check_json(field: str, values: Mapping[str, Any]) -> None:
    """Refuse what a JSON column cannot hold: numbers that are not finite, objects of other types."""
    try:
        canonical_json(values)
    except (TypeError, ValueError) as error:
        raise InvalidInput(field, f"Use text, finite numbers, lists and mappings only: {error}.") from error


def _check_roles(model: RegisteredModel, snapshots: Mapping[str, DatasetSnapshot]) -> None:
    unknown = sorted(set(snapshots) - set(VersionSnapshot.Role.values))
    if unknown:
        known = ", ".join(VersionSnapshot.Role.values)
        raise InvalidInput("snapshots", f"Role {unknown[0]!r} is not known; use one of: {known}.")
    for audit in model.plugin.required_audits:
        for role in filter(None, (audit.current, audit.reference)):
            if role not in snapshots:
                raise InvalidInput(
                    "snapshots", f"The audit {audit.slug} of this kind reads a {role!r} snapshot; give one."
                )


def check_attributes(snapshots: Mapping[str, DatasetSnapshot]) -> None:
    """Keep sensitive attributes apart from what a model learns from.

    Raises
    ------
    InvalidInput
        When rows of a dataset of sensitive attributes have another role, rows of another dataset have this one, or a
        sensitive attribute is a column of the model's inputs as well.
    """
    for role, snapshot in snapshots.items():
        dataset = snapshot.dataset
        if dataset.sensitive_attributes and role != Role.ATTRIBUTES:
            raise InvalidInput(
                "snapshots",
                f"{dataset.name} holds sensitive attributes, which only the role 'attributes' may use.",
            )
        if role == Role.ATTRIBUTES and not dataset.sensitive_attributes:
            raise InvalidInput(
                "snapshots",
                f"Register {dataset.name} as sensitive attributes, with a purpose, before it has this role.",
            )
    if Role.ATTRIBUTES in snapshots:
        _check_no_input(snapshots)


def _check_no_input(snapshots: Mapping[str, DatasetSnapshot]) -> None:
    attributes = snapshots[Role.ATTRIBUTES]
    apart = {column["name"] for column in attributes.columns} - {attributes.dataset.subject_key}
    for role in INPUTS:
        known = {column["name"] for column in snapshots[role].columns} if role in snapshots else set()
        if apart & known:
            raise InvalidInput(
                "snapshots",
                f"The column {min(apart & known)!r} of the {role!r} rows is a sensitive attribute of "
                f"{attributes.dataset.name}. A model must not take it as an input by accident: leave it out of one.",
            )


@transaction.atomic
def version_data_replace(*, actor: User, version: ModelVersion, role: str, snapshot: DatasetSnapshot) -> bool:
    """Give a version newer rows to be audited on from the next run; earlier runs keep naming theirs.

    Only what is observed later can be replaced: current inputs and scored predictions. What the model learned from
    is part of the immutable release.

    Returns
    -------
    bool
        False when the version has this snapshot in this role already.

    Raises
    ------
    InvalidInput
        For a role that cannot be replaced or that the version does not have, and for rows that lack a column which
        the present ones have.
    """
    actor = require(actor, Permission.MODEL_REGISTER)
    if role not in REPLACEABLE:
        raise InvalidInput(
            "role", f"Rows of {role!r} cannot be replaced; those of {', '.join(sorted(REPLACEABLE))} can."
        )
    data = VersionSnapshot.objects.select_for_update().filter(version=version, role=role).first()
    if data is None:
        raise InvalidInput("role", f"This version has no {role!r} snapshot.")
    missing = sorted({c["name"] for c in data.snapshot.columns} - {c["name"] for c in snapshot.columns})
    if missing:
        raise InvalidInput("snapshot", f"The new rows lack the column {missing[0]!r}; the audits read it.")
    others = {d.role: d.snapshot for d in version.data.select_related("snapshot__dataset")}
    check_attributes({**others, role: snapshot})
    changed = VersionSnapshot.objects.filter(pk=data.pk).exclude(snapshot=snapshot).update(snapshot=snapshot)
    if not changed:
        return False
    ledger.record(
        action=Action.VERSION_REFRESHED,
        subject=version.subject,
        actor=actor,
        payload={"role": role, "from": data.snapshot.digest, "to": snapshot.digest},
    )
    return True


@transaction.atomic
def version_monitor(*, actor: User, version: ModelVersion, dataset: Dataset | None) -> bool:
    """Say in which dataset a version's new inputs arrive, partition by partition; None when they no longer do.

    Returns
    -------
    bool
        False when it was monitored on this dataset already.

    Raises
    ------
    InvalidInput
        When partitions of the dataset overlap, or it holds sensitive attributes.
    """
    actor = require(actor, Permission.MODEL_REGISTER)
    before = ModelVersion.objects.select_for_update(of=("self",)).get(pk=version.pk).monitored_dataset_id
    if before == (dataset.pk if dataset else None):
        return False
    _check_monitored(dataset)
    ModelVersion.objects.filter(pk=version.pk).update(monitored_dataset=dataset)
    version.monitored_dataset = dataset
    _record_monitored(version, actor)
    return True


def _check_monitored(dataset: Dataset | None) -> None:
    if dataset is not None and dataset.sensitive_attributes:
        raise InvalidInput(
            "dataset", f"{dataset.name} holds sensitive attributes, which are no model's inputs."
        )


def _record_monitored(version: ModelVersion, actor: User) -> None:
    dataset = version.monitored_dataset
    ledger.record(
        action=Action.VERSION_MONITORED,
        subject=version.subject,
        actor=actor,
        payload={"dataset": dataset.name if dataset else ""},
    )
    version_monitored.send(version)


@transaction.atomic
def version_suspend(*, version: ModelVersion, actor: User | None, reason: str) -> bool:
    """Take an approved version out of service; ``actor`` None is the platform itself, after a failed audit.

    Returns
    -------
    bool
        False when it was not in service, so that a retried task changes nothing.
    """
    if actor is not None:
        actor = require(actor, Permission.VERSION_SUSPEND)
    changed = ModelVersion.objects.filter(pk=version.pk, status=ModelVersion.Status.APPROVED).update(
        status=ModelVersion.Status.SUSPENDED
    )
    if not changed:
        return False
    ledger.record(
        action=Action.VERSION_SUSPENDED, subject=version.subject, actor=actor, payload={"reason": reason}
    )
    return True
