"""Which of a version's snapshots an audit reads, and what happens where they are not there."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from audits.kinds import AuditKind, audit_kinds
from audits.models import AuditPlan, AuditRun, Scorecard
from audits.services.execution import run_execute
from audits.services.plan_checks import data_roles
from audits.services.plans import plan_create
from governance.errors import InvalidInput
from models_registry.kinds import ModelKind, model_kinds
from models_registry.models import ModelVersion, VersionSnapshot
from models_registry.services.versions import model_register, version_monitor, version_register
from tests.audits.monitored import arrived, day
from tests.factories import (
    DatasetFactory,
    ModelVersionFactory,
    VersionSnapshotFactory,
    artifact_stored,
    snapshot_stored,
)

KINDS = [kind for kind in audit_kinds if not kind.slug.startswith("probe-")]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.slug)
each_model_kind = pytest.mark.parametrize(
    "model_kind", [k for k in model_kinds if k.slug != "probed"], ids=lambda kind: kind.slug
)
Role = VersionSnapshot.Role

READS = {
    "anonymity": ("training", ""),
    "attribute-inference": ("predictions", ""),
    "data-minimisation": ("training", ""),
    "privacy-budget": ("training", ""),
    "arrival": ("current", "reference"),
    "calibration": ("predictions", ""),
    "concept-drift": ("current", "predictions"),
    "contact-pressure": ("contacts", ""),
    "dark-patterns": ("current", ""),
    "data-drift": ("current", "reference"),
    "data-quality": ("current", "reference"),
    "estimated-performance": ("current", "predictions"),
    "group-disparity": ("predictions", ""),
    "image-data": ("images", ""),
    "image-provenance": ("training", ""),
    "near-duplicates": ("images", "catalogue"),
    "membership-inference": ("non-members", "members"),
    "mitigation": ("predictions", ""),
    "multivariate-drift": ("current", "reference"),
    "performance": ("predictions", ""),
    "personal-data": ("training", ""),
    "prediction-drift": ("current", "predictions"),
    "schema": ("current", "reference"),
    "segment-stability": ("predictions", ""),
    "counterfeit-disparity": ("predictions", ""),
    "exposure-disparity": ("lists", ""),
    "forecast-disparity": ("predictions", ""),
    "intersectional-disparity": ("predictions", ""),
    "item-exposure": ("lists", ""),
    "representation": ("images", ""),
    "retention": ("training", ""),
    "segment-disparity": ("predictions", ""),
    "uplift": ("predictions", ""),
    "consent-coverage": ("training", "consent"),
    "proxy-detection": ("reference", ""),
    "purpose-drift": ("current", "reference"),
}


def version_with(*roles: str, kind: str = "forecasting") -> ModelVersion:
    version = ModelVersionFactory.create(model__kind=kind)
    for role in roles:
        VersionSnapshotFactory.create(version=version, role=role)
    return version


@each_kind
def test_a_kind_reads_roles_that_exist_and_its_reference_if_it_needs_one(kind: AuditKind) -> None:
    current, reference = kind.reads
    assert current in Role.values
    assert reference in {"", *Role.values} - {current}
    assert reference or not kind.needs_reference


@pytest.mark.django_db
@each_model_kind
@each_kind
def test_every_model_kind_gives_an_audit_the_data_it_is_about(kind: AuditKind, model_kind: ModelKind) -> None:
    version = version_with(*Role.values, kind=model_kind.slug)
    assert data_roles(version, kind) == READS[kind.slug]


@pytest.mark.django_db
@each_kind
def test_a_reference_that_the_version_lacks_is_not_read(kind: AuditKind) -> None:
    assert data_roles(version_with(kind.reads[0]), kind) == (kind.reads[0], "")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("roles", "field", "message"),
    [
        ((), "kind", "Estimated performance reads 'current' data; this version has none."),
        (("predictions",), "kind", "Estimated performance reads 'current' data; this version has none."),
        (
            ("current",),
            "comparison",
            "Estimated performance compares two tables, and this version has no reference data.",
        ),
    ],
)
def test_an_audit_without_its_data_is_not_planned(
    roles: tuple[str, ...], field: str, message: str, officer: User
) -> None:
    version = version_with(*roles)
    with pytest.raises(InvalidInput, match=message) as caught:
        plan_create(
            actor=officer,
            version=version,
            kind="estimated-performance",
            name="Without labels",
            parameters={"y_true": "units", "y_pred": "units"},
        )
    assert caught.value.field == field
    assert AuditPlan.objects.count() == 0


@pytest.mark.django_db
def test_scores_that_arrive_are_held_against_the_held_out_predictions(
    officer: User, data_scientist: User
) -> None:
    scores = [0.05 * i for i in range(20)]
    version = ModelVersionFactory.create()
    held_out = snapshot_stored({"score": scores * 10, "fake": [0, 1] * 100})
    VersionSnapshotFactory.create(version=version, role="predictions", snapshot=held_out)
    feed = DatasetFactory.create()
    version_monitor(actor=data_scientist, version=version, dataset=feed)
    newest = arrived(feed, day(0), {"score": scores * 5})
    plan = plan_create(
        actor=officer,
        version=version,
        kind="prediction-drift",
        name="Scores by day",
        data_window="day",
        parameters={"y_pred": "score"},
    )
    run = plan.runs.get()
    assert (run.current_snapshot, run.reference_snapshot) == (newest, held_out)
    assert run_execute(run_id=run.pk)
    run.refresh_from_db()
    assert (run.status, run.verdict) == ("completed", "pass")


@pytest.mark.django_db
@each_model_kind
def test_a_version_with_no_more_than_its_kind_asks_for_gets_every_required_audit(
    model_kind: ModelKind, data_scientist: User
) -> None:
    """Rows that no audit can use: every run ends, none of them passes, and the risk is high."""
    asked = {r for a in model_kind.required_audits for r in (a.current, a.reference) if r}
    snapshots = {
        role: snapshot_stored({"units": [1, 2, number]}, actor=data_scientist)
        for number, role in enumerate(sorted(asked))
    }
    version = version_register(
        actor=data_scientist,
        model=model_register(actor=data_scientist, name="bare", kind=model_kind.slug),
        artifact_digest=artifact_stored(),
        artifact_format="skops",
        metrics={},
        snapshots=snapshots,
        audit_parameters={},
    )
    plans = AuditPlan.objects.filter(version=version)
    assert sorted(plans.values_list("kind", flat=True)) == sorted(a.slug for a in model_kind.required_audits)
    for run in AuditRun.objects.filter(version=version):
        run_execute(run_id=run.pk)
    verdicts = dict(AuditRun.objects.filter(version=version).values_list("kind", "verdict"))
    assert len(verdicts) == len(model_kind.required_audits)
    assert verdicts.pop("schema", "pass") == "pass"  # the one column is there, of the same type
    assert set(verdicts.values()) <= {"errored", "insufficient", "fail"}
    assert Scorecard.objects.filter(version=version).latest("pk").band == "high"


@pytest.mark.django_db
@each_model_kind
def test_a_version_that_lacks_data_of_a_required_audit_is_refused(
    model_kind: ModelKind, data_scientist: User
) -> None:
    asked = {r for a in model_kind.required_audits for r in (a.current, a.reference) if r}
    model = model_register(actor=data_scientist, name="bare", kind=model_kind.slug)
    snapshot = snapshot_stored({"units": [1, 2]}, actor=data_scientist)
    for missing in asked:
        with pytest.raises(InvalidInput, match=f"reads a '{missing}' snapshot; give one"):
            version_register(
                actor=data_scientist,
                model=model,
                artifact_digest=artifact_stored(),
                artifact_format="skops",
                metrics={},
                snapshots=dict.fromkeys(asked - {missing}, snapshot),
                audit_parameters={},
            )
    assert (ModelVersion.objects.count(), AuditPlan.objects.count()) == (0, 0)
