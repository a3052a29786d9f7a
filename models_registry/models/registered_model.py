from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from governance.models import Dataset, DatasetSnapshot
from models_registry.kinds import ModelKind, model_kind_choices, model_kinds


class RegisteredModel(models.Model):
    """A model by name; its versions carry the artefacts and the status."""

    name = models.SlugField(max_length=100, unique=True)
    kind = models.CharField(max_length=40, choices=model_kind_choices)
    description = models.TextField(blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    registered_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def subject(self) -> str:
        return f"model:{self.name}"

    @property
    def title(self) -> str:
        """The name as a person reads it: ``demand-forecast`` is Demand forecast."""
        return self.name.replace("-", " ").replace("_", " ").capitalize()

    @property
    def plugin(self) -> ModelKind:
        return model_kinds.get(self.kind)


class ModelVersion(models.Model):
    """One immutable release of a registered model; only its status changes, by compare-and-swap."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        APPROVED = "approved", "Approved"
        SUSPENDED = "suspended", "Suspended"

    model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.DRAFT)
    description = models.TextField(blank=True)
    artifact_digest = models.CharField(max_length=64)
    artifact_format = models.CharField(max_length=20)
    artifact_bytes = models.PositiveBigIntegerField()
    metrics = models.JSONField(default=dict)  # {metric: number}, as reported by who registered
    hyperparameters = models.JSONField(default=dict)
    audit_parameters = models.JSONField(default=dict)  # {audit kind: AuditParameters as JSON}
    #: Where the version's new inputs arrive, partition by partition; null when nothing arrives.
    monitored_dataset = models.ForeignKey(
        Dataset, null=True, blank=True, on_delete=models.PROTECT, related_name="monitoring_versions"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    registered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    registered_at = models.DateTimeField()
    snapshots: models.ManyToManyField[DatasetSnapshot, Any] = models.ManyToManyField(
        DatasetSnapshot, through="VersionSnapshot", related_name="versions"
    )

    class Meta:
        ordering = ["model__name", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["model", "number"], name="model_version_number_unique"),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "approved", "suspended"]), name="model_version_status_valid"
            ),
            models.CheckConstraint(condition=Q(number__gt=0), name="model_version_number_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.model.name} v{self.number}"

    @property
    def subject(self) -> str:
        return f"model-version:{self.pk}"

    @property
    def title(self) -> str:
        return f"{self.model.title}, version {self.number}"

    @property
    def headline_metric(self) -> tuple[str, float | None]:
        """Name and value of the metric that lists show first."""
        name = self.model.plugin.headline_metric
        return name, self.metrics.get(name)


class VersionSnapshot(models.Model):
    """Which snapshot plays which role for a version: training, reference, current, predictions, ..."""

    class Role(models.TextChoices):
        TRAINING = "training", "Training"
        REFERENCE = "reference", "Reference inputs"
        CURRENT = "current", "Current inputs"
        PREDICTIONS = "predictions", "Predictions"
        MEMBERS = "members", "Rows seen in training, scored"
        NON_MEMBERS = "non-members", "Rows not seen in training, scored"
        LABELS = "labels", "Labels that came later"
        ATTRIBUTES = "attributes", "Sensitive attributes, kept apart"
        CONSENT = "consent", "Consent records"
        CONTACTS = "contacts", "Contacts and offers"
        IMAGES = "images", "Images"
        CATALOGUE = "catalogue", "Protected catalogue"
        LISTS = "lists", "Ranked lists"

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="data")
    role = models.CharField(max_length=20, choices=Role.choices)
    snapshot = models.ForeignKey(DatasetSnapshot, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["version", "role"], name="version_snapshot_one_per_role"),
            models.CheckConstraint(
                condition=Q(
                    role__in=[
                        "training",
                        "reference",
                        "current",
                        "predictions",
                        "members",
                        "non-members",
                        "labels",
                        "attributes",
                        "consent",
                        "contacts",
                        "images",
                        "catalogue",
                        "lists",
                    ]
                ),
                name="version_snapshot_role_valid",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} of version {self.version_id}"
