"""Versions of a model: list, show, register, suspend."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.endpoint import Endpoint
from governance.api.fields import DigestField, RecordSerializer, UtcDateTimeField, VocabularyField
from governance.api.queries import ListQuery, StrictSerializer, ordering_field, search_field
from governance.errors import InvalidInput, InvalidTransition
from governance.models import Dataset, DatasetSnapshot
from governance.permissions import Permission
from governance.selectors.snapshots import snapshot_find
from models_registry.models import ModelVersion, RegisteredModel, VersionSnapshot
from models_registry.scanning import Verdict
from models_registry.selectors.scans import scan_of
from models_registry.selectors.versions import versions
from models_registry.services.versions import (
    version_data_replace,
    version_monitor,
    version_register,
    version_suspend,
)

STATUSES = ModelVersion.Status.values
ROLES = VersionSnapshot.Role.values


class VersionSnapshotOutput(serializers.Serializer):
    """A snapshot and the role that it plays for a version."""

    role = VocabularyField("SnapshotRole", ROLES)
    dataset = serializers.CharField(source="snapshot.dataset.name")
    digest = serializers.CharField(source="snapshot.digest")
    rows = serializers.IntegerField(source="snapshot.rows")


class VersionOutput(RecordSerializer):
    """One immutable release of a model, as lists show it."""

    model = serializers.CharField(source="model.name")
    kind = serializers.CharField(source="model.kind")
    status = VocabularyField("VersionStatus", STATUSES)
    metrics = serializers.DictField(child=serializers.FloatField())
    registered_by = serializers.CharField(source="registered_by.username")

    class Meta:
        model = ModelVersion
        fields: tuple[str, ...] = (
            "model",
            "number",
            "kind",
            "status",
            "description",
            "artifact_digest",
            "artifact_format",
            "artifact_bytes",
            "metrics",
            "registered_by",
            "registered_at",
        )


class ScanIssue(serializers.Serializer):
    code = serializers.CharField()
    where = serializers.CharField()
    message = serializers.CharField()


class ArtifactScanOutput(serializers.Serializer):
    """What a look into the artefact found, without loading it; null until a worker has looked."""

    format = serializers.CharField()
    verdict = VocabularyField("ArtifactVerdict", [verdict.value for verdict in Verdict])
    issues = ScanIssue(many=True)
    scanned_at = UtcDateTimeField()


class VersionDetail(VersionOutput):
    """One release with its data, hyperparameters and what its audits are told."""

    hyperparameters = serializers.DictField()
    audit_parameters = serializers.DictField(child=serializers.DictField())
    artifact_scan = serializers.SerializerMethodField()
    data = VersionSnapshotOutput(many=True)  # type: ignore[assignment]  # a field, not the property
    monitored_dataset = serializers.CharField(
        source="monitored_dataset.name",
        default=None,
        allow_null=True,
        help_text="Where its new inputs arrive.",
    )

    class Meta(VersionOutput.Meta):
        fields = (
            *VersionOutput.Meta.fields,
            "hyperparameters",
            "audit_parameters",
            "artifact_scan",
            "data",
            "monitored_dataset",
            "approved_at",
        )

    @extend_schema_field(ArtifactScanOutput(allow_null=True))
    def get_artifact_scan(self, version: ModelVersion) -> dict[str, object] | None:
        found = scan_of(version.artifact_digest)
        return dict(ArtifactScanOutput(found).data) if found and found.verdict else None


class VersionInput(StrictSerializer):
    artifact_digest = DigestField(help_text="As answered by /api/v1/artifacts/.")
    artifact_format = serializers.SlugField(max_length=20, help_text="For instance skops or onnx.")
    metrics = serializers.DictField(
        child=serializers.FloatField(), help_text="As you measured them; finite numbers."
    )
    snapshots = serializers.DictField(
        child=serializers.CharField(max_length=170),
        help_text="Role to snapshot, by digest or dataset@digest; at least the roles that the kind's audits read.",
    )
    audit_parameters = serializers.DictField(
        child=serializers.DictField(),
        required=False,
        help_text="Audit kind to what it must know about the columns.",
    )
    hyperparameters = serializers.DictField(required=False)
    description = serializers.CharField(required=False, allow_blank=True)
    monitored_dataset = serializers.SlugField(
        max_length=100,
        required=False,
        help_text="Where its new inputs will arrive, as snapshots with a window.",
    )


class MonitoredDatasetInput(StrictSerializer):
    dataset = serializers.SlugField(
        max_length=100, allow_null=True, help_text="A dataset's name; null when nothing arrives any more."
    )


class DataInput(StrictSerializer):
    role = VocabularyField("SnapshotRole", ROLES)
    snapshot = serializers.CharField(max_length=170, help_text="The newer rows, by digest or dataset@digest.")


class SuspensionInput(StrictSerializer):
    reason = serializers.CharField(max_length=1000, help_text="Kept in the ledger: name no persons.")


class VersionQuery(ListQuery):
    search = search_field("the description")
    ordering = ordering_field("number", "registered_at")
    status = VocabularyField("VersionStatus", STATUSES, required=False)
    filters = {"status": "status"}
    searched = ("description",)


def _detailed(name: str) -> QuerySet[ModelVersion]:
    data = Prefetch(
        "data", queryset=VersionSnapshot.objects.select_related("snapshot__dataset").order_by("pk")
    )
    return versions().select_related("monitored_dataset").filter(model__name=name).prefetch_related(data)


def _dataset(field: str, name: str) -> Dataset:
    dataset = Dataset.objects.filter(name=name).first()
    if dataset is None:
        raise InvalidInput(field, f"There is no dataset {name!r}; register it first.")
    return dataset


def _snapshots(references: Mapping[str, str]) -> dict[str, DatasetSnapshot]:
    found = {}
    for role, reference in references.items():
        snapshot = snapshot_find(reference)
        if snapshot is None:
            raise InvalidInput(
                "snapshots", f"There is no snapshot {reference!r} for role {role!r}; upload it first."
            )
        found[role] = snapshot
    return found


class VersionsEndpoint(Endpoint):
    tag = "Models"
    needs = {"get": Permission.MODEL_READ, "post": Permission.MODEL_REGISTER}
    query_serializer = VersionQuery

    @extend_schema(
        operation_id="versions_list", summary="Versions of a model", responses=VersionOutput(many=True)
    )
    def get(self, request: Request, name: str) -> Response:
        model = get_object_or_404(RegisteredModel, name=name)
        return self.listing(versions().filter(model=model), VersionOutput)

    @extend_schema(
        operation_id="versions_register",
        summary="Register the next version; plans its audits and queues their first runs",
        request=VersionInput,
        responses={201: VersionDetail},
    )
    def post(self, request: Request, name: str) -> Response:
        model = get_object_or_404(RegisteredModel, name=name)
        values = self.read(VersionInput)
        values["snapshots"] = _snapshots(values["snapshots"])
        values.setdefault("audit_parameters", {})
        if "monitored_dataset" in values:
            values["monitored_dataset"] = _dataset("monitored_dataset", values["monitored_dataset"])
        version = version_register(actor=self.actor, model=model, **values)
        return Response(
            VersionDetail(_detailed(name).get(pk=version.pk)).data, status=status.HTTP_201_CREATED
        )


class VersionEndpoint(Endpoint):
    tag = "Models"
    needs = {"get": Permission.MODEL_READ}

    @extend_schema(operation_id="versions_show", summary="One version", responses=VersionDetail)
    def get(self, request: Request, name: str, number: int) -> Response:
        return Response(VersionDetail(get_object_or_404(_detailed(name), number=number)).data)


class VersionDataEndpoint(Endpoint):
    tag = "Models"
    needs = {"post": Permission.MODEL_REGISTER}

    @extend_schema(
        operation_id="versions_refresh_data",
        summary="Give a version newer current inputs or predictions to be audited on",
        request=DataInput,
        responses={200: VersionDetail},
    )
    def post(self, request: Request, name: str, number: int) -> Response:
        version = get_object_or_404(_detailed(name), number=number)
        values = self.read(DataInput)
        snapshot = _snapshots({values["role"]: values["snapshot"]})[values["role"]]
        version_data_replace(actor=self.actor, version=version, role=values["role"], snapshot=snapshot)
        return Response(VersionDetail(_detailed(name).get(pk=version.pk)).data)


class VersionMonitoredDatasetEndpoint(Endpoint):
    tag = "Models"
    needs = {"put": Permission.MODEL_REGISTER}

    @extend_schema(
        operation_id="versions_monitor",
        summary="Say in which dataset a version's new inputs arrive",
        description="Snapshots of it that have a window are compared with the version's reference as they arrive.",
        request=MonitoredDatasetInput,
        responses={200: VersionDetail},
    )
    def put(self, request: Request, name: str, number: int) -> Response:
        version = get_object_or_404(_detailed(name), number=number)
        asked = self.read(MonitoredDatasetInput)["dataset"]
        version_monitor(
            actor=self.actor, version=version, dataset=None if asked is None else _dataset("dataset", asked)
        )
        return Response(VersionDetail(_detailed(name).get(pk=version.pk)).data)


class VersionSuspensionEndpoint(Endpoint):
    tag = "Models"
    needs = {"post": Permission.VERSION_SUSPEND}

    @extend_schema(
        operation_id="versions_suspend",
        summary="Take an approved version out of service",
        request=SuspensionInput,
        responses={200: VersionDetail},
    )
    def post(self, request: Request, name: str, number: int) -> Response:
        version = get_object_or_404(_detailed(name), number=number)
        if not version_suspend(version=version, actor=self.actor, **self.read(SuspensionInput)):
            raise InvalidTransition(
                f"{version} is not in service; only an approved version can be suspended."
            )
        return Response(VersionDetail(_detailed(name).get(pk=version.pk)).data)
