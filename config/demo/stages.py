"""The stages of the demo: train, register, audit, score. Each can be repeated and then changes nothing."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from zipfile import ZIP_DEFLATED

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Q

from audits.models import AuditRun
from audits.selectors.windows import partitions
from audits.services.monitoring import monitoring_update
from audits.services.plans import plan_create
from config.demo.contract import Arrivals, DatasetCard, ReferenceModel, SnapshotDraft
from governance.models import Dataset, DatasetSnapshot
from governance.services.datasets import dataset_register, snapshot_register
from models_registry.models import ModelVersion, RegisteredModel
from models_registry.services.artifacts import artifact_store
from models_registry.services.versions import model_register, version_register

SEED = 20240101
#: Model name -> module with ``build(seed)``. Imported only when the model has to be trained.
BUILDERS = {
    "demand-forecast": "config.demo.forecasting",
    "client-segments": "config.demo.segmentation",
    "clienteling-recommendation": "config.demo.recommendation",
    "counterfeit-detection": "config.demo.counterfeit",
}
RUN_TIMEOUT_SECONDS = 600


def demo_versions() -> list[ModelVersion]:
    """The demo's registered versions, in the order of training."""
    found = ModelVersion.objects.filter(model__name__in=BUILDERS, number=1).select_related("model")
    order = list(BUILDERS)
    return sorted(found, key=lambda version: order.index(version.model.name))


def model_train(name: str) -> ReferenceModel:
    """Train one reference model on the real data; seconds to a minute."""
    build: Callable[[int], ReferenceModel] = importlib.import_module(BUILDERS[name]).build
    return build(SEED)


@transaction.atomic
def model_publish(*, actor: User, officer: User, trained: ReferenceModel) -> ModelVersion:
    """Register model, artefact, snapshots, version and arrivals, as a whole or not at all.

    The audits that the kind requires are planned and queued by that. The officer registers sensitive attributes and
    plans the audits of ``trained.plans``.
    """
    model: RegisteredModel = model_register(
        actor=actor, name=trained.name, kind=trained.kind, description=trained.description
    )
    digest = artifact_store(actor=actor, write=lambda path: _save(trained.estimator, path))
    monitored = _arrived(actor, trained.arrivals) if trained.arrivals else None
    version = version_register(
        actor=actor,
        model=model,
        artifact_digest=digest,
        artifact_format="skops",
        metrics=trained.metrics,
        hyperparameters=trained.hyperparameters,
        snapshots={
            draft.role: _snapshot(officer if draft.dataset.sensitive_attributes else actor, draft)
            for draft in trained.snapshots
        },
        audit_parameters=trained.audit_parameters,
        monitored_dataset=monitored,
    )
    for plan in trained.plans:
        plan_create(
            actor=officer,
            version=version,
            kind=plan.kind,
            name=plan.name,
            data_window=plan.data_window,
            parameters=plan.parameters,
        )
    return version


def _save(estimator: object, path: Path) -> None:
    from skops import io

    io.dump(estimator, path, compression=ZIP_DEFLATED)


def _snapshot(actor: User, draft: SnapshotDraft) -> DatasetSnapshot:
    dataset = _dataset(actor, draft.dataset)
    return snapshot_register(actor=actor, dataset=dataset, table=draft.table, window=draft.window)


def _arrived(actor: User, arrivals: Arrivals) -> Dataset:
    """All windows, before a version watches them: each would ask for its monitoring, and two workers do it twice."""
    dataset = _dataset(actor, arrivals.dataset)
    for window, table in arrivals.tables:
        snapshot_register(actor=actor, dataset=dataset, table=table, window=window)
    return dataset


def _dataset(actor: User, card: DatasetCard) -> Dataset:
    return dataset_register(
        actor=actor,
        name=card.name,
        description=card.description,
        source=card.source,
        owner=card.owner,
        lawful_basis=card.lawful_basis,
        contains_personal_data=card.contains_personal_data,
        subject_key=card.subject_key,
        simulated=card.simulated,
        sensitive_attributes=card.sensitive_attributes,
        purpose=card.purpose,
        retention_days=card.retention_days,
    )


def windows_compared() -> Iterator[tuple[ModelVersion, int, int]]:
    """Compare what the worker has not yet of the versions whose inputs arrive by the week.

    Yields each such version, its partitions, and the points of its series.
    """
    for version in demo_versions():
        if version.monitored_dataset_id is not None:
            monitoring_update(version)
            yield version, len(partitions(version)), version.drift_points.count()


def runs_progress() -> tuple[int, int]:
    """(finished, all) of the demo's runs."""
    finished = Q(status__in=[AuditRun.Status.COMPLETED, AuditRun.Status.ERRORED])
    counts = AuditRun.objects.filter(version__in=demo_versions()).aggregate(
        done=Count("pk", filter=finished), total=Count("pk")
    )
    return counts["done"], counts["total"]


def runs_awaited() -> Iterator[tuple[int, int]]:
    """Yield the progress of the audit runs until all are finished.

    Raises
    ------
    TimeoutError
        When they take longer than ten minutes: the worker's log says why.
    """
    deadline = time.monotonic() + RUN_TIMEOUT_SECONDS
    while True:
        done, total = runs_progress()
        yield done, total
        if done == total:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{total - done} audit runs are not finished; see var/log/worker.log")
        time.sleep(0.5)
