"""Datasets and their snapshots: what models learned from and are audited on."""

from django.db import models
from django.db.models import F, Q


class Dataset(models.Model):
    """A data asset by name: owner, origin, lawful basis, whether it identifies people."""

    name = models.SlugField(max_length=100, unique=True)
    description = models.TextField()
    source = models.CharField(max_length=300)
    owner = models.CharField(max_length=100)
    lawful_basis = models.CharField(max_length=200, blank=True)
    contains_personal_data = models.BooleanField(default=False)
    sensitive_attributes = models.BooleanField(
        default=False
    )  # kept apart: for audits alone, never for training
    purpose = models.CharField(max_length=300, blank=True)
    retention_days = models.PositiveIntegerField(null=True, blank=True)
    subject_key = models.CharField(max_length=100, blank=True)
    simulated = models.CharField(max_length=400, blank=True)
    registered_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(contains_personal_data=False) | ~Q(lawful_basis=""),
                name="dataset_personal_data_has_basis",
            ),
            models.CheckConstraint(
                condition=Q(sensitive_attributes=False)
                | (Q(contains_personal_data=True) & ~Q(purpose="") & ~Q(subject_key="")),
                name="dataset_sensitive_attributes_declared",
            ),
            models.CheckConstraint(
                condition=Q(retention_days__isnull=True) | Q(retention_days__gt=0),
                name="dataset_retention_positive",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def subject(self) -> str:
        return f"dataset:{self.name}"


class DatasetSnapshot(models.Model):
    """Immutable rows of a dataset, as one Parquet file named by its SHA-256 digest."""

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="snapshots")
    digest = models.CharField(max_length=64)
    rows = models.PositiveBigIntegerField()
    byte_size = models.PositiveBigIntegerField()
    columns = models.JSONField(default=list)  # [{"name": str, "type": str}] in file order
    window_start = models.DateField(null=True)
    window_end = models.DateField(null=True)
    registered_at = models.DateTimeField()

    class Meta:
        ordering = ["-registered_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["dataset", "digest"], name="snapshot_once_per_dataset"),
            models.CheckConstraint(
                # Both or neither: a comparison with NULL is not false, so a check constraint would let it pass.
                condition=Q(window_start__isnull=True, window_end__isnull=True)
                | Q(window_start__isnull=False, window_end__isnull=False, window_end__gte=F("window_start")),
                name="snapshot_window_ordered",
            ),
        ]
        indexes = [models.Index(fields=["digest"], name="snapshot_digest")]

    def __str__(self) -> str:
        return f"{self.dataset.name}@{self.digest[:12]}"

    @property
    def subject(self) -> str:
        return f"snapshot:{self.digest}"
